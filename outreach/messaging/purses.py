"""What one slice may spend of its group's money, and what it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.spending.ledger import What, caps_of, charge_parts, give_back_parts, spent
from outreach.spending.prices import part_price, room


class Paid(NamedTuple):
    """What a text is counted as. ``begun``: domain time, whose day it counts for."""

    group_id: int
    what: What
    parts: int
    begun: datetime


def give_back(tx: Transaction, texts: Iterable[Paid]) -> None:
    """Of texts that the carrier has not taken: tried again, each would be paid for as often as it was tried."""
    sums: Counter[tuple[int, What, datetime]] = Counter()
    for one in texts:
        sums[one.group_id, one.what, one.begun] += one.parts
    for (group_id, what, begun), parts in sums.items():
        give_back_parts(tx, group_id, what, parts, begun)


class Purse:
    """For the length of a slice's transaction, at a domain time.

    On SQLite slices are one at a time, so that a cap is never passed; on PostgreSQL by no more than what other workers
    slice in the same moment, each as many texts as it has idle threads, which is less than a claim.
    """

    def __init__(self, tx: Transaction, runtime: Runtime, now: datetime) -> None:
        self._tx, self._runtime, self._now = tx, runtime, now
        self._rooms: dict[int, int | None] = {}
        self._parts: Counter[tuple[int, What]] = Counter()
        self.empty: set[int] = set()
        """Groups of which a text was held back."""

    def pays(self, text: Paid, *, capped: bool) -> bool:
        """Whether a text may be begun; if so, it is counted. ``capped``: its group's cap holds it."""
        if capped and not self._fits(text.group_id, text.parts * part_price()):
            self.empty.add(text.group_id)
            return False
        self._parts[text.group_id, text.what] += text.parts
        return True

    def _fits(self, group_id: int, price: int) -> bool:
        if group_id not in self._rooms:
            self._rooms[group_id] = self._room(group_id)
        left = self._rooms[group_id]
        if left is None:
            return True
        if left >= price:
            self._rooms[group_id] = left - price
        return left >= price

    def _room(self, group_id: int) -> int | None:
        caps = caps_of(self._tx, self._runtime, group_id)
        is_capped = caps.day is not None or caps.month is not None
        return room(spent(self._tx, group_id, self._now), caps) if is_capped else None

    def charge(self) -> None:
        """Append what was begun: a row for each group and kind."""
        for (group_id, what), parts in self._parts.items():
            charge_parts(self._tx, group_id, what, parts, self._now)
