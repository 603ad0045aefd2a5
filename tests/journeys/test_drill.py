"""An operator's worst day in one blast, in its short form: see ``outreach/chaos/drill.py``."""

from __future__ import annotations

from pathlib import Path

from outreach.chaos.drill import faults_of, run
from outreach.chaos.experiment import Plan
from outreach.stage.processes import Processes

RECIPIENTS = 60
SPEED = 120.0


def test_terms_a_restore_another_key_and_a_purge_leave_books_that_reconcile(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        told = run(Plan(0, RECIPIENTS, "sqlite", 3, SPEED), tmp_path, processes, lambda _: None, short=True)
    assert faults_of(told) == [], told
    assert told["recipients"] == RECIPIENTS
    assert told["needs_review"] == 0, told  # no kill: every POST came home
