"""What things cost, in millionths of the currency, and how much of a cap is left. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from config import table
from outreach.core.clock import PHOENIX
from outreach.core.errors import BadInputError

MICROS: Final = 1_000_000
MOST: Final = 1_000_000
"""No cap is higher, in whole units of the currency: it would be a typing mistake."""


class Caps(NamedTuple):
    """What a group may spend on a day and in a month; None: as much as it likes."""

    day: int | None
    month: int | None


class Spent(NamedTuple):
    """What a group has spent on the day and in the month of an instant."""

    day: int
    month: int


class Crossed(NamedTuple):
    """A share of a cap that was reached. ``begins``: the first day of its period."""

    period: str
    begins: date
    percent: int
    micros: int
    cap: int


def part_price() -> int:
    """Of one part of one text."""
    return _price("part")


def minute_price(*, inbound: bool = False) -> int:
    """Of one minute of a call that has begun."""
    return _price("minute_in" if inbound else "minute_out")


def _price(name: str) -> int:
    price: float = table("spend")["prices"][name]
    return round(price * MICROS)


def minutes_begun(seconds: int) -> int:
    """Carriers count a minute that has begun as a whole one."""
    return -(-max(0, seconds) // 60)


def local_day(now: datetime) -> date:
    """The day on the group's calendar at a domain time."""
    return now.astimezone(PHOENIX).date()


def room(spent: Spent, caps: Caps) -> int | None:
    """How much may still be spent; None: there is no cap. Never below nothing."""
    left = [cap - so_far for so_far, cap in zip(spent, caps, strict=True) if cap is not None]
    return max(0, min(left)) if left else None


def is_reached(spent: Spent, caps: Caps) -> bool:
    """Whether not even one part of a text fits under a cap any more."""
    left = room(spent, caps)
    return left is not None and left < part_price()


def crossed(spent: Spent, caps: Caps, day: date) -> list[Crossed]:
    """Each share of each cap that is reached, lowest first. The last is reached as soon as nothing fits any more."""
    return [
        one._replace(percent=percent)
        for one in _whole(spent, caps, day)
        for percent in table("spend")["alerts"]["percent"]
        if one.micros >= (one.cap * percent / 100 if percent < 100 else one.cap - part_price() + 1)
    ]


def nearest(spent: Spent, caps: Caps, day: date) -> Crossed | None:
    """The cap with the least room, as reached: what was to be begun did not fit under it. None: there is no cap."""
    return min(_whole(spent, caps, day), key=lambda one: one.cap - one.micros, default=None)


def _whole(spent: Spent, caps: Caps, day: date) -> list[Crossed]:
    """Each cap that there is, as reached."""
    periods = (("day", day, spent.day, caps.day), ("month", day.replace(day=1), spent.month, caps.month))
    return [Crossed(period, begins, 100, so_far, cap) for period, begins, so_far, cap in periods if cap is not None]


def amount(text: str) -> int | None:
    """A cap as somebody writes it: 250, 1,250.50, or none. Raises BadInputError (spend_amount)."""
    plain = text.strip().replace(",", "").removeprefix("$").strip()
    if plain.lower() in {"none", ""}:
        return None
    try:
        value = float(plain)
    except ValueError:
        raise BadInputError("spend_amount", most=f"{MOST:,}") from None
    if not 0 <= value <= MOST:
        raise BadInputError("spend_amount", most=f"{MOST:,}")
    return round(value * MICROS)
