"""Commands on what protects people on a list: the keys that seal their documents, and what goes after its time."""

from __future__ import annotations

import json

import click

from outreach.accounts.audit import record_for_every_group
from outreach.cli.context import runtime
from outreach.privacy import keys as use_cases
from outreach.privacy import retention


@click.group()
def keys() -> None:
    """The keys that numbers, names and texts are sealed under."""


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def show(as_json: bool) -> None:
    """How many documents are under which key. A key that nothing is under may be taken out of the settings."""
    held = runtime()
    found = use_cases.keys_in_use(held)
    if as_json:
        click.echo(json.dumps({"current": held.vault.key_id, "documents": found}))
        return
    click.echo(f"New documents are sealed under {held.vault.key_id}.")
    for table, counts in found.items():
        for key_id, count in sorted(counts.items()):
            click.echo(f"  {count:>10}  {table:<12} {key_id}")


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
@click.pass_context
def rotate(ctx: click.Context, as_json: bool) -> None:
    """Seal everything anew under the first key of FIELD_ENCRYPTION_KEYS.

    Exit code 1: something could not be opened.
    """
    held = runtime()
    done = use_cases.rotate(held)
    left = {table: count for table, count in done.left.items() if count}
    sealed = {table: count for table, count in done.sealed.items() if count}
    with held.db.transaction() as tx:
        record_for_every_group(tx, action="keys_rotated", key=done.key_id, complete=not left)
    if as_json:
        click.echo(json.dumps({"current": done.key_id, "sealed": sealed, "left": left}))
    else:
        click.echo(f"{sum(sealed.values())} documents sealed anew under {done.key_id}.")
        if left:
            click.echo(f"{sum(left.values())} cannot be opened: {left}. Is their key still in the settings?", err=True)
    ctx.exit(1 if left else 0)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def purge(as_json: bool) -> None:
    """Empty what was kept for its time: texts and replies of campaigns that ended 30 days ago, old uploads, sign-ups
    that nobody confirmed, the words of opt-outs after 30 days, and people in no list who have been idle for a year.
    Upkeep does so as well.
    """
    held = runtime()
    done = retention.purge(held)
    with held.db.transaction() as tx:
        record_for_every_group(tx, action="purged")  # what was whose is not known: counts would tell of other groups
    text = (
        f"{done.texts} texts, {done.replies} replies and the words of {done.opt_outs} opt-outs emptied, "
        f"{done.uploads} uploads and {done.sign_ups} unconfirmed sign-ups deleted, {done.people} people erased."
    )
    click.echo(json.dumps(done._asdict()) if as_json else text)
