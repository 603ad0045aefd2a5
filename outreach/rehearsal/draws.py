"""Repeatable chance: every draw is a keyed hash of the seed and of what the draw is about.

No draw depends on the order of earlier ones, so two runs with one seed give each number the same
persona and each create the same fault, however the requests interleave.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def fraction(seed: int, *about: object) -> float:
    """A number in [0, 1) for this seed and subject."""
    text = "\x1f".join(str(part) for part in about).encode()
    digest = hashlib.blake2b(text, digest_size=8, key=str(seed).encode()[:64]).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def between(span: tuple[float, float], part: float) -> float:
    """The point that lies ``part`` (0..1) of the way through a span."""
    low, high = span
    return low + (high - low) * part


def pick(choices: Sequence[T], seed: int, *about: object) -> T:
    """One of the choices, each as likely as the others."""
    return choices[int(fraction(seed, *about) * len(choices))]


def shuffled(items: Sequence[T], seed: int, *about: object) -> list[T]:
    """The items in an order that the seed decides."""
    order = sorted(range(len(items)), key=lambda position: fraction(seed, *about, position))
    return [items[position] for position in order]


def weighted(names: Iterable[str], weights: Mapping[str, float], part: float) -> str:
    """The name at ``part`` (0..1) of the weights laid end to end. They need not sum to anything but 0."""
    point = part * sum(weights.values())
    for name in names:
        point -= weights.get(name, 0.0)
        if point < 0:
            return name
    return max(weights, key=lambda name: weights[name])  # rounding at the far end of the scale
