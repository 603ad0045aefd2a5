"""The thread of upkeep that counts people for large sheets of the tallies: it reads for seconds, and blocks nobody."""

from __future__ import annotations

import threading

import structlog
from sqlalchemy.exc import DBAPIError

from outreach.core.runtime import Runtime
from outreach.tallies.kept_sheets import recount

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0


def count_sheets(runtime: Runtime, stop: threading.Event, leading: threading.Event) -> None:
    """Until told to stop, count what pages wait for while this process leads."""
    while not stop.wait(LOOK_SECONDS):
        if not leading.is_set():
            continue
        try:
            recount(runtime)
        except DBAPIError as error:
            log.warning("sheets_wait_for_database", error=type(error.orig).__name__)
        except Exception:  # a sheet is a convenience: nothing else may end with it
            log.exception("sheets_not_counted")
