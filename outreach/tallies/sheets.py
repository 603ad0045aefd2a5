"""A sheet of the tallies: a row for each official, campaign, text, tactic, variant, jurisdiction or ZIP, and a total.

Texts and words since ever come from the counters and their unfolded tail, so they are exact at any moment and are
those of the campaigns' own pages. Of a period or a ZIP no counter knows: those, and how many different people all of
it was, are counted from rows (``people_counts``), here and now or lately.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from outreach.core.clock import Clock
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Event, Message, MessageAttempt, Tally, of_kind
from outreach.officials.models import Official
from outreach.officials.roles import official_in
from outreach.tallies.figures import Figures, People, of_counters
from outreach.tallies.people_counts import TOTAL, Scope, count_rows
from outreach.tallies.reads import counters

DIMENSIONS: Final = ("official", "campaign", "wave", "tactic", "variant", "jurisdiction", "zip")
VARIANTS: Final = ("a", "b")

_WAVES = (
    select(
        Wave.id, Wave.number, Wave.gate_id, Campaign.id.label("campaign_id"), Campaign.name.label("campaign"),
        Campaign.tactic, Official.id.label("official_id"), Official.name.label("official"), Official.role,
        Official.jurisdiction,
    )
    .join(Campaign, Campaign.id == Wave.campaign_id)
    .join(Official, Official.id == Campaign.official_id)
    .where(Wave.group_id == bindparam("group"))
    .order_by(Official.name, Campaign.id, Wave.number)
)  # fmt: skip
_OF_GROUP = select(Wave.gate_id).where(Wave.group_id == bindparam("group"))
_FOLDED = select(Tally.gate_id, Tally.name, Tally.count).where(Tally.gate_id.in_(_OF_GROUP))
_TOLD_OF = select(Event.gate_id).where(Event.folded_at.is_(None), of_kind("delta")).distinct()
_HEARD_OF = (
    select(Message.gate_id)
    .join(MessageAttempt, MessageAttempt.message_id == Message.id)
    .join(Event, Event.attempt_id == MessageAttempt.id)
    .where(Event.folded_at.is_(None), Event.kind != "delta")
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Name:
    """What a row is about. ``text`` is a name, a tactic's code, a jurisdiction or a ZIP, empty where there is none;
    ``role`` an official's, ``number`` and ``variant`` which of a campaign's texts. Ids lead to its page.
    """

    text: str
    role: str = ""
    number: int | None = None
    variant: str | None = None
    official_id: int | None = None
    campaign_id: int | None = None

    @property
    def plain(self) -> str:
        """In one line, for files."""
        said = official_in(self.text, self.role, "en")
        return f"{said}, text {self.number or self.variant}" if self.number or self.variant else said


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row under its stable key."""

    key: str
    name: Name
    figures: Figures


@dataclass(frozen=True, slots=True)
class Sheet:
    """``total`` is counted by itself: whoever is in two rows is one person in it. ``at``: domain time of the snapshot;
    ``people_at``: real time at which people were counted, None: they are yet to be.
    """

    dimension: str
    since: datetime | None
    at: datetime
    people_at: datetime | None
    rows: tuple[SheetRow, ...]
    total: Figures


def count_sheet(session: Session, group_id: int, dimension: str, since: datetime | None, clock: Clock) -> Sheet:
    """Everything counted in this snapshot."""
    found = count_rows(session, Scope(group_id, since), dimension, clock)
    return make_sheet(session, group_id, dimension, since, clock, found, clock.real_now())


def make_sheet(
    session: Session, group_id: int, dimension: str, since: datetime | None, clock: Clock,
    counted: Mapping[str, Figures] | None, people_at: datetime | None,
) -> Sheet:  # fmt: skip
    """A sheet of what was counted from rows (None: nothing yet), with the counters as they are now."""
    waves = session.execute(_WAVES, {"group": group_id}).all()
    names, found = _names(waves, dimension), dict(counted or {})
    if since is None and dimension != "zip":
        exact = _exact(session, group_id, waves, dimension, clock)
        nobody = None if counted is None else Figures(people=People())
        found = {key: _beside(figures, found.get(key, nobody)) for key, figures in exact.items()}
    total = found.pop(TOTAL, Figures(people=None if counted is None else People()))
    rows = [SheetRow(key, names.get(key, Name(key)), figures) for key, figures in found.items()]
    places = {key: place for place, key in enumerate(names)}
    rows.sort(key=lambda row: (row.key == "", places.get(row.key, len(places)), row.key))
    return Sheet(dimension, since, clock.now(), people_at, tuple(rows), total)


def _beside(exact: Figures, counted: Figures | None) -> Figures:
    """What counters know, and what they cannot."""
    return exact if counted is None else replace(exact, answers=counted.answers, people=counted.people)


def _exact(
    session: Session, group_id: int, waves: Sequence[Any], dimension: str, clock: Clock
) -> dict[str, Figures]:  # fmt: skip
    """The figures of counters by key, and of TOTAL; of two tried texts only where two were."""
    by_gate = counters_of_group(session, group_id, clock)
    sums: dict[str, Counter[str]] = {}
    for wave in waves:
        counts = by_gate.get(wave.gate_id, Counter())
        for key, variant in _keys(wave, dimension):
            prefix = f"{variant}:" if variant else ""
            own = {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix)}
            if own or not variant:
                sums.setdefault(key, Counter()).update(own)
    together: Counter[str] = Counter()
    for counts in sums.values():
        together.update(counts)
    return {key: of_counters(counts) for key, counts in (sums | {TOTAL: together}).items()}


def counters_of_group(session: Session, group_id: int, clock: Clock) -> dict[int, Counter[str]]:
    """The counters of every gate of a group's campaigns as of this snapshot: those that nothing was heard of since the
    last fold together, the others one by one.
    """
    reading = session.connection()
    found: dict[int, Counter[str]] = {}
    for gate_id, name, count in reading.execute(_FOLDED, {"group": group_id}):
        found.setdefault(gate_id, Counter())[name] = count
    told = {*reading.execute(_TOLD_OF).scalars(), *reading.execute(_HEARD_OF).scalars()}
    ours = set(reading.execute(_OF_GROUP, {"group": group_id}).scalars()) if told else set()
    return found | {gate_id: counters(session, gate_id, clock) for gate_id in sorted(told & ours)}


def _names(waves: Sequence[Any], dimension: str) -> dict[str, Name]:
    """The rows that a group's texts make, in their order; of ZIPs none is known beforehand."""
    found: dict[str, Name] = {}
    for wave in waves:
        for key, variant in _keys(wave, dimension):
            found.setdefault(key, _name(wave, dimension, variant))
    return found


def _keys(wave: Any, dimension: str) -> list[tuple[str, str | None]]:
    """Where a text belongs: its row's key, and which of two tried texts that is about."""
    match dimension:
        case "variant":
            return [(f"{wave.campaign_id}:{one}", one) for one in VARIANTS]
        case "zip":
            return []
        case "official" | "campaign":
            return [(str(getattr(wave, f"{dimension}_id")), None)]
        case "wave":
            return [(str(wave.id), None)]
    return [(getattr(wave, dimension) or "", None)]


def _name(wave: Any, dimension: str, variant: str | None) -> Name:
    match dimension:
        case "official":
            return Name(wave.official, wave.role, official_id=wave.official_id)
        case "campaign" | "variant":
            return Name(wave.campaign, variant=variant, campaign_id=wave.campaign_id)
        case "wave":
            return Name(wave.campaign, number=wave.number, campaign_id=wave.campaign_id)
    return Name(getattr(wave, dimension) or "")
