"""Words for reasons why somebody was not texted, in English and Spanish: for pages, commands and exports alike."""

from __future__ import annotations

from typing import NamedTuple

from config import table
from outreach.escalations.silence import CARRIER


class Words(NamedTuple):
    """``label``: in a word or two; ``sentence``: about one person; ``remedy``: what an organizer can do."""

    label: str
    sentence: str
    remedy: str


def words_for(code: str, language: str) -> Words:
    """The words of a reason's code. ``language``: es, or anything else for English."""
    tongue = "es" if language == "es" else "en"
    if code.startswith(CARRIER):
        sentence, remedy = carrier_words(int(code.removeprefix(CARRIER)), tongue)
        return Words(f"{sentence.rstrip('.')} ({code.removeprefix(CARRIER)})", sentence, remedy)
    row = table("silence")[code]
    return Words(row[f"label_{tongue}"], row[tongue], row[f"do_{tongue}"])


def carrier_words(code: int, language: str) -> tuple[str, str]:
    """What a code of the carrier's means, and what an organizer can do about it."""
    rows = table("carrier_errors")
    row, tongue = rows.get(str(code), rows["*"]), "es" if language == "es" else "en"
    return row[tongue], row[f"do_{tongue}"]


def is_code(text: str) -> bool:
    """Whether this is a reason's code."""
    number = text.removeprefix(CARRIER)
    return text in table("silence") or (text.startswith(CARRIER) and number.isascii() and number.isdecimal())
