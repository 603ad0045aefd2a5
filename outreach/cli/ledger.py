"""What officials said on the nine policies, as a file: ``export stances``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from outreach.accounts.audit import record_audit
from outreach.cli.context import group_id, runtime
from outreach.core.csv_out import to_csv
from outreach.core.errors import BadInputError
from outreach.officials.board import EXPORTED, exported, read_board


@click.command("stances")
@click.option("--jurisdiction", help="Officials of this city, county or state only; default all.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; default stdout.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line, with the totals.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV: a line for each official and policy.")
def export_stances(jurisdiction: str | None, out: Path | None, as_json: bool, as_csv: bool) -> None:
    """The board: each official's answer on each policy. It holds nothing of constituents, so it asks for no reason."""
    if as_json == as_csv:
        raise click.UsageError("Say --json or --csv.")
    held, group = runtime(), group_id()
    with held.db.snapshot() as session:
        board = read_board(session, group, jurisdiction)
    rows = list(exported(board))
    with held.db.transaction() as tx:
        record_audit(tx, group_id=group, action="export", subject=f"groups:{group}", what="stances", rows=len(rows))
    if as_json:
        document = {"jurisdiction": jurisdiction, "officials": board.officials, "stances": rows,
                    "totals": board.totals}  # fmt: skip
        body = json.dumps(document).encode() + b"\n"
    else:
        body = to_csv(EXPORTED, ([row[name] for name in EXPORTED] for row in rows))
    if out is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(body)
    except OSError as error:
        raise BadInputError("export_not_written", path=out, reason=error.strerror) from None
