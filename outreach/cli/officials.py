"""Commands on officials, and on meetings with them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from outreach.cli.context import group_id, runtime
from outreach.core.errors import BadInputError
from outreach.escalations.drafts import draft_from_meeting
from outreach.officials.hours import print_week
from outreach.officials.imports import add_official, import_officials
from outreach.officials.meetings import ANSWERS, OUTCOMES, Answer, Promised, needs_escalation, record_meeting
from outreach.officials.models import Office, Official

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
by = click.option("--by", "recorded_by", default="command line", show_default=True, help="Who records this.")

PROBLEMS_SHOWN = 20


@click.group()
def officials() -> None:
    """Officials and their offices."""


@officials.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def import_(file: Path, as_json: bool) -> None:
    """Import officials: OpenStates CSV or YAML (a file or a folder), or a CSV with name, role and phone."""
    held = runtime()
    report = import_officials(held, group_id(), file, held.clock.now().date())
    if as_json:
        click.echo(json.dumps(report.as_dict()))
        return
    lines = [f"{report.rows} officials: {report.new} new, {report.updated} updated, {report.skipped} skipped."]
    if report.without_phone:
        lines.append(f"{report.without_phone} have no usable phone: they can be met, but not called.")
    if report.aliased:
        lines.append("This is a rehearsal: office phones were replaced by 555-01XX numbers.")
    lines += [f"  row {found.row}: {found.message}" for found in report.problems[:PROBLEMS_SHOWN]]
    if len(report.problems) > PROBLEMS_SHOWN:
        lines.append(f"  and {len(report.problems) - PROBLEMS_SHOWN} more problems (--json shows all)")
    click.echo("\n".join(lines))


@officials.command("list")
@as_json
def list_(as_json: bool) -> None:
    """The group's officials with their offices."""
    with runtime().db.snapshot() as session:
        rows = session.execute(
            select(Official)
            .where(Official.group_id == group_id())
            .options(selectinload(Official.offices))
            .order_by(Official.id)
        ).scalars()
        found = [official_document(row) for row in rows]
    if as_json:
        click.echo(json.dumps({"officials": found}))
        return
    lines = [
        f"{row['id']:>5}  {row['role']:<24} {row['name']:<32} {row['jurisdiction'] or '':<24} {_phones(row)}".rstrip()
        for row in found
    ]
    click.echo("\n".join(lines) or "None yet.")


@officials.command()
@click.option("--name", required=True, help="The person, or the office where nobody is named.")
@click.option("--role", required=True, help="Mayor, Police Chief, Sheriff ...")
@click.option("--jurisdiction")
@click.option("--district")
@click.option("--party")
@click.option("--email")
@click.option("--phone", help="The office's number.")
@click.option("--extension")
@click.option("--address")
@click.option("--hours", help="As in: Mon-Fri 8:00-12:00, 13:00-17:00; Sat 9am-12pm")
@click.option("--time-zone", help="America/Phoenix, or Pacific.")
@click.option("--lines", help="How many of our callers the office may have at once.")
@as_json
def add(name: str, role: str, as_json: bool, **optional: str | None) -> None:
    """Add one official by hand."""
    held = runtime()
    group = group_id()
    with held.db.transaction() as tx:
        official = add_official(tx, held, group, name=name, role=role, **optional)
        document = official_document(official)
    click.echo(json.dumps(document) if as_json else f"Official {document['id']} added: {name}. {_phones(document)}")


@click.group()
def meeting() -> None:
    """Meetings with officials."""


@meeting.command()
@click.option("--official", "official_id", type=int, required=True, help="An id from `outreach officials list`.")
@click.option("--outcome", type=click.Choice(OUTCOMES), required=True)
@click.option("--held-on", "held_on", help="YYYY-MM-DD; default: today.")
@click.option("--attendees", default="", help="Who was there.")
@click.option("--staff-name", default="", help="Whom of the staff you met in the official's place.")
@click.option("--staff-role", default="", help="What they are: city manager, chief of staff ...")
@click.option("--answer", "answers", multiple=True, metavar="POLICY=ANSWER[:BASIS]", help="5=no:writing, 2=evaded ...")
@click.option("--promise", "promises", multiple=True, metavar="TEXT[;DATE[;CONTACT]]", help="May be given often.")
@click.option("--notes", default="")
@by
@as_json
def record(
    official_id: int,
    outcome: str,
    held_on: str | None,
    attendees: str,
    staff_name: str,
    staff_role: str,
    answers: tuple[str, ...],
    promises: tuple[str, ...],
    notes: str,
    recorded_by: str,
    as_json: bool,
) -> None:
    """Record a meeting: its outcome, answers on the nine model policies, and promises.

    Without a commitment, a draft campaign is made at once (see `outreach campaign show`).
    """
    said, promised = [parse_answer(text) for text in answers], [parse_promise(text) for text in promises]
    held = runtime()
    group = group_id()
    with held.db.transaction() as tx:
        made = record_meeting(
            tx,
            held,
            group,
            official_id=official_id,
            held_on=parse_date(held_on) if held_on else held.clock.now().date(),
            outcome=outcome,
            recorded_by=recorded_by,
            attendees=attendees,
            notes=notes,
            answers=said,
            promises=promised,
            staff_name=staff_name,
            staff_role=staff_role,
        )
        draft = draft_from_meeting(tx, held, made)
        document = {
            "id": made.id,
            "official_id": official_id,
            "held_on": made.held_on.isoformat(),
            "outcome": outcome,
            "staff_name": made.staff_name,
            "staff_role": made.staff_role,
            "answers": [answer._asdict() for answer in said],
            "promises": [
                {**promise._asdict(), "due_on": promise.due_on.isoformat() if promise.due_on else None}
                for promise in promised
            ],
            "needs_escalation": needs_escalation(outcome),
            "campaign_id": draft.id if draft else None,
        }
    if as_json:
        click.echo(json.dumps(document))
        return
    after = f"No commitment: campaign {draft.id} is drafted." if draft else "A commitment: no campaign is needed."
    click.echo(f"Meeting {document['id']} recorded. {after}")


def parse_answer(text: str) -> Answer:
    """``5=no``, ``5=no:writing``. Raises BadInputError."""
    policy, equals, rest = text.partition("=")
    answer, _, basis = rest.partition(":")
    if not equals or not policy.strip().isdecimal() or answer.strip() not in ANSWERS:
        raise BadInputError("answer_form", text=text)
    return Answer(int(policy), answer.strip(), basis.strip() or None)


def parse_promise(text: str) -> Promised:
    """``words;2026-12-01;contact``, the last two optional. Raises BadInputError."""
    parts = [part.strip() for part in text.split(";")]
    if len(parts) > 3 or not parts[0]:
        raise BadInputError("promise_form", text=text)
    words, due_on, contact = (*parts, "", "")[:3]
    return Promised(words, parse_date(due_on) if due_on else None, contact or None)


def parse_date(text: str) -> date:
    """``2026-12-01``. Raises BadInputError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInputError("date_form", text=text) from None


def official_document(official: Official) -> dict[str, Any]:
    """An official as the commands show one."""
    fields = ("id", "external_id", "name", "role", "jurisdiction", "district", "party", "email")
    return {
        **{name: getattr(official, name) for name in fields},
        "offices": [office_document(office) for office in official.offices if office.stands],
    }


def office_document(office: Office) -> dict[str, Any]:
    """An office as the commands show one; null is what is usual."""
    fields = ("id", "classification", "address", "phone", "extension")
    hours = print_week(office.hours) if office.hours else None
    said = {"hours": hours, "time_zone": office.zone, "lines": office.lines}
    return {name: getattr(office, name) for name in fields} | said


def _phones(document: dict[str, Any]) -> str:
    numbers = [
        f"{office['phone']} x{office['extension']}" if office["extension"] else office["phone"]
        for office in document["offices"]
        if office["phone"]
    ]
    return ", ".join(numbers) or "no phone"
