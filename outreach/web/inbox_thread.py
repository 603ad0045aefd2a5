"""One thread whole: what its page shows beside the texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.accounts.members import organizers_of
from outreach.accounts.models import User
from outreach.core.runtime import Runtime
from outreach.messaging.canned import Ready, ready_answers
from outreach.messaging.inbox import NOTE
from outreach.messaging.models import Conversation, Reply
from outreach.messaging.thread_tags import TagName, tags_of_group
from outreach.messaging.threads import get_conversation
from outreach.people.consent import is_suppressed
from outreach.people.models import Constituent
from outreach.web.inbox_reads import Thread, threads_of
from outreach.web.people_reads import opened
from outreach.web.person_reads import TEXTS_SHOWN, Text, texts_of


class Handed(NamedTuple):
    """To whom a thread was handed, by whom (names), and what they noted."""

    to: str | None
    by: str | None
    note: str


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """One thread, oldest text first. ``person_id``: the constituent, where the group knows the number.

    ``language``: the one in which to answer. ``seen``: the newest reply, so that a decision is about what was read.
    """

    thread: Thread
    person_id: int | None
    first_name: str
    language: str
    texts: Sequence[Text]
    more_texts: bool
    seen: int | None
    suppressed: bool
    handed: Handed | None
    ready: Sequence[Ready]
    organizers: Sequence[Any]  # id and name
    every_tag: Sequence[TagName]


def thread_page(session: Session, runtime: Runtime, group_id: int, conversation_id: int) -> ThreadPage:
    """A thread of this group. Raises NotFoundError."""
    conversation = get_conversation(session, group_id, conversation_id)
    texts = texts_of(session, runtime, group_id, conversation.number_hash)
    person = session.execute(
        select(Constituent.id, Constituent.sealed, Constituent.language).where(
            Constituent.group_id == group_id, Constituent.number_hash == conversation.number_hash
        )
    ).first()
    of_thread = Reply.group_id == group_id, Reply.number_hash == conversation.number_hash
    seen = session.execute(select(func.max(Reply.id)).where(*of_thread)).scalar()
    spoken = session.execute(select(Reply.language).where(Reply.id == seen)).scalar()
    document = opened(runtime.vault, person.sealed, "constituent") if person else {}
    return ThreadPage(
        thread=threads_of(session, runtime, group_id, [conversation])[0],
        person_id=person.id if person else None,
        first_name=str(document.get("first_name") or ""),
        # Spanish for who set it or writes it, as the answers that the system gives by itself.
        language="es" if "es" in {spoken, person.language if person else "en"} else "en",
        texts=texts[:TEXTS_SHOWN][::-1],
        more_texts=len(texts) > TEXTS_SHOWN,
        seen=seen,
        suppressed=is_suppressed(session, conversation.number_hash, group_id),
        handed=_handed(session, runtime, conversation),
        ready=ready_answers(session, group_id),
        organizers=organizers_of(session, group_id),
        every_tag=tags_of_group(session, runtime.vault, group_id),
    )


def _handed(session: Session, runtime: Runtime, row: Conversation) -> Handed | None:
    if row.handed_to is None:
        return None
    both = {row.handed_to, row.handed_by or 0}
    names = dict(session.execute(select(User.id, User.name).where(User.id.in_(both))).all())
    note = opened(runtime.vault, row.sealed, NOTE).get("note")
    return Handed(names.get(row.handed_to), names.get(row.handed_by or 0), str(note or ""))
