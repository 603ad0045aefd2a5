"""Everybody whom a wave concerns, each once, with the facts that ``silence.why`` needs: counted in one statement.

Whom it concerns: its recipients, and whoever is in its audience's lists or segments (for a later wave: whom the earlier
ones had) and never became one. People with the same facts are counted together, so the rule runs once for each kind of
person. The states are the messages' own, as of the last fold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select
from sqlalchemy.orm import Session

from outreach.core.errors import NotFoundError
from outreach.escalations.audience import REACHED
from outreach.escalations.models import ENDED, Campaign
from outreach.escalations.models import Wave as WaveRow
from outreach.escalations.pacing_models import Pace
from outreach.escalations.segments import freeze
from outreach.escalations.silence import STOPS, Facts, Wave, in_order, why
from outreach.escalations.silence_sql import Flag, concerned
from outreach.messaging.models import Gate
from outreach.people.why_not import Reason
from outreach.people.zones import parse_zones_key

ALIKE: Final = ("state", "error_code", "flags", "stop")
"""Columns of few values; ``zones`` and ``not_before`` of what is held have many."""
FACTS: Final = (*ALIKE, "zones", "not_before")


@dataclass(frozen=True, slots=True)
class Asked:
    """A campaign's wave that somebody asks about; ``row`` is None while nothing is launched."""

    group_id: int
    campaign_id: int
    name: str
    number: int
    numbers: Sequence[int]
    wave: Wave
    row: WaveRow | None
    audience: Mapping[str, Any]
    unless_replied: Sequence[int]


class Alike(NamedTuple):
    """People with the same facts (a row of FACTS and their number), and the reason that these have."""

    row: Any
    people: int
    reason: Reason | None


class Counted(NamedTuple):
    """A reason, how many people have it, and when the first of them may be texted, where that is known."""

    code: str
    people: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """Where everybody is. ``reasons`` and ``reached`` sum to ``people``; ``recipients`` are those with a message."""

    kinds: Sequence[Alike]

    @property
    def people(self) -> int:
        """Everybody."""
        return sum(kind.people for kind in self.kinds)

    @property
    def reached(self) -> int:
        """Who got the text, or to whom it is on its way."""
        return sum(kind.people for kind in self.kinds if kind.reason is None)

    @property
    def recipients(self) -> int:
        """Who became a recipient: what the wave's counters sum to."""
        return sum(kind.people for kind in self.kinds if kind.row.state)

    def reasons(self) -> list[Counted]:
        """Every reason that somebody has, in the order in which they are shown."""
        counts: Counter[str] = Counter()
        until: dict[str, datetime] = {}
        for kind in self.kinds:
            if kind.reason is not None:
                code, ends = kind.reason
                counts[code] += kind.people
                if ends is not None:
                    until[code] = min(ends, until.get(code, ends))
        return [Counted(code, counts[code], until.get(code)) for code in in_order(counts)]


def find_wave(session: Session, group_id: int, campaign_id: int, number: int | None = None) -> Asked:
    """The wave of this number, the first when none is given. Raises NotFoundError."""
    campaign = session.execute(
        select(Campaign.name, Campaign.state, Campaign.audience).where(
            Campaign.id == campaign_id, Campaign.group_id == group_id
        )
    ).first()
    if campaign is None:
        raise NotFoundError("campaign_unknown", campaign_id=campaign_id)
    rows = session.execute(
        select(WaveRow, Gate, Pace.opens_at)
        .join(Gate, Gate.id == WaveRow.gate_id)
        .outerjoin(Pace, Pace.gate_id == Gate.id)
        .where(WaveRow.campaign_id == campaign_id)
        .order_by(WaveRow.number)
    ).all()
    if not rows:
        if number not in {None, 1}:
            raise NotFoundError("wave_unknown", number=number)
        gate = "closed" if campaign.state in ENDED else "draft"
        audience = freeze(session, group_id, campaign.audience, all_there=False)
        return Asked(group_id, campaign_id, campaign.name, 1, (1,), Wave(gate), None, audience, ())
    for row, held, office_opens in rows:
        if number in {None, row.number}:
            who, is_planned = row.audience.get("who", "lists"), row.planned_at is not None
            return Asked(
                group_id, campaign_id, campaign.name, row.number, [other.number for other, *_ in rows],
                Wave(held.state, held.reason, who, is_planned, office_opens), row, row.audience,
                held.unless_replied or (),
            )  # fmt: skip
    raise NotFoundError("wave_unknown", number=number)


def account(session: Session, asked: Asked, now: datetime) -> Account:
    """Count everybody at a domain time, in one statement."""
    everybody = _everybody(asked, now)
    columns = [everybody.c[name] for name in FACTS]
    rows = session.execute(select(*columns, func.count().label("people")).group_by(*columns))
    return Account([Alike(row, row.people, why(facts_of(row), asked.wave)) for row in rows])


def facts_of(row: Any) -> Facts:
    """The facts of a row with the columns FACTS."""
    flags = Flag(row.flags)
    consent = "none" if Flag.NO_CONSENT in flags else "old" if Flag.CONSENT_OLD in flags else "valid"
    return Facts(
        state=row.state,
        not_before=row.not_before,
        error_code=row.error_code,
        zones=parse_zones_key(row.zones),
        again=Flag.AGAIN in flags,
        left=Flag.LEFT in flags,
        taken=Flag.TAKEN in flags,
        replied=Flag.REPLIED in flags,
        number_bad=Flag.NUMBER_BAD in flags,
        stop=STOPS[row.stop] if row.stop < len(STOPS) else "",
        consent=consent,
        passed=Flag.PASSED in flags,
        reached=Flag.NOT_REACHED not in flags,
        answer="welcome" if Flag.WELCOME in flags else "unwelcome" if Flag.UNWELCOME in flags else "",
    )


def silent_people(found: Account, asked: Asked, now: datetime, code: str | None = None) -> Select[Any]:
    """Who was not texted, for one reason or any: a statement for their ids (``person``) and FACTS, in order of id."""
    everybody = _everybody(asked, now)
    chosen = everybody.c.state.not_in(REACHED) if code is None else _has_reason(everybody, found, code)
    columns = [everybody.c[name] for name in ("person", *FACTS)]
    # Chosen first and cut afterwards: PostgreSQL takes a LIMIT for a promise that few rows have to be looked at.
    whole = select(*columns).where(chosen).cte("whole").prefix_with("MATERIALIZED", dialect="postgresql")
    return select(whole).order_by(whole.c.person)


def _everybody(asked: Asked, now: datetime) -> Any:
    return concerned(asked.group_id, asked.row, asked.audience, asked.unless_replied, now).subquery()


def _has_reason(everybody: Any, found: Account, code: str) -> ColumnElement[bool]:
    """SQL for who has this reason: the kinds of people that the rule gave it to, said by their facts."""
    alike: dict[tuple[Any, ...], list[Alike]] = {}
    for kind in found.kinds:
        alike.setdefault(tuple(kind.row[: len(ALIKE)]), []).append(kind)
    ways = []
    for values, kinds in alike.items():
        inside = [kind for kind in kinds if kind.reason is not None and kind.reason.code == code]
        if inside:
            same = and_(*(everybody.c[name] == value for name, value in zip(ALIKE, values, strict=True)))
            ways.append(and_(same, _at_these_times(everybody, kinds, inside)) if len(inside) < len(kinds) else same)
    return or_(*ways) if ways else false()


def _at_these_times(everybody: Any, kinds: Sequence[Alike], inside: Sequence[Alike]) -> ColumnElement[bool]:
    """Of what is held, the pairs of zones and time that are meant; the fewer ones are named, those or all others."""
    outside = [kind for kind in kinds if kind not in inside]
    times: dict[str, list[datetime]] = {}
    for kind in min(inside, outside, key=len):
        times.setdefault(kind.row.zones, []).append(kind.row.not_before)
    named = or_(*(and_(everybody.c.zones == zones, everybody.c.not_before.in_(at)) for zones, at in times.items()))
    return named if len(inside) <= len(outside) else not_(named)
