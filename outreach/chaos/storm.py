"""The blast under fire: watches how far the sender has come, kills what is drawn, lets people opt out meanwhile.

A kill counts only if texts of the wave are due, claimed or posting; that is read right before it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import requests
from sqlalchemy import func, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from outreach.chaos import ChaosError
from outreach.chaos.schedule import EarlyStop, Kill
from outreach.chaos.targets import Targets
from outreach.core.runtime import Runtime
from outreach.messaging.models import Gate, Message
from outreach.people.models import Constituent
from outreach.story.play import Launched

POLL_SECONDS = 0.1
LEAST_GAP = 0.5
"""Real seconds between two kills."""
AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""What a database raises that was killed, or that is coming up."""


@dataclass(frozen=True, slots=True)
class Work:
    """The wave's texts at one moment. ``due`` may be claimed now; ``waiting`` are all that no slice has taken."""

    gate: str
    due: int
    claimed: int
    posting: int
    waiting: int

    @property
    def any(self) -> bool:
        """Whether a kill at this moment can disturb anything."""
        return self.due + self.claimed + self.posting > 0


@dataclass(frozen=True, slots=True)
class Struck:
    """A kill that counted: when (``second`` after launch, ``at`` since 1970), and what was at work."""

    target: str
    second: float
    at: float
    work: Work


def look(runtime: Runtime, gate_id: int) -> Work:
    """What is at work now. Raises what AWAY names while the database is down."""
    states = ("planned", "claimed", "posting")
    with runtime.db.snapshot() as session:
        gate, reason = session.execute(select(Gate.state, Gate.reason).where(Gate.id == gate_id)).one()
        ready = func.count().filter(Message.not_before <= runtime.clock.now())
        rows = session.execute(
            select(Message.state, func.count(), ready)
            .where(Message.gate_id == gate_id, Message.state.in_(states))
            .group_by(Message.state)
        ).all()
    every = {state: count for state, count, _ in rows}
    planned, claimed, posting = (every.get(state, 0) for state in states)
    due = sum(count for state, _, count in rows if state == "planned") if gate == "open" else 0
    return Work(f"{gate} ({reason})" if reason else gate, due, claimed, posting, planned + claimed)


def numbers_in_turn(runtime: Runtime, group_id: int, count: int) -> list[str]:
    """The numbers of the newest ``count`` constituents, in the order in which they are planned and sent."""
    with runtime.db.snapshot() as session:
        sealed = session.execute(
            select(Constituent.sealed)
            .where(Constituent.group_id == group_id)
            .order_by(Constituent.id.desc())
            .limit(count)
        ).scalars()
        return [runtime.vault.open(one, "constituent")["phone"] for one in reversed(list(sealed))]


class Storm:
    """One run's kills and early opt-outs. ``check`` raises what must end the run."""

    def __init__(
        self, runtime: Runtime, launched: Launched, targets: Targets, numbers: list[str], carrier_url: str
    ) -> None:
        self._runtime = runtime
        self._launched = launched
        self._targets = targets
        self._numbers = numbers
        self._phones = f"{carrier_url}/_rehearsal/phones"
        self._http = requests.Session()
        self._http.trust_env = False
        self.struck: list[Struck] = []
        self.tried_in_vain = 0
        """Kills that were due when nothing was at work, or whose target had gone by itself."""
        self.stop_sids: set[str] = set()

    def rage(
        self, kills: list[Kill], stops: list[EarlyStop], check: Callable[[], None], show: Callable[[Struck], None]
    ) -> None:
        """Until every kill has counted. Raises ChaosError when the blast ends or halts before that."""
        pending, early, pause, last = list(kills), list(stops), threading.Event(), 0.0
        thresholds = [kill.at for kill in kills]
        while pending:
            check()
            progress = self._progress()
            if progress is None:
                pause.wait(POLL_SECONDS)
                continue
            while early and early[0].at <= progress:
                self._opt_out(early.pop(0))
            due = thresholds[len(kills) - len(pending)] <= progress
            if not due or time.monotonic() - last < LEAST_GAP or not self._strike(pending, show):
                pause.wait(POLL_SECONDS)
                continue
            last = time.monotonic()

    def _progress(self) -> float | None:
        """The share of the recipients whose turn has come; None while the database is away or planning goes on."""
        try:
            work = look(self._runtime, self._launched.gate_id)
            with self._runtime.db.snapshot() as session:
                planned = session.execute(
                    select(func.count()).where(Message.gate_id == self._launched.gate_id, Message.retry_of.is_(None))
                ).scalar_one()
        except AWAY:
            return None
        if work.gate != "open":
            raise ChaosError("chaos_halted", state=work.gate, count=len(self.struck))
        total = len(self._numbers)
        return max(0.0, (planned - work.waiting) / total) if planned else 0.0

    def _strike(self, pending: list[Kill], show: Callable[[Struck], None]) -> bool:
        """Kill the first pending target that is there; False when none is, or nothing was at work."""
        kill = next((each for each in pending if self._targets.there(each.target)), None)
        if kill is None:
            return False
        try:
            work = look(self._runtime, self._launched.gate_id)
        except AWAY:
            return False
        at = time.time()
        if not work.any or not self._targets.kill(kill.target):
            self.tried_in_vain += 1
            if not work.any and work.waiting == 0:
                raise ChaosError("chaos_over", count=len(self.struck), left=len(pending))
            return False
        pending.remove(kill)
        struck = Struck(kill.target, round(time.monotonic() - self._launched.started, 2), at, work)
        self.struck.append(struck)
        show(struck)
        return True

    def _opt_out(self, stop: EarlyStop) -> None:
        number = self._numbers[min(int(stop.place * len(self._numbers)), len(self._numbers) - 1)]
        answer = self._http.post(f"{self._phones}/{number}/reply", json={"body": stop.words}, timeout=30)
        answer.raise_for_status()
        self.stop_sids.add(answer.json()["sid"])
