"""Commands on constituents."""

from __future__ import annotations

import json
from pathlib import Path

import click

from outreach.cli.context import group_id, maybe_runtime, runtime
from outreach.cli.privacy import erase, show
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.people.imports import ImportReport, import_constituents, preview_constituents

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
@click.option("--dry-run", is_flag=True, help="Say what would happen and store nothing.")
@click.option("--by", "recorded_by", default="command line", show_default=True, help="Who imports, for the ledger.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def import_(file: Path, list_name: str, consent: str | None, dry_run: bool, recorded_by: str, as_json: bool) -> None:
    """Import a CSV of people. Without --consent they are stored, but nobody may text them.

    A dry run needs no database: where there is none, rows are compared within the file only.
    """
    if dry_run:
        held = maybe_runtime()
        report = preview_constituents(held, _group(held), file, list_name=list_name, consent=consent)
    else:
        report = import_constituents(
            runtime(), group_id(), file, list_name=list_name, consent=consent, recorded_by=recorded_by
        )
    click.echo(json.dumps(report.as_dict()) if as_json else _summary(report, list_name, dry_run=dry_run))


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
