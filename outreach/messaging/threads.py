"""A thread in a person's hands: who acts, whose it is, and the thread under its lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.core.errors import ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.messaging.conversations import DONE
from outreach.messaging.models import Conversation, Reply

CLAIM_LASTS: Final = timedelta(minutes=table("inbox")["claim_minutes"])
"""Real time after the holder's last act: then anybody may take the thread without asking."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who acts."""

    user_id: int
    group_id: int
    name: str


def holder_of(claimed_by: int | None, claimed_at: datetime | None, at: datetime) -> int | None:
    """Whose thread it is at a real time: the one who took it last, while their claim lasts. Pure."""
    return claimed_by if claimed_at is not None and at < claimed_at + CLAIM_LASTS else None


def get_conversation(session: Session, group_id: int, conversation_id: int) -> Conversation:
    """A thread of this group. Raises NotFoundError."""
    found = session.get(Conversation, conversation_id)
    if found is None or found.group_id != group_id:
        raise NotFoundError("conversation_unknown")
    return found


def in_turn(tx: Transaction, group_id: int) -> None:
    """One at a time in a group, for what two people might make twice; other writers of the group go on."""
    tx.execute(select(Group.id).where(Group.id == group_id).with_for_update(key_share=True))


def locked(tx: Transaction, who: Actor, conversation_id: int) -> Conversation:
    """The thread as it stands now, held until the transaction ends. Lock people first. Raises NotFoundError."""
    thread = tx.execute(
        select(Conversation)
        .where(Conversation.id == conversation_id, Conversation.group_id == who.group_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar()
    if thread is None:
        raise NotFoundError("conversation_unknown")
    return thread


def mine_or_free(tx: Transaction, who: Actor, conversation_id: int, at: datetime) -> Conversation:
    """The same, and the claim goes on from ``at`` (real) if it is the actor's. ConflictError for another's."""
    thread = locked(tx, who, conversation_id)
    if holder_of(thread.claimed_by, thread.claimed_at, at) not in {None, who.user_id}:
        raise ConflictError("conversation_claimed")
    if thread.claimed_by == who.user_id:
        thread.claimed_at = at
    return thread


def came_after(session: Session, thread: Conversation, seen: int | None) -> bool:
    """Whether a text came that was not on the page on which somebody decided. ``seen``: the newest one that was."""
    if seen is None:
        return False
    of_thread = Reply.group_id == thread.group_id, Reply.number_hash == thread.number_hash
    return session.execute(select(Reply.id).where(*of_thread, Reply.id > seen).limit(1)).first() is not None


def settle(thread: Conversation) -> None:
    """Nothing waits here any more; what somebody noted for the person whom they handed it to has had its use."""
    thread.rank = DONE
    thread.handed_to = thread.handed_by = thread.handed_at = thread.sealed = None


def note(tx: Transaction, runtime: Runtime, who: Actor, action: str, subject: str, **details: object) -> None:
    """Write into the book who did it, now."""
    record_audit(
        tx, group_id=who.group_id, actor=who.name, action=action, subject=subject, at=runtime.clock.real_now(),
        **details,
    )  # fmt: skip
