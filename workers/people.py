"""Jobs on contact files."""

from __future__ import annotations

from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.messaging import traffic
from outreach.messaging.optout import cancel_waiting
from outreach.people.upload_work import work_uploads as work
from workers.context import STOPPING, runtime


def work_uploads() -> None:
    """Read, import and take back what waits for it."""
    held = runtime()
    work(held, lambda: is_busy(held), cancel_waiting)


def is_busy(runtime: Runtime) -> bool:
    """Whether an import must step aside. Raises ConflictError where the process is to end: the rest is done later."""
    if STOPPING.is_set():
        raise ConflictError("import_interrupted")
    with runtime.db.snapshot() as session:
        return traffic.is_busy(session, runtime.clock.real_now())
