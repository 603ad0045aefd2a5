"""What every view and webhook reaches for."""

from __future__ import annotations

from flask import current_app

from outreach.core.runtime import Runtime


def runtime() -> Runtime:
    """The runtime of the app that serves this request."""
    held: Runtime = current_app.extensions["outreach"]
    return held
