"""Commands on constituents."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path

import click

from outreach.cli.context import group_id, maybe_runtime, runtime
from outreach.cli.privacy import erase, show
from outreach.core.csv_rows import open_csv
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.messaging import traffic
from outreach.messaging.optout import cancel_waiting
from outreach.people.columns import FIELDS, WHOLE_NAME
from outreach.people.importing import import_constituents
from outreach.people.imports import ImportReport, preview_constituents
from outreach.people.uploads import list_uploads, undo_upload

PROBLEMS_SHOWN = 20


@click.group()
def constituents() -> None:
    """People we may text."""


constituents.add_command(show)
constituents.add_command(erase)


@constituents.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--list", "list_name", required=True, help="The list to fill; made if it is new.")
@click.option("--consent", help="How and when everybody in the file agreed to be texted, word for word.")
@click.option(
    "--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Read this column as this field. Repeatable."
)
@click.option("--dry-run", is_flag=True, help="Say what would happen and store nothing.")
@click.option("--by", "recorded_by", default="command line", show_default=True, help="Who imports, for the ledger.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def import_(
    file: Path,
    list_name: str,
    consent: str | None,
    maps: tuple[str, ...],
    dry_run: bool,
    recorded_by: str,
    as_json: bool,
) -> None:
    """Import a CSV or XLSX of people. Without --consent they are stored, but nobody may text them.

    Killed, the same command goes on where it was. A dry run needs no database: where there is none, rows are compared
    within the file only.
    """
    choices = _choices(file, maps) if maps else None
    if dry_run:
        held = maybe_runtime()
        group = _group(held)
        report = preview_constituents(held, group, file, list_name=list_name, consent=consent, choices=choices)
    else:
        held = runtime()
        report = import_constituents(
            held, group_id(), file, list_name=list_name, consent=consent, recorded_by=recorded_by, choices=choices,
            is_busy=partial(_is_busy, held), progress=_Shown() if sys.stderr.isatty() else None,
        )  # fmt: skip
    click.echo(json.dumps(report.as_dict()) if as_json else _summary(report, list_name, dry_run=dry_run))


@constituents.command("imports")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def imports(as_json: bool) -> None:
    """The latest imports, newest first."""
    held = runtime()
    with held.db.snapshot() as session:
        rows = list_uploads(session, group_id(), held.clock.real_now())
    found = [
        {
            "import": row.id, "file": row.file_name, "list": row.list_name, "by": row.created_by, "state": row.state,
            "imported_at": row.imported_at.isoformat() if row.imported_at else None,
        }
        for row in rows
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps({"imports": found}))
        return
    for one in found:
        click.echo(f"{one['import']:>6}  {one['state']:<10} {one['file']} -> “{one['list']}”, from {one['by']}")


@constituents.command("undo")
@click.argument("import_id", type=int)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def undo(import_id: int, as_json: bool) -> None:
    """Take the newest import back as a whole (its number is in `constituents imports`)."""
    held, group = runtime(), group_id()
    undo_upload(held, group, import_id, cancel_waiting, here=True)
    click.echo(json.dumps({"import": import_id, "state": "undone"}) if as_json else f"Import {import_id} is undone.")


def _choices(file: Path, maps: tuple[str, ...]) -> dict[str, str]:
    """What --map says, by the index of the column."""
    with open_csv(file) as table:
        header = [cell.strip() for cell in table.header]
    choices = {}
    for said in maps:
        field, _, column = said.partition("=")
        if field not in (*FIELDS, WHOLE_NAME) or column.strip() not in header:
            raise BadInputError("map_unknown", said=said, fields=", ".join((*FIELDS, WHOLE_NAME)))
        choices[str(header.index(column.strip()))] = field
    return choices


def _is_busy(held: Runtime) -> bool:
    with held.db.snapshot() as session:
        return traffic.is_busy(session, held.clock.real_now())


class _Shown:
    """Progress on a terminal."""

    def __init__(self) -> None:
        self._told = 0.0

    def __call__(self, rows: int, of: int | None = None) -> None:
        if time.monotonic() - self._told > 0.5 or rows == of:
            self._told = time.monotonic()
            words = f"{rows:,} of {of:,} rows imported" if of else f"{rows:,} rows read"
            click.echo(f"\r{words:<50}" + ("\n" if rows == of else ""), nl=False, err=True)


def _group(held: Runtime | None) -> int | None:
    """The group to compare with; a database without groups knows nobody yet."""
    try:
        return group_id() if held else None
    except BadInputError as error:
        if error.code == "no_group":
            return None
        raise


def _summary(report: ImportReport, list_name: str, *, dry_run: bool) -> str:
    document = report.as_dict()
    fates = ("new", "updated", "duplicate", "invalid", "opted_out", "blocked")
    lines = [f"{'Would import' if dry_run else 'Imported'} {report.rows} rows into “{list_name}”:"]
    lines += [f"  {document[fate]:>8}  {fate.replace('_', ' ')}" for fate in fates]
    if document["blocked"]:
        lines.append("Blocked people have given no consent and are never texted (see --consent).")
    lines.append("Columns: " + "; ".join(f"{field} = {named}" for field, named in report.mapping.items()))
    lines += [
        f"  row {found.row}{f', {found.column}' if found.column else ''}: {found.message}"
        for found in report.problems[:PROBLEMS_SHOWN]
    ]
    if len(report.problems) > PROBLEMS_SHOWN:
        lines.append(f"  and {len(report.problems) - PROBLEMS_SHOWN} more problems (--json shows all)")
    return "\n".join(lines)
