"""A number as a short token that nobody can guess, read or change: for links in texts, where each character costs.

Made like a synthetic nonce (as in RFC 5297): the tag is a keyed hash of the number, and hides the number as well, so
equal numbers give equal tokens and no others give anything. 88 bits of tag; letters and digits only, because some
phones end a link at a sign. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from string import ascii_letters, digits
from typing import Final

NUMBER_BYTES: Final = 6
TAG_BYTES: Final = 11
LENGTH: Final = 23
"""Characters of a token: the fewest that hold both."""

_ALPHABET: Final = digits + ascii_letters
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_FORM: Final = re.compile(f"[0-9A-Za-z]{{{LENGTH}}}", re.ASCII)


def key_for(secret: str, purpose: str) -> bytes:
    """A key of its own for a purpose: what is a token for one is none for another."""
    return hmac.digest(secret.encode(), f"outreach token: {purpose}".encode(), hashlib.sha256)


def make_token(key: bytes, number: int) -> str:
    """The token of a number from 0 up. Raises OverflowError for one that is too large (six bytes)."""
    plain = number.to_bytes(NUMBER_BYTES, "big")
    tag = _tag(key, plain)
    value = int.from_bytes(tag + _hidden(key, tag, plain), "big")
    found = []
    for _ in range(LENGTH):
        value, rest = divmod(value, len(_ALPHABET))
        found.append(_ALPHABET[rest])
    return "".join(reversed(found))


def read_token(key: bytes, token: str) -> int | None:
    """The number of a token that was made with this key; None for anything else."""
    if not _FORM.fullmatch(token):
        return None
    value = 0
    for character in token:
        value = value * len(_ALPHABET) + _VALUES[character]
    try:
        raw = value.to_bytes(TAG_BYTES + NUMBER_BYTES, "big")
    except OverflowError:
        return None
    tag = raw[:TAG_BYTES]
    plain = _hidden(key, tag, raw[TAG_BYTES:])
    return int.from_bytes(plain, "big") if hmac.compare_digest(tag, _tag(key, plain)) else None


def _tag(key: bytes, plain: bytes) -> bytes:
    return hmac.digest(key, b"tag" + plain, hashlib.sha256)[:TAG_BYTES]


def _hidden(key: bytes, tag: bytes, number: bytes) -> bytes:
    """The number's bytes hidden, or shown again."""
    mask = hmac.digest(key, b"hide" + tag, hashlib.sha256)
    return bytes(byte ^ other for byte, other in zip(number, mask[:NUMBER_BYTES], strict=True))
