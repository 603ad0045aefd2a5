"""The ``outreach`` command."""

from __future__ import annotations

import json
import logging
import sys
from typing import NoReturn

import click
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from outreach.accounts.acting import COMMAND_LINE, begin, end
from outreach.core.errors import OutreachError
from outreach.core.logs import set_up_logs


class Outreach(click.Group):
    """Loads a command's module when it is asked for, and turns our errors into one line and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        loaded = getattr(__import__(module, fromlist=[attribute]), attribute)
        assert isinstance(loaded, click.Command)  # noqa: S101  the table above is ours
        return loaded


COMMANDS = {
    "segments": "outreach.cli.rules:segments",
    "phones": "outreach.cli.rules:phones",
    "classify": "outreach.cli.rules:classify",
    "classify-candidates": "outreach.cli.candidates:classify_candidates",
    "audiences": "outreach.cli.audiences:audiences",
    "constituents": "outreach.cli.people:constituents",
    "optouts": "outreach.cli.optouts:optouts",
    "officials": "outreach.cli.officials:officials",
    "meeting": "outreach.cli.officials:meeting",
    "meetings": "outreach.cli.plans:meetings",
    "promises": "outreach.cli.promises:promises",
    "campaign": "outreach.cli.campaigns:campaign",
    "forecast": "outreach.cli.forecast:forecast",
    "tree": "outreach.cli.trees:tree",
    "export": "outreach.cli.silence:export",
    "keys": "outreach.cli.keys:keys",
    "purge": "outreach.cli.keys:purge",
    "reconfirm": "outreach.cli.reconfirm:reconfirm",
    "audit": "outreach.cli.audit:audit",
    "backup": "outreach.cli.backups:backup",
    "restore": "outreach.cli.backups:restore",
    "replaced": "outreach.cli.backups:replaced",
    "catch-up": "outreach.cli.backups:catch_up",
    "doctor": "outreach.cli.doctor:doctor",
    "spend": "outreach.cli.safety:spend",
    "approval": "outreach.cli.safety:approval",
    "db": "outreach.cli.site:db",
    "group": "outreach.cli.site:group",
    "user": "outreach.cli.users:user",
    "login-link": "outreach.cli.site:login_link",
}


@click.command(cls=Outreach)
@click.option(
    "--data-dir", type=click.Path(file_okay=False), envvar="OUTREACH_DATA_DIR", help="Default: var/ of the checkout."
)
@click.option("--group", "group_name", help="Which group to act for, where there are several.")
@click.pass_context
def cli(ctx: click.Context, data_dir: str | None, group_name: str | None) -> None:
    """Escalation campaigns by text and phone."""
    ctx.obj = {"data_dir": data_dir, "group": group_name}
    begin(COMMAND_LINE)
    ctx.call_on_close(end)


def main() -> None:
    """The console script."""
    set_up_logs("command", logging.WARNING)
    try:
        sys.exit(cli.main(standalone_mode=False))  # None, or what a command gave to ctx.exit
    except click.ClickException as error:
        if "--json" in sys.argv:
            click.echo(json.dumps({"error": {"code": "usage", "message": error.format_message()}}))
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except (SQLAlchemyError, OverflowError) as error:
        cause = str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__
        _fail("database", f"The database did not take it: {cause.strip()}")
    except OutreachError as error:
        _fail(error.code, str(error))


def _fail(code: str, message: str) -> NoReturn:
    """Exit code 2: a sentence on stderr and, with --json, one line on stdout."""
    if "--json" in sys.argv:
        click.echo(json.dumps({"error": {"code": code, "message": message}}))
    click.echo(message, err=True)
    sys.exit(2)
