"""Why somebody takes people's data out or away: asked for each time, and kept in the book without numbers."""

from __future__ import annotations

from typing import Final

from outreach.core.errors import BadInputError
from outreach.core.logs import mask

REASON_LENGTH: Final = 300


def valid_reason(text: str) -> str:
    """A reason as the book keeps it: what looks like a phone number is masked. Raises BadInputError."""
    reason = " ".join(text.replace("\0", "").split())
    if not reason:
        raise BadInputError("reason_blank")
    if len(reason) > REASON_LENGTH:
        raise BadInputError("reason_long", most=REASON_LENGTH)
    return mask(reason)
