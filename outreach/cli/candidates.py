"""``classify-candidates``: texts that people corrected in the inbox, for whoever improves the classifier's table."""

from __future__ import annotations

import json

import click

from outreach.cli.context import group_id, runtime
from outreach.privacy.candidates import candidates

READ_FIRST = "Numbers and addresses are masked; names in the texts cannot be known. Read every line before you keep it."


@click.command("classify-candidates")
@click.option("--reason", required=True, help="Why you need them; it is noted, numbers in it masked.")
@click.option("--by", "actor", default="command line", show_default=True, help="Who takes them, for the book.")
@click.option("--json", "as_json", is_flag=True, help="The texts one a line, then one object with their number.")
def classify_candidates(reason: str, actor: str, as_json: bool) -> None:
    """What replies were taken to mean, and what people said they mean: {"text","lang","before","after","rule",
    "classifier","asked"}, one JSON object a line.

    Numbers, e-mail and web addresses are masked, and the writer's own name; other names cannot be known.
    """
    found = candidates(runtime(), group_id(), reason=reason, actor=actor)
    for one in found:
        click.echo(json.dumps(one, ensure_ascii=False))
    if as_json:
        click.echo(json.dumps({"texts": len(found)}))
    click.echo(READ_FIRST, err=True)
