"""The inbox: threads in the order in which they need somebody, and one thread whole.

A page of a list begins behind the last thread of the one before (``Place``), not after so many rows: while threads come
and go, none is shown twice or left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from outreach.accounts.models import User
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.conversations import DONE, PERHAPS_OPTED_OUT, RANKS, UNMATCHED
from outreach.messaging.day_time import waited
from outreach.messaging.inbox_models import ConversationTag
from outreach.messaging.models import Conversation, Reply
from outreach.messaging.nudges import COUNTED, count_waiting, hours_of, late_before
from outreach.messaging.thread_tags import TagName, tags_of_group, tags_on
from outreach.messaging.threads import CLAIM_LASTS, holder_of
from outreach.people.models import Constituent
from outreach.web.people_reads import name_of, opened
from outreach.web.people_words import masked

THREADS_SHOWN: Final = 30
VIEWS: Final = ("waiting", "doubts", "unmatched", "mine", "handed", "all")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"([0-9])\.([0-9]{1,17})\.([0-9]{1,18})", re.ASCII)


class Place(NamedTuple):
    """Where a thread stands in a list: what the list is ordered by."""

    rank: int
    at: datetime
    id: int

    @classmethod
    def read(cls, text: str) -> Self | None:
        """A place as an address names it; None for anything else."""
        found = _PLACE.fullmatch(text)
        return found and cls(int(found[1]), EPOCH + timedelta(microseconds=int(found[2])), int(found[3]))

    def __str__(self) -> str:
        return f"{self.rank}.{(self.at - EPOCH) // timedelta(microseconds=1)}.{self.id}"


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread with its newest text. ``at``: domain time; ``wait``: why it waits, None when it does not.

    ``late``: the day time that it has waited, where that is too long. ``claimed_by``: who took it, and ``holder`` their
    name; ``held_until``: domain time at which their claim ends, or, where it is not ``held``, ended.
    """

    id: int
    who: str
    snippet: str
    intent: str
    outcome: str | None
    at: datetime
    wait: str | None
    late: timedelta | None
    claimed_by: int | None
    holder: str | None
    held: bool
    held_until: datetime | None
    handed_to: int | None
    tags: Sequence[TagName]
    campaign: Any  # id and name of the campaign that the newest text answers; None where it answers none


@dataclass(frozen=True, slots=True)
class Threads:
    """A page of threads. ``after``: the place of the last one, where more follow. ``counts``: by view."""

    rows: Sequence[Thread]
    after: Place | None
    counts: Mapping[str, int]


def count_views(session: Session, group_id: int, user_id: int) -> dict[str, int]:
    """How many threads are in each view that can be counted; ``COUNTED + 1`` means more than ``COUNTED``."""
    waiting = count_waiting(session, group_id)

    def own(column: Any) -> int:
        some = select(Conversation.id).where(
            column == user_id, Conversation.group_id == group_id, Conversation.rank < DONE
        )
        return session.execute(select(func.count()).select_from(some.limit(COUNTED + 1).subquery())).scalar_one()

    return {
        "waiting": min(sum(waiting.values()), COUNTED + 1),
        "doubts": waiting.get(RANKS[PERHAPS_OPTED_OUT], 0),
        "unmatched": waiting.get(RANKS[UNMATCHED], 0),
        "mine": own(Conversation.claimed_by),
        "handed": own(Conversation.handed_to),
    }


def list_threads(
    session: Session, runtime: Runtime, group_id: int, *, view: str, user_id: int, after: Place | None = None,
    tag: int | None = None,
) -> Threads:  # fmt: skip
    """Threads of a view, with a tag where one is given: most urgent first, within that the one that has waited longest.

    ``all``: newest first.
    """
    chosen: list[ColumnElement[bool]] = [Conversation.group_id == group_id, *_in_view(view, user_id)]
    if tag is not None:
        tagged = select(ConversationTag.conversation_id).where(ConversationTag.tag_id == tag)
        chosen.append(Conversation.id.in_(tagged))
    newest = tuple_(Conversation.last_reply_at, Conversation.id)
    urgent = tuple_(Conversation.rank, Conversation.waits_since, Conversation.id)
    order: list[Any] = [Conversation.rank, Conversation.waits_since, Conversation.id]
    if view == "all":
        order = [Conversation.last_reply_at.desc(), Conversation.id.desc()]
    if after is not None:
        chosen.append(newest < (after.at, after.id) if view == "all" else urgent > tuple(after))
    rows = session.execute(
        select(Conversation).where(*chosen).order_by(*order).limit(THREADS_SHOWN + 1)
    ).scalars().all()  # fmt: skip
    shown, last = rows[:THREADS_SHOWN], None
    if len(rows) > THREADS_SHOWN:
        end = shown[-1]
        last = Place(0, end.last_reply_at, end.id) if view == "all" else Place(end.rank, end.waits_since, end.id)
    return Threads(threads_of(session, runtime, group_id, shown), last, count_views(session, group_id, user_id))


def _in_view(view: str, user_id: int) -> list[Any]:
    views: dict[str, list[Any]] = {
        "waiting": [Conversation.rank < DONE],
        "doubts": [Conversation.rank == PERHAPS_OPTED_OUT],
        "unmatched": [Conversation.rank == UNMATCHED],
        "mine": [Conversation.claimed_by == user_id],
        "handed": [Conversation.handed_to == user_id, Conversation.rank < DONE],
        "all": [],
    }
    return views[view]


def threads_of(
    session: Session, runtime: Runtime, group_id: int, rows: Sequence[Conversation],
    found: Mapping[bytes, Reply] | None = None,
) -> list[Thread]:  # fmt: skip
    """Conversations as pages show them, with their newest text, or by number the one that was ``found``."""
    hashes = [row.number_hash for row in rows]
    replies = found or _newest(session, group_id, hashes)
    people = {
        row.number_hash: name_of(opened(runtime.vault, row.sealed, "constituent"))
        for row in session.execute(
            select(Constituent.number_hash, Constituent.sealed).where(
                Constituent.group_id == group_id, Constituent.number_hash.in_(hashes)
            )
        )
    }
    names = dict(session.execute(select(User.id, User.name).where(User.id.in_({row.claimed_by for row in rows}))).all())
    campaigns = _campaigns(session, group_id, {reply.gate_id for reply in replies.values()})
    tags, tagged = tags_of_group(session, runtime.vault, group_id), tags_on(session, [row.id for row in rows])
    late = late_before(runtime, hours_of(session, group_id))
    return [
        Thread(
            **_said(runtime, reply, people.get(row.number_hash)),
            **_waits(runtime, row, late),
            **_held(runtime, row, names),
            id=row.id,
            handed_to=row.handed_to,
            tags=[tag for tag in tags if tag.id in tagged.get(row.id, ())],
            campaign=campaigns.get(reply.gate_id),
        )
        for row in rows
        if (reply := replies.get(row.number_hash)) is not None
    ]


def _newest(session: Session, group_id: int, hashes: Sequence[bytes]) -> dict[bytes, Reply]:
    texts = (Reply.group_id == group_id, Reply.number_hash.in_(hashes), Reply.channel == "text")
    newest = select(func.max(Reply.id)).where(*texts)
    rows = session.execute(select(Reply).where(Reply.id.in_(newest.group_by(Reply.number_hash)))).scalars()
    return {row.number_hash: row for row in rows}


def _campaigns(session: Session, group_id: int, gates: set[int | None]) -> dict[int | None, Any]:
    rows = session.execute(
        select(Wave.gate_id, Campaign.id, Campaign.name)
        .join(Campaign, Campaign.id == Wave.campaign_id)
        .where(Campaign.group_id == group_id, Wave.gate_id.in_(gates))
    )
    return {row.gate_id: row for row in rows}


def _said(runtime: Runtime, reply: Reply, name: str | None) -> dict[str, Any]:
    document = opened(runtime.vault, reply.sealed, "reply")
    return {
        "who": name or masked(str(document.get("from", ""))),
        "snippet": str(document.get("body", "")),
        "intent": reply.intent,
        "outcome": reply.outcome,
        "at": runtime.clock.at(reply.received_at.timestamp()),
    }


def _waits(runtime: Runtime, row: Conversation, late: Mapping[int, datetime]) -> dict[str, Any]:
    is_late = row.rank in late and row.waits_since <= late[row.rank]
    since = runtime.clock.at(row.waits_since.timestamp())
    return {"wait": RANKS.get(row.rank), "late": waited(since, runtime.clock.now()) if is_late else None}


def _held(runtime: Runtime, row: Conversation, names: Mapping[int, str]) -> dict[str, Any]:
    until = row.claimed_at + CLAIM_LASTS if row.claimed_at else None
    return {
        "claimed_by": row.claimed_by,
        "holder": names.get(row.claimed_by or 0),
        "held": holder_of(row.claimed_by, row.claimed_at, runtime.clock.real_now()) is not None,
        "held_until": runtime.clock.at(until.timestamp()) if until else None,
    }
