"""A plan as a calendar file: the meeting, the gathering before it, and every day on which something is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from flask import Response, url_for
from flask_babel import gettext

from outreach.core.calendar import MIME_TYPE, Entry, events_file
from outreach.officials.plans import gathers_at
from outreach.serving import runtime
from outreach.web.plan_reads import PlanPage

HOUR: Final = timedelta(hours=1)


def plan_calendar(known: PlanPage) -> Response:
    """The file of one plan. It names no member: calendars are shared and lie on many machines."""
    held = runtime()
    host = urlsplit(held.settings.public_base_url).hostname or "localhost"
    file = events_file(entries_of(known), held.clock.now(), host)
    return as_calendar(file, f"meeting-{known.plan.id}.ics")


def as_calendar(file: bytes, name: str) -> Response:
    """A calendar file that the browser saves under this name."""
    answer = Response(file, mimetype=MIME_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def entries_of(known: PlanPage) -> Iterator[Entry]:
    """What goes into the calendar, in the language of the page."""
    plan, gathers = known.plan, gathers_at(known.plan)
    page = runtime().settings.public_base_url + url_for("plans.show", plan_id=plan.id)
    is_off = plan.state in {"called_off", "refused"}
    if plan.starts_at and gathers:
        yield Entry(
            f"plan-{plan.id}-meeting", gettext("Meeting: %(whom)s", whom=known.whom), plan.starts_at,
            plan.starts_at + timedelta(minutes=plan.minutes), plan.place, url=page, canceled=is_off, remind=HOUR,
        )  # fmt: skip
        if plan.gather_minutes:
            yield Entry(
                f"plan-{plan.id}-gathering", gettext("We gather: %(whom)s", whom=known.whom), gathers, plan.starts_at,
                plan.gather_place or plan.place, url=page, canceled=is_off,
            )  # fmt: skip
    for item in known.checklist.items:
        if item.due_on is not None and item.done_at is None:
            yield Entry(
                f"item-{item.id}", gettext("Due: %(what)s", what=item.words), item.due_on,
                text=known.whom, url=page, canceled=is_off,
            )  # fmt: skip
