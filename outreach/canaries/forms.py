"""A phone number in the forms in which it may lie about in bytes, and how each of them is found. Pure.

A number is looked up whole: its ten national digits. What is packed or spelled otherwise (base64, hex, UTF-16,
zlib) is first undone, then read in the same way. Of ten thousand numbers one comes up by chance in a hundred
million random digits, and sealed documents hold no runs of ten digits.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

Find = tuple[str, str]
"""Form, and the ten digits of the number."""

LENGTH: Final = 10
PLAIN: Final = "plain"
NATIONAL: Final = "national"

_WINDOW = re.compile(rb"[0-9](?=[0-9]{9})")
_GAP = rb"(?:[-. ()/+_\t]|\xc2\xa0|%(?:20|28|29|2B|2D|2E|2F))"
_WRITTEN = re.compile(
    rb"([0-9]{3})(" + _GAP + rb"{1,3})([0-9]{3})(" + _GAP + rb"{0,3})([0-9]{4})"
    rb"|([0-9]{3})([0-9]{3})(" + _GAP + rb"{1,3})([0-9]{4})",
    re.IGNORECASE,
)
_HEX = re.compile(rb"[0-9A-Fa-f]{20,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{14,}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_UTF16LE = re.compile(rb"(?:[\t\n\r\x20-\x7e]\x00){10,}")
_UTF16BE = re.compile(rb"(?:\x00[\t\n\r\x20-\x7e]){10,}")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
UNPACKED_AT_MOST: Final = 4_000_000
"""Bytes of one packed piece that are looked at: more than any job or page has."""


def count_forms(data: bytes, wanted: frozenset[str]) -> Counter[Find]:
    """How often each wanted number (ten digits) stands in these bytes, in each form."""
    found = Counter(find for find in in_text(data) if find[1] in wanted)
    for form, view in views(data):
        found.update((form, number) for _, number in in_text(view) if number in wanted)
    return found


def in_text(data: bytes) -> Iterator[Find]:
    """Ten digits in a row, and those with the signs between them that people write."""
    for match in _WINDOW.finditer(data):
        at = match.start()
        yield PLAIN if data[max(at - 1, 0) : at] == b"1" else NATIONAL, data[at : at + LENGTH].decode()
    for match in _WRITTEN.finditer(data):
        digits, gaps = _parts(match)
        yield _spelling(gaps), digits.decode()


def _parts(match: re.Match[bytes]) -> tuple[bytes, bytes]:
    if match[1] is not None:
        return match[1] + match[3] + match[5], match[2] + match[4]
    return match[6] + match[7] + match[9], match[8]


def _spelling(gaps: bytes) -> str:
    if b")" in gaps or b"%29" in gaps:
        return "parenthesised"
    if b"-" in gaps:
        return "dashed"
    return "dotted" if b"." in gaps else "spaced"


def views(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Everything in the bytes that may be a text in other clothes, undone, with the name of its form."""
    for undo in _UNDO:
        yield from undo(data)


def _hex(data: bytes) -> Iterator[tuple[str, bytes]]:
    for match in _HEX.finditer(data):
        run = match[0]
        form = "hex_lower" if re.search(rb"[a-f]", run) else "hex_upper" if re.search(rb"[A-F]", run) else "hex"
        for phase in (0, 1):
            yield form, binascii.unhexlify(run[phase : phase + (len(run) - phase) // 2 * 2])


def _base64(data: bytes) -> Iterator[tuple[str, bytes]]:
    for match in _BASE64.finditer(data):
        run = match[0].translate(_URL_SAFE)
        for phase in range(4):
            part = run[phase:]
            if len(part) % 4 == 1:
                part = part[:-1]
            yield "base64", base64.b64decode(part + b"=" * (-len(part) % 4))


def _utf16(data: bytes) -> Iterator[tuple[str, bytes]]:
    for form, pattern, first in (("utf16le", _UTF16LE, 0), ("utf16be", _UTF16BE, 1)):
        for match in pattern.finditer(data):
            yield form, match[0][first::2]


def _packed(data: bytes) -> Iterator[tuple[str, bytes]]:
    whole = memoryview(data)
    for match in _ZLIB.finditer(data):
        packed = whole[match.start() : match.start() + UNPACKED_AT_MOST]
        try:
            unpacked = zlib.decompressobj().decompress(packed, UNPACKED_AT_MOST)
        except zlib.error:
            continue
        if unpacked:
            yield "zlib", unpacked


_UNDO: Final[tuple[Callable[[bytes], Iterator[tuple[str, bytes]]], ...]] = (_hex, _base64, _utf16, _packed)


def _in_base64(before: str) -> Callable[[str], bytes]:
    return lambda number: base64.b64encode(f"{before}+1{number}.".encode())


PLANTED: Final[dict[str, tuple[str, Callable[[str], bytes]]]] = {
    "plain": (PLAIN, lambda number: f"+1{number}".encode()),
    "national": (NATIONAL, lambda number: f"={number}".encode()),
    "dashed": ("dashed", lambda number: f"{number[:3]}-{number[3:6]}-{number[6:]}".encode()),
    "dotted": ("dotted", lambda number: f"{number[:3]}.{number[3:6]}.{number[6:]}".encode()),
    "parenthesised": ("parenthesised", lambda number: f"({number[:3]}) {number[3:6]}-{number[6:]}".encode()),
    "in_a_form": ("parenthesised", lambda number: f"%28{number[:3]}%29+{number[3:6]}-{number[6:]}".encode()),
    "base64_0": ("base64", _in_base64("")),
    "base64_1": ("base64", _in_base64("x")),
    "base64_2": ("base64", _in_base64("xy")),
    "hex_lower": ("hex_lower", lambda number: f"+1{number}".encode().hex().encode()),
    "hex_upper": ("hex_upper", lambda number: f"+1{number}".encode().hex().upper().encode()),
    "utf16le": ("utf16le", lambda number: f"+1{number}".encode("utf-16-le")),
    "utf16be": ("utf16be", lambda number: f"+1{number}".encode("utf-16-be")),
    "zlib": ("zlib", lambda number: zlib.compress(f"call +1{number} today".encode())),
}
"""How a positive control is written down: its name, the form it must be found in, and its bytes."""
