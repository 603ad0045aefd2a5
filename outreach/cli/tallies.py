"""``export tallies``: figures by official, campaign, text, tactic, variant, jurisdiction or ZIP."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import click

from outreach.cli.context import group_id, runtime
from outreach.cli.privacy import write_file
from outreach.privacy.tally_files import TallyFile, tally_file
from outreach.tallies.periods import start_of
from outreach.tallies.sheets import DIMENSIONS

JSON, CSV, XLSX = "json", "csv", "xlsx"


@click.command("tallies")
@click.option("--by", "dimension", type=click.Choice(DIMENSIONS), required=True, help="What a row is.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only from this day on (Phoenix); default everything.")
@click.option("--json", "kind", flag_value=JSON, help="One JSON object on one line; without --out to stdout.")
@click.option("--csv", "kind", flag_value=CSV, default=CSV, help="CSV (the default); without --out to stdout.")
@click.option("--xlsx", "kind", flag_value=XLSX, help="A spreadsheet; needs --out.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@click.option("--reason", help="Why you need it, where somebody may ask; it is noted, numbers in it masked.")
@click.option("--recorded-by", "actor", default="command line", show_default=True, help="Who exports, for the book.")
def export_tallies(
    dimension: str, since: datetime | None, kind: str, out: Path | None, reason: str | None, actor: str
) -> None:  # fmt: skip
    """What was sent and heard, and how many different people that is. Nobody is named in it, so it needs no reason."""
    if kind == XLSX and out is None:
        raise click.UsageError("--xlsx needs --out FILE.")
    begin = start_of(since.date()) if since else None
    file = tally_file(runtime(), group_id(), dimension, begin, actor=actor, reason=reason)
    if out is None:
        for piece in _pieces(file, kind):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    size = write_file(out, _pieces(file, kind))
    told = {"by": dimension, "file": str(out), "rows": len(file.sheet.rows), "bytes": size}
    click.echo(json.dumps(told) if kind == JSON else f"{len(file.sheet.rows)} rows: {out}")


def _pieces(file: TallyFile, kind: str) -> Iterable[bytes]:
    if kind == JSON:
        return [json.dumps(file.as_json()).encode() + b"\n"]
    return file.as_xlsx() if kind == XLSX else [file.as_csv()]
