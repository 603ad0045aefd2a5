"""How large an import's transactions are, and how long it rests between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final


class Pacing:
    """How many entries go into one transaction, and how long to wait before the next.

    On SQLite there is one write lock, and a STOP may be waiting for it: a transaction takes ``LONGEST_SECONDS`` at the
    most, and where texts go out or come in it is small and followed by a rest.
    """

    LONGEST_SECONDS: Final = 0.04
    LONGEST_ELSEWHERE: Final = 0.25
    FEWEST: Final = 25
    BUSY: Final = 500
    MOST: Final = 4_000
    LOOKS_EVERY: Final = 0.25
    SHARE_BUSY: Final = 0.4
    REST: Final = 0.025
    BREATH: Final = 0.003

    def __init__(self, is_busy: Callable[[], bool], *, is_sqlite: bool) -> None:
        self.size = self.BUSY
        self._longest = self.LONGEST_SECONDS if is_sqlite else self.LONGEST_ELSEWHERE
        self._is_busy = is_busy
        self._busy = True
        self._looked = -1.0

    def wait(self, seconds: float) -> None:
        """After a transaction that took so long: choose the next one's size, and let others go first."""
        if time.monotonic() - self._looked > self.LOOKS_EVERY:
            self._looked, self._busy = time.monotonic(), self._is_busy()
        longest = self._longest * self.SHARE_BUSY if self._busy else self._longest
        if seconds > longest:
            self.size = max(self.FEWEST, self.size // 2)
        elif seconds < longest * 2 / 3:
            self.size = min(self.BUSY if self._busy else self.MOST, self.size * 5 // 4)
        if self._busy:
            self.size = min(self.size, self.BUSY)
        time.sleep(self.REST if self._busy else self.BREATH)
