"""How long somebody stays signed in, and for how long a password that they gave counts. Pure; times are real."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple


class Limits(NamedTuple):
    """``idle``: since they were last seen; ``longest``: since they signed in."""

    idle: timedelta
    longest: timedelta


READING: Final = Limits(timedelta(hours=12), timedelta(days=7))
"""Staff; and in a rehearsal whoever has no password to come back with."""
SENDING: Final = Limits(timedelta(hours=2), timedelta(hours=24))
"""Organizers and up."""
FRESH: Final = timedelta(minutes=10)
SEEN_EVERY: Final = timedelta(minutes=1)
SKEW: Final = timedelta(minutes=5)
"""So far servers' clocks may be apart; a time further ahead than this is not believed."""
_SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "Chromebook"), ("Windows", "Windows"),
    ("Mac OS X", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
_BROWSERS: Final = (
    (r"Edg(?:A|iOS)?/", "Edge"), (r"OPR/|Opera", "Opera"), (r"SamsungBrowser/", "Samsung Internet"),
    (r"Firefox/|FxiOS/", "Firefox"), (r"Chrome/|CriOS/|Chromium/", "Chrome"), (r"Safari/", "Safari"),
)  # fmt: skip


def limits_of(role: str, *, comes_back: bool = True) -> Limits:
    """The limits of a role. ``comes_back`` is False for whoever has no password to sign in with again."""
    return READING if role == "staff" or not comes_back else SENDING


def is_over(limits: Limits, created_at: datetime, seen_at: datetime, now: datetime) -> bool:
    """Whether somebody who signed in and was seen then must sign in again."""
    if created_at > now + SKEW or seen_at > now + SKEW:
        return True
    return now - created_at >= limits.longest or now - seen_at >= limits.idle


def is_fresh(confirmed_at: datetime | None, now: datetime) -> bool:
    """Whether a password or code was given within the last ten minutes."""
    return confirmed_at is not None and confirmed_at <= now + SKEW and now - confirmed_at < FRESH


def is_worth_noting(seen_at: datetime, now: datetime) -> bool:
    """Whether "last seen" is old enough to be written again."""
    return now - seen_at >= SEEN_EVERY


def device_words(user_agent: str | None) -> str:
    """A browser and its system, no more: enough to know one's own again. Empty when it cannot be told."""
    text = user_agent or ""
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, text)), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    return ", ".join(one for one in (browser, system) if one)
