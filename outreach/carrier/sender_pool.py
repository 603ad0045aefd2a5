"""Which numbers people answer to, where a Messaging Service chooses the sender."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Final

import structlog

from config.settings import Settings
from outreach.carrier.account import TwilioAccount
from outreach.carrier.base import CarrierError

log = structlog.get_logger(__name__)

ASK_EVERY: Final = 240.0
AGAIN_AFTER: Final = 60.0
"""Real seconds; the second after an answer that was none. What a new number has got before we know of it must not be
further back than every listing looks (``recover.LOOK_BACK``)."""


class SenderPool:
    """The numbers of the Messaging Service, asked for seldom; what could not be had is what was known before."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: tuple[str, ...] | None = None
        self._due = 0.0

    def numbers(self) -> tuple[str, ...] | None:
        """Empty without a service, and in a rehearsal, which has one number; None: not known yet."""
        sid = self._settings.twilio_messaging_service_sid
        if not sid or self._settings.mode != "production":
            return ()
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + ASK_EVERY
            try:
                with closing(TwilioAccount(self._settings)) as account:
                    service = account.service(sid)
                self._known = service.numbers if service else ()
            except CarrierError as error:
                log.warning("sender_pool_not_read", error=type(error).__name__, code=error.code)
                self._due = time.monotonic() + AGAIN_AFTER
        return self._known
