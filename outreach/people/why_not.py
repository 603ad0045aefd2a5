"""Why a person is not texted now, as a plain list of reasons. Pure, and from the rules that the sender itself uses.

Standing reasons last until somebody does something about them; passing ones end by themselves, and say when.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from outreach.people.caps import next_allowed
from outreach.people.consent import is_consent_valid
from outreach.people.quiet_hours import window


class Suppressed(NamedTuple):
    """A suppression that concerns the group: its own, or one of every group. ``at``: real time."""

    source: str  # person, pending, carrier, import, staff
    at: datetime
    lifted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one person in one group. ``starts`` are the times of their STARTs to this group, real time."""

    suppressions: Sequence[Suppressed] = ()
    starts: Sequence[datetime] = ()
    consented_at: datetime | None = None
    number_bad: bool = False
    zones: tuple[str, ...] = ()
    sent_at: Sequence[datetime] = ()  # campaign texts of every group, domain time


class Reason(NamedTuple):
    """A code, and the instant at which the reason ends by itself, where it does.

    Codes: opted_out, perhaps_opted_out, opted_out_at_carrier, refused_in_import, stopped_by_staff; number_bad;
    no_consent, consent_old; cap; quiet_hours.
    """

    code: str
    until: datetime | None = None


SUPPRESSION_CODES = {
    "person": "opted_out",
    "pending": "perhaps_opted_out",
    "carrier": "opted_out_at_carrier",
    "import": "refused_in_import",
    "staff": "stopped_by_staff",
}


def in_force(suppressions: Iterable[Suppressed], starts: Sequence[datetime]) -> list[Suppressed]:
    """Those that hold now: not lifted, and not the person's own with a later START (``consent`` says it in SQL)."""
    started = max(starts, default=None)
    return [
        one
        for one in suppressions
        if one.lifted_at is None and not (one.source == "person" and started is not None and started > one.at)
    ]


def standing_reasons(facts: Facts, now: datetime) -> list[Reason]:
    """What keeps campaign texts from this person until somebody acts. ``now``: domain time."""
    sources = {one.source for one in in_force(facts.suppressions, facts.starts)}
    reasons = [Reason(code) for source, code in SUPPRESSION_CODES.items() if source in sources]
    if facts.number_bad:
        reasons.append(Reason("number_bad"))
    if facts.consented_at is None:
        reasons.append(Reason("no_consent"))
    elif not is_consent_valid(facts.consented_at, now):
        reasons.append(Reason("consent_old"))
    return reasons


def passing_reasons(facts: Facts, now: datetime) -> list[Reason]:
    """What keeps campaign texts from this person for a while. ``now``: domain time."""
    reasons = []
    allowed = next_allowed(facts.sent_at, facts.zones, now)
    if allowed is not None:
        reasons.append(Reason("cap", allowed))
    hours = window(facts.zones, now)
    if not hours.open:
        reasons.append(Reason("quiet_hours", hours.opens_at))
    return reasons


def why_not(facts: Facts, now: datetime) -> list[Reason]:
    """Every reason why no campaign text goes to this person now; empty when one may. ``now``: domain time."""
    return standing_reasons(facts, now) + passing_reasons(facts, now)
