"""A whole rehearsal leaves no number behind, in any form; and every control that was planted is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from outreach.canaries.experiment import CONTROLS

ROOT = Path(__file__).parent.parent.parent
NUMBERS = 200
SPEED = 120
SENDERS_MOST = 16
"""Texts whose sender stumbled with them in hand: nobody knows whether they went."""


def test_no_number_is_left_in_any_file_of_the_instance(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-P", "-m", "outreach.canaries", "--json", "--numbers", str(NUMBERS),
            "--speed", str(SPEED), "--data-dir", str(tmp_path / "data"),
        ],
        env={**os.environ, "DATABASE_URL": "sqlite:////nonexistent/x.db", "REDIS_URL": "unix:///nonexistent.sock"},
        cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["found"] == [], done.stderr
    assert report["controls"] == dict.fromkeys(CONTROLS, True), done.stderr
    assert done.returncode == 0
    happened = report["conditions"]
    assert happened["texted"] >= NUMBERS - SENDERS_MOST
    assert happened["replies"] > NUMBERS // 4
    assert happened["opted_out"] > 0
    assert happened["tracebacks"]["web"] >= 2
    assert happened["tracebacks"]["worker"] >= 1
    assert happened["left_out"] == ["logs/carrier.log"]
    logs = {path.name for path in (tmp_path / "data" / "logs").iterdir()}
    assert {"web.log", "worker.log", "upkeep.log", "redis.log"} <= logs
    assert report["files"] >= len(logs) + len(CONTROLS) - 3
    assert '"level": "debug"' in (tmp_path / "data" / "logs" / "worker.log").read_text()
