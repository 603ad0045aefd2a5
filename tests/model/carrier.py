"""The other side's truth: what a carrier has accepted, whatever it told us about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from outreach.carrier.base import (
    Ambiguous,
    CarrierMessage,
    Misconfigured,
    Rejected,
    Throttled,
    Unreachable,
)
from outreach.core.clock import Clock

START = 1_796_151_600.0
"""2026-12-01 19:00 UTC, a Tuesday: noon in Phoenix."""

REFUSALS = {
    "bad_number": Rejected(21211),
    "opted_out": Rejected(21610),
    "throttled": Throttled(20429),
    "queue_full": Throttled(21611),
    "unreachable": Unreachable(),
    "misconfigured": Misconfigured(20003),
    "lost_request": Ambiguous(),
}
"""How a POST can end that the carrier did not accept."""
ACCEPTANCES = ("accepted", "accepted", "accepted", "lost_answer", "server_error", "broken")
"""And how when it did: with its sid, without an answer, with a 500, with something nobody foresaw."""
LATE = "late"
"""We hear nothing, and the request arrives at the carrier afterwards."""
OUTCOMES = (*ACCEPTANCES, *REFUSALS, LATE)

ENDS = (("delivered", None), ("undelivered", 30003), ("undelivered", 30008), ("failed", 30007), ("undelivered", 30036))
MAY_RETRY = frozenset({30001, 30003, 30036})
"""The codes after which CARRIER.md allows a second try."""


@dataclass(frozen=True)
class ModelClock(Clock):
    """Both clocks in one, and they stand still until the test moves them. Seconds since 1970."""

    hands: list[float] = field(default_factory=lambda: [START])

    def now(self) -> datetime:
        return self.at(self.hands[0])

    def real_now(self) -> datetime:  # type: ignore[override]  # read through an instance everywhere
        return datetime.fromtimestamp(self.hands[0], UTC)

    def after_real(self, seconds: float) -> datetime:
        return self.at(self.hands[0] + seconds)

    def advance(self, seconds: float) -> None:
        self.hands[0] += seconds


@dataclass
class Create:
    """A message that the carrier accepted. ``reports``: its statuses so far, each with a code, oldest first."""

    sid: str
    to: str
    body: str
    attempt_id: int
    created_at: datetime
    reports: list[tuple[str, int | None]]

    @property
    def ended(self) -> bool:
        return self.reports[-1] in ENDS

    @property
    def allows_another(self) -> bool:
        return self.reports[-1][1] in MAY_RETRY

    def listed(self) -> CarrierMessage:
        status, code = self.reports[-1]
        return CarrierMessage(self.sid, self.to, None, self.body + " ", status, code, False, self.created_at)


class CarrierModel:
    """Implements ``outreach.carrier.base.Carrier``. ``next``: how the next POST ends, one of OUTCOMES."""

    def __init__(self, clock: ModelClock) -> None:
        self._clock = clock
        self.next = "accepted"
        self.creates: list[Create] = []
        self.excess: list[Create] = []
        """Accepted although an earlier create for the same person had not ended in a way that allows another."""
        self.on_the_way: list[Create] = []
        self.lists = True

    def create_message(self, *, to: str, body: str, status_callback: str, validity_seconds: int) -> str:
        assert validity_seconds > 0
        number = len(self.creates) + len(self.on_the_way) + 1
        attempt_id = int(status_callback.rpartition("/")[2])
        made = Create(f"SM{number:032x}", to, body, attempt_id, self._clock.real_now(), [("queued", None)])
        if self.next in REFUSALS:
            raise REFUSALS[self.next]
        if self.next == LATE:
            self.on_the_way.append(made)
            raise Ambiguous
        self._accept(made)
        if self.next == "lost_answer":
            raise Ambiguous
        if self.next == "server_error":
            raise Ambiguous(20500)
        if self.next == "broken":
            raise RuntimeError("nobody foresaw this")
        return made.sid

    def arrive(self) -> None:
        """A request that we gave up on reaches the carrier after all."""
        if self.on_the_way:
            self._accept(replace(self.on_the_way.pop(0), created_at=self._clock.real_now()))

    def go_on(self, pick: int, status: tuple[str, int | None]) -> None:
        """One of the messages that have not ended gets its next status and code."""
        able = [one for one in self.creates if not one.ended]
        if able:
            able[pick % len(able)].reports.append(status)

    def _accept(self, made: Create) -> None:
        earlier = [one for one in self.creates if (one.to, one.body) == (made.to, made.body)]
        if any(not one.allows_another for one in earlier):
            self.excess.append(made)
        self.creates.append(made)

    def fetch_message(self, sid: str) -> CarrierMessage:
        return next(one for one in self.creates if one.sid == sid).listed()

    def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
        if not self.lists:
            raise Throttled(20429)
        found = sorted(self.creates, key=lambda one: one.created_at, reverse=True)
        yield from (one.listed() for one in found if one.to == number and one.created_at >= since)
