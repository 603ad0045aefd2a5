"""What every test can have: a migrated database of either kind, a real Redis, keys made for tests."""

from __future__ import annotations

from outreach.core import garbage  # before all others

# isort: split
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from sqlalchemy.engine import make_url

from config.settings import Settings
from outreach import migrations
from outreach.core import db
from outreach.core.clock import Clock
from outreach.core.db import Database
from outreach.core.runtime import Runtime, open_runtime
from outreach.stage.keys import ensure_env
from outreach.stage.postgres import create_database, start_postgres
from outreach.stage.processes import Processes
from outreach.stage.redis import start_redis
from tests.emptied import Emptied
from tests.quickly import seldom_look_for_garbage, share_what_is_compiled

db.SYNC = lambda _file: None  # as PostgreSQL's is: a power cut may take a test's database
share_what_is_compiled()
seldom_look_for_garbage()
hypothesis_settings.register_profile("busy", deadline=None)  # how long an example takes is the machine's affair
hypothesis_settings.load_profile("busy")

ENGINES = ("sqlite", "postgresql")
NOON_TUESDAY = 1_796_151_600.0  # 2026-12-01 19:00 UTC: noon in Phoenix, 2 p.m. in New York, 9 a.m. in Honolulu


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first: one of them, begun among the last, would go on alone.

    A worker takes a file at a time (``--dist loadfile``), so that what a file sets up once is set up once.
    """
    first = {name: place for place, name in enumerate(("journeys", "browser"))}
    items.sort(key=lambda item: -1 if item.path.name == "test_quality.py" else first.get(item.path.parent.name, 2))


def pytest_collection_finish() -> None:
    """What was imported stays: whoever looks for garbage may pass it by."""
    garbage.begin()


def rehearsal_env(database_url: str, redis_url: str, keys: Path) -> dict[str, str]:
    """An environment with keys of its own, whose domain time begins now, on a Tuesday at noon in Phoenix."""
    return {
        **ensure_env(keys),
        "OUTREACH_MODE": "rehearsal",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PUBLIC_BASE_URL": "http://127.0.0.1:8999",
        "TWILIO_BASE_URL": "http://127.0.0.1:8998",
        "REHEARSAL_CLOCK": str(Clock(time.time(), NOON_TUESDAY, 1.0)),
    }


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Real processes that end with the tests."""
    with Processes(tmp_path_factory.mktemp("stage")) as processes:
        yield processes


@pytest.fixture(scope="session")
def redis_url(stage: Processes, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real Redis on a private socket."""
    return start_redis(tmp_path_factory.mktemp("redis"), stage)


@pytest.fixture(scope="session")
def postgres_url(stage: Processes, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PostgreSQL server; its URL names a database that tests must not use."""
    return start_postgres(tmp_path_factory.mktemp("postgres"), stage, durable=False)


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database)
    with database.connection() as connection:
        connection.exec_driver_sql("SELECT 1")
    database.dispose()
    return path


@pytest.fixture(scope="session")
def new_postgres(postgres_url: str) -> Iterator[Callable[[str], str]]:
    """A migrated, empty PostgreSQL database of a name: the first time a copy of one that was migrated once."""
    template = "template_outreach"
    database = Database(create_database(postgres_url, template))
    migrations.upgrade(database)
    database.dispose()
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://", 1)
    made: dict[str, Emptied] = {}

    def make(name: str) -> str:
        made.setdefault(name, Emptied(plain, template, name)).ready()
        return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)

    yield make
    for emptied in made.values():
        emptied.close()


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database: every test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "outreach.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    make: Callable[[str], str] = request.getfixturevalue("new_postgres")
    yield make("test_outreach")


@pytest.fixture
def settings_env(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """A rehearsal's environment on that database; domain time begins on a Tuesday at noon in Phoenix."""
    return rehearsal_env(database_url, redis_url, tmp_path / "keys")


@pytest.fixture
def settings(settings_env: dict[str, str]) -> Settings:
    """The same, read."""
    return Settings.from_mapping(settings_env)


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """A runtime on that database; jobs go to the real Redis."""
    opened = open_runtime(settings)
    yield opened
    opened.db.dispose()
