"""Other keys than a database was begun with: nothing is written, and every process says why."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import Secret, SecretBytes
from sqlalchemy import func, insert, select

from outreach.core.errors import SettingsError
from outreach.core.key_checks import KeyCheck
from outreach.core.runtime import Runtime, open_runtime
from outreach.doctor.examined import Examined
from outreach.doctor.keeping import look_at_keys
from outreach.people.models import Constituent
from outreach.privacy.keys import rotate
from tests.commands import outreach_command
from tests.factories import make_group, make_person, number

ROOT = Path(__file__).parents[2]
SAID = "BLIND_INDEX_KEY is not the key that this database was begun with"


def opened(runtime: Runtime, **changed: Any) -> Runtime:
    return open_runtime(runtime.settings.model_copy(update=changed))


def marks(runtime: Runtime) -> list[str]:
    with runtime.db.snapshot() as session:
        return sorted(session.execute(select(KeyCheck.name)).scalars())


@pytest.fixture
def begun(runtime: Runtime) -> Runtime:
    """A site that has somebody in it."""
    make_person(runtime, make_group(runtime, "Valley"), number(0))
    return runtime


def wrong_keys(runtime: Runtime) -> dict[str, Runtime]:
    other = secrets.token_bytes(32)
    return {
        "keys_other_index": opened(runtime, blind_index_key=SecretBytes(other)),
        "keys_other_field": opened(runtime, field_encryption_keys=Secret({runtime.vault.key_id: other})),
    }


@pytest.mark.parametrize("code", ["keys_other_index", "keys_other_field"])
def test_under_other_keys_nothing_is_written_and_the_doctor_says_why(begun: Runtime, code: str) -> None:
    held = wrong_keys(begun)[code]
    for _ in range(2):
        with pytest.raises(SettingsError) as refused, held.db.transaction():
            raise AssertionError
        assert refused.value.code == code
    with begun.db.snapshot() as session:
        assert session.execute(select(func.count()).select_from(Constituent)).scalar_one() == 1
    (found,) = look_at_keys(Examined(held))
    assert found.status == "problem"
    assert found.message.startswith({"keys_other_index": "BLIND_INDEX_KEY", "keys_other_field": "A key in FIELD"}[code])
    (well,) = look_at_keys(Examined(begun))
    assert well.status == "ok"
    held.db.dispose()


def test_a_key_that_is_rotated_leaves_a_mark_of_its_own(begun: Runtime) -> None:
    old, new = begun.vault.key_id, secrets.token_bytes(32)
    both = Secret({"new": new, **begun.settings.field_keys})
    turned = opened(begun, field_encryption_keys=both)
    rotate(turned)
    assert marks(turned) == sorted(["index", f"field:{old}", "field:new"])
    alone = opened(begun, field_encryption_keys=Secret({"new": new}))
    with alone.db.transaction():
        pass
    again = opened(begun, field_encryption_keys=Secret({old: secrets.token_bytes(32)}))
    with pytest.raises(SettingsError, match=old), again.db.transaction():
        pass
    for one in (turned, alone, again):
        one.db.dispose()


def test_of_many_that_begin_a_database_at_once_with_two_keys_one_kind_goes_on(runtime: Runtime) -> None:
    kinds = [runtime.settings, runtime.settings.model_copy(update={"blind_index_key": SecretBytes(b"x" * 32)})]

    many = [open_runtime(kinds[index % 2]) for index in range(8)]

    def begin(index: int) -> str:
        try:
            with many[index].db.transaction():
                return str(index % 2)
        except SettingsError as error:
            return error.code

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(begin, range(8)))
    for held in many:  # not before: the last of SQLite's connections locks everybody out while it closes
        held.db.dispose()
    assert len(set(said)) == 2
    assert said.count("keys_other_index") == 4


def test_an_older_schema_is_told_of_elsewhere(runtime: Runtime) -> None:
    fresh = open_runtime(runtime.settings)
    with fresh.db.connection() as connection:
        connection.exec_driver_sql("DROP TABLE key_check")
        connection.commit()
    with fresh.db.transaction():
        pass
    with fresh.db.connection() as connection:  # it is migrated under the process, and another key leaves its mark
        KeyCheck.metadata.tables["key_check"].create(connection)
        connection.execute(insert(KeyCheck).values(name="index", value=b"another"))
        connection.commit()
    with pytest.raises(SettingsError), fresh.db.transaction():
        pass
    fresh.db.dispose()


def test_every_process_and_command_refuses_other_keys(settings_env: dict[str, str]) -> None:
    begin = outreach_command(settings_env, ["group", "add", "Valley"])
    assert begin.returncode == 0, begin.stderr
    other = {**settings_env, "BLIND_INDEX_KEY": "b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXktISE="}
    told = outreach_command(other, ["group", "add", "Hills"])
    assert told.returncode != 0
    assert SAID in told.stderr + told.stdout
    for program in (["-c", "import outreach.wsgi"], ["-m", "workers.run", "--burst"], ["-m", "workers.upkeep"]):
        done = subprocess.run(
            [sys.executable, *program], cwd=ROOT, env={"PATH": os.environ["PATH"], **other}, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode != 0, program
        assert SAID in done.stderr, program
