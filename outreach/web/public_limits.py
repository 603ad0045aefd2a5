"""How often one address may look at public pages, within one process: a look changes nothing, so it is not stored."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from datetime import datetime
from typing import Final

from flask import current_app, request

from outreach.core.clock import Clock
from outreach.messaging.sign_up_rules import ONE_READER, allows, asked_from, network_of

MOST_ADDRESSES: Final = 10_000


class Looks:
    """The latest looks of each address. When it holds too many addresses it forgets them all: it guards, no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, deque[datetime]] = defaultdict(lambda: deque(maxlen=ONE_READER[0].most))

    def note(self, address: str | None, now: datetime) -> bool:
        """Note a look at a real time. False when there were too many."""
        with self._lock:
            if len(self._times) >= MOST_ADDRESSES:
                self._times.clear()
            times = self._times[network_of(address)]
            if not allows(ONE_READER, times, now):
                return False
            times.append(now)
            return True


def address() -> str | None:
    """Where this request comes from, past a proxy of ours."""
    return asked_from(request.remote_addr, request.headers.get("X-Forwarded-For"))


def may_look() -> bool:
    """Whether this request is within its address's limit in this process; it counts."""
    looks: Looks = current_app.extensions.setdefault("public_looks", Looks())
    return looks.note(address(), Clock.real_now())
