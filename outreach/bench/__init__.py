"""Measurements: each a row with its target, beside a ceiling taken in the same run (docs/performance.md)."""

from __future__ import annotations

from outreach.core.errors import OutreachError


class BenchError(OutreachError):
    """What was measured is not what the page shows, so its speed is worth nothing."""
