"""The numbers that are let fly: who has them, how their file writes them, and what they text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from outreach.bench.crowd import number
from outreach.people.invented import FIRST_NAMES, LAST_NAMES

CONSENT: Final = "Signed up at our table (invented, for the canaries)."
HEADER: Final = ("First Name", "Last Name", "Mobile Phone", "Email", "ZIP", "Language")
SPELLINGS: Final = ("({a}) {b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "+1{a}{b}{c}", "{a}{b}{c}", "1 {a} {b} {c}")
WORDS: Final = (
    "STOP texting ({a}) {b}-{c}",
    "Please take {a}-{b}-{c} off your list, it is my mother's",
    "Call me at {a}.{b}.{c} instead",
    "My other number is +1{a}{b}{c}. Who is this?",
    "I called. They have me down as {a}{b}{c}",
    "wrong number, this is {a} {b} {c}",
    "ALTO, ya no me escriban al {a}-{b}-{c}",
    "START {a}{b}{c}",
    "stop this bill! {a}{b}{c}",
)
"""What people text, with a number in it: sealed it must be wherever it is kept."""


def digits(count: int, skip: int = 0) -> list[str]:
    """So many numbers of ten digits; the first ``skip`` are left out."""
    return [number(index).removeprefix("+1") for index in range(skip, skip + count)]


def spelled(shape: str, ten: str) -> str:
    """A number in one of the shapes above."""
    return shape.format(a=ten[:3], b=ten[3:6], c=ten[6:])


def contact_file(numbers: Sequence[str]) -> bytes:
    """A file of people with these numbers, each spelled in another way than the one before."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for index, ten in enumerate(numbers):
        language = "Spanish" if index % 10 < 3 else "English"
        name, family = FIRST_NAMES[index % len(FIRST_NAMES)], LAST_NAMES[index % len(LAST_NAMES)]
        writer.writerow((name, family, spelled(SPELLINGS[index % len(SPELLINGS)], ten), "", "", language))
    return text.getvalue().encode()


def broken_file(numbers: Sequence[str]) -> bytes:
    """A file with rows that cannot be used: numbers in the wrong cells, two in one, and quotes that never close."""
    a, b, c, d, *rest = (spelled(SPELLINGS[0], ten) for ten in numbers)
    lines = [
        ",".join(HEADER),
        f"Alma,{a},,not an address,8520,Klingon",
        f'Hugo,Vega,"{b} or {c}",,,',
        f"Luz,Vega,{d} x99 ext,{d},{d},{d},{d}",
        *(f"Rosa,Vega,{one},,," for one in rest),
        f'"{a},never closed',
    ]
    return "\n".join(lines).encode()
