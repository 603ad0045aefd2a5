"""The small site on which the commands of the documents are run, each on a copy of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from click.testing import CliRunner, Result

from config.settings import Settings
from outreach.accounts.models import User
from outreach.cli import cli, context
from outreach.core.runtime import Runtime, open_runtime
from tests.conftest import rehearsal_env

GROUP = "Valley Neighbors"
COLLEAGUE = "Jo"
NUMBER = "+16025550101"
FILES = {
    "people.csv": """\
First Name,Mobile Phone,ZIP,Tags
Ana,602-555-0101,85003,captain
Luz,602-555-0102,85003,
Bo,,85003,
""",
    "officials.csv": """\
name,role,jurisdiction,phone,hours
Dana Whitfield,Mayor,Dry Wash AZ,602-555-0142,Mon-Fri 8:00-17:00
""",
    "complaint.csv": "Phone\n602-555-0109\n",
}


@dataclass(frozen=True)
class Site:
    """A rehearsal that holds a draft, a launched and a paused campaign, a colleague, and backups.

    ``places``: what its commands need to name: ``root`` (a directory), ``draft``, ``launched``, ``paused`` (campaigns),
    ``backup``, ``protections`` (files).
    """

    root: Path
    env: Mapping[str, str]
    places: dict[str, str]

    def type(self, words: Sequence[str], answers: str = "") -> Result:
        """The command as somebody types it, in this process and on this database."""
        opened: list[Runtime] = []

        def noted(settings: Settings) -> Runtime:
            opened.append(open_runtime(settings))
            return opened[-1]

        with patch.object(context, "open_runtime", noted):
            done = CliRunner().invoke(cli, words, input=answers, env=dict(self.env))
        for one in opened:
            one.db.dispose()
        return done

    def run(self, *words: str) -> dict[str, Any]:
        """What a command prints with ``--json``, when it has succeeded."""
        done = self.type([*words, "--json"])
        assert done.exit_code == 0, f"{words}: {done.exception!r} {done.output}"
        return last_line(done)

    def copy(self, root: Path) -> Site:
        """The same site somewhere else: whatever is done to it leaves this one as it is."""
        shutil.copytree(self.root, root)
        moved = {name: value.replace(str(self.root), str(root)) for name, value in self.places.items()}
        return Site(root, {**self.env, "DATABASE_URL": f"sqlite:///{root / 'outreach.db'}"}, moved)


def last_line(done: Result) -> dict[str, Any]:
    """The object that a command has printed last."""
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def make_site(root: Path, empty: Path, redis_url: str) -> Site:
    """The site, made by commands wherever there is one."""
    root.mkdir()
    shutil.copy(empty, root / "outreach.db")
    for name, content in FILES.items():
        (root / name).write_text(content, encoding="utf-8")
    (root / "backups").mkdir(mode=0o700)
    env = rehearsal_env(f"sqlite:///{root / 'outreach.db'}", redis_url, root / "keys")
    site = Site(root, env, {"root": str(root)})
    group = site.run("group", "add", GROUP)["id"]
    site.run("constituents", "import", str(root / "people.csv"), "--list", "Fair", "--consent", "signed a sheet")
    official = str(site.run("officials", "import", str(root / "officials.csv"))["new"])
    assert official == "1"
    held = ("--official", official, "--outcome", "evaded", "--answer", "5=no:writing")
    for name in ("draft", "launched", "paused"):
        campaign = str(
            site.run("meeting", "record", *held, "--promise", "Asks the council;2026-12-20;Jo")["campaign_id"]
        )
        site.run("campaign", "edit", campaign, "--list", "Fair")
        site.places[name] = campaign
    site.run("campaign", "launch", site.places["launched"])
    site.run("campaign", "launch", site.places["paused"])
    site.run("campaign", "pause", site.places["paused"])
    add_colleague(site, group)
    site.places["backup"] = site.run("backup", str(root / "backups"))["file"]
    site.places["protections"] = site.run("backup", str(root / "backups"), "--protections")["file"]
    return site


def add_colleague(site: Site, group: int) -> None:
    """Somebody who has accepted an invitation: that is done on a page."""
    runtime = open_runtime(Settings.from_mapping(site.env))
    with runtime.db.transaction() as tx:
        tx.add(
            User(group_id=group, name=COLLEAGUE, role="organizer", sign_in_name="jo", created_at=runtime.clock.now())
        )
    runtime.db.dispose()
