"""One kill of each target in the middle of a blast: nobody twice, nobody lost. ``scripts/chaos.py`` does it at length,
on both databases.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from outreach.chaos.schedule import targets_of

ROOT = Path(__file__).parent.parent.parent
RECIPIENTS = 300
SPEED = 120  # thirty domain minutes, after which an unknown goes to a person, pass in 15 s
SEED = 58  # workers and database die first: what they had claimed waits for its lease while the others are killed
KEYS = [
    "kills", "recipients", "duplicates", "lost", "accepted", "unknown", "needs_review", "posts_after_stop", "stops",
    "reconciles", "seconds", "conditions",
]  # fmt: skip
SENDER_THREADS = 16
KILLS_OF_SENDERS = 3  # worker and work-horse, and the database under them
REACHED = 0.95


def run_chaos(*options: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON of the last line, and stderr; stdout holds nothing else. The environment is no help."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "outreach.chaos", "--json", *options],
        env={**os.environ, "DATABASE_URL": "sqlite:////nonexistent/x.db", "REDIS_URL": "unix:///nonexistent.sock"},
        cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout + done.stderr
    return done.returncode, json.loads(lines[0]), done.stderr


@pytest.mark.parametrize("engine", ["postgresql"])  # which is killed as well; a drill (test_drill) has SQLite
def test_whatever_is_killed_nobody_is_texted_twice_and_nobody_is_lost(engine: str, tmp_path: Path) -> None:
    targets = targets_of(engine)
    code, report, told = run_chaos(
        "--kills", str(len(targets)), "--recipients", str(RECIPIENTS), "--database", engine,
        "--seed", str(SEED), "--speed", str(SPEED), "--data-dir", str(tmp_path / "data"),
    )  # fmt: skip
    assert list(report) == KEYS, told
    assert report["kills"] == dict.fromkeys(targets, 1), told
    assert all(kill["due"] + kill["claimed"] + kill["posting"] > 0 for kill in report["conditions"]["kills"])
    found = {name: report[name] for name in ("recipients", "duplicates", "lost", "posts_after_stop", "unknown")}
    assert found == {"recipients": RECIPIENTS, "duplicates": 0, "lost": 0, "posts_after_stop": 0, "unknown": 0}, told
    assert report["reconciles"] is True, told
    assert report["conditions"]["reached"] >= REACHED * report["conditions"]["reachable"], told
    assert report["conditions"]["creates_after_last_kill"] > 0
    assert report["stops"] > 0
    # A text that its sender's death came before is known by nobody, and a person decides: one a thread at most.
    assert report["needs_review"] <= KILLS_OF_SENDERS * SENDER_THREADS
    # One in a hundred is asked of a long blast; of three hundred people three kills of senders may leave more.
    assert code == (1 if report["needs_review"] > RECIPIENTS // 100 else 0), told
