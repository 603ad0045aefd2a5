"""Copies of the database, sealed, and bringing one back so that nobody is texted twice or after a STOP (ADR 31)."""

from __future__ import annotations

from outreach.core.errors import OutreachError


class BackupError(OutreachError):
    """A backup could not be made, read or restored; what was there before is there still."""
