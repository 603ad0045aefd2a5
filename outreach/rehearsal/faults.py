"""What goes wrong, and when: a table of faults per 1,000 creates, spread evenly. Pure but for the ordinal it counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from outreach.rehearsal.draws import fraction, shuffled

BLOCK: Final = 1_000
STRIPE: Final = 100
"""Each stripe of a block holds its share of each fault, so that a short run meets the common ones too."""

THROTTLED = "throttled"
ERROR_BEFORE = "error_before"
ERROR_AFTER = "error_after"
LOST_ANSWER = "lost_answer"
TRUNCATED = "truncated"
HANG = "hang"
DOUBLED = "doubled"
EARLY = "early"
LATE = "late"
REORDERED = "reordered"
KINDS = (
    THROTTLED,
    ERROR_BEFORE,
    ERROR_AFTER,
    LOST_ANSWER,
    TRUNCATED,
    HANG,
    DOUBLED,
    EARLY,
    LATE,
    REORDERED,
)

Span = tuple[float, float]
DEFAULT_RATES: Mapping[str, int] = {
    LOST_ANSWER: 12,
    ERROR_AFTER: 12,
    THROTTLED: 15,
    TRUNCATED: 3,
    ERROR_BEFORE: 2,
    HANG: 0,
    DOUBLED: 20,
    EARLY: 20,
    LATE: 20,
    REORDERED: 20,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Rates per 1,000 creates, and spans of real seconds. ``PUT /_rehearsal/faults`` changes any of them."""

    per_thousand: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    latency_ms: float = 0.0
    """Added to every create before it is decided."""
    jitter_ms: float = 0.0
    """Up to this much more, drawn for each create."""
    hang_seconds: float = 12.0
    """How long a ``hang`` keeps the client waiting after acceptance, before the connection is dropped."""
    sent_after: Span = (0.05, 0.3)
    """From acceptance to ``sent``."""
    final_after: Span = (0.2, 1.0)
    """From ``sent`` to the final status."""
    late_after: Span = (2.0, 4.0)
    """How much later than its status change a late callback comes."""
    reply_after: Span = (0.2, 2.0)
    """From delivery to the reply of the person."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def default_settings() -> Settings:
    return Settings(per_thousand=dict(DEFAULT_RATES))


def updated(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """Settings with the given parts changed. Raises ValueError with a sentence for the person who sent them."""
    changes: dict[str, Any] = {}
    names = {each.name for each in fields(Settings)}
    for name, value in given.items():
        if name not in names:
            raise ValueError(f"no setting {name!r}; there are {', '.join(sorted(names))}")
        if name == "per_thousand":
            changes[name] = _rates(settings.per_thousand, value)
        elif name.endswith("_after"):
            changes[name] = _span(name, value)
        else:
            changes[name] = _amount(name, value)
    return replace(settings, **changes)


def plan_block(seed: int, block: int, rates: Mapping[str, int]) -> dict[int, str]:
    """Position in the block (0..999) -> fault. Exactly ``rates`` of each; evenly many in each stripe of 100."""
    stripes: list[list[str]] = [[] for _ in range(BLOCK // STRIPE)]
    for kind in KINDS:
        share, rest = divmod(rates.get(kind, 0), len(stripes))
        for stripe in stripes:
            stripe.extend([kind] * share)
        # The rest goes to the emptiest stripes: none ever holds more than its share of all faults, rounded up.
        by_room = sorted(range(len(stripes)), key=lambda n: (len(stripes[n]), fraction(seed, block, kind, n)))
        for n in by_room[:rest]:
            stripes[n].append(kind)
    plan = {}
    for n, stripe in enumerate(stripes):
        positions = shuffled(range(STRIPE), seed, "stripe", block, n)
        plan.update({n * STRIPE + position: kind for position, kind in zip(positions, stripe, strict=False)})
    return plan


class Faults:
    """Hands out one fault, or none, to each create in turn."""

    def __init__(self, seed: int, settings: Settings) -> None:
        self.seed = seed
        self.settings = settings
        self.ordinal = 0
        self._forced: list[str | None] = []
        self._block = -1
        self._plan: dict[int, str] = {}

    def change(self, given: Mapping[str, Any]) -> None:
        """Change settings; ``next`` (a list of faults or nulls) is meant for the coming creates. Raises ValueError."""
        rest = dict(given)
        forced = rest.pop("next", [])
        if not isinstance(forced, list) or any(kind is not None and kind not in KINDS for kind in forced):
            raise ValueError(f"next must be a list of null and {', '.join(KINDS)}")
        self.settings = updated(self.settings, rest)
        self._forced.extend(forced)
        self._block = -1

    def as_json(self) -> dict[str, Any]:
        return {**self.settings.as_json(), "next": list(self._forced), "ordinal": self.ordinal}

    def take(self) -> str | None:
        """The fault of the next create."""
        block, position = divmod(self.ordinal, BLOCK)
        self.ordinal += 1
        if self._forced:
            return self._forced.pop(0)
        if block != self._block:
            self._block = block
            self._plan = plan_block(self.seed, block, self.settings.per_thousand)
        return self._plan.get(position)


def _rates(before: Mapping[str, int], given: object) -> dict[str, int]:
    if not isinstance(given, Mapping):
        raise ValueError("per_thousand must be an object of fault and rate")
    rates = dict(before)
    for kind, rate in given.items():
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are {', '.join(KINDS)}")
        if isinstance(rate, bool) or not isinstance(rate, int) or not 0 <= rate <= BLOCK:
            raise ValueError(f"the rate of {kind} must be a whole number, 0 to 1,000")
        rates[kind] = rate
    if sum(rates.values()) > BLOCK:
        raise ValueError("the rates sum to more than 1,000 in 1,000")
    return rates


def _span(name: str, given: object) -> Span:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise ValueError(f"{name} must be [from, to] in seconds")
    low, high = (_amount(name, each) for each in given)
    if low > high:
        raise ValueError(f"{name} must not end before it begins")
    return low, high


def _amount(name: str, given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given) or given < 0:
        raise ValueError(f"{name} must be a number, 0 or more")
    return float(given)
