"""Commands for whoever runs the site."""

from __future__ import annotations

import json

import click

from outreach import migrations
from outreach.accounts.links import ensure_group, first_admin, make_login_link
from outreach.cli.context import group_id, runtime


@click.group()
def db() -> None:
    """The database's schema."""


@db.command()
def upgrade() -> None:
    """Bring the schema up to date; running it again does nothing."""
    migrations.upgrade(runtime().db)
    click.echo("The schema is up to date.")


@click.group()
def group() -> None:
    """The groups of this instance."""


@group.command("add")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def add(name: str, as_json: bool) -> None:
    """Make a group with an admin, unless there is one of this name. `user invite` then invites somebody to be it."""
    held = runtime()
    with held.db.transaction() as tx:
        made = ensure_group(tx, name, held.clock.now())
    click.echo(json.dumps({"id": made, "name": name.strip()}) if as_json else f"The group {name!r} is there.")


@click.command("login-link")
def login_link() -> None:
    """Print a link that signs the group's admin in, once, within 24 hours.

    Outside a rehearsal it leads to a new password, and for organizers and up to a new app
    for codes, before anything else.
    """
    held = runtime()
    group = group_id()
    with held.db.transaction() as tx:
        token = make_login_link(tx, first_admin(tx, group), held.clock.real_now())
    click.echo(f"{held.settings.public_base_url}/enter/{token}")
