"""The thread of upkeep that checks the books: it reads for as long as that takes, and blocks nobody."""

from __future__ import annotations

import threading
import time

import structlog
from sqlalchemy.exc import DBAPIError

from outreach.core.runtime import Runtime
from outreach.watch.checks import check_books as check
from outreach.watch.checks import next_check_in

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
FIRST_AFTER = 20.0
"""Real seconds from the start: what died with the process before this one has been put right by then."""


def check_books(runtime: Runtime, stop: threading.Event, leading: threading.Event) -> None:
    """Until told to stop, check every few minutes while this process leads."""
    due = time.monotonic() + FIRST_AFTER
    while not stop.wait(LOOK_SECONDS):
        if not leading.is_set() or time.monotonic() < due:
            continue
        began = time.monotonic()
        try:
            check(runtime)
        except DBAPIError as error:
            log.warning("checks_wait_for_database", error=type(error.orig).__name__)
        except Exception:  # who checks must not fall silent over one row
            log.exception("books_not_checked")
        took = time.monotonic() - began
        due = time.monotonic() + next_check_in(took)
