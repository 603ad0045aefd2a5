"""What production will not start with, though each setting is well formed by itself. Pure but for the file's mode.

A copied example, a key that guards two things, a word in place of a key, a Redis that anybody on the network may write
to, a database file that everybody on the machine may read: each works on the first day, and is noticed on the worst.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import stat
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

EXAMPLES: Final = {"PUBLIC_BASE_URL": "campaign.example.org", "DATABASE_URL": "change-me"}
"""What ``.env.example`` shows where something of one's own belongs: a host, a password."""
WATCHED: Final = frozenset({"FLASK_DEBUG", "FLASK_ENV"})
"""Not ours, but read by what we are built on."""
_OFF: Final = frozenset({"", "0", "false", "no", "production"})
_WORDS: Final = ("changeme", "change-me", "change_me", "secret", "password", "example", "outreach", "insecure")
LEAST_LENGTH: Final = 32
_LEAST_KINDS: Final = {"characters": 8, "bytes": 16}
"""Different characters of a random key, at least: 32 random hexadecimal digits have 14 on average, fewer than 8 once in
28 million times; 32 bytes have 30."""

Problem = tuple[str, dict[str, object]]


class Key(NamedTuple):
    """A secret as it was given, under the setting that it stands in."""

    setting: str
    text: str


def unsafe_settings(text: Mapping[str, str]) -> Iterator[Problem]:
    """Everything that production refuses, as code and details of an error sentence. ``text``: settings as given."""
    for name in sorted(WATCHED):
        if text.get(name, "").lower() not in _OFF:
            yield "settings_production_debug", {"setting": name}
    yield from _examples(text)
    yield from _weak_keys(text)
    if text["REDIS_URL"] and is_open_redis(text["REDIS_URL"]):
        yield "settings_production_redis", {}
    path = exposed_file(text["DATABASE_URL"])
    if path is not None:
        yield "settings_production_file", {"path": path}


def _examples(text: Mapping[str, str]) -> Iterator[Problem]:
    try:
        host, password = urlsplit(text["PUBLIC_BASE_URL"]).hostname, urlsplit(text["DATABASE_URL"]).password
    except ValueError:  # the field's own check says so
        return
    if host == EXAMPLES["PUBLIC_BASE_URL"]:
        yield "settings_production_example", {"setting": "PUBLIC_BASE_URL"}
    if password == EXAMPLES["DATABASE_URL"]:
        yield "settings_production_example", {"setting": "DATABASE_URL"}


def _weak_keys(text: Mapping[str, str]) -> Iterator[Problem]:
    """A secret that is a word, repeats itself, or stands in two places: who learns one of them has both."""
    first: dict[bytes, str] = {}
    for key in _keys(text):
        raw = _decoded(key.text)
        is_text = raw is None or key.setting in {"SECRET_KEY", "TWILIO_AUTH_TOKEN"}
        if is_guessable(key.text) if is_text else is_patterned(raw or b"", _LEAST_KINDS["bytes"]):
            yield "settings_production_guessable", {"setting": key.setting}
        value = raw or key.text.encode()
        if value in first:
            yield "settings_production_same", {"setting": key.setting, "other": first[value]}
        first.setdefault(value, key.setting)


def _keys(text: Mapping[str, str]) -> list[Key]:
    """What there is to look at; what is too short or malformed is said by the field's own check.

    Of the field keys only the one that seals: an older one must stay until everything is sealed anew.
    """
    given = {name: text[name] for name in ("TWILIO_AUTH_TOKEN", "SECRET_KEY", "BLIND_INDEX_KEY")}
    given["FIELD_ENCRYPTION_KEYS"] = text["FIELD_ENCRYPTION_KEYS"].partition(",")[0].strip().partition(":")[2]
    return [Key(name, value) for name, value in given.items() if len(value) >= LEAST_LENGTH]


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def is_guessable(secret: str) -> bool:
    """Whether a text looks as if a person had thought of it."""
    plain = secret.lower()
    return any(word in plain for word in _WORDS) or is_patterned(secret.encode(), _LEAST_KINDS["characters"])


def is_patterned(raw: bytes, least: int) -> bool:
    """Whether some bytes use fewer than ``least`` kinds, repeat a part of themselves, or only count up or down."""
    half = len(raw) // 2
    repeats = any(raw == (raw[:period] * len(raw))[: len(raw)] for period in range(1, half + 1))
    steps = {(after - before) % 256 for before, after in pairwise(raw)}
    return len(set(raw)) < least or repeats or len(steps) <= 1


def is_open_redis(url: str) -> bool:
    """Whether anybody who reaches this address may write to it: a network's address, and no password.

    A job is only an id and the name of a function on a list, so a stranger's can do little; but they could empty the
    queue all day long.
    """
    try:
        parts = urlsplit(url)
        host, password = parts.hostname or "", unquote(parts.password or "")
    except ValueError:
        return True
    if parts.scheme not in {"redis", "rediss"} or is_this_machine(
        host
    ):  # a socket; or none at all, which is said elsewhere
        return False
    return not password or is_patterned(password.encode(), 4)


def is_this_machine(host: str) -> bool:
    """Whether a host's name is this machine's for itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def exposed_file(database_url: str) -> Path | None:
    """The SQLite file that everybody on this machine may read; None for one that they may not, or that is not there.

    A file is out of reach as well when a directory above it lets nobody else through.
    """
    scheme, _, rest = database_url.partition("://")
    if scheme != "sqlite" or len(rest) < 2:
        return None
    path = Path(rest[1:].partition("?")[0]).absolute()
    try:
        if not path.stat().st_mode & stat.S_IROTH:
            return None
        return path if all(above.stat().st_mode & stat.S_IXOTH for above in path.parents) else None
    except (OSError, ValueError):  # not there, or no path at all
        return None
