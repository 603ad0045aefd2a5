"""Promises of officials: ``promises list`` and ``export promises``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from outreach.cli.context import group_id, runtime
from outreach.cli.privacy import by_option, json_option, reason_option, write_file
from outreach.core.clock import PHOENIX
from outreach.core.xlsx_out import to_xlsx
from outreach.officials.promise_rules import days_overdue
from outreach.officials.promises import promises_of
from outreach.privacy.promise_files import HEADER, SHEET, promise_file


@click.group()
def promises() -> None:
    """What officials promised, and what became of it."""


@promises.command("list")
@click.option("--overdue", is_flag=True, help="Only those whose day has passed and that are still waited for.")
@json_option
def list_(overdue: bool, as_json: bool) -> None:
    """The group's promises: overdue first, then those due soon."""
    held = runtime()
    today = held.clock.now().astimezone(PHOENIX).date()
    with held.db.snapshot() as session:
        rows = promises_of(session, group_id(), today, only_overdue=overdue)
    found = [
        {
            "id": row.id, "official_id": row.official_id, "official": row.official, "role": row.role, "text": row.text,
            "state": row.state, "due_on": row.due_on.isoformat() if row.due_on else None,
            "days_overdue": days_overdue(row.state, row.due_on, today), "approver": row.approver,
            "staff_contact": row.staff_contact, "watched": row.watcher_id is not None, "meeting_id": row.meeting_id,
        }
        for row in rows
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps({"promises": found}))
        return
    for row in found:
        late = f"{row['days_overdue']} days late" if row["days_overdue"] else ""
        due = row["due_on"] or "no day"
        click.echo(f"{row['id']:>5}  {row['state']:<8} {due:<10} {late:<14} {row['official']}: {row['text']}")
    if not found:
        click.echo("None.")


@click.command("promises")
@reason_option
@click.option("--overdue", is_flag=True, help="Only those whose day has passed and that are still waited for.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A .csv or .xlsx file.")
@by_option
@json_option
def export_promises(reason: str, overdue: bool, out: Path, actor: str, as_json: bool) -> None:
    """The promises of officials as CSV or, by the file's name, XLSX. No constituent is in it."""
    file = promise_file(runtime(), group_id(), reason=reason, actor=actor, only_overdue=overdue)
    xlsx = out.suffix.lower() == ".xlsx"
    size = write_file(out, to_xlsx(HEADER, file.rows(), SHEET) if xlsx else [file.as_csv()])
    found = {"file": str(out), "promises": len(file.promises), "bytes": size}
    click.echo(json.dumps(found) if as_json else f"{len(file.promises)} promises: {out}")
