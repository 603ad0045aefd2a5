"""What a person does with a thread: claim, answer, decide a possible opt-out, correct what we understood.

Every use case here runs in the caller's transaction. Who does it is a user of the group, by id and name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.db import Job, Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.messaging.answers import add_answer
from outreach.messaging.conversations import DONE, PERHAPS_OPTED_OUT
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH
from outreach.messaging.models import Conversation, Message, Reply
from outreach.messaging.optout import withdraw_planned
from outreach.messaging.record import mark_number_bad
from outreach.messaging.render import MAX_BODY, printable
from outreach.people.consent import is_suppressed, lift, lock_people, record_opt_out
from outreach.people.models import Constituent, Suppression

INTENTS: Final = (
    "question", "report", "call", "script", "pledge", "decline", "wrong_number", "opt_out", "other",
)  # fmt: skip
"""What a person may correct a text's intent to."""
OUTCOMES: Final = ("spoke", "voicemail", "mailbox_full", "no_answer", "busy", "refused", "done")
SAME_FORM: Final = 5
"""So many of the newest answers to a number are held against a form that is sent again."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who acts."""

    user_id: int
    group_id: int
    name: str


def get_conversation(session: Session, group_id: int, conversation_id: int) -> Conversation:
    """A thread of this group. Raises NotFoundError."""
    found = session.get(Conversation, conversation_id)
    if found is None or found.group_id != group_id:
        raise NotFoundError("conversation_unknown")
    return found


def claim_conversation(tx: Transaction, runtime: Runtime, who: Actor, conversation_id: int, holder: int | None) -> None:
    """Take a thread that ``holder`` had when its page was made (None: nobody). Raises ConflictError for a newer one."""
    thread = _locked(tx, who, conversation_id)
    if thread.claimed_by not in {holder, who.user_id}:
        raise ConflictError("conversation_claimed")
    if thread.claimed_by != who.user_id:
        thread.claimed_by, thread.claimed_at = who.user_id, runtime.clock.real_now()


def release_conversation(tx: Transaction, who: Actor, conversation_id: int) -> None:
    """Let others have it; nothing happens to a thread that somebody else holds."""
    thread = _locked(tx, who, conversation_id)
    if thread.claimed_by == who.user_id:
        thread.claimed_by = thread.claimed_at = None


def close_conversation(tx: Transaction, who: Actor, conversation_id: int) -> None:
    """Nothing to answer. Raises ConflictError while a possible opt-out waits to be decided, or somebody else has it."""
    thread = _mine_or_free(tx, who, conversation_id)
    if thread.rank == PERHAPS_OPTED_OUT:
        raise ConflictError("conversation_undecided")
    thread.rank = DONE


def answer_person(tx: Transaction, runtime: Runtime, who: Actor, conversation_id: int, *, body: str, once: str) -> bool:
    """Plan an answer to the thread's number. False when this very form was sent before.

    Within half an hour of the person's text it leaves at any hour, later in their window only. Raises BadInputError
    text_empty or text_too_long, ConflictError conversation_claimed, conversation_undecided or person_opted_out.
    """
    body = printable(body.replace("\r\n", "\n"))
    if not body:
        raise BadInputError("text_empty")
    if len(body) > MAX_BODY:
        raise BadInputError("text_too_long", length=len(body), limit=MAX_BODY)
    thread = get_conversation(tx, who.group_id, conversation_id)
    lock_people(tx, [thread.number_hash])  # people before threads, as an inbound text locks them
    thread = _mine_or_free(tx, who, conversation_id)
    if _was_sent(tx, runtime, thread, once):
        return False
    if thread.rank == PERHAPS_OPTED_OUT:
        raise ConflictError("conversation_undecided")
    if is_suppressed(tx, thread.number_hash, who.group_id):
        raise ConflictError("person_opted_out")
    reply = _last_reply(tx, thread)
    if reply.sealed is None:
        raise ConflictError("reply_words_gone")
    person = tx.execute(
        select(Constituent.id, Constituent.language).where(
            Constituent.group_id == who.group_id, Constituent.number_hash == thread.number_hash
        )
    ).first()
    message = add_answer(
        tx,
        runtime,
        group_id=who.group_id,
        constituent_id=person.id if person else None,
        number_hash=thread.number_hash,
        kind="answer",
        language=person.language if person else "en",
        document={"to": runtime.vault.open(reply.sealed, "reply")["from"], "body": body, "once": once},
        asked_at=runtime.clock.at(reply.received_at.timestamp()),
    )
    thread.rank, thread.claimed_by, thread.claimed_at = DONE, who.user_id, runtime.clock.real_now()
    _note(tx, runtime, who, "inbox_answer", f"message:{message.id}")
    tx.enqueue(Job("messaging", SEND_BATCH, (message.gate_id,)))
    return True


def decide_opt_out(tx: Transaction, runtime: Runtime, who: Actor, conversation_id: int, *, stops: bool) -> None:
    """A possible opt-out is one, or is none. The transaction must be durable. Raises ConflictError when none waits.

    Texts that were withdrawn while it waited stay withdrawn.
    """
    thread = get_conversation(tx, who.group_id, conversation_id)
    lock_people(tx, [thread.number_hash])
    thread = _mine_or_free(tx, who, conversation_id)
    if thread.rank != PERHAPS_OPTED_OUT:
        raise ConflictError("nothing_to_decide")
    at = runtime.clock.real_now()
    for reply in _doubtful(tx, thread):
        _change(tx, runtime, who, reply, "opt_out" if stops else "other", reply.outcome)
        if stops:
            _opt_out(tx, runtime, who, reply)
    for suppression_id in _pending(tx, thread):
        lift(tx, suppression_id, who.group_id, reason=f"{who.name}: {'opt-out' if stops else 'no opt-out'}", at=at)
    thread.rank = DONE
    _note(tx, runtime, who, "opt_out_decided", f"conversation:{thread.id}", stops=stops)


def correct_reply(
    tx: Transaction, runtime: Runtime, who: Actor, reply_id: int, *, intent: str, outcome: str | None
) -> int:
    """Change what we took a text to mean, with all that follows; the thread's id. The transaction must be durable.

    An opt-out stays one: only the person can come back, by START. Raises NotFoundError, BadInputError, ConflictError.
    """
    if intent not in INTENTS or (outcome is not None and outcome not in OUTCOMES):
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
    if reply.intent == "opt_out":
        raise ConflictError("opt_out_stays")
    if reply.intent == "possible_opt_out":
        raise ConflictError("conversation_undecided")
    at = runtime.clock.real_now()
    if reply.intent == "wrong_number":  # our own mark from this text; the carrier's has a code
        tx.execute(
            update(Constituent)
            .where(Constituent.number_hash == reply.number_hash, Constituent.number_bad_code.is_(None))
            .values(number_bad_at=None)
        )
    _change(tx, runtime, who, reply, intent, outcome)
    if intent == "opt_out":
        _opt_out(tx, runtime, who, reply)
        thread.rank = DONE
    elif intent == "wrong_number":
        mark_number_bad(tx, runtime, reply.number_hash, None)
        withdraw_planned(tx, reply.number_hash, at)
    return thread.id


def _locked(tx: Transaction, who: Actor, conversation_id: int) -> Conversation:
    thread = tx.execute(
        select(Conversation)
        .where(Conversation.id == conversation_id, Conversation.group_id == who.group_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar()
    if thread is None:
        raise NotFoundError("conversation_unknown")
    return thread


def _mine_or_free(tx: Transaction, who: Actor, conversation_id: int) -> Conversation:
    thread = _locked(tx, who, conversation_id)
    if thread.claimed_by not in {None, who.user_id}:
        raise ConflictError("conversation_claimed")
    return thread


def _last_reply(tx: Transaction, thread: Conversation) -> Reply:
    of_thread = Reply.group_id == thread.group_id, Reply.number_hash == thread.number_hash
    return tx.execute(select(Reply).where(*of_thread).order_by(Reply.received_at.desc()).limit(1)).scalar_one()


def _doubtful(tx: Transaction, thread: Conversation) -> list[Reply]:
    of_thread = Reply.group_id == thread.group_id, Reply.number_hash == thread.number_hash
    waiting = select(Reply).where(*of_thread, Reply.intent == "possible_opt_out").order_by(Reply.id).with_for_update()
    return list(tx.execute(waiting).scalars())


def _pending(tx: Transaction, thread: Conversation) -> list[int]:
    waiting = select(Suppression.id).where(
        Suppression.number_hash == thread.number_hash,
        Suppression.source == "pending",
        Suppression.lifted_at.is_(None),
    )
    return list(tx.execute(waiting).scalars())


def _was_sent(tx: Transaction, runtime: Runtime, thread: Conversation, once: str) -> bool:
    rows = tx.execute(
        select(Message.sealed)
        .where(Message.number_hash == thread.number_hash, Message.group_id == thread.group_id)
        .where(Message.kind == "answer")
        .order_by(Message.id.desc())
        .limit(SAME_FORM)
    ).scalars()
    return any(runtime.vault.open(sealed, "message").get("once") == once for sealed in rows if sealed)


def _change(tx: Transaction, runtime: Runtime, who: Actor, reply: Reply, intent: str, outcome: str | None) -> None:
    """Write a text's new meaning, and move what the counters hold of it."""
    at = runtime.clock.real_now()
    moves = []
    if reply.gate_id is not None:
        if outcome != reply.outcome:
            moves.append((_report(reply.outcome), _report(outcome)))
        if intent == "opt_out":
            moves.append((None, "opted_out"))
        append(tx, [delta(reply.gate_id, source, target, 1, at) for source, target in moves])
    _note(
        tx, runtime, who, "reply_corrected", f"reply:{reply.id}",
        before=[reply.intent, reply.outcome], after=[intent, outcome],
    )  # fmt: skip
    reply.intent, reply.outcome, reply.corrected_by = intent, outcome, who.name
    tx.flush()


def _report(outcome: str | None) -> str | None:
    return f"report:{outcome}" if outcome else None


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


def _note(tx: Transaction, runtime: Runtime, who: Actor, action: str, subject: str, **details: object) -> None:
    record_audit(
        tx, group_id=who.group_id, actor=who.name, action=action, subject=subject, at=runtime.clock.real_now(),
        **details,
    )  # fmt: skip
