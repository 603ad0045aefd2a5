"""What a person does with a thread: claim it, answer, hand it to somebody else, leave it.

Every use case here runs in the caller's transaction. Who does it is a user of the group, by id and name. What decides
about a text's meaning is in ``corrections``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from outreach.accounts.members import organizer_of
from outreach.core.db import Job, Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.messaging.answers import add_answer
from outreach.messaging.conversations import DONE, PERHAPS_OPTED_OUT, TO_READ
from outreach.messaging.gates import SEND_BATCH
from outreach.messaging.models import Conversation, Message, Reply
from outreach.messaging.render import MAX_BODY, printable
from outreach.messaging.threads import (
    Actor,
    came_after,
    get_conversation,
    holder_of,
    locked,
    mine_or_free,
    note,
    settle,
)
from outreach.people.consent import is_suppressed, lock_people
from outreach.people.models import Constituent

NOTE: Final = "conversation"
"""The context of a thread's sealed note."""
NOTE_LENGTH: Final = 1000
SAME_FORM: Final = 5
"""So many of the newest answers to a number are held against a form that is sent again."""


def claim_conversation(tx: Transaction, runtime: Runtime, who: Actor, conversation_id: int, holder: int | None) -> None:
    """Take a thread that ``holder`` had when its page was made (None: nobody), or that nobody has any more.

    Of two people at once, one gets it: the other one's page named somebody else. Raises ConflictError then.
    """
    thread, at = locked(tx, who, conversation_id), runtime.clock.real_now()
    if holder_of(thread.claimed_by, thread.claimed_at, at) not in {None, holder, who.user_id}:
        raise ConflictError("conversation_claimed")
    thread.claimed_by, thread.claimed_at = who.user_id, at


def release_conversation(tx: Transaction, who: Actor, conversation_id: int) -> None:
    """Let others have it; nothing happens to a thread that somebody else holds."""
    thread = locked(tx, who, conversation_id)
    if thread.claimed_by == who.user_id:
        thread.claimed_by = thread.claimed_at = None


def close_conversation(
    tx: Transaction, runtime: Runtime, who: Actor, conversation_id: int, seen: int | None = None
) -> None:
    """Nothing to answer in what was ``seen`` (the newest reply's id). Raises ConflictError while a possible opt-out
    waits to be decided, when somebody else has it, or when another text has come since.
    """
    thread = mine_or_free(tx, who, conversation_id, runtime.clock.real_now())
    if thread.rank == PERHAPS_OPTED_OUT:
        raise ConflictError("conversation_undecided")
    if came_after(tx, thread, seen):
        raise ConflictError("conversation_moved_on")
    settle(thread)


def hand_over(
    tx: Transaction, runtime: Runtime, who: Actor, conversation_id: int, *, to: int | None, text: str
) -> None:
    """Give the thread to an organizer of the group, with a note for them; the claim ends, and the thread waits.

    The same again changes nothing. Raises BadInputError hand_over_to_whom or note_too_long, ConflictError.
    """
    text = printable(text.replace("\r\n", "\n"))
    if len(text) > NOTE_LENGTH:
        raise BadInputError("note_too_long", length=len(text), limit=NOTE_LENGTH)
    if to is None or to == who.user_id or not organizer_of(tx, who.group_id, to):
        raise BadInputError("hand_over_to_whom")
    at = runtime.clock.real_now()
    thread = mine_or_free(tx, who, conversation_id, at)
    if (thread.handed_to, thread.handed_by, _noted(runtime, thread)) == (to, who.user_id, text):
        return
    thread.claimed_by = thread.claimed_at = None
    thread.handed_to, thread.handed_by, thread.handed_at = to, who.user_id, at
    thread.sealed = runtime.vault.seal({"note": text}, NOTE) if text else None
    if thread.rank == DONE:
        thread.rank, thread.waits_since = TO_READ, at
    note(tx, runtime, who, "conversation_handed", f"conversation:{thread.id}", to=to)


def _noted(runtime: Runtime, thread: Conversation) -> str:
    return str(runtime.vault.open(thread.sealed, NOTE)["note"]) if thread.sealed else ""


def answer_person(
    tx: Transaction, runtime: Runtime, who: Actor, conversation_id: int, *, body: str, once: str,
    seen: int | None = None,
) -> bool:  # fmt: skip
    """Plan an answer to the thread's number. False when this very form was sent before.

    The thread waits no more, unless a text has come that was not ``seen`` (the newest reply's id). Within half an hour
    of the person's text it leaves at any hour, later in their window only. Raises BadInputError text_empty or
    text_too_long, ConflictError conversation_claimed, conversation_undecided, person_opted_out or reply_words_gone.
    """
    body = printable(body.replace("\r\n", "\n"))
    if not body:
        raise BadInputError("text_empty")
    if len(body) > MAX_BODY:
        raise BadInputError("text_too_long", length=len(body), limit=MAX_BODY)
    thread = get_conversation(tx, who.group_id, conversation_id)
    lock_people(tx, [thread.number_hash])  # people before threads, as an inbound text locks them
    at = runtime.clock.real_now()
    thread = mine_or_free(tx, who, conversation_id, at)
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
    if not came_after(tx, thread, seen):
        settle(thread)
    thread.claimed_by, thread.claimed_at = who.user_id, at
    note(tx, runtime, who, "inbox_answer", f"message:{message.id}")
    tx.enqueue(Job("messaging", SEND_BATCH, (message.gate_id,)))
    return True


def _last_reply(tx: Transaction, thread: Conversation) -> Reply:
    of_thread = (
        Reply.group_id == thread.group_id, Reply.number_hash == thread.number_hash, Reply.channel == "text"
    )  # fmt: skip
    return tx.execute(select(Reply).where(*of_thread).order_by(Reply.received_at.desc()).limit(1)).scalar_one()


def _was_sent(tx: Transaction, runtime: Runtime, thread: Conversation, once: str) -> bool:
    rows = tx.execute(
        select(Message.sealed)
        .where(Message.number_hash == thread.number_hash, Message.group_id == thread.group_id)
        .where(Message.kind == "answer")
        .order_by(Message.id.desc())
        .limit(SAME_FORM)
    ).scalars()
    return any(runtime.vault.open(sealed, "message").get("once") == once for sealed in rows if sealed)
