"""Webhook forms as Twilio writes them: their bytes, its parameters, and whether there is one reading. Pure.

The signature covers names and values run together, so whoever holds one signed request can cut the same characters
elsewhere. A form is taken only where no other cut of it would be read, too; the decision is ADR 14.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

CONTENT_TYPE = re.compile(r"application/x-www-form-urlencoded(?: *; *charset=\"?utf-8\"?)?", re.ASCII | re.IGNORECASE)
WRITTEN = re.compile(rb"(?:[!-$&-~]|%[0-9A-Fa-f]{2})+")
MOST = 100
"""Parameters of one form; Twilio sends some twenty, an MMS with ten pictures twenty more."""

SID = re.compile(r"(SM|MM)[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}", re.ASCII)
STATUS = re.compile(r"[a-z]{3,20}", re.ASCII)
CODE = re.compile(r"[0-9]{0,6}", re.ASCII)
_SOME_SID = re.compile(r"([A-Z]{2}[0-9a-f]{32})?", re.ASCII | re.IGNORECASE)
_COUNT = re.compile(r"[0-9]{1,4}", re.ASCII)
_PLACE = re.compile(r"(?:[^\W_]|[ .,'’()/&-]){0,64}")
_COUNTRY = re.compile(r"[A-Z]{0,2}", re.ASCII)
_ZIP = re.compile(r"[0-9A-Z -]{0,10}", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII)
_MEDIA_TYPE = re.compile(r"(?:[a-z]+/[a-z0-9.+-]+(?:;[ -~]*)?)?", re.ASCII | re.IGNORECASE)

SHAPES: dict[str, re.Pattern[str]] = {
    "AccountSid": _SOME_SID,
    "ApiVersion": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII),
    "ErrorCode": CODE,
    "From": SENDER,
    "FromCity": _PLACE,
    "FromCountry": _COUNTRY,
    "FromState": _PLACE,
    "FromZip": _ZIP,
    "MessageSid": SID,
    "MessageStatus": STATUS,
    "MessagingServiceSid": _SOME_SID,
    "NumMedia": _COUNT,
    "NumSegments": _COUNT,
    "OriginalRepliedMessageSid": _SOME_SID,
    "OptOutType": re.compile(r"[A-Z]{0,20}", re.ASCII),
    "RawDlrDoneDate": re.compile(r"[0-9]{0,14}", re.ASCII),
    "ReferralNumMedia": _COUNT,
    "SmsMessageSid": _SOME_SID,
    "SmsSid": _SOME_SID,
    "SmsStatus": STATUS,
    "To": SENDER,
    "ToCity": _PLACE,
    "ToCountry": _COUNTRY,
    "ToState": _PLACE,
    "ToZip": _ZIP,
    **{f"MediaContentType{number}": _MEDIA_TYPE for number in range(10)},
    **{f"MediaUrl{number}": _URL for number in range(10)},
}
"""Twilio's pages on webhook parameters and on status callbacks; ``Body``, the one in a person's own words, apart."""

CALL_SID = re.compile(r"CA[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
CALL_STATUS = re.compile(r"[a-z-]{3,20}", re.ASCII)
KEYS = re.compile(r"[0-9*#A-D]{0,40}", re.ASCII)
SECONDS = re.compile(r"[0-9]{0,6}", re.ASCII)
CALLER = re.compile(r"\+?[0-9]{3,15}|[A-Za-z]{0,20}", re.ASCII)
"""Who hides their number comes as a word (``anonymous``), or as one that spells it."""
CALL_SHAPES: dict[str, re.Pattern[str]] = {
    "AccountSid": _SOME_SID,
    "AnsweredBy": re.compile(r"[a-z_]{0,30}", re.ASCII),
    "ApiVersion": SHAPES["ApiVersion"],
    "CallDuration": SECONDS,
    "CallSid": CALL_SID,
    "CallStatus": CALL_STATUS,
    "CallbackSource": re.compile(r"[a-z-]{0,30}", re.ASCII),
    "DialBridged": re.compile(r"[a-z]{0,5}", re.ASCII),
    "DialCallDuration": SECONDS,
    "DialCallSid": CALL_SID,
    "DialCallStatus": CALL_STATUS,
    "Digits": KEYS,
    "Direction": re.compile(r"[a-z-]{0,20}", re.ASCII),
    "Duration": SECONDS,
    "FinishedOnKey": KEYS,
    "ParentCallSid": _SOME_SID,
    "SequenceNumber": re.compile(r"[0-9]{0,4}", re.ASCII),
    "SipResponseCode": re.compile(r"[0-9]{0,3}", re.ASCII),
    "Timestamp": re.compile(r"[A-Za-z0-9 ,:+-]{0,40}", re.ASCII),
    **{
        end + place: shape
        for end in ("From", "To", "Caller", "Called")
        for place, shape in (
            ("", CALLER), ("City", _PLACE), ("Country", _COUNTRY), ("State", _PLACE), ("Zip", _ZIP),
        )
    },
}  # fmt: skip
"""The same for calls: nothing in them is in a person's own words."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)
TWO_WORDS = re.compile(r"(?:[A-Z][a-z]+){2}[A-Za-z0-9]*", re.ASCII)
ONE_WORD = re.compile(r"[A-Z][a-z]+[0-9]*", re.ASCII)
"""How Twilio names parameters: nearly always two words or more."""
WHITE_SPACE = re.compile(r"\s")


class Kind(NamedTuple):
    """What Twilio sends of one kind: its parameters' shapes, and ``swallowed``: what a value, or an unknown name run
    together with its value, has in it that has taken in its neighbours.
    """

    shapes: dict[str, re.Pattern[str]]
    swallowed: re.Pattern[str]


def _kind(shapes: dict[str, re.Pattern[str]], ends: tuple[str, ...], *own_words: str) -> Kind:
    """``ends``: names that are words as well, so a number must follow. ``own_words``: parameters without a shape."""
    names = [*own_words, *(each for each in shapes if each not in ends)]
    return Kind(shapes, re.compile("|".join([f"(?:{'|'.join(ends)})[+0-9]", *names])))


TEXTS = _kind(SHAPES, ("From", "To"), "Body")
CALLS = _kind(CALL_SHAPES, ("From", "To", "Caller", "Called", "Duration", "Direction", "Digits", "Timestamp"))


def read_form(content_type: str, raw: bytes, kind: Kind = TEXTS) -> dict[str, str]:
    """The parameters. Raises ValueError for what is no form, not UTF-8, has a name twice, or could be cut elsewhere."""
    if CONTENT_TYPE.fullmatch(content_type) is None or WRITTEN.fullmatch(raw) is None:
        raise ValueError("not a form")
    pairs = parse_qsl(
        raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST
    )
    form = dict(pairs)
    if len(form) != len(pairs):
        raise ValueError("a name twice")
    refuse_other_cuts(form, kind)
    return form


def refuse_other_cuts(form: Mapping[str, str], kind: Kind = TEXTS) -> None:
    """Raises ValueError when a value is not of its parameter's shape, or the form has another reading as well."""
    before, merged = "", ""
    for name in sorted(form):
        value = form[name]
        if name == "Body" and kind is TEXTS:
            before, merged = name, value
            continue
        shape = kind.shapes.get(name)
        if kind.swallowed.search(value) if shape else kind.swallowed.search(name + value, 1):
            raise ValueError("a value that has swallowed others")
        if shape is not None:
            if shape.fullmatch(value) is None or (before == "Body" and name != "From"):
                raise ValueError(f"{name} is not of its shape")
            before, merged = name, value
            continue
        if NAME.fullmatch(name) is None or _is_part_of_known(name, value, kind):
            raise ValueError("a name that is cut from another")
        if before == "Body" and not _is_no_prose(merged, name, value):
            raise ValueError("a name that is cut from the text")
        merged += name + value
        if before in kind.shapes and kind.shapes[before].fullmatch(merged):
            raise ValueError(f"a name that is cut from {before}")


def _is_part_of_known(name: str, value: str, kind: Kind) -> bool:
    """Whether an unknown name lacks the end of a known one, or has the beginning of that one's value."""
    words = kind is TEXTS
    if words and (name.startswith("Body") or ("Body".startswith(name) and (name + value).startswith("Body"))):
        return True
    for known, shape in kind.shapes.items():
        if name.startswith(known):
            if shape.fullmatch(name[len(known) :] + value):
                return True
        elif known.startswith(name) and (name + value).startswith(known):
            return True
    return False


def _is_no_prose(text: str, name: str, value: str) -> bool:
    """Whether a name right behind a person's text can hardly have been part of it.

    Words begin with a capital behind a space or a stop; a parameter may come behind anything.
    """
    if not value or value[0].isspace():
        return False
    if TWO_WORDS.fullmatch(name):
        return not text[-1:].isspace()
    return text[-1:].isalnum() and ONE_WORD.fullmatch(name) is not None and not WHITE_SPACE.search(value)
