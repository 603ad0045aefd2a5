"""A person understands a text better than the machine: possible opt-outs decided, meanings corrected.

What the machine had taken it to mean is kept beside (``Correction``), so that its rules can be tested on it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select, update

from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.messaging.conversations import PERHAPS_OPTED_OUT
from outreach.messaging.dropped import drop_of_campaign
from outreach.messaging.events import append, delta
from outreach.messaging.inbox_models import Correction
from outreach.messaging.models import Conversation, Gate, Reply
from outreach.messaging.optout import withdraw_planned
from outreach.messaging.record import mark_number_bad
from outreach.messaging.reported import restand, standing
from outreach.messaging.tactics import every_outcome, tactic_row
from outreach.messaging.threads import Actor, came_after, get_conversation, mine_or_free, note, settle
from outreach.people.consent import lift, lock_people, record_opt_out
from outreach.people.models import Constituent, Suppression

INTENTS: Final = (
    "question", "report", "call", "script", "pledge", "decline", "wrong_number", "opt_out", "other",
)  # fmt: skip
"""What a person may correct a text's intent to."""


def decide_opt_out(
    tx: Transaction, runtime: Runtime, who: Actor, conversation_id: int, *, stops: bool, seen: int | None = None
) -> None:
    """A possible opt-out is one, or is none. The transaction must be durable. Raises ConflictError when none waits,
    and for a no also conversation_moved_on when a text came after ``seen``: nobody has read that one.

    Texts that were withdrawn while it waited stay withdrawn.
    """
    thread = get_conversation(tx, who.group_id, conversation_id)
    lock_people(tx, [thread.number_hash])
    at = runtime.clock.real_now()
    thread = mine_or_free(tx, who, conversation_id, at)
    if thread.rank != PERHAPS_OPTED_OUT:
        raise ConflictError("nothing_to_decide")
    if not stops and came_after(tx, thread, seen):
        raise ConflictError("conversation_moved_on")
    for reply in _doubtful(tx, thread):
        _change(tx, runtime, who, reply, "opt_out" if stops else "other", reply.outcome)
        if stops:
            _opt_out(tx, runtime, who, reply)
    for suppression_id in () if _is_doubted_elsewhere(tx, thread) else _pending(tx, thread):
        lift(tx, suppression_id, who.group_id, reason=f"{who.name}: {'opt-out' if stops else 'no opt-out'}", at=at)
    settle(thread)
    note(tx, runtime, who, "opt_out_decided", f"conversation:{thread.id}", stops=stops)


def correct_reply(
    tx: Transaction, runtime: Runtime, who: Actor, reply_id: int, *, intent: str, outcome: str | None
) -> int:
    """Change what we took a text to mean, with all that follows; the thread's id. The transaction must be durable.

    An opt-out stays one: only the person can come back, by START. Raises NotFoundError, BadInputError, ConflictError.
    """
    if intent not in INTENTS or (outcome is not None and outcome not in every_outcome()):
        raise BadInputError("intent_unknown")
    if (intent == "report") != (outcome is not None):
        raise BadInputError("outcome_with_report")
    reply = tx.execute(select(Reply).where(Reply.id == reply_id, Reply.group_id == who.group_id)).scalar()
    if reply is None:
        raise NotFoundError("reply_unknown")
    lock_people(tx, [reply.number_hash])
    reply = tx.execute(
        select(Reply).where(Reply.id == reply_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()
    thread = tx.execute(
        select(Conversation).where(Conversation.group_id == who.group_id, Conversation.number_hash == reply.number_hash)
    ).scalar_one()
    if (reply.intent, reply.outcome) == (intent, outcome):
        return thread.id
    if outcome is not None and outcome not in tactic_row(_tactic_of(tx, reply))["outcomes"]:
        raise BadInputError("intent_unknown")
    if reply.intent == "opt_out":
        raise ConflictError("opt_out_stays")
    if reply.intent == "possible_opt_out":
        raise ConflictError("conversation_undecided")
    at = runtime.clock.real_now()
    if thread.claimed_by == who.user_id:
        thread.claimed_at = at
    if reply.intent == "wrong_number":  # our own mark from this text; the carrier's has a code
        tx.execute(
            update(Constituent)
            .where(Constituent.number_hash == reply.number_hash, Constituent.number_bad_code.is_(None))
            .values(number_bad_at=None)
        )
    _change(tx, runtime, who, reply, intent, outcome)
    if intent == "opt_out":
        _opt_out(tx, runtime, who, reply)
        settle(thread)
    elif intent == "wrong_number":
        mark_number_bad(tx, runtime, reply.number_hash, None)
        withdraw_planned(tx, reply.number_hash, at)
    return thread.id


def _doubtful(tx: Transaction, thread: Conversation) -> list[Reply]:
    of_thread = Reply.group_id == thread.group_id, Reply.number_hash == thread.number_hash
    waiting = select(Reply).where(*of_thread, Reply.intent == "possible_opt_out").order_by(Reply.id).with_for_update()
    return list(tx.execute(waiting).scalars())


def _is_doubted_elsewhere(tx: Transaction, thread: Conversation) -> bool:
    """Whether what they wrote to another group may mean stop, too: that one is held for whoever reads it there."""
    others = Reply.group_id != thread.group_id, Reply.number_hash == thread.number_hash
    return tx.execute(select(Reply.id).where(*others, Reply.intent == "possible_opt_out").limit(1)).first() is not None


def _pending(tx: Transaction, thread: Conversation) -> list[int]:
    waiting = select(Suppression.id).where(
        Suppression.number_hash == thread.number_hash,
        Suppression.source == "pending",
        Suppression.lifted_at.is_(None),
    )
    return list(tx.execute(waiting).scalars())


def _change(tx: Transaction, runtime: Runtime, who: Actor, reply: Reply, intent: str, outcome: str | None) -> None:
    """Write a text's new meaning, and move what the counters hold of it."""
    at = runtime.clock.real_now()
    note(
        tx, runtime, who, "reply_corrected", f"reply:{reply.id}",
        before=[reply.intent, reply.outcome], after=[intent, outcome],
    )  # fmt: skip
    _remember(tx, reply, intent, outcome, at)
    told = standing(tx, reply.number_hash, reply.gate_id) if reply.gate_id is not None else []
    reply.intent, reply.outcome, reply.corrected_by = intent, outcome, who.name
    reply.tactic = _tactic_of(tx, reply) if outcome else None
    reply.superseded = False
    tx.flush()
    if reply.gate_id is None:
        return
    moves = restand(tx, reply.number_hash, reply.gate_id, told)
    if intent == "opt_out":
        moves[None, "opted_out"] += 1
    append(tx, [delta(reply.gate_id, source, target, count, at) for (source, target), count in moves.items()])
    if outcome or intent == "decline":  # nobody is asked how it went who has said so
        drop_of_campaign(tx, reply.number_hash, reply.gate_id, "reported" if outcome else "declined", at)


def _tactic_of(tx: Transaction, reply: Reply) -> str | None:
    """What the campaign that the text answers asks people to do."""
    return tx.execute(select(Gate.tactic).where(Gate.id == reply.gate_id)).scalar()


def _remember(tx: Transaction, reply: Reply, intent: str, outcome: str | None, at: datetime) -> None:
    """Keep what the machine said; a correction that comes back to it is none."""
    before = tx.get(Correction, reply.id)
    if before is None:
        tx.add(
            Correction(reply_id=reply.id, group_id=reply.group_id, intent=reply.intent, outcome=reply.outcome, at=at)
        )
    elif (before.intent, before.outcome) == (intent, outcome):
        tx.delete(before)
    else:
        before.at = at


def _opt_out(tx: Transaction, runtime: Runtime, who: Actor, reply: Reply) -> None:
    """The person's own words, understood by a person: in force everywhere, as if the machine had understood them."""
    at = runtime.clock.real_now()
    record_opt_out(
        tx,
        runtime.vault,
        who.group_id,
        reply.number_hash,
        wording=runtime.vault.open(reply.sealed, "reply")["body"] if reply.sealed else None,
        source="staff",
        at=at,
        recorded_by=who.name,
    )
    withdraw_planned(tx, reply.number_hash, at)
