"""Launches that are so unlike their group that a person should look first (``config/anomalies.toml``)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import and_, func, select

from config import table
from outreach.core.runtime import Runtime
from outreach.escalations.models import Wave
from outreach.messaging.gates import STAND_DOWN, UNUSUAL, halt_gate
from outreach.messaging.models import Gate, Tally
from outreach.messaging.states import STATES, public_state

HOUR: Final = timedelta(hours=1)
COUNTED: Final = tuple(sorted({public_state(state) for state in STATES} - {"superseded"}))


class Launched(NamedTuple):
    """A wave. ``seen``: it was halted as unusual, and an admin has let it go on."""

    at: datetime
    people: int
    gate_id: int
    seen: bool


def habit(launched: Iterable[tuple[datetime, int]], now: datetime) -> int:
    """Recipients in the busiest hour of the days before the last hour; 0 where there was none. Pure."""
    hours: Counter[int] = Counter()
    for at, people in launched:
        if now - timedelta(days=table("anomalies")["launches"]["days"]) <= at <= now - HOUR:
            hours[int(at.timestamp()) // 3600] += people
    return max(hours.values(), default=0)


def is_unusual(people: int, busiest: int) -> bool:
    """Whether so many recipients within an hour are far above a group's busiest one. Pure."""
    rule = table("anomalies")["launches"]
    return bool(busiest) and people > max(rule["floor"], rule["factor"] * busiest)


def watch_launches(runtime: Runtime) -> int:
    """A step of upkeep, in production: how many gates were halted. A rehearsal texts nobody, and has no habits."""
    return 0 if runtime.settings.mode == "rehearsal" else halt_unusual(runtime)


def halt_unusual(runtime: Runtime) -> int:
    """Halt what was launched within the last hour where it is unusual and no admin has looked; how many gates.

    To pause and resume it oneself is not to have it looked at, and neither is to mend what has halted it meanwhile, a
    cap that is raised: what is paused is halted as well. Where it was a breaker, that trips anew.
    """
    now = runtime.clock.now()
    with runtime.db.snapshot() as reading:
        lately = select(Wave.group_id).join(Gate, Gate.id == Wave.gate_id)
        others = func.coalesce(Gate.reason, "").not_in((UNUSUAL, STAND_DOWN))
        halting = and_(Gate.state.in_(("open", "paused")), others)
        groups = reading.execute(lately.where(Wave.launched_at > now - HOUR, halting).distinct()).scalars().all()
        if not groups:
            return 0
        since = now - timedelta(days=table("anomalies")["launches"]["days"])
        people = func.coalesce(func.sum(Tally.count), 0)
        rows = reading.execute(
            select(Wave.group_id, Wave.gate_id, Wave.launched_at, people, Gate.baseline)
            .join(Gate, Gate.id == Wave.gate_id)
            .outerjoin(Tally, (Tally.gate_id == Wave.gate_id) & Tally.name.in_(COUNTED))
            .where(Wave.group_id.in_(groups), Wave.launched_at >= since)
            .group_by(Wave.group_id, Wave.gate_id, Wave.launched_at, Gate.id)
        ).all()
    launched: dict[int, list[Launched]] = defaultdict(list)
    for group_id, gate_id, at, count, baseline in rows:
        launched[group_id].append(Launched(at, int(count), gate_id, bool((baseline or {}).get("looked"))))
    halted = 0
    for waves in launched.values():
        new = [one for one in waves if one.at > now - HOUR and not one.seen]
        if is_unusual(sum(one.people for one in new), habit([(one.at, one.people) for one in waves], now)):
            for gate_id in sorted(one.gate_id for one in new):
                with runtime.db.transaction() as tx:
                    halted += halt_gate(tx, gate_id, UNUSUAL, paused_too=True)
    return halted
