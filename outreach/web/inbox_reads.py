"""The inbox: threads in the order in which they need somebody, and one thread whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from outreach.accounts.models import User
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.conversations import DONE, RANKS
from outreach.messaging.inbox import get_conversation
from outreach.messaging.models import Conversation, Reply
from outreach.people.consent import is_suppressed
from outreach.people.models import Constituent
from outreach.web.people_reads import name_of, opened
from outreach.web.people_words import masked
from outreach.web.person_reads import TEXTS_SHOWN, Text, texts_of

THREADS_SHOWN: Final = 30
VIEWS: Final = ("waiting", "mine", "all")


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread with its newest text. ``at``: domain time; ``wait``: why it waits, None when it does not."""

    id: int
    who: str
    snippet: str
    intent: str
    outcome: str | None
    at: datetime
    wait: str | None
    claimed_by: int | None
    holder: str | None
    campaign: Any  # id and name of the campaign that the newest text answers; None where it answers none


@dataclass(frozen=True, slots=True)
class Threads:
    """A page of threads."""

    rows: Sequence[Thread]
    number: int
    more: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """One thread, oldest text first. ``person_id``: the constituent, where the group knows the number."""

    thread: Thread
    person_id: int | None
    texts: Sequence[Text]
    more_texts: bool
    suppressed: bool


def waiting_threads(session: Session, group_id: int) -> dict[str, int]:
    """How many threads wait, by why (``RANKS``)."""
    rows = session.execute(
        select(Conversation.rank, func.count())
        .where(Conversation.group_id == group_id, Conversation.rank < DONE)
        .group_by(Conversation.rank)
    )
    return {RANKS[rank]: count for rank, count in rows}


def list_threads(session: Session, runtime: Runtime, group_id: int, *, view: str, user_id: int, page: int) -> Threads:
    """Threads of a view: most urgent first, within that the one that has waited longest; ``all`` newest first."""
    chosen: list[ColumnElement[bool]] = [Conversation.group_id == group_id]
    order: list[Any] = [Conversation.rank, Conversation.last_reply_at, Conversation.id]
    if view == "waiting":
        chosen.append(Conversation.rank < DONE)
    elif view == "mine":
        chosen.append(Conversation.claimed_by == user_id)
    else:
        order = [Conversation.last_reply_at.desc(), Conversation.id.desc()]
    number = max(1, min(page, 10_000))
    rows = session.execute(
        select(Conversation, User.name)
        .outerjoin(User, User.id == Conversation.claimed_by)
        .where(*chosen)
        .order_by(*order)
        .offset((number - 1) * THREADS_SHOWN)
        .limit(THREADS_SHOWN + 1)
    ).all()
    shown = _threads(session, runtime, group_id, rows[:THREADS_SHOWN])
    waiting = sum(waiting_threads(session, group_id).values())
    return Threads(shown, number, len(rows) > THREADS_SHOWN, waiting)


def thread_page(session: Session, runtime: Runtime, group_id: int, conversation_id: int) -> ThreadPage:
    """A thread of this group. Raises NotFoundError."""
    conversation = get_conversation(session, group_id, conversation_id)
    holder = session.execute(select(User.name).where(User.id == conversation.claimed_by)).scalar()
    texts = texts_of(session, runtime, group_id, conversation.number_hash)
    person_id = session.execute(
        select(Constituent.id).where(
            Constituent.group_id == group_id, Constituent.number_hash == conversation.number_hash
        )
    ).scalar()
    return ThreadPage(
        thread=_threads(session, runtime, group_id, [(conversation, holder)])[0],
        person_id=person_id,
        texts=texts[:TEXTS_SHOWN][::-1],
        more_texts=len(texts) > TEXTS_SHOWN,
        suppressed=is_suppressed(session, conversation.number_hash, group_id),
    )


def _threads(session: Session, runtime: Runtime, group_id: int, rows: Sequence[Any]) -> list[Thread]:
    hashes = [conversation.number_hash for conversation, _ in rows]
    newest = select(func.max(Reply.id)).where(Reply.group_id == group_id, Reply.number_hash.in_(hashes))
    replies = {
        reply.number_hash: reply
        for reply in session.execute(select(Reply).where(Reply.id.in_(newest.group_by(Reply.number_hash)))).scalars()
    }
    people = {
        row.number_hash: name_of(opened(runtime.vault, row.sealed, "constituent"))
        for row in session.execute(
            select(Constituent.number_hash, Constituent.sealed).where(
                Constituent.group_id == group_id, Constituent.number_hash.in_(hashes)
            )
        )
    }
    gates = {reply.gate_id for reply in replies.values()}
    campaigns = {
        row.gate_id: row
        for row in session.execute(
            select(Wave.gate_id, Campaign.id, Campaign.name)
            .join(Campaign, Campaign.id == Wave.campaign_id)
            .where(Campaign.group_id == group_id, Wave.gate_id.in_(gates))
        )
    }
    found = []
    for conversation, holder in rows:
        reply = replies.get(conversation.number_hash)
        if reply is not None:
            name = people.get(conversation.number_hash)
            found.append(_thread(runtime, conversation, holder, reply, name, campaigns.get(reply.gate_id)))
    return found


def _thread(
    runtime: Runtime, conversation: Conversation, holder: str | None, reply: Reply, name: str | None, campaign: Any
) -> Thread:
    document = opened(runtime.vault, reply.sealed, "reply")
    return Thread(
        id=conversation.id,
        who=name or masked(str(document.get("from", ""))),
        snippet=str(document.get("body", "")),
        intent=reply.intent,
        outcome=reply.outcome,
        at=runtime.clock.at(reply.received_at.timestamp()),
        wait=RANKS.get(conversation.rank),
        claimed_by=conversation.claimed_by,
        holder=holder,
        campaign=campaign,
    )
