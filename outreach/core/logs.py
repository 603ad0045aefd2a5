"""Logs: one JSON object a line, with ids and without phone numbers, whoever wrote the line."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any

import structlog

NUMBER = re.compile(r"\+?\d[\d\-\s().]{8,}\d")
"""Anything that could be a phone number; ids of ten digits are masked with it, and that is the right way to err."""

TIME_OR_ID = (
    r"(?<![\w+.-])(?:"
    r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?"
    r"|(?![0-9a-f-]*\d{10})[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r")(?![\w+-]|[.:]\d|[\s().-]+\d)"
)
"""A whole ISO 8601 day or time, or a random id, that stands by itself: what a log is asked for most often. Strict, for
it is let through: digits that go on before or behind it make all of it a number, and so do ten in a row in an id."""

SECRET_PATH = re.compile(r"(/(?:s|t|enter|invitation)/)[0-9A-Za-z_-]{8,}")
"""An address of ours that lets in whoever knows it: Flask logs the path of a request that failed."""

EITHER = re.compile(f"(?P<plain>{TIME_OR_ID})|{NUMBER.pattern}")
"""From left to right: digits before a time are looked at first, and take it along where they could belong together."""

LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARNING": logging.WARNING, "ERROR": logging.ERROR}
ACCESS = logging.INFO
access_log = logging.getLogger("outreach.access")
"""Takes whole lines of JSON that are not masked: nothing stands in them that anybody typed (``outreach/access.py``)."""
LEVEL = "OUTREACH_LOG_LEVEL"
"""The variable that makes every process say more, or less, than it does by itself; what is noisy stays silent."""


def mask(text: str) -> str:
    """The text with all but the last two digits of anything like a phone number replaced; times and ids stay."""
    return EITHER.sub(lambda match: match[0] if match["plain"] else f"<number ..{match[0][-2:]}>", text)


def masked(value: Any) -> Any:
    """A value with every text in it masked, however deep; secret addresses too. Integers stay: they are ids."""
    if isinstance(value, str):
        return mask(SECRET_PATH.sub(r"\1<secret>", value))
    if isinstance(value, Mapping):
        return {key: masked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each) for each in value]
    return value


error_listeners: list[Callable[[Mapping[str, Any]], None]] = []
"""Who else hears what is logged at level error or above, its traceback not yet made into text."""


def tell_listeners(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor. What a listener stumbles over must not cost the line."""
    if event.get("level") in {"error", "critical"}:
        for listener in error_listeners:
            with suppress(Exception):
                listener(event)
    return event


def mask_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: masks every text, tracebacks and lists included; secret addresses too."""
    for key, value in event.items():
        if isinstance(value, str | Mapping | list | tuple) and key != "timestamp":
            event[key] = masked(value)
    return event


def set_up_logs(process: str, level: int = logging.INFO) -> None:
    """Send structlog and the standard library's logs to stderr in one form, from ``level`` or the environment's up."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_listeners,
        structlog.processors.format_exc_info,
        mask_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS.get(os.environ.get(LEVEL, "").upper(), level))
    for noisy in ("twilio", "urllib3", "rq.worker"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    plain = logging.StreamHandler(sys.stderr)
    plain.setFormatter(logging.Formatter("%(message)s"))
    access_log.handlers[:], access_log.propagate = [plain], False
    structlog.contextvars.bind_contextvars(process=process)
    _log_what_nobody_caught()


def _log_what_nobody_caught() -> None:
    """Python itself would print such a traceback as it is, numbers and all."""
    log = structlog.get_logger(__name__)

    def died(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, at)
        else:
            log.critical("process_failed", exc_info=(kind, error, at))

    def thread_died(about: threading.ExceptHookArgs) -> None:
        error = about.exc_value or about.exc_type()
        log.critical("thread_failed", thread=about.thread and about.thread.name, exc_info=error)

    # Where somebody else listens already (a test runner does), they go on doing so.
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = died
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = thread_died
