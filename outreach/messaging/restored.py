"""After a backup was restored: what the carrier has had since must not go out again.

While a restoration is catching up with the carrier's list nothing is sent (``turns.look``, ``placing``), and what is
found there is booked instead of posted (``booking``).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from outreach.core.errors import ConflictError
from outreach.messaging.restored_models import FoundText, Restoration

RESTORED: Final = "restored"
"""Why a gate is paused that was open in the backup: somebody looks at the campaign before it goes on."""


class Standing(NamedTuple):
    """Whether a restored backup is still catching up, and whether texts were found that no row has taken yet."""

    catching_up: bool
    has_found: bool


_CATCHING_UP = exists().where(Restoration.caught_up_at.is_(None))
_HAS_FOUND = exists().where(FoundText.message_id.is_(None))
_STANDING = select(_CATCHING_UP, _HAS_FOUND)


def after_restoring(session: Session) -> Standing:
    """How this database stands after a restore; both false where there was none."""
    return Standing(*(bool(answer) for answer in session.execute(_STANDING).one()))


def is_catching_up(session: Session) -> bool:
    """Whether nothing may be sent yet."""
    return bool(session.execute(select(_CATCHING_UP)).scalar())


def require_caught_up(session: Session) -> None:
    """Raises ConflictError while a restored backup is catching up."""
    if is_catching_up(session):
        raise ConflictError("restore_catching_up")
