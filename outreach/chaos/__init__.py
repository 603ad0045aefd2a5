"""Kills everything but the carrier during a blast, then holds the carrier's books against the database."""

from __future__ import annotations

from outreach.core.errors import OutreachError


class ChaosError(OutreachError):
    """The run did not come to its end: too few kills could land, or something waited for ever."""
