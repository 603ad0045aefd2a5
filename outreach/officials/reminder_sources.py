"""What members are reminded of before a meeting: that it is tomorrow, that it is today, that a task is due tomorrow.

Only what is so now comes back, each time anew: a meeting that has moved, an item that is done, or somebody who was
replaced is not in it any more. Who is still a member, may be texted, and was reminded already, is for whoever sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from outreach.core.clock import PHOENIX
from outreach.officials.checklists import words_of
from outreach.officials.models import Meeting, Official
from outreach.officials.plan_models import ChecklistItem, MeetingPlan
from outreach.officials.plan_people import attendees_of
from outreach.officials.plans import OPEN, gathers_at
from outreach.officials.roles import official_in

MEETING: Final = "meeting"
TASK: Final = "task"
TOMORROW, TODAY = "tomorrow", "today"
LANGUAGES: Final = ("en", "es")
DAY_BEFORE_AT: Final = time(10)
SAME_DAY_AT: Final = time(9)
NOTICE: Final = timedelta(minutes=30)
"""Nobody is told so shortly before that they cannot come in time."""


class Due(NamedTuple):
    """A reminder that makes sense now, since ``at`` (domain time). ``step``: its word and what it is about, as in
    "tomorrow 2026-12-04 17:30": a meeting that has moved is a new thing. ``values``: language -> what its words are
    filled with; ``what`` is free text and may be shortened."""

    group_id: int
    kind: str
    subject_id: int
    step: str
    constituent_id: int
    at: datetime
    values: Mapping[str, Mapping[str, str]]


class When(NamedTuple):
    """A step of a meeting's reminders, and from when to when it may be sent."""

    step: str
    at: datetime
    until: datetime


def steps_of(starts_at: datetime, gathers: datetime, zone: ZoneInfo) -> list[When]:
    """When people are reminded of a meeting: the day before, and that morning unless it would come too late. Pure."""
    local = starts_at.astimezone(zone)
    day, about = local.date(), f"{local:%Y-%m-%d %H:%M}"
    eve, morning = _at(day - timedelta(days=1), DAY_BEFORE_AT, zone), _at(day, SAME_DAY_AT, zone)
    steps = [When(f"{TOMORROW} {about}", eve, _at(day, time(), zone))]
    if morning <= gathers - NOTICE:
        steps.append(When(f"{TODAY} {about}", morning, gathers))
    return steps


def due_plan_reminders(session: Session, now: datetime) -> list[Due]:
    """Everything of which members should be reminded at this moment (domain time), of every group."""
    return [*_of_meetings(session, now), *_of_items(session, now)]


def _of_meetings(session: Session, now: datetime) -> Iterator[Due]:
    rows = session.execute(
        select(MeetingPlan, Official.name, Official.role)
        .join(Official, Official.id == MeetingPlan.official_id)
        .where(
            MeetingPlan.state == "confirmed", MeetingPlan.starts_at > now,
            MeetingPlan.starts_at <= now + timedelta(days=2),
        )
        .order_by(MeetingPlan.id)
    ).all()  # fmt: skip
    soon = [(row, [one for one in _steps(row[0]) if one.at <= now < one.until]) for row in rows]
    expected = attendees_of(session, [row[0].id for row, steps in soon if steps])
    for (plan, name, role), steps in soon:
        for step in steps:
            values = {language: _meeting_words(plan, name, role, language) for language in LANGUAGES}
            for who in sorted(expected[plan.id]):
                yield Due(plan.group_id, MEETING, plan.id, step.step, who, step.at, values)


def _of_items(session: Session, now: datetime) -> Iterator[Due]:
    today = now.astimezone(PHOENIX).date()
    at = _at(today, DAY_BEFORE_AT, PHOENIX)
    if now < at:
        return
    rows: Sequence[Any] = session.execute(
        select(ChecklistItem, Official.name, Official.role)
        .outerjoin(MeetingPlan, MeetingPlan.id == ChecklistItem.plan_id)
        .outerjoin(Meeting, Meeting.id == ChecklistItem.meeting_id)
        .join(Official, Official.id.in_((MeetingPlan.official_id, Meeting.official_id)))
        .where(
            ChecklistItem.done_at.is_(None), ChecklistItem.due_on == today + timedelta(days=1),
            ChecklistItem.constituent_id.is_not(None),
            or_(MeetingPlan.state.in_(OPEN), ChecklistItem.meeting_id.is_not(None)),
        )
        .order_by(ChecklistItem.id)
    ).all()  # fmt: skip
    for item, name, role in rows:
        values = {
            language: {
                "what": words_of(item, language),
                "official": official_in(name, role, language, "text_name"),
                "day": day_words(item.due_on, language),
            }
            for language in LANGUAGES
        }
        yield Due(item.group_id, TASK, item.id, f"{TOMORROW} {item.due_on}", item.constituent_id, at, values)


def _steps(plan: MeetingPlan) -> list[When]:
    gathers = gathers_at(plan)
    return steps_of(plan.starts_at, gathers, ZoneInfo(plan.zone)) if plan.starts_at and gathers else []


def _meeting_words(plan: MeetingPlan, name: str, role: str, language: str) -> dict[str, str]:
    zone, gathers, starts = ZoneInfo(plan.zone), gathers_at(plan), plan.starts_at
    assert starts is not None and gathers is not None  # noqa: S101  a confirmed plan has a time
    return {
        "official": official_in(name, role, language, "text_name"),
        "day": day_words(starts.astimezone(zone).date(), language),
        "time": time_words(starts, zone, language),
        "gather": time_words(gathers, zone, language),
        "what": plan.gather_place or plan.place,
    }


def day_words(day: date, language: str) -> str:
    """A day as people say it: Tue Dec 1, mar 1 dic. Pure."""
    return format_date(day, "EEE MMM d" if language == "en" else "EEE d MMM", locale=language)


def time_words(at: datetime, zone: ZoneInfo, language: str) -> str:
    """A time of day where the meeting is: 5:30 PM. Plain blanks: others would double what a text costs. Pure."""
    said = format_time(at.astimezone(zone), "h:mm a", locale=language)
    return said.replace("\u202f", " ").replace("\xa0", " ")


def _at(day: date, hour: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, hour, zone).astimezone(UTC)
