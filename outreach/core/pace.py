"""A rate that several processes share through Redis, and keep to without it.

A token bucket in one Redis script: refilled by Redis's own clock, slowed down for everybody when the carrier says "too
fast", and back at full rate within a minute. While Redis is away each process takes its share of the rate, by how many
processes there were when it was last seen.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

BURST_SECONDS = 0.25
"""How much of the rate may be saved up."""
SLOWEST = 0.05
RECOVERY = 0.02
"""Of the full rate, so much comes back a second after the carrier has slowed us down."""
SEEN_SECONDS = 5
AWAY_SECONDS = 5.0
"""How long a Redis that did not answer is left alone."""

SCRIPT = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local b = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'factor', 'slowed')
local at = tonumber(b[2]) or now
local gone = math.max(0, now - at)
local factor = math.min(1, (tonumber(b[3]) or 1) + gone * tonumber(ARGV[5]))
local slowed = tonumber(b[4]) or 0
if ARGV[4] == '1' and now - slowed > 1 then
  factor = math.max(tonumber(ARGV[6]), factor / 2)
  slowed = now
end
local tokens = math.min(burst, (tonumber(b[1]) or burst) + gone * rate * factor)
local granted = 0
while granted < #ARGV - 7 and tokens >= 1 do
  tokens, granted = tokens - tonumber(ARGV[8 + granted]), granted + 1
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now), 'factor', tostring(factor),
           'slowed', tostring(slowed))
redis.call('EXPIRE', KEYS[1], 120)
redis.call('ZADD', KEYS[2], now, ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, now - tonumber(ARGV[7]))
redis.call('EXPIRE', KEYS[2], 120)
return {granted, redis.call('ZCARD', KEYS[2])}
"""


@dataclass(slots=True)
class Bucket:
    """The same rule within one process. Times are any clock's seconds that do not jump."""

    rate: float
    tokens: float = 0.0
    at: float | None = None
    factor: float = 1.0
    slowed: float = float("-inf")

    def take(self, costs: Sequence[int], now: float, *, slower: bool = False) -> int:
        """How many of them, from the first, may go now."""
        gone = 0.0 if self.at is None else max(0.0, now - self.at)
        self.at = now
        self.factor = min(1.0, self.factor + gone * RECOVERY)
        if slower and now - self.slowed > 1:
            self.factor, self.slowed = max(SLOWEST, self.factor / 2), now
        self.tokens = min(burst(self.rate), self.tokens + gone * self.rate * self.factor)
        granted = 0
        while granted < len(costs) and self.tokens >= 1:
            self.tokens -= costs[granted]
            granted += 1
        return granted


def burst(rate: float) -> float:
    """How many may go at once after a pause."""
    return max(1.0, rate * BURST_SECONDS)


@dataclass(slots=True)
class SharedRate:
    """``rate`` a second for all processes that share ``name``; None: as fast as the carrier takes it.

    What costs more than one goes as soon as there is one, and those after it wait for longer. Not for several threads
    at once: one dispatcher a process asks.
    """

    url: str
    name: str
    rate: float | None
    _me: str = field(default_factory=lambda: secrets.token_hex(8))
    _peers: int = 1
    _alone: Bucket | None = None
    _away_until: float = 0.0
    _slower: bool = False
    _redis: Redis | None = None

    def slow_down(self) -> None:
        """The carrier says: too fast. The next ``take`` tells everybody."""
        self._slower = True

    def take(self, costs: Sequence[int]) -> int:
        """How many of them, from the first, may go now."""
        if self.rate is None:
            return len(costs)
        slower, self._slower = self._slower, False
        now = time.monotonic()
        if now >= self._away_until:
            try:
                granted, self._peers = self._ask(self.rate, costs, slower=slower)
            except RedisError as error:
                log.warning("rate_not_shared", error=type(error).__name__, peers=self._peers)
                self._away_until = now + AWAY_SECONDS
            else:
                self._alone = None
                return granted
        if self._alone is None:
            self._alone = Bucket(self.rate / max(1, self._peers))
        return self._alone.take(costs, now, slower=slower)

    def _ask(self, rate: float, costs: Sequence[int], *, slower: bool) -> tuple[int, int]:
        if self._redis is None:
            self._redis = Redis.from_url(self.url, socket_connect_timeout=0.5, socket_timeout=0.5)
        keys = [f"outreach:rate:{self.name}", f"outreach:rate:{self.name}:peers"]
        script = self._redis.register_script(SCRIPT)
        granted, peers = script(
            keys, [rate, burst(rate), self._me, int(slower), RECOVERY, SLOWEST, SEEN_SECONDS, *costs]
        )  # fmt: skip
        return int(granted), int(peers)
