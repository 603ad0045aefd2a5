"""What a campaign counts of its calls: one event each time, once for each call or leg.

Calls to offices are counted, whoever began them; neither tests are, nor the calls of a phone tree (``UNCOUNTED``).

``call:asked``, ``call:picked_up`` and ``call:through`` count calls: asked for, taken by whoever was called, put through
to an office. A call that is over counts once more by how it ended: ``call:completed``, ``call:busy``, ``call:lost`` ...
(``placing.end``). ``leg:dialed`` counts offices that were dialled, ``leg:completed``, ``leg:busy`` ... how that ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from outreach.calls.flow import NOT_PICKED_UP
from outreach.calls.models import CAPTAIN, MEMBER, TEST, CallLeg
from outreach.core.db import Transaction
from outreach.messaging.events import append, delta

UNCOUNTED: Final = (TEST, CAPTAIN, MEMBER)
"""Sources of calls that go to no office."""
COUNTER_LENGTH: Final = 32
NOT_REACHED: Final = ("call:busy", "call:no-answer", "call:failed", "call:refused")
OFFICE_SILENT: Final = tuple(f"leg:{status}" for status in NOT_PICKED_UP)
NOT_A_TALK: Final = frozenset({"leg:dialed", *OFFICE_SILENT})
"""Of the counters of legs: after any other ending a caller is asked how it went."""


class Counted(Protocol):
    """A session, or as much of its row."""

    @property
    def id(self) -> int: ...
    @property
    def gate_id(self) -> int: ...
    @property
    def source(self) -> str: ...


def count_call(tx: Transaction, session: Counted, what: str, at: datetime) -> None:
    """A call has come so far (asked, picked_up, through) or has ended so. Again, it changes nothing. Real time."""
    if session.source not in UNCOUNTED:
        counter = f"call:{what}"[:COUNTER_LENGTH]
        append(tx, [delta(session.gate_id, None, counter, 1, at, f"call {session.id}")])


def count_dialed(tx: Transaction, session: Counted, step: int, at: datetime) -> None:
    """An office was dialled at this step. The same."""
    if session.source not in UNCOUNTED:
        append(tx, [delta(session.gate_id, None, "leg:dialed", 1, at, f"leg {session.id}/{step}")])
        count_call(tx, session, "through", at)


def set_status(tx: Transaction, session: Counted, leg: CallLeg, status: str, at: datetime) -> None:
    """The carrier's word on how a leg ended. The turn's word takes the place of the report's, and so does its count."""
    before, leg.status = leg.status, status[:16]
    if leg.status != before and session.source not in UNCOUNTED:
        source = f"leg:{before}" if before else None
        sid = f"leg {session.id}/{leg.number}"
        append(tx, [delta(session.gate_id, source, f"leg:{leg.status}", 1, at, sid)])


@dataclass(frozen=True, slots=True)
class CallCounts:
    """A campaign's calls. ``asked`` is the sum of ``under_way``, ``not_called`` (too late, opted out, ended, or they
    called us first), ``not_reached`` (busy, no answer, refused by the carrier), ``lost`` (its end was never heard of)
    and ``finished``.

    ``picked_up``: whoever was called took the call, an answering machine too. ``put_through``: at least one office was
    dialled. ``dialed`` counts offices; ``office_picked_up`` those that took the call, a voicemail too.
    """

    asked: int
    under_way: int
    not_called: int
    not_reached: int
    lost: int
    finished: int
    picked_up: int
    put_through: int
    dialed: int
    office_picked_up: int
    office_silent: int


def call_counts(counters: Mapping[str, int]) -> CallCounts:
    """The same from counters by name. Pure."""
    of = {name: counters.get(f"call:{name}", 0) for name in ("asked", "canceled", "lost", "completed")}
    not_reached = sum(counters.get(name, 0) for name in NOT_REACHED)
    return CallCounts(
        asked=of["asked"],
        under_way=of["asked"] - of["canceled"] - of["lost"] - of["completed"] - not_reached,
        not_called=of["canceled"],
        not_reached=not_reached,
        lost=of["lost"],
        finished=of["completed"],
        picked_up=counters.get("call:picked_up", 0),
        put_through=counters.get("call:through", 0),
        dialed=counters.get("leg:dialed", 0),
        office_picked_up=sum(n for name, n in counters.items() if name.startswith("leg:") and name not in NOT_A_TALK),
        office_silent=sum(counters.get(name, 0) for name in OFFICE_SILENT),
    )
