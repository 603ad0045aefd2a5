"""Whether texts go out or come in just now: long work on the database then takes small steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.messaging.models import IS_LEASED, Message, Reply

RECENT: Final = timedelta(seconds=10)

_LEASED = select(Message.id).where(IS_LEASED).limit(1)
_LAST_REPLY = select(Reply.received_at).order_by(Reply.id.desc()).limit(1)


def is_busy(session: Session, now: datetime) -> bool:
    """Whether a text is claimed or on its way, or a reply came within seconds. ``now``: real time."""
    if session.execute(_LEASED).first() is not None:
        return True
    last = session.execute(_LAST_REPLY).scalar()
    return last is not None and last > now - RECENT
