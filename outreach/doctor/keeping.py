"""What must outlast a bad day: backups, keys, and somebody who can get in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from config import table
from outreach.accounts.models import Group, User
from outreach.accounts.role_rules import INSTANCE
from outreach.accounts.sign_in_models import Authenticator
from outreach.backups.backup import last_backup
from outreach.core.errors import SettingsError
from outreach.core.key_checks import check, marks_of
from outreach.doctor.examined import Examined, NotLooked
from outreach.doctor.findings import Finding, finding
from outreach.privacy.keys import UNKNOWN, keys_in_use

LATE, TOO_LATE = timedelta(hours=26), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Admins:
    """Who runs the site for all groups. ``with_codes``: how many of them also need a one-time code; None: unknown."""

    count: int
    with_codes: int | None


def look_at_backups(held: Examined) -> Iterator[Finding]:
    """When the newest one was made; without one, how long there has been something to lose."""
    with held.tables() as session:
        at = last_backup(session)
        since = session.execute(select(func.min(Group.created_at))).scalar()
    now = held.runtime.clock.real_now()
    yield judge_no_backup(since, now, rehearsal=held.rehearsal) if at is None else judge_backup(at, now)


def judge_backup(at: datetime, now: datetime) -> Finding:
    """By when the newest was made, real time."""
    age = now - at
    outcome = "too_late" if age > TOO_LATE else "late" if age > LATE else "ok"
    return finding("keeping.backups", outcome, age=_said(age))


def judge_no_backup(since: datetime | None, now: datetime, *, rehearsal: bool) -> Finding:
    """``since``: when the first group was made (in production, domain time is real); None: there is none yet."""
    if rehearsal:
        return finding("keeping.backups", "rehearsed")
    allowed = timedelta(days=table("doctor")["keeping"]["days_without_backup"])
    if since is None or now - since <= allowed:
        return finding("keeping.backups", "unnoted")
    return finding("keeping.backups", "never", age=_said(now - since))


def _said(age: timedelta) -> str:
    hours = round(age / timedelta(hours=1))
    return f"{hours} h" if hours < 72 else f"{hours // 24} days"


def look_at_keys(held: Examined) -> Iterator[Finding]:
    """Which keys documents are under: reads every sealed row, a few seconds for a million."""
    if held.database_away:
        raise NotLooked("database_away")
    try:
        check(held.runtime.vault, marks_of(held.runtime.db) or {})
    except SettingsError as error:
        yield finding("keeping.keys", error.code)
        return
    yield judge_keys(held.runtime.vault.key_id, keys_in_use(held.runtime))


def judge_keys(current: str, found: Mapping[str, Mapping[str, int]]) -> Finding:
    """``found``: table -> key id -> documents."""
    lost = sum(counts.get(UNKNOWN, 0) for counts in found.values())
    every = sum(sum(counts.values()) for counts in found.values())
    old = every - lost - sum(counts.get(current, 0) for counts in found.values())
    unused = sorted({key for counts in found.values() for key in counts} - {current, UNKNOWN})
    if lost:
        return finding("keeping.keys", "lost", count=lost)
    if old:
        return finding("keeping.keys", "old", count=old, current=current)
    if unused:
        return finding("keeping.keys", "unused", keys=", ".join(unused))
    return finding("keeping.keys", "ok", count=every, current=current)


def look_at_admins(held: Examined) -> Iterator[Finding]:
    """Who can set up groups, and let the others in."""
    with held.tables() as session:
        mine = (User.role.in_(INSTANCE), User.deactivated_at.is_(None))
        count = session.execute(select(func.count(User.id)).where(*mine)).scalar_one()
        coded = select(func.count(User.id)).join(Authenticator, Authenticator.user_id == User.id).where(*mine)
        with_codes = None if held.rehearsal else session.execute(coded).scalar_one()
        yield judge_admins(Admins(count, with_codes))


def judge_admins(admins: Admins) -> Finding:
    """One is enough, with a code."""
    if not admins.count:
        return finding("keeping.admins", "none")
    if admins.with_codes is not None and admins.with_codes < admins.count:
        return finding("keeping.admins", "no_codes", count=admins.count - admins.with_codes)
    return finding("keeping.admins", "ok", count=admins.count)
