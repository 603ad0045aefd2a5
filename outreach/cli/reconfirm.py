"""``reconfirm``: ask people whose consent is older than a year, by one text, whether it still stands."""

from __future__ import annotations

import json

import click

from outreach.cli.context import group_id, runtime
from outreach.escalations.reconfirm import FATES
from outreach.escalations.reconfirm import reconfirm as ask

WORDS = {
    "asked": "asked",
    "opted_out": "opted out",
    "no_consent": "never agreed",
    "consent_valid": "agreed within a year",
    "number_bad": "bad number",
    "asked_before": "asked before: once is all",
}


@click.command()
@click.option("--list", "list_name", required=True, help="The list whose people are asked.")
@click.option("--text", required=True, help="The text: it names the group, asks for JOIN and says STOP.")
@click.option("--text-es", help="The text for people who read Spanish; without it they get the other one.")
@click.option("--dry-run", is_flag=True, help="Count, and ask nobody.")
@click.option("--by", default="command line", show_default=True, help="Who asks, for the book.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def reconfirm(list_name: str, text: str, text_es: str | None, dry_run: bool, by: str, as_json: bool) -> None:
    """Text people of a list whose consent is older than 365 days. Nobody is asked twice, ever.

    A reply of JOIN or YES renews their consent; anything else changes nothing.
    """
    texts = {"en": text, "es": text if text_es is None else text_es}
    done = ask(runtime(), group_id(), list_name=list_name, texts=texts, by=by, dry_run=dry_run).as_dict()
    if as_json:
        click.echo(json.dumps({"list": list_name, "dry_run": dry_run, **done}))
        return
    click.echo(f"{done['people']} people in “{list_name}”{', nobody was texted yet' if dry_run else ''}:")
    for fate in FATES:
        click.echo(f"  {done[fate]:>8}  {WORDS[fate]}")
