"""Plain characters for a text: what turns it into UCS-2, and how it would read in the GSM alphabet. Pure.

Offered, never done silently: an accent may matter to whoever reads it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, NamedTuple

from outreach.core.segments import GSM_BASIC, GSM_EXTENSION

_GSM: Final = GSM_BASIC | GSM_EXTENSION
_TYPOGRAPHY: Final = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‑": "-", "‐": "-", "−": "-", "…": "...", "•": "-", "·": "-", "→": "->", "×": "x",
    "\t": " ", "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "\ufeff": "",
    "\u00ad": "", "ª": "a", "º": "o", "°": "o", "½": "1/2", "¼": "1/4", "¾": "3/4",
}  # fmt: skip


_LIKE_A_PHONE: Final = re.compile(r"\(?\+?\d[\d\-\s().]{8,}\d")
_PHONE_DIGITS: Final = 10


class Odd(NamedTuple):
    """A character outside the GSM alphabet, and what could stand for it; None when nothing can."""

    char: str
    plain: str | None


def odd_characters(text: str) -> tuple[Odd, ...]:
    """Each character that makes the text UCS-2, once, in the order of the text."""
    return tuple(Odd(char, plain_character(char)) for char in dict.fromkeys(text) if char not in _GSM)


def plain_character(char: str) -> str | None:
    """The GSM spelling of one character; None when it has none (an emoji, another alphabet)."""
    if char in _GSM:
        return char
    if char in _TYPOGRAPHY:
        return _TYPOGRAPHY[char]
    base = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    return base if base and base != char and set(base) <= _GSM else None


def plain_text(text: str) -> str:
    """The text with every character that has a GSM spelling in it; the others stay. Accents may be apart (NFD)."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(char if (plain := plain_character(char)) is None else plain for char in composed)


def free_words(text: str) -> str:
    """What somebody typed into a page, as a text to others may repeat it: in the GSM alphabet, on one line, without
    phone numbers, and without the full stop that the sentence around it has.
    """
    told = _LIKE_A_PHONE.sub(lambda found: "" if _digits(found.group()) >= _PHONE_DIGITS else found.group(), text)
    return " ".join("".join(char for char in plain_text(told) if char in GSM_BASIC).split()).rstrip(".")


def shortened(text: str, most: int) -> str:
    """The text in so many characters; two dots, where it was longer, for a third one follows."""
    return text if len(text) <= most else f"{text[: most - 2].rstrip(' .,;:-')}.."


def _digits(text: str) -> int:
    return sum(char.isdigit() for char in text)


def plain_template(template: str, values: Mapping[str, str]) -> str:
    """A template that renders plain: its own characters, and merge fields whose value is the same for everybody.

    Such a field gives way to its plain value; what differs from person to person is left as it is.
    """
    plain = plain_text(template)
    for field, value in values.items():
        if odd_characters(value):
            parts = re.split(r"\{\{\s*" + re.escape(field) + r"\s*\}\}", plain)
            plain = plain_text(value).join(parts)
    return plain
