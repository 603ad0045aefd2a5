"""Commands for whoever runs the site."""

from __future__ import annotations

import json

import click
from sqlalchemy import select

from outreach import migrations
from outreach.accounts.audit import record_audit
from outreach.accounts.links import ensure_group, first_admin, make_login_link
from outreach.accounts.models import Group
from outreach.cli.context import group_id, runtime

STANDS = {
    "current": "The schema is the one of this release.",
    "behind": "The schema is older than this release: run `outreach db upgrade`.",
    "ahead": "The schema is newer than this release, which may go on beside a newer one.",
}
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")


@click.group()
def db() -> None:
    """The database's schema."""


@db.command()
@json_option
def upgrade(as_json: bool) -> None:
    """Bring the schema up to date, beside live traffic; running it again does nothing. One at a time: others wait."""
    held = runtime()
    run = migrations.upgrade(held.db, say=lambda text: click.echo(text, err=True))
    now = migrations.standing(held.db)
    if as_json:
        click.echo(json.dumps({"run": run, **now._asdict()}))
    else:
        click.echo("The schema is up to date." if now.state == "current" else STANDS[now.state])


@db.command()
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """How the schema stands to this release. Exit code 1: it is behind, run `db upgrade`."""
    now = migrations.standing(runtime().db)
    click.echo(json.dumps(now._asdict()) if as_json else STANDS[now.state])
    ctx.exit(0 if now.is_usable else 1)


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
        known = tx.execute(select(Group.id).where(Group.name == name.strip())).scalar()
        made = ensure_group(tx, name, held.clock.now())
        if known is None:
            record_audit(tx, group_id=made, action="group_added", subject=f"groups:{made}")
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
        admin = first_admin(tx, group)
        token = make_login_link(tx, admin, held.clock.real_now())
        record_audit(tx, group_id=group, action="login_link_made", subject=f"users:{admin}")
    click.echo(f"{held.settings.public_base_url}/enter/{token}")
