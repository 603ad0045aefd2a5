"""Who acts: set where somebody comes in (a page, a command), read where their act is noted (``audit``)."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

COMMAND_LINE: Final = "command line"
SITE: Final = "site"
"""Who acts where nobody does: workers, upkeep."""
PURGE: Final = "purge"
UNKNOWN: Final = "-"
"""Who failed to sign in."""
NOBODY: Final = frozenset({COMMAND_LINE, SITE, PURGE, UNKNOWN, "outreach", "upkeep"})
"""Names that no person may have: their acts would be taken for nobody's."""

_acting: ContextVar[str] = ContextVar("acting", default=SITE)


def begin(name: str) -> None:
    """From now on, in this thread's context, acts are noted under this name."""
    _acting.set(name)


def end() -> None:
    """Nobody acts any more: what is noted from here on is the site's."""
    _acting.set(SITE)


def actor() -> str:
    """The name of whoever acts."""
    return _acting.get()
