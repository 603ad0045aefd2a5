"""How often one address, or one link of ours, may look at public pages, within one process.

A look changes nothing, so it is not stored: not in the database, which has better to do, and not in Redis, which may be
away. Where a request carries a link that we signed it counts for that link: a phone company puts thousands of people
behind one address, and none of them may lock the others out.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from flask import current_app, request

from outreach.core.clock import Clock
from outreach.messaging.page_links import number_of
from outreach.messaging.sign_up_rules import ONE_READER, Limit, allows, asked_from, network_of
from outreach.serving import runtime

MOST_ADDRESSES: Final = 10_000


class Looks:
    """The latest looks of each address. When it holds too many addresses it forgets them all: it guards, no more."""

    def __init__(self, limits: Sequence[Limit] | None = None) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._times: dict[str, deque[datetime]] = defaultdict(deque)

    def note(self, address: str | None, now: datetime, link: str | None = None) -> bool:
        """Note a look at a real time. False when there were too many. ``link``: of ours, in place of the address."""
        return self.note_one(f"link {link}" if link else network_of(address), now)

    def note_one(self, who: str, now: datetime) -> bool:
        """The same for whoever is counted under this word."""
        with self._lock:
            if len(self._times) >= MOST_ADDRESSES and who not in self._times:
                self._times.clear()
            times, limits = self._times[who], self._limits or ONE_READER
            if not allows(limits, times, now):
                return False
            times.append(now)
            while len(times) > max(limit.most for limit in limits):
                times.popleft()
            return True


def address() -> str | None:
    """Where this request comes from, past the proxies of ours."""
    proxies = runtime().settings.trusted_proxies
    return asked_from(request.remote_addr, request.headers.get("X-Forwarded-For"), proxies)


def may_look(link: str | None = None) -> bool:
    """Whether this request is within its limit in this process; it counts."""
    looks: Looks = current_app.extensions.setdefault("public_looks", Looks())
    return looks.note(address(), Clock.real_now(), link)


def may_open(link: str, purpose: str) -> bool:
    """The same for a page behind a link: it counts for the link where that is one of ours. No database is asked."""
    return may_look(link if number_of(runtime(), link, purpose) is not None else None)
