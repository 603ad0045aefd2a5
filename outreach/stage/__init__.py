"""The outermost ring: starts the real processes of a rehearsal, a test or a measurement, and ends them all.

Nothing imports this but the story, the tests and the measurements. In production the machine's own supervisor
runs what the Procfile names.
"""

from __future__ import annotations

from outreach.core.errors import OutreachError


class StageError(OutreachError):
    """A process, port, binary or file that the stage needs could not be had."""
