"""Writers of one SQLite file stand in line: SQLite itself keeps none, and whoever asks at the right moment goes first.

The lock is the kernel's, on a file beside the database, held for the length of a write transaction; it ends with its
holder, however that ends. SQLite's own lock still guards the database: a writer that takes no turn is only impolite.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import fcntl
except ImportError:  # Windows: writers ask until they are lucky
    fcntl = None  # type: ignore[assignment]

SUFFIX = "-turn"
_holding = threading.local()


@contextmanager
def write_turn(path: str | None) -> Iterator[None]:
    """Wait for the turn to write to this file, and keep it within the block; None is a database without a file.

    A thread that has its turn already is not kept waiting by itself: what it meets is SQLite's own error.
    """
    if fcntl is None or path is None or getattr(_holding, "path", None) == path:
        yield
        return
    # Opened for this turn alone: a lock that a forked child has inherited would outlive its holder.
    line = os.open(path + SUFFIX, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(line, fcntl.LOCK_EX)
        _holding.path = path
        yield
    finally:
        _holding.path = None
        os.close(line)
