"""Clocks: ours against the carrier's and the database's, and how old the table of time zones is."""

from __future__ import annotations

import re
import time
import zoneinfo
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sqlalchemy import text

from outreach.doctor.examined import Examined, NotLooked
from outreach.doctor.findings import Finding, finding

OFF, FAR_OFF = 5.0, 60.0
"""Seconds. Reports and look-ups of lost answers compare times with the carrier's, five minutes apart at most."""
RELEASE: Final = re.compile(r"(20\d\d)[a-z]?", re.ASCII)


def look_at_carrier(held: Examined) -> Iterator[Finding]:
    """By the Date of the carrier's answers; comes after something was asked there."""
    ahead = held.account.http.ahead
    if not ahead:
        raise NotLooked("carrier_away")
    yield judge_clock("clock.carrier", min(ahead, key=abs))


def look_at_database(held: Examined) -> Iterator[Finding]:
    """A file has no clock of its own."""
    if held.runtime.db.is_sqlite:
        return
    with held.snapshot() as session:
        before = time.time()
        theirs: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        yield judge_clock("clock.database", (before + time.time()) / 2 - theirs.timestamp())


def judge_clock(check: str, ahead: float) -> Finding:
    """``ahead``: by how many seconds ours is ahead of the other."""
    off = abs(ahead)
    outcome = "far_off" if off > FAR_OFF else "off" if off > OFF else "ok"
    return finding(check, outcome, seconds=round(off, 1), direction="ahead of" if ahead > 0 else "behind")


def look_at_zones(held: Examined) -> Iterator[Finding]:
    """The release of the table that Python reads: the machine's, else the package's."""
    yield judge_zones(zone_release(), held.runtime.clock.real_now().year)


def zone_release() -> str:
    """As its makers name it, such as 2026a; empty where the machine's table does not say."""
    for directory in zoneinfo.TZPATH:
        if (Path(directory) / "America").is_dir():
            named = Path(directory) / "tzdata.zi"  # its first line: # version 2026a
            return named.read_text(encoding="utf-8").partition("\n")[0].split()[-1] if named.exists() else ""
    return version("tzdata")


def judge_zones(release: str, year: int) -> Finding:
    """States change their zones with a year's notice or less: older than last year's is too old."""
    match = RELEASE.match(release)
    if match is None:
        return finding("clock.zones", "unnamed")
    return finding("clock.zones", "old" if int(match.group(1)) < year - 1 else "ok", release=release)
