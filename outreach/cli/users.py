"""Commands on who signs in for a group. Whoever has the server may do what an instance admin of every group may."""

from __future__ import annotations

import json

import click

from outreach.accounts import colleagues, invitations
from outreach.accounts.invitations import Actor
from outreach.accounts.role_rules import RANKS
from outreach.cli.context import group_id, runtime
from outreach.core.runtime import Runtime

BY = "command line"
as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")


@click.group()
def user() -> None:
    """Who signs in for the group."""


@user.command("list")
@as_json_option
def list_(as_json: bool) -> None:
    """Everybody, deactivated ones last, and the open invitations."""
    held, group = runtime(), group_id()
    with held.db.snapshot() as session:
        users = colleagues.users_of(session, group)
        invited = invitations.open_invitations(session, group, held.clock.real_now())
    if as_json:
        found = [
            {
                "id": one.id, "name": one.name, "role": one.role, "sign_in_name": one.sign_in_name,
                "password": bool(one.has_password), "app": bool(one.has_code), "active": one.deactivated_at is None,
                "seen_at": one.seen_at.isoformat() if one.seen_at else None,
            }
            for one in users
        ]  # fmt: skip
        waiting = [
            {
                "id": one.id, "for": one.meant_for, "role": one.role, "by": one.invited_by,
                "expires_at": one.expires_at.isoformat(),
            }
            for one in invited
        ]  # fmt: skip
        click.echo(json.dumps({"users": found, "invitations": waiting}))
        return
    for one in users:
        click.echo(f"{one.role:<10} {one.name}{' (deactivated)' if one.deactivated_at else ''}")
    for one in invited:
        click.echo(f"{one.role:<10} {one.meant_for} (invited, until {one.expires_at:%Y-%m-%d})")


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(list(RANKS)), help="For somebody new.")
@click.option("--reset", is_flag=True, help="For somebody who is there: their password, app and sessions go.")
@as_json_option
def invite(name: str, role: str | None, reset: bool, as_json: bool) -> None:
    """Print a link for NAME, good once within 7 days: with --role to a new account, with --reset to set one anew."""
    if (role is None) is not reset:
        raise click.UsageError("Say either --role ROLE or --reset.")
    held, actor = runtime(), _actor()
    now = held.clock.real_now()
    with held.db.transaction() as tx:
        if reset:
            token = colleagues.reset(tx, actor, colleagues.user_named(tx, actor.group_id, name), now)
        else:
            token = invitations.invite(tx, actor, role=str(role), meant_for=name, now=now)
    link = f"{held.settings.public_base_url}/invitation/{token}"
    expires = now + invitations.VALID_FOR
    click.echo(json.dumps({"for": name, "link": link, "expires_at": expires.isoformat()}) if as_json else link)


@user.command()
@click.argument("name")
@as_json_option
def deactivate(name: str, as_json: bool) -> None:
    """Sign NAME out everywhere, and let them in no more. It cannot be undone."""
    held, actor = runtime(), _actor()
    with held.db.transaction() as tx:
        found = colleagues.user_named(tx, actor.group_id, name)
        colleagues.deactivate(tx, actor, found, held.clock.real_now(), rehearsal=_rehearsal(held))
    _said({"id": found, "active": False}, f"{name} gets in no more.", as_json=as_json)


@user.command()
@click.argument("name")
@click.argument("role")
@as_json_option
def role(name: str, role: str, as_json: bool) -> None:
    """Give NAME another role (staff, organizer, admin, instance); it signs them out."""
    held, actor = runtime(), _actor()
    with held.db.transaction() as tx:
        found = colleagues.user_named(tx, actor.group_id, name)
        colleagues.change_role(tx, actor, found, role, held.clock.real_now(), rehearsal=_rehearsal(held))
    _said({"id": found, "role": role}, f"{name} is {role} now.", as_json=as_json)


@user.command("reset-totp")
@click.argument("name")
@as_json_option
def reset_totp(name: str, as_json: bool) -> None:
    """Forget NAME's authenticator app and recovery codes: they sign in by password and set up a new app."""
    held, actor = runtime(), _actor()
    with held.db.transaction() as tx:
        found = colleagues.user_named(tx, actor.group_id, name)
        colleagues.reset_code(tx, actor, found, held.clock.real_now())
    _said({"id": found, "app": False}, f"{name} sets up a new app when they sign in next.", as_json=as_json)


def _actor() -> Actor:
    return Actor(group_id(), BY, "instance")


def _rehearsal(held: Runtime) -> bool:
    return held.settings.mode == "rehearsal"


def _said(found: dict[str, object], sentence: str, *, as_json: bool) -> None:
    click.echo(json.dumps(found) if as_json else sentence)
