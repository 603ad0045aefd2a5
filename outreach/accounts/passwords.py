"""Passwords: which are taken, and how they are kept (argon2id, RFC 9106). A process computes few of them at a time.

Hashing takes a tenth of a second and 64 MiB on purpose. Of the two threads of a web process at most one may be busy
with it, so that a flood of sign-ins is answered "busy" and the pages of everybody else go on.
"""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from config import table
from outreach.core.errors import BadInputError, ConflictError

SHORTEST: Final = 12
LONGEST: Final = 256
NAME_SHORTEST, NAME_LONGEST = 3, 64
SALT_BYTES, HASH_BYTES = 16, 32
_VERSION: Final = 19
"""Of argon2, as its hashes name it."""


class BusyError(ConflictError):
    """Others are signing in at this very moment; nothing was tried or counted."""

    def __init__(self) -> None:
        super().__init__("sign_in_busy")


_UNSEEN = re.compile(
    "[\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u2800\\u3164"
    "\\ufe00-\\ufe0f\\uffa0\\ufff0-\\ufff8\\U000e0000-\\U000e0fff]"
)
"""Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties, as far as Python calls it printable, and the Braille
pattern without dots."""


def normal(password: str) -> str:
    """A password as it is compared: however a keyboard composes its letters (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def folded(name: str) -> str:
    """A sign-in name as it is compared: without case, and however its letters are composed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).strip().casefold())


def look_alike(name: str) -> str:
    """A person's name as it is told apart from others': without case, blanks, and what no page shows."""
    shown = _UNSEEN.sub("", folded(name))
    return "".join(one for one in shown if one.isprintable() and not one.isspace())


def check_sign_in_name(name: str) -> str:
    """The name as it is kept. Raises BadInputError."""
    kept = folded(name)
    if not NAME_SHORTEST <= len(kept) <= NAME_LONGEST or any(one.isspace() or not one.isprintable() for one in kept):
        raise BadInputError("sign_in_name_form", shortest=NAME_SHORTEST, longest=NAME_LONGEST)
    return kept


def check_password(password: str, *names: str | None) -> str:
    """The password as it is hashed. Raises BadInputError for one that is short, common, or little but a name."""
    kept = normal(password)
    if len(kept) < SHORTEST:
        raise BadInputError("password_short", shortest=SHORTEST)
    if len(kept) > LONGEST:
        raise BadInputError("password_long", longest=LONGEST)
    if folded(kept) in {folded(name) for name in names if name}:
        raise BadInputError("password_is_name")
    rest = without_names(kept, *names)
    if folded(kept) in _common() or rest in _common():
        raise BadInputError("password_common")
    if rest is not None and len(rest) < SHORTEST:
        raise BadInputError("password_mostly_name", shortest=SHORTEST)
    return kept


def without_names(password: str, *names: str | None) -> str | None:
    """What is left of a password without these names and their words, folded and without separators; None: it has none.

    Names are what whoever guesses begins with, so they count for nothing. Two letters are in every other word.
    """
    rest = _joined(folded(password))
    words = {_joined(part) for name in names if name for part in (folded(name), *re.split(r"[\W_]+", folded(name)))}
    found = [word for word in sorted(words, key=len, reverse=True) if len(word) >= NAME_SHORTEST and word in rest]
    for word in found:
        rest = rest.replace(word, "")
    return rest if found else None


def _joined(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


@cache
def _common() -> frozenset[str]:
    return frozenset(folded(one) for one in table("common_passwords")["common"])


class Passwords:
    """Hashes and verifies, ``at_once`` at a time in this process; argon2's work is the caller's choice."""

    def __init__(self, *, passes: int = 3, memory_kib: int = 65_536, at_once: int = 1) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes,
            memory_cost=memory_kib,
            parallelism=1,
            hash_len=HASH_BYTES,
            salt_len=SALT_BYTES,
            type=Type.ID,
        )
        self._turns = threading.BoundedSemaphore(at_once)
        salt, nobody = (_unpadded(secrets.token_bytes(size)) for size in (SALT_BYTES, HASH_BYTES))
        self._nobodys = f"$argon2id$v={_VERSION}$m={memory_kib},t={passes},p=1${salt}${nobody}"

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Room for one hash. Raises BusyError at once when there is none: whoever waited would hold a thread."""
        if not self._turns.acquire(blocking=False):
            raise BusyError
        try:
            yield
        finally:
            self._turns.release()

    def hash(self, password: str) -> str:
        """The hash of a checked password, to keep. Within a turn."""
        return self._hasher.hash(password)

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the password. Without one to compare the same work is done, for nothing. Within a turn."""
        try:
            self._hasher.verify(kept or self._nobodys, normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether a kept hash was made with less work than today's."""
        return self._hasher.check_needs_rehash(kept)


def _unpadded(raw: bytes) -> str:
    return b64encode(raw).decode().rstrip("=")
