"""A measurement from end to end: one line of JSON, true numbers, nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from outreach.bench import BenchError, tally
from outreach.bench.big_campaign import Written, write_campaign
from outreach.bench.heard import TAIL, write_history, write_tail
from outreach.core.clock import Clock
from outreach.core.db import Database
from outreach.messaging.models import Tally
from outreach.tallies.live import SERIES, Live, live_tally
from outreach.tallies.sheets import DIMENSIONS

ROOT = Path(__file__).parents[2]
MESSAGES = 20_000


def write(db: Database, clock: Clock) -> Written:
    ours = write_campaign(db, "Ours", 1, MESSAGES, clock)
    theirs = write_campaign(db, "Theirs", MESSAGES + 1, MESSAGES // 4, clock)
    for written in (ours, theirs):
        write_history(db, written, clock)
    assert write_tail(db, ours, theirs, clock) == TAIL
    return ours


def page(db: Database, written: Written, clock: Clock) -> Live:
    with db.snapshot() as reading:
        return live_tally(reading, written.group_id, written.campaign_id, clock)


def test_the_big_campaign_is_one_that_the_folder_could_have_left(database_url: str) -> None:
    db, clock = Database(database_url), Clock()
    try:
        written = write(db, clock)
        live = page(db, written, clock)
        assert live.tally.recipients == MESSAGES
        assert all(live.tally.states[state] for state in ("planned", "held", "accepted", "delivered", "needs_review"))
        assert all(len(live.series[name]) == 60 and sum(live.series[name]) > 0 for name in SERIES)
        assert live.rate > 0 and live.finish_at is not None and live.held_until is not None
        tally.check(db, lambda: page(db, written, clock), written, clock)
    finally:
        db.dispose()


def test_a_page_that_shows_wrong_numbers_is_not_measured(database_url: str) -> None:
    db, clock = Database(database_url), Clock()
    try:
        written = write(db, clock)
        with db.transaction() as tx:
            wrong = (Tally.gate_id == written.gate_id, Tally.name == "delivered")
            tx.execute(update(Tally).where(*wrong).values(count=Tally.count + 1))
        with pytest.raises(BenchError, match="so its speed was not reported"):
            tally.check(db, lambda: page(db, written, clock), written, clock)
    finally:
        db.dispose()


def test_the_quick_measurement_ends_in_one_line_of_json_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "outreach.bench", "tally", "--quick", "--database", "sqlite", "--json"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    row, sheets = json.loads(line)["rows"]
    assert (sheets["name"], sheets["unit"], sheets["target"]) == ("tallies_1m", "ms", "value<=200")
    assert set(sheets["conditions"]["databases"]["sqlite"]["counting_ms"]) == {*DIMENSIONS, "week_line"}
    assert (row["name"], row["unit"], row["target"]) == ("tally_1m", "ms", "value<=20")
    assert row["ok"] is (row["value"] <= 20)
    assert 0 < row["ceiling"] < row["value"]
    assert row["conditions"]["quick"] is True
    assert row["conditions"]["messages"] == tally.QUICK_MESSAGES
    assert list(row["conditions"]["databases"]) == ["sqlite"]
    assert "measuring" in done.stderr
    assert list(tmp_path.iterdir()) == []
