"""How many parts a text costs: the carrier bills each part, and one curly quote can double the bill.

GSM-7 (GSM 03.38, default alphabet and its extension table): 160 septets alone, 153 a part when split. Anything
outside the alphabet sends the whole text as UCS-2: 70 UTF-16 code units alone, 67 a part. A two-septet escape pair
or a surrogate pair never straddles two parts: the part before it ends one unit early.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Encoding = Literal["GSM-7", "UCS-2"]

GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet without its escape code, which is no character of its own."""

GSM_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""Characters that cost two septets: an escape and a second code."""

_GSM = GSM_BASIC | GSM_EXTENSION
_ESCAPED = {ord(char): f"\x1b{char}" for char in GSM_EXTENSION}


class Measure(NamedTuple):
    """What a text costs. ``units`` are septets (GSM-7) or UTF-16 code units (UCS-2), without padding."""

    encoding: Encoding
    segments: int
    units: int


def measure(text: str) -> Measure:
    """Encoding, parts and units of a text; an empty text is GSM-7 with 0 parts. Never raises."""
    if _GSM.issuperset(text):
        septets = text.translate(_ESCAPED)
        return Measure("GSM-7", _gsm_parts(septets), len(septets))
    # surrogatepass: a lone half of a pair is one unit, as it is on the wire.
    wire = text.encode("utf-16-be", "surrogatepass")
    return Measure("UCS-2", _ucs_parts(wire), len(wire) // 2)


def _gsm_parts(septets: str) -> int:
    if len(septets) <= 160:
        return 1 if septets else 0
    parts = start = 0
    while start < len(septets):
        end = start + 153
        if end < len(septets) and septets[end - 1] == "\x1b":
            end -= 1
        parts, start = parts + 1, end
    return parts


def _ucs_parts(wire: bytes) -> int:
    units = len(wire) // 2
    if units <= 70:
        return 1
    parts = start = 0
    while start < units:
        end = start + 67
        if end < units and _is_high(wire[2 * end - 2]) and _is_low(wire[2 * end]):
            end -= 1
        parts, start = parts + 1, end
    return parts


def _is_high(byte: int) -> bool:
    """Whether this first byte of a unit opens a surrogate pair."""
    return 0xD8 <= byte <= 0xDB


def _is_low(byte: int) -> bool:
    """Whether this first byte of a unit closes a surrogate pair."""
    return 0xDC <= byte <= 0xDF
