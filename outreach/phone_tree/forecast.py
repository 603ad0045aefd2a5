"""When everybody of a tree would have been texted if nobody answered: the table of moves, walked ahead. Pure.

Captains who have had their text of the day are passed over sooner than this says, and much that is sent at once takes
its time: what is foreseen is told as about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from outreach.phone_tree.branches import Placed, top_down
from outreach.phone_tree.rules import Facts, State, Waits, decide
from outreach.phone_tree.texting import hours_of

LOOKS: Final = 50
"""A branch is decided long before it was looked at so often."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """``captains`` are asked at once, ``people`` in all may be texted, the last at ``last_at``; None: some never."""

    captains: int
    people: int
    last_at: datetime | None


def foresee(nodes: Sequence[Placed], zones: Mapping[int, str], waits: Waits, now: datetime) -> Foresight:
    """What a start at ``now`` (domain time) leads to in silence.

    ``zones``: of each person who may be texted, as they are stored; whoever may not be is missing.
    """
    leads = {node.parent for node in nodes if node.parent}
    backups = {node.id: node.backup for node in nodes}
    begun: dict[int | None, datetime | None] = {None: now}  # node -> when its people are texted

    @cache
    def until(captain: str | None, backup: str | None, at: datetime) -> datetime | None:
        return silent_until(captain, backup, at, waits)

    texted: list[datetime | None] = []
    for level in top_down(nodes):
        for node in level:
            at, own = begun[node.parent], zones.get(node.person)
            if own is not None:
                texted.append(_leaves(own, at))
            if node.id in leads:
                stands_in = zones.get(backups[node.id] or 0)
                begun[node.id] = until(own, stands_in, at) if at is not None else None
    known = [at for at in texted if at is not None]
    return Foresight(
        captains=sum(node.parent is None and node.person in zones for node in nodes),
        people=len(texted),
        last_at=max(known) if known and len(known) == len(texted) else None,
    )


def silent_until(captain: str | None, backup: str | None, begun: datetime, waits: Waits) -> datetime | None:
    """When a branch is texted whose captain and backup, in these zones, say nothing; None: not to be foreseen."""
    state: State = "waiting"
    deadline, now, posted_at = begun, begun, None
    for _ in range(LOOKS):
        reader = backup if state == "backup_asked" else captain
        hours = hours_of(reader, now) if reader is not None else None
        facts = Facts(
            state=state,
            deadline_at=deadline,
            ask="posted" if posted_at is not None and posted_at <= now else "held",
            posted_at=posted_at,
            may_ask=captain is not None,
            may_ask_backup=backup is not None,
            opens_at=hours.opens_at if hours is not None and not hours.open else None,
        )
        move = decide(facts, waits, now)
        if move is None or move.deadline_at is None:
            return now
        if move.act in {"ask", "ask_backup"}:
            posted_at = _leaves((captain if move.act == "ask" else backup) or "", now)
        state, deadline = move.state, move.deadline_at
        now = deadline
    return None


def _leaves(zones_key: str, at: datetime | None) -> datetime | None:
    """When a text planned at a time goes out to somebody in these zones."""
    if at is None:
        return None
    hours = hours_of(zones_key, at)
    return at if hours.open else hours.opens_at
