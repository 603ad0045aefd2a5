"""``audit export``: the book of decisions as a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import click

from outreach.accounts.audit_reads import Sought
from outreach.cli.context import group_id, runtime
from outreach.cli.privacy import by_option, reason_option, write_file
from outreach.core.errors import BadInputError
from outreach.privacy.audit_files import AuditFile, audit_file

KINDS = {".csv": "csv", ".xlsx": "xlsx"}


@click.group()
def audit() -> None:
    """The book of decisions: who did what, and when."""


@audit.command()
@reason_option
@by_option
@click.option("--person", default="", help="What this person did, by the name that stands in the book.")
@click.option("--action", default="", help="One action, as in campaign_launched.")
@click.option("--subject", default="", help="What was done about one thing, as in campaign:3.")
@click.option("--day", help="One day of the group's: YYYY-MM-DD.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A .json, .csv or .xlsx file.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on one line: the events, or with --out the file."
)
def export(
    reason: str, actor: str, person: str, action: str, subject: str, day: str | None, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The group's book, newest first. That it was taken is noted in it."""
    sought = Sought(person, action, subject, _day(day))
    file = audit_file(runtime(), group_id(), sought, reason=reason, actor=actor)
    if out is None:
        if as_json:
            click.echo(json.dumps(json.loads(b"".join(file.as_json()))))
        else:
            sys.stdout.buffer.write(file.as_csv())
        return
    size = write_file(out, _pieces(file, KINDS.get(out.suffix.lower(), "json")))
    click.echo(json.dumps({"file": str(out), "bytes": size}) if as_json else str(out))


def _pieces(file: AuditFile, kind: str) -> Iterable[bytes]:
    return [file.as_csv()] if kind == "csv" else file.as_xlsx() if kind == "xlsx" else file.as_json()


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInputError("date_form", text=text) from None
