"""What a carrier does for us, and the kinds of answer it can give. Provider codes are sorted here, once.

The rows stand in CARRIER.md's first table; codes and meanings are Twilio's error dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

OPTED_OUT = 21610
BAD_NUMBER = frozenset({21211, 21214, 21217, 21614, 21635})
BAD_NUMBER_REPORTED = frozenset({30005, 30006})
REGION_OFF = 21408
CANNOT_REACH = 21612
"""This sender cannot text this number."""
FILTERED_OUT = 30007
MISCONFIGURED = frozenset({20003, 20404, 21603, 21606, 21701, 21703, 21704, 21705, 30002, 30034})
QUEUE_FULL = 21611
TOO_MANY_REQUESTS = 20429


class CarrierError(Exception):
    """The carrier did not take it; ``code`` is the carrier's own, 0 when it gave none."""

    def __init__(self, code: int = 0, reason: str = "") -> None:
        super().__init__(f"{type(self).__name__} {code} {reason}".strip())
        self.code = code


class Rejected(CarrierError):
    """Refused for this recipient; trying again would be refused again."""


class Throttled(CarrierError):
    """Never processed: too fast, or the carrier's queue is full."""


class Unreachable(CarrierError):
    """Nothing was sent: no connection was made."""


class Misconfigured(CarrierError):
    """Refused because our own set-up is wrong; nothing more should be sent until a person has mended it."""


class Ambiguous(CarrierError):
    """It may or may not have been accepted. Never send again on this."""


def error_for(status: int, code: int) -> CarrierError:
    """The error kind of an HTTP answer that is not a success."""
    if status == 429 or code in {TOO_MANY_REQUESTS, QUEUE_FULL}:
        return Throttled(code or TOO_MANY_REQUESTS)
    if status >= 500 or status < 400 or status == 408:
        return Ambiguous(code)
    if code in MISCONFIGURED or status in {401, 403}:
        return Misconfigured(code or 20003)
    # Without a code of the carrier's it was a proxy or a wrong address: nobody's number is to blame for that.
    return Rejected(code) if code else Misconfigured(status)


@dataclass(frozen=True, slots=True)
class CarrierMessage:
    """A message as the carrier lists it. ``created_at`` is real time; ``to`` and ``sender`` are E.164.

    ``is_answer``: it left in the answer to a webhook.
    """

    sid: str
    to: str
    sender: str | None
    body: str
    status: str
    error_code: int | None
    inbound: bool
    created_at: datetime
    is_answer: bool = False


class Carrier(Protocol):
    """The calls that the rest of the code makes. All raise CarrierError."""

    def create_message(self, *, to: str, body: str, status_callback: str, validity_seconds: int) -> str:
        """Send one text; returns the carrier's sid once it is accepted."""
        ...

    def fetch_message(self, sid: str) -> CarrierMessage:
        """One message by its sid."""
        ...

    def list_to(self, number: str, since: datetime) -> Iterator[CarrierMessage]:
        """Messages to a number, newest first, down to those created before ``since`` (real time)."""
        ...


class CarrierRecord(Protocol):
    """What the carrier knows of our whole account; it raises CarrierError."""

    def list_since(self, since: datetime) -> Iterator[CarrierMessage]:
        """Messages from and to anybody, newest first, down to those created before ``since`` (real time)."""
        ...


class Caller(Protocol):
    """The same for calls."""

    def create_call(self, *, to: str, url: str, status_callback: str, ring_seconds: int, time_limit: int) -> str:
        """Call somebody; returns the carrier's sid once it is accepted. ``url`` says what they hear; seconds."""
        ...
