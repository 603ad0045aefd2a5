"""What a work-horse holds: opened after the fork, once per process."""

from __future__ import annotations

import os
import threading
from functools import cache

from config.settings import Settings
from outreach.carrier.base import Caller, Carrier
from outreach.carrier.twilio import TwilioCarrier
from outreach.core.runtime import Runtime, open_runtime

SENDER_THREADS = "OUTREACH_SENDER_THREADS"
"""How ``workers.run --sender-threads`` reaches its work-horses."""

STOPPING = threading.Event()
"""Set in a work-horse that is to end soon; its job then hands the rest to a next one."""


def sender_threads() -> int:
    """How many POSTs this worker may have under way."""
    return int(os.environ.get(SENDER_THREADS, "32"))


def runtime() -> Runtime:
    """This process's runtime."""
    return _runtime(os.getpid())


def carrier() -> Carrier:
    """This process's carrier, its pool as wide as the sender threads."""
    return _carrier(os.getpid())


def caller() -> Caller:
    """The same carrier, for calls."""
    return _carrier(os.getpid())


@cache
def _runtime(_pid: int) -> Runtime:
    return open_runtime(Settings.from_environment())


@cache
def _carrier(pid: int) -> TwilioCarrier:
    return TwilioCarrier(_runtime(pid).settings)
