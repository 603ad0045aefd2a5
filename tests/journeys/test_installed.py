"""What the image runs: the package installed for good, not from the checkout, in a place that it cannot write to."""

from __future__ import annotations

import http.client
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from config.settings import Settings
from outreach.core.runtime import open_runtime
from outreach.messaging.models import Message
from outreach.stage import commands
from outreach.stage.ports import free_port
from outreach.stage.postgres import unprivileged_user
from outreach.stage.processes import Processes
from tests.conftest import rehearsal_env
from tests.factories import make_world, plan_messages
from tests.integration.test_stage import eventually

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "outreach", "workers")
LEFT_OUT = {".pyc"}
WHERE = "import outreach, sys; sys.exit(0 if outreach.__file__.startswith(sys.argv[1]) else 3)"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built as the Dockerfile does it, from a copy of what is copied there."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    code = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return next(target.glob("*.whl"))


def test_the_package_holds_every_file_that_it_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        held = set(packed.namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and path.suffix not in LEFT_OUT
    }
    assert wanted - held == set()


def test_the_site_runs_from_a_place_that_it_cannot_write_to(wheel: Path, tmp_path: Path, redis_url: str) -> None:
    """Web, worker and upkeep, with nothing but their environment; as root another user runs them, as in the image."""
    with Processes(tmp_path) as processes:
        place = processes.private_directory("installed")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(place / "site")
        data = place / "data"
        data.mkdir()
        port = free_port()
        env = {**rehearsal_env(f"sqlite:///{data / 'site.db'}", redis_url, tmp_path / "keys"), "PORT": str(port)}
        env |= {"PYTHONPATH": str(place / "site"), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        bare = {"PATH": os.environ["PATH"], **env}
        subprocess.run([sys.executable, "-c", WHERE, str(place)], env=bare, cwd="/", check=True)
        upgrade = [sys.executable, "-c", "from outreach.cli import main; main()", "db", "upgrade"]
        subprocess.run(upgrade, env=bare, cwd="/", check=True, capture_output=True)
        runtime = open_runtime(Settings.from_mapping(env))
        plan_messages(runtime, make_world(runtime, 2))
        for path in (place / "site").rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        user = somebody(place)
        programs = (commands.web(port, env), commands.worker(env, 2), commands.upkeep(env))
        processes.start(*(replace(program, user=user) for program in programs))
        assert get(port, "/readyz").startswith("200")
        page = get(port, "/sign-in")
        assert page.startswith("200")
        for asset in ("/static/site.css", "/favicon.ico"):
            assert get(port, asset).startswith("200"), asset

        def tried() -> bool:  # no carrier listens: whoever was tried waits again, with the reason noted
            with runtime.db.snapshot() as session:
                return (
                    session.execute(select(Message.posted_at).where(Message.posted_at.is_not(None))).first() is not None
                )

        assert eventually(tried)
        runtime.db.dispose()


def somebody(place: Path) -> str | None:
    """For root another user, to whom the place is given; None where this one may not write there anyway, or where the
    environment's Python lies behind a directory that is closed to others."""
    above = Path(sys.executable).resolve().parents, Path(sys.prefix).resolve().parents
    if os.geteuid() != 0 or not all(path.stat().st_mode & stat.S_IXOTH for paths in above for path in paths):
        return None
    user = unprivileged_user()
    for path in (place, *(place / "data").rglob("*"), place / "data"):
        os.chown(path, user.pw_uid, user.pw_gid)
    return user.pw_name


def get(port: int, path: str) -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return f"{answer.status} {answer.read().decode(errors='replace')}"
