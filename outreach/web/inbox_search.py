"""Looking for a thread: by its whole number, or by words of a text.

Texts are sealed, so the newest ``SEARCHED`` replies to the campaigns that run are opened one by one, and the page says
how many these were. What is looked for stands in no address and in no log.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from heapq import nlargest
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Conversation, Reply
from outreach.web.inbox_reads import Thread, threads_of
from outreach.web.people_reads import opened

SEARCHED: Final = 10_000
TOGETHER: Final = 500
LONGEST: Final = 2.0
"""Real seconds after which a search shows what it has found."""
FOUND_SHOWN: Final = 30

SEALED = (
    select(Reply.id, Reply.number_hash, Reply.sealed)
    .where(Reply.id.in_(bindparam("ids", expanding=True)), Reply.sealed.is_not(None))
    .order_by(Reply.id.desc())
)


class Found(NamedTuple):
    """Threads with the newest text of each that has the words. ``looked_through``: how many texts were opened.

    ``more``: there may be others: the page was full, or the time up.
    """

    rows: Sequence[Thread]
    looked_through: int
    campaigns: int
    more: bool


def thread_of_number(session: Session, runtime: Runtime, group_id: int, e164: str) -> int | None:
    """The id of the group's thread with exactly this number."""
    of_number = Conversation.number_hash == runtime.vault.number_hash(e164)
    return session.execute(select(Conversation.id).where(Conversation.group_id == group_id, of_number)).scalar()


def find_words(session: Session, runtime: Runtime, group_id: int, sought: str) -> Found:
    """Threads in which somebody wrote this to a campaign that runs, newest first, whatever case and accents."""
    gates = session.execute(
        select(Wave.gate_id, Wave.campaign_id)
        .join(Campaign, Campaign.id == Wave.campaign_id)
        .where(Campaign.group_id == group_id, Campaign.state == "launched")
    ).all()
    until, wanted = time.monotonic() + LONGEST, folded(sought)
    hits: dict[bytes, int] = {}
    looked, more = 0, False
    for row in _sealed(session, _newest(session, [row.gate_id for row in gates])):
        if len(hits) == FOUND_SHOWN or time.monotonic() > until:
            more = True
            break
        looked += 1
        if row.number_hash not in hits:
            body = str(opened(runtime.vault, row.sealed, "reply").get("body", ""))
            if wanted in folded(body):
                hits[row.number_hash] = row.id
    campaigns = len({row.campaign_id for row in gates})
    return Found(_threads(session, runtime, group_id, hits), looked, campaigns, more)


def _threads(session: Session, runtime: Runtime, group_id: int, hits: Mapping[bytes, int]) -> list[Thread]:
    if not hits:
        return []
    replies = session.execute(select(Reply).where(Reply.id.in_(hits.values()))).scalars()
    found = {reply.number_hash: reply for reply in replies}
    of_hits = select(Conversation).where(Conversation.group_id == group_id, Conversation.number_hash.in_(hits))
    threads = {row.number_hash: row for row in session.execute(of_hits).scalars()}
    rows = [threads[number] for number in hits if number in threads]
    return threads_of(session, runtime, group_id, rows, found)


def folded(text: str) -> str:
    """A text as it is compared: without case, accents and runs of white space."""
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in apart if not unicodedata.combining(char))
    return " ".join(text.casefold().split())


def _newest(session: Session, gates: Sequence[int]) -> list[int]:
    """The newest replies to any of these gates; by index, gate by gate."""
    every: list[int] = []
    for gate_id in gates:
        of_gate = select(Reply.id).where(Reply.gate_id == gate_id).order_by(Reply.id.desc()).limit(SEARCHED)
        every += session.execute(of_gate).scalars()
    return nlargest(SEARCHED, every)


def _sealed(session: Session, ids: Sequence[int]) -> Iterator[Any]:
    """Rows of id, number_hash and sealed, newest first; plain ones, for they are many."""
    for first in range(0, len(ids), TOGETHER):
        some = {"ids": ids[first : first + TOGETHER]}
        yield from session.connection().execute(SEALED, some)
