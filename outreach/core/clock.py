"""Two clocks. Domain time decides what may be done when; real time measures the machine.

In production they are one. In a rehearsal domain time starts somewhere else and may run faster:
``now = simulated + (real - epoch_real) x speed``. The text form ``epoch_real/epoch_simulated/speed``
(seconds since 1970) travels in ``REHEARSAL_CLOCK``, so every process reads the same time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from outreach.core.errors import SettingsError

PHOENIX = ZoneInfo("America/Phoenix")
SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Clock:
    """Reads domain and real time; ``Clock()`` is the real clock for both."""

    epoch_real: float = 0.0
    epoch_simulated: float = 0.0
    speed: float = 1.0

    @classmethod
    def parse(cls, text: str | None) -> Clock:
        """Read ``epoch_real/epoch_simulated/speed``; empty means the real clock. Raises SettingsError."""
        if not text:
            return cls()
        try:
            real, simulated, speed = (float(part) for part in text.split("/"))
        except ValueError:
            raise SettingsError("clock_malformed", setting="REHEARSAL_CLOCK", value=text) from None
        if not 0 < speed <= 100_000:
            raise SettingsError("clock_malformed", setting="REHEARSAL_CLOCK", value=text)
        return cls(real, simulated, speed)

    def __str__(self) -> str:
        return f"{self.epoch_real!r}/{self.epoch_simulated!r}/{self.speed!r}"

    def now(self) -> datetime:
        """Domain time, UTC."""
        return self.at(time.time())

    def at(self, real: float) -> datetime:
        """Domain time at a real instant (seconds since 1970)."""
        return datetime.fromtimestamp(self.epoch_simulated + (real - self.epoch_real) * self.speed, UTC)

    def real_at(self, domain: datetime) -> datetime:
        """The real instant at which it is so late in domain time."""
        seconds = self.epoch_real + (domain.timestamp() - self.epoch_simulated) / self.speed
        return datetime.fromtimestamp(seconds, UTC)

    @staticmethod
    def real_now() -> datetime:
        """Real time, UTC: what the carrier's ``date_created`` is in."""
        return datetime.now(UTC)

    def after_real(self, seconds: float) -> datetime:
        """The domain time it will be when this many real seconds have passed."""
        return self.at(time.time() + seconds)


def coming_tuesday_ten(real: datetime, speed: float, latest: datetime | None = None) -> Clock:
    """A clock that starts on the Tuesday after ``real``, 10:00 in Phoenix: every state's window is open soon.

    Time does not go back: where something has happened since, ``latest``, it starts at ten on the day after that, or
    on the Monday.
    """
    local = real.astimezone(PHOENIX)
    days = (1 - local.weekday() - 1) % 7 + 1
    start = (local + timedelta(days=days)).replace(hour=10, minute=0, second=0, microsecond=0)
    while (latest is not None and start <= latest) or start.weekday() == SUNDAY:
        start += timedelta(days=1)
    return Clock(real.timestamp(), start.timestamp(), speed)
