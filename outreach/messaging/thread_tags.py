"""Tags on threads: short words of a group's own, by which its inbox can be looked through."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

import structlog
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging.inbox_models import ConversationTag, ThreadTag
from outreach.messaging.render import printable
from outreach.messaging.threads import Actor, in_turn, locked

log = structlog.get_logger(__name__)

CONTEXT: Final = "thread_tag"
NAME_LENGTH: Final = 40
MOST: Final = 100
"""Tags of one group: they are chosen from a list."""


class TagName(NamedTuple):
    """A tag as a page shows it."""

    id: int
    name: str


def tags_of_group(session: Session, vault: Vault, group_id: int) -> list[TagName]:
    """The group's tags by name. One that does not open is left out, and logged."""
    found = []
    for row in session.execute(select(ThreadTag.id, ThreadTag.sealed).where(ThreadTag.group_id == group_id)):
        try:
            found.append(TagName(row.id, str(vault.open(row.sealed, CONTEXT)["name"])))
        except (OutreachError, IndexError) as error:
            log.error("document_not_opened", context=CONTEXT, id=row.id, error=str(getattr(error, "code", error)))
    return sorted(found, key=lambda tag: (_folded(tag.name), tag.id))


def tags_on(session: Session, conversation_ids: Iterable[int]) -> dict[int, set[int]]:
    """Thread -> the ids of its tags."""
    found: dict[int, set[int]] = {}
    on = ConversationTag.conversation_id.in_(list(conversation_ids))
    for row in session.execute(select(ConversationTag.conversation_id, ConversationTag.tag_id).where(on)):
        found.setdefault(row.conversation_id, set()).add(row.tag_id)
    return found


def tag_conversation(tx: Transaction, runtime: Runtime, who: Actor, conversation_id: int, name: str) -> None:
    """Put a tag on a thread; a new name makes a new tag. Twice is once. Raises BadInputError, NotFoundError."""
    name = " ".join(printable(name).split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise BadInputError("thread_tag_length", most=NAME_LENGTH)
    in_turn(tx, who.group_id)
    thread = locked(tx, who, conversation_id)
    tag_id = _tag_id(tx, runtime, who.group_id, name)
    if tx.get(ConversationTag, (tag_id, thread.id)) is None:
        tx.add(ConversationTag(tag_id=tag_id, conversation_id=thread.id))
    if thread.claimed_by == who.user_id:
        thread.claimed_at = runtime.clock.real_now()


def untag_conversation(tx: Transaction, who: Actor, conversation_id: int, tag_id: int) -> None:
    """Take a tag off a thread; a tag that no thread has any more is gone. Raises NotFoundError."""
    in_turn(tx, who.group_id)
    thread = locked(tx, who, conversation_id)
    on = ConversationTag.tag_id == tag_id, ConversationTag.conversation_id == thread.id
    if tx.execute(delete(ConversationTag).where(*on).returning(ConversationTag.tag_id)).first() is None:
        return
    tx.execute(delete(ThreadTag).where(ThreadTag.id == tag_id, ~exists().where(ConversationTag.tag_id == ThreadTag.id)))


def _tag_id(tx: Transaction, runtime: Runtime, group_id: int, name: str) -> int:
    """Raises BadInputError when the group has as many tags as it may have."""
    hashed = runtime.vault.text_hash(f"thread_tag\0{group_id}\0{_folded(name)}")
    of_group = ThreadTag.group_id == group_id
    known = tx.execute(select(ThreadTag.id).where(of_group, ThreadTag.name_hash == hashed)).scalar()
    if known is not None:
        return known
    if tx.execute(select(func.count()).select_from(ThreadTag).where(of_group)).scalar_one() >= MOST:
        raise BadInputError("thread_tags_many", most=MOST)
    tag = ThreadTag(
        group_id=group_id,
        name_hash=hashed,
        sealed=runtime.vault.seal({"name": name}, CONTEXT),
        created_at=runtime.clock.real_now(),
    )
    tx.add(tag)
    tx.flush()
    return tag.id


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
