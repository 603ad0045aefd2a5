"""What a socket of ours shows without asking the other side."""

from __future__ import annotations

import select


def is_readable(file_number: int) -> bool:
    """Whether there is something to read, or the other side has closed: of a peer that was asked nothing, its end."""
    poll = select.poll()
    poll.register(file_number, select.POLLIN)
    return bool(poll.poll(0))
