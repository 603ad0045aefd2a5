"""Tactics: what a campaign asks for, and what came of it, by ``config/tactics.toml``. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from config import table
from outreach.messaging.classify import Verdict

CALLS: Final = "calls"
DIGIT: Final = "digit_"
"""How the classifier's rules are called that read a bare digit."""


def tactic_row(tactic: str | None) -> dict[str, Any]:
    """A tactic's row; that of calls for none, or one that the table no longer has."""
    rows = table("tactics")
    row: dict[str, Any] = rows.get(tactic or CALLS, rows[CALLS])
    return row


@cache
def every_outcome() -> tuple[str, ...]:
    """The outcomes of all tactics, each once, in the order in which they are shown."""
    return tuple(dict.fromkeys(outcome for row in table("tactics").values() for outcome in row["outcomes"]))


def digit_of(verdict: Verdict) -> str | None:
    """The digit that a reply consists of, where it was taken for a report."""
    digit = verdict.rule.removeprefix(DIGIT)
    return digit if verdict.rule.startswith(DIGIT) and digit.isdigit() else None


def tactic_outcome(tactic: str | None, outcome: str | None, digit: str | None = None) -> str | None:
    """What the classifier's outcome, or a bare digit, is called in this tactic; None: it is none of its outcomes."""
    row = tactic_row(tactic)
    found = row["digits"].get(digit) if digit else row["means"].get(outcome)
    return None if found is None else str(found)


def in_tactic(verdict: Verdict, tactic: str | None) -> Verdict:
    """A verdict with the tactic's outcome; a report of something else than was asked is for a person to read."""
    if verdict.outcome is None:
        return verdict
    outcome = tactic_outcome(tactic, verdict.outcome, digit_of(verdict))
    intent = "other" if outcome is None and verdict.intent == "report" else verdict.intent
    return verdict._replace(intent=intent, outcome=outcome)
