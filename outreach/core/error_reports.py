"""Errors to a Sentry, where ``SENTRY_DSN`` names one: what the log calls an error, with its traceback and nobody in it.

No integration of the SDK is switched on: each would read requests, queries or variables. What is sent is what our own
log has at level error, so nothing goes out that could not stand there; and it is masked once more on its way.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from config.settings import Settings
from outreach.core.errors import SettingsError
from outreach.core.logs import error_listeners, masked

DROPPED: Final = ("request", "user", "breadcrumbs", "server_name", "modules", "sys.argv")
"""Parts of an event that the SDK may fill and that may name somebody."""
TAGS: Final = frozenset({
    "process", "request_id", "job_id", "job", "message_id", "attempt_id", "session_id", "step", "gate_id", "reason",
    "code", "alarm", "error", "function",
})  # fmt: skip
"""Keys of a log line by which reports can be searched; the others go along as they are, masked."""
FLUSH_SECONDS: Final = 2.0
_OURS: Final = frozenset({"event", "level", "exc_info", "timestamp", "exception"})


def report_errors(settings: Settings, process: str, transport: Any = None) -> bool:
    """Send this process's errors from now on; False where no DSN is set. ``transport``: in place of the SDK's.

    Raises SettingsError sentry_missing when the SDK is not installed, sentry_dsn_wrong for a DSN that is none.
    """
    if settings.sentry_dsn is None:
        return False
    try:
        import sentry_sdk  # noqa: PLC0415  an extra, which few installations have
    except ImportError:
        raise SettingsError("sentry_missing") from None
    try:
        sentry_sdk.init(
            dsn=settings.sentry_dsn.get_secret_value(),
            environment=settings.mode,
            transport=transport,
            before_send=_scrubbed,
            before_breadcrumb=lambda _crumb, _hint: None,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            server_name="",
            auto_session_tracking=False,
            traces_sample_rate=None,
        )
    except sentry_sdk.utils.BadDsn:
        raise SettingsError("sentry_dsn_wrong") from None
    sentry_sdk.set_tag("process", process)
    if _report not in error_listeners:
        error_listeners.append(_report)
    return True


def hand_over_reports() -> None:
    """Wait until what was reported is on its way, two seconds at most: a process that ends without a word, as a
    work-horse does after its job has failed, takes along what a thread has still to send.
    """
    if _report in error_listeners:
        import sentry_sdk  # noqa: PLC0415  see above

        sentry_sdk.flush(timeout=FLUSH_SECONDS)


def _report(line: Mapping[str, Any]) -> None:
    """One line of the log at level error; called before its traceback becomes text."""
    import sentry_sdk  # noqa: PLC0415  see above
    from sentry_sdk.utils import event_from_exception  # noqa: PLC0415

    event: Any = {}
    error = _error_of(line.get("exc_info"))
    if error is not None:
        event, _ = event_from_exception(error, client_options=sentry_sdk.get_client().options)
    said = {key: value for key, value in line.items() if key not in _OURS and not key.startswith("_")}
    event |= {
        "level": "fatal" if line.get("level") == "critical" else "error",
        "logentry": {"message": str(line.get("event", ""))},
        "tags": {key: str(value) for key, value in said.items() if key in TAGS},
        "extra": {key: value if isinstance(value, int | float) else str(value) for key, value in said.items()},
    }
    sentry_sdk.capture_event(event)


def _error_of(given: Any) -> Any:
    """What ``exc_info`` of a log line means, as the SDK takes it; None without an error."""
    if isinstance(given, BaseException):
        return (type(given), given, given.__traceback__)
    if isinstance(given, tuple):
        return given if given[0] is not None else None
    found = sys.exc_info() if given else (None, None, None)
    return found if found[0] is not None else None


def _scrubbed(event: Any, _hint: Any) -> Any:
    return scrub(event)


def scrub(event: MutableMapping[str, Any]) -> dict[str, Any]:
    """The event without whom it befell, every text in it masked. Pure, but for the event that it changes."""
    for part in DROPPED:
        event.pop(part, None)
    event.get("extra", {}).pop("sys.argv", None)
    for found in event.get("exception", {}).get("values", ()):
        for frame in found.get("stacktrace", {}).get("frames", ()):
            frame.pop("vars", None)
    return {key: value if key in {"event_id", "timestamp"} else masked(value) for key, value in event.items()}
