"""The settings: all that is wrong with them at once, or how this deployment is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from outreach.core.errors import SettingsError
from outreach.core.logs import LEVEL, LEVELS
from outreach.doctor.examined import Examined
from outreach.doctor.findings import Finding, finding


def refused(error: SettingsError) -> list[Finding]:
    """Settings that no process would start with, a finding for each."""
    problems = [each for each in str(error.details.get("problems", "")).split("\n  - ") if each]
    return [finding("settings.values", "wrong", problem=problem) for problem in problems or [str(error)]]


def look_at_settings(held: Examined) -> Iterator[Finding]:
    """What stands once they could be read."""
    yield finding("settings.values", held.settings.mode)
    yield judge_level(held.environ)


def judge_level(environ: Mapping[str, str]) -> Finding:
    """OUTREACH_LOG_LEVEL."""
    level = environ.get(LEVEL, "").upper()
    if level and level not in LEVELS:
        return finding("settings.logs", "unknown_level", level=level[:20])
    if level == "DEBUG":
        return finding("settings.logs", "debug")
    if level == "ERROR":
        return finding("settings.logs", "quiet")
    return finding("settings.logs", "ok", level=level or "INFO")
