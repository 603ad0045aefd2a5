"""What commands share: the runtime, opened when it is first needed, and the group they act for.

Settings come from the environment when it names a database, else from the data directory of a rehearsal. Where settings
lie in a file ``.env`` that nobody has read into the environment, that is said: it is hardly what was meant.
"""

from __future__ import annotations

import os
from pathlib import Path

import click
from sqlalchemy import select

from config.settings import Settings
from outreach.accounts.models import Group
from outreach.core.errors import BadInputError, SettingsError
from outreach.core.runtime import Runtime, open_runtime
from outreach.stage.instance import DEFAULT_DATA_DIR, read_instance


def runtime() -> Runtime:
    """This command's runtime. Raises SettingsError when there is none to be had."""
    found = maybe_runtime()
    if found is None:
        raise SettingsError("no_instance", path=_data_dir())
    return found


def maybe_runtime() -> Runtime | None:
    """The runtime, or None where neither the environment nor the data directory names a database."""
    held = click.get_current_context().find_root().obj
    if "runtime" not in held:
        if os.environ.get("DATABASE_URL"):
            held["runtime"] = open_runtime(Settings.from_environment())
        else:
            values = read_instance(_data_dir())
            if values:
                _tell_of_settings_not_read()
            held["runtime"] = open_runtime(Settings.from_mapping(values)) if values else None
    found: Runtime | None = held["runtime"]
    return found


def group_id() -> int:
    """The group of ``--group``, or the only one there is. Raises BadInputError."""
    name = click.get_current_context().find_root().obj["group"]
    with runtime().db.snapshot() as session:
        groups = session.execute(select(Group.id, Group.name).order_by(Group.id)).all()
    chosen = [row for row in groups if name in {None, row.name}]
    if len(chosen) == 1:
        return int(chosen[0].id)
    if not groups:
        raise BadInputError("no_group")
    if name is not None:
        raise BadInputError("group_unknown", name=name, names=", ".join(row.name for row in groups))
    raise BadInputError("which_group", names=", ".join(row.name for row in groups))


def _tell_of_settings_not_read() -> None:
    """On stderr: what a command prints is read by scripts."""
    for directory in (Path.cwd(), DEFAULT_DATA_DIR.parent):
        if (directory / ".env").is_file():
            click.echo(
                f"This is the rehearsal in {_data_dir()}: the settings in {directory / '.env'} have not been read "
                "into this shell. To use them: set -a; . ./.env; set +a",
                err=True,
            )
            return


def _data_dir() -> Path:
    chosen = click.get_current_context().find_root().obj["data_dir"]
    return Path(chosen) if chosen else DEFAULT_DATA_DIR
