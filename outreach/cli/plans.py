"""Commands on meetings that are to come."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.cli.context import group_id, runtime
from outreach.core.runtime import Runtime
from outreach.officials.checklists import items_of, progress
from outreach.officials.models import Official
from outreach.officials.plan_models import MeetingPlan
from outreach.officials.plans import OPEN, day_of, gathers_at

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")


@click.group()
def meetings() -> None:
    """Meetings that are to come."""


@meetings.command()
@as_json
def upcoming(as_json: bool) -> None:
    """Meetings that are asked for or agreed, the next one first, with how far their checklists are."""
    held = runtime()
    with held.db.snapshot() as session:
        found = upcoming_document(session, held, group_id())
    if as_json:
        click.echo(json.dumps({"meetings": found}))
        return
    lines = [
        f"{row['id']:>5}  {(row['starts_at'] or 'not agreed yet')[:16]:<16}  {row['official']:<32} "
        f"{row['done']}/{row['items']} done" + (f", {row['late']} late" if row["late"] else "")
        for row in found
    ]
    click.echo("\n".join(lines) or "None yet.")


def upcoming_document(session: Session, runtime: Runtime, group: int) -> list[dict[str, Any]]:
    """Open plans of a group, ready for JSON. No member is named: output of commands lies in logs and mails."""
    rows = session.execute(
        select(MeetingPlan, Official.name)
        .join(Official, Official.id == MeetingPlan.official_id)
        .where(MeetingPlan.group_id == group, MeetingPlan.state.in_(OPEN))
        .order_by(MeetingPlan.starts_at.is_(None), MeetingPlan.starts_at, MeetingPlan.id)
    ).all()
    found = []
    for plan, official in rows:
        done = progress(items_of(session, group, plan_id=plan.id), runtime.clock.now().date())
        day = day_of(plan)
        found.append(
            {
                "id": plan.id, "official_id": plan.official_id, "official": official, "state": plan.state,
                "staff_name": plan.staff_name, "staff_role": plan.staff_role, "day": day.isoformat() if day else None,
                "starts_at": _iso(plan.starts_at), "gathers_at": _iso(gathers_at(plan)), "minutes": plan.minutes,
                "time_zone": plan.zone, "place": plan.place, "gather_place": plan.gather_place, "done": done.done,
                "items": done.total, "late": done.late,
            }
        )  # fmt: skip
    return found


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="minutes") if at else None
