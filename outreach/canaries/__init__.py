"""Plays a whole rehearsal with numbers that belong to nobody, and then looks for each of them in whatever is left."""

from __future__ import annotations

from outreach.core.errors import OutreachError


class CanaryError(OutreachError):
    """The rehearsal did not come to its end, so its silence would prove nothing."""
