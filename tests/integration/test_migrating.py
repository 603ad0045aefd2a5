"""Upgrading a database that is in use: one at a time, without holding anybody up, and told before and after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text

from outreach import migrations
from outreach.core.db import Database
from outreach.core.runtime import Runtime
from outreach.migrations import beside, patience
from outreach.stage.postgres import create_database, drop_database
from outreach.web.app import create_app
from tests.commands import outreach_command
from tests.conftest import rehearsal_env

EARLIER = "0024"


@pytest.fixture(params=["sqlite", "postgresql"])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database at an earlier revision, that nobody else has open."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'older.db'}")
        migrations.upgrade(database, EARLIER)
        yield database
        database.dispose()
        return
    server: str = request.getfixturevalue("postgres_url")
    database = Database(create_database(server, "test_older"))
    migrations.upgrade(database, EARLIER)
    yield database
    database.dispose()
    drop_database(server, "test_older")


def test_an_older_schema_is_behind_and_two_upgrades_at_once_run_it_once(
    older: Database, tmp_path: Path, redis_url: str
) -> None:
    before = migrations.standing(older)
    assert (before.state, before.revision, before.is_usable) == ("behind", EARLIER, False)
    assert before.pending
    env = {**os.environ, **rehearsal_env(str_of(older), redis_url, tmp_path / "keys")}
    argv = [sys.executable, "-P", "-c", "from outreach.cli import main; main()", "db", "upgrade", "--json"]
    both = [subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) for _ in "ab"]
    told = [json.loads(one.communicate(timeout=60)[0].splitlines()[-1]) for one in both]
    assert sorted((one["run"] for one in told), key=len) == [[], list(before.pending)]
    assert migrations.standing(older).state == "current"


def str_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def test_a_newer_schema_is_one_that_this_release_goes_on_with(runtime: Runtime) -> None:
    app = create_app(runtime.settings, runtime).test_client()
    try:
        move(runtime, "9999")
        assert migrations.standing(runtime.db).state == "ahead"
        assert app.get("/readyz").get_json()["migrations"] is True
        move(runtime, EARLIER)
        assert app.get("/readyz").get_json()["migrations"] is False
    finally:
        move(runtime, migrations.standing(runtime.db).newest)


def move(runtime: Runtime, revision: str) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite's writers wait for each other anyway
def test_a_migration_gives_up_a_lock_that_it_does_not_get_and_comes_again(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LOCK_TIMEOUT", "100ms")
    said: list[str] = []
    reader = psycopg.connect(str_of(runtime.db).replace("+psycopg", "", 1))
    reader.execute("SELECT count(*) FROM gate")  # a long report: its lock stays until it ends

    def alter() -> None:
        with runtime.db.connection() as connection:
            patience.set_timeouts(connection)
            try:
                connection.execute(text("ALTER TABLE gate ADD COLUMN tried text"))
                connection.commit()
            finally:
                connection.rollback()
                patience.reset_timeouts(connection)

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            reader.rollback()

    patience.with_patience(alter, say, pause=0.01)
    reader.close()
    assert len(said) == 2
    with runtime.db.transaction() as tx:
        tx.execute(text("ALTER TABLE gate DROP COLUMN tried"))


def test_an_index_is_made_beside_writers_also_when_an_earlier_try_was_broken_off(runtime: Runtime) -> None:
    with runtime.db.connection() as connection:
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        with Operations.context(context):
            for _ in "ab":
                with context.begin_transaction(_per_migration=True):
                    if runtime.db.is_sqlite:
                        op.drop_index("ix_tried", "message", if_exists=True)
                    beside.create_index_beside("ix_tried", "message", ["kind"])
            with context.begin_transaction(_per_migration=True):
                op.drop_index("ix_tried", "message")
        connection.commit()


def test_the_command_says_how_the_schema_stands(settings_env: dict[str, str]) -> None:
    checked = outreach_command(settings_env, ["db", "check", "--json"])
    told = json.loads(checked.stdout.splitlines()[-1])
    assert (checked.returncode, told["state"], told["pending"]) == (0, "current", [])
    upgraded = outreach_command(settings_env, ["db", "upgrade", "--json"])
    assert (upgraded.returncode, json.loads(upgraded.stdout.splitlines()[-1])["run"]) == (0, [])
