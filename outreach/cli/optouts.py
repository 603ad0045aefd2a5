"""Commands on numbers that must get no texts."""

from __future__ import annotations

import json
from pathlib import Path

import click

from outreach.cli.context import group_id, runtime
from outreach.people.optouts import OptOutReport, import_opt_outs

PROBLEMS_SHOWN = 20


@click.group()
def optouts() -> None:
    """Numbers that nobody may text."""


@optouts.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--reason", required=True, help="Where the list comes from; noted with each number.")
@click.option("--group-only", is_flag=True, help="For this group alone. Default: for every group of the instance.")
@click.option("--by", "recorded_by", default="command line", show_default=True, help="Who imports, for the ledger.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def import_(file: Path, reason: str, group_only: bool, recorded_by: str, as_json: bool) -> None:
    """Suppress every number in FILE: a CSV or XLSX with a phone column, or one number a line.

    The same file again changes nothing.
    """
    report = import_opt_outs(runtime(), group_id(), file, reason=reason, recorded_by=recorded_by, group_only=group_only)
    click.echo(json.dumps(report.as_dict()) if as_json else _summary(report))


def _summary(report: OptOutReport) -> str:
    lines = [
        f"{report.rows} rows: {report.suppressed} suppressed now, {report.known} known, {report.invalid} without a "
        "usable number."
    ]
    lines += [f"  row {one.row}{f', {one.column}' if one.column else ''}: {one.message}"
              for one in report.problems[:PROBLEMS_SHOWN]]  # fmt: skip
    if len(report.problems) > PROBLEMS_SHOWN:
        lines.append(f"  and {len(report.problems) - PROBLEMS_SHOWN} more problems (--json shows all)")
    return "\n".join(lines)
