"""One phone number as a person or a file wrote it: can we reach a constituent, or an office, under it?

The judge is libphonenumber. Reasons for a refusal, in the order in which they are looked for:

- ``empty``                nothing but white space
- ``scientific_notation``  a spreadsheet rounded it (``1.5E+10``): the digits are lost
- ``fax``                  the text itself says that it is a fax
- ``several_numbers``      more than one number in one cell; we do not choose
- ``not_a_number``         no phone number in the text
- ``wrong_region``         a real country, but not one of ``REGIONS``
- ``no_area_code``         seven digits
- ``too_short``, ``too_long``
- ``not_dialable``         no such area code or exchange
- ``premium``, ``shared_cost``, ``personal``, ``toll_free``   a type that is not for this kind of phone

In the North American plan everything but the last four digits decides validity, region, type and time zone, so these
are kept per exchange (the first six digits): a list of one town costs the library a few questions, not one a row.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult
from phonenumbers.timezone import time_zones_for_geographical_number

from config import table

Kind = Literal["constituent", "office"]

REGIONS: Final = frozenset(table("regions")["regions"])

_REFUSED_TYPES: Final = {
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.TOLL_FREE: "toll_free",
}
_LENGTHS: Final = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "no_area_code",
    ValidationResult.INVALID_LENGTH: "too_short",
}
# Bounded on purpose: nobody's phone cell is longer, and the library's own patterns are slow on long rubbish.
_LONGEST: Final = 250

_PLAIN = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]?([2-9][0-9]{2})[ .-]?([0-9]{4})", re.ASCII)
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?e\+?[0-9]+", re.IGNORECASE | re.ASCII)
_FLOAT_TAIL = re.compile(r"(?<=[0-9]{10})[.,]0+$")
_FAX = re.compile(r"\bfax\b", re.IGNORECASE)
_SPLIT = re.compile(r"[/,;|&\n]|\b(?:or|and|o|y)\b", re.IGNORECASE)
_NOTE = re.compile(
    r"(?<=[0-9])\s*\(?\b(?:home|cell|mobile|work|office|main|casa|celular|cel|trabajo|oficina)\b.*$", re.I
)
_DIGIT = re.compile(r"[0-9]", re.ASCII)


class PhoneVerdict(NamedTuple):
    """What a text is worth as a phone number. ``e164`` and ``reason``: exactly one of them is set.

    ``number_zones`` are IANA names that the number alone may mean; empty where it says nothing (toll-free, unknown).
    ``region`` is the country where one is known, also for a refused number.
    """

    input: str
    valid: bool
    e164: str | None
    extension: str | None
    reason: str | None
    region: str | None
    number_zones: tuple[str, ...]


class _Exchange(NamedTuple):
    valid: bool
    region: str | None
    type: int


def plain_e164(text: str) -> str | None:
    """The number of a constituent's phone that is written as most are; None: ask ``check_phone``, which agrees."""
    plain = _PLAIN.fullmatch(text)
    if plain:
        area, exchange, line = plain.groups()
        if _is_constituents(area + exchange):
            return f"+1{area}{exchange}{line}"
    return None


def check_phone(text: str, kind: Kind = "constituent") -> PhoneVerdict:
    """Judge one phone number. Never raises, whatever the text holds."""
    plain = _PLAIN.fullmatch(text)
    if plain:
        return _judge(text, "".join(plain.groups()), None, kind)
    cleaned = _FLOAT_TAIL.sub("", text.strip().strip("=\"'").strip())
    reason = _unreadable(cleaned)
    if reason:
        return _refuse(text, reason)
    cleaned = _NOTE.sub("", cleaned)
    try:
        number = phonenumbers.parse(cleaned, "US")
    except NumberParseException as error:
        too_long = error.error_type == NumberParseException.TOO_LONG
        too_short = error.error_type in (
            NumberParseException.TOO_SHORT_NSN,
            NumberParseException.TOO_SHORT_AFTER_IDD,
        )
        return _refuse(text, "too_long" if too_long else "too_short" if too_short else "not_a_number")
    if number.country_code != 1:
        return _refuse(text, "wrong_region", phonenumbers.region_code_for_number(number))
    length = phonenumbers.is_possible_number_with_reason(number)
    if length in _LENGTHS and not phonenumbers.is_valid_number(number):
        return _refuse(text, _LENGTHS[length])
    return _judge(text, phonenumbers.national_significant_number(number), number.extension, kind)


def may_reach(e164: str, kind: Kind = "constituent") -> bool:
    """Whether a stored number may be texted or called: the rule of ``check_phone``, asked again before money is spent.

    What came in by text or call was never looked at as an import's rows are.
    """
    return plain_e164(e164) is not None or check_phone(e164, kind).e164 == e164


def _unreadable(cleaned: str) -> str | None:
    """Why a cell is no single phone number at all, before the library is asked."""
    if not cleaned:
        return "empty"
    if len(cleaned) > _LONGEST:
        return "too_long"
    if _SCIENTIFIC.fullmatch(cleaned):
        return "scientific_notation"
    if _FAX.search(cleaned):
        return "fax"
    if sum(len(_DIGIT.findall(part)) >= 7 for part in _SPLIT.split(cleaned)) > 1:
        return "several_numbers"
    return None


def _judge(text: str, national: str, extension: str | None, kind: Kind) -> PhoneVerdict:
    if len(national) == 10:
        exchange, zones = _exchange(national[:6]), _exchange_zones(national[:6])
    else:  # Canada's seven-digit 310 numbers are whole ones
        exchange, zones = _whole(national), ()
        if not exchange.valid:
            return _refuse(text, "no_area_code" if len(national) == 7 else "not_dialable")
    if not exchange.valid:
        return _refuse(text, "not_dialable", exchange.region)
    if exchange.region not in REGIONS:
        return _refuse(text, "wrong_region", exchange.region)
    refused = _REFUSED_TYPES.get(exchange.type)
    if refused and not (kind == "office" and refused == "toll_free"):
        return _refuse(text, refused, exchange.region)
    return PhoneVerdict(text, True, f"+1{national}", extension or None, None, exchange.region, zones)


def _refuse(text: str, reason: str, region: str | None = None) -> PhoneVerdict:
    return PhoneVerdict(text, False, None, None, reason, region, ())


@lru_cache(maxsize=65_536)
def _exchange(npanxx: str) -> _Exchange:
    return _whole(f"{npanxx}0117")


@lru_cache(maxsize=65_536)
def _is_constituents(npanxx: str) -> bool:
    return _judge("", f"{npanxx}0117", None, "constituent").valid


def _whole(national: str) -> _Exchange:
    number = PhoneNumber(country_code=1, national_number=int(national))
    return _Exchange(
        phonenumbers.is_valid_number(number),
        phonenumbers.region_code_for_number(number),
        phonenumbers.number_type(number),
    )


def number_zones(e164: str) -> tuple[str, ...]:
    """The IANA zones that a number alone may mean, sorted; empty where it says nothing (toll-free, unknown)."""
    if e164.startswith("+1"):
        return _exchange_zones(e164[2:8])
    return ()


@lru_cache(maxsize=65_536)
def _exchange_zones(npanxx: str) -> tuple[str, ...]:
    if not npanxx.isdecimal():
        return ()
    number = PhoneNumber(country_code=1, national_number=int(npanxx.ljust(6, "0")) * 10_000 + 117)
    zones = time_zones_for_geographical_number(number)
    # What has no area of its own gets the answer of the whole plan, Antigua to Guam: that is no knowledge.
    if zones == _plan_zones() or "Etc/Unknown" in zones:
        return ()
    return tuple(sorted(zones))


@lru_cache(maxsize=1)
def _plan_zones() -> tuple[str, ...]:
    toll_free = PhoneNumber(country_code=1, national_number=8_005_550_117)
    return tuple(time_zones_for_geographical_number(toll_free))


def mask(e164: str) -> str:
    """A number for a person's eyes that does not give it away: area code and the last two digits (``+1480•••••17``)."""
    if len(e164) < 9:
        return "•" * len(e164)
    return f"{e164[:5]}{'•' * (len(e164) - 7)}{e164[-2:]}"


def as_people_write(e164: str) -> str:
    """(480) 555-0100 for +14805550100; a short code as it is."""
    if not e164.startswith("+"):
        return e164
    return phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.NATIONAL)
