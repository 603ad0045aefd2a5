"""Numbers in the clothes people give them, judged by libphonenumber alone, and by the code that asks it less often.

The rules are CONTRACTS.md's: its verdict, within our regions and types. Zones are the library's, without its answer
for numbers that have no place.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any, NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberType, timezone

from outreach.core.phone import check_phone

REGIONS = {"US", "CA", "PR", "VI", "GU", "AS", "MP"}
NEVER = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.PERSONAL_NUMBER}
ODD_AREAS = ("242", "416", "500", "523", "600", "670", "671", "684", "787", "800", "809", "867", "876", "888", "900",
             "928", "939", "340", "907", "808")  # fmt: skip
ABROAD = ("+44 20 7946 0", "+52 55 1234 5", "+34 91 555 0", "+1 809 555 0", "011 44 20 7946 0")
SHAPES = (
    "{a}{b}{c}", "({a}) {b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "{a} {b} {c}", "+1{a}{b}{c}", "+1 ({a}) {b}-{c}",
    "1-{a}-{b}-{c}", "1{a}{b}{c}", " {a}{b}{c}\t", "tel:+1-{a}-{b}-{c}", "{a}/{b}-{c}", "({a}){b}{c} x{e}",
    "{a}-{b}-{c} ext. {e}", "{a}\u2013{b}\u2013{c}", "\uff08{a}\uff09{b}{c}",
)  # fmt: skip
TELLS_NO_PLACE = tuple(
    timezone.time_zones_for_geographical_number(phonenumbers.PhoneNumber(country_code=1, national_number=8_005_550_117))
)


class Truth(NamedTuple):
    """What libphonenumber says within our rules."""

    valid: bool
    e164: str | None
    extension: str | None
    region: str | None
    zones: tuple[str, ...]


def draw(dice: random.Random) -> str:
    """A cell: mostly ten digits in some shape, of any area code or an odd one; some too short, too long or abroad."""
    kind = dice.random()
    if kind < 0.05:
        return dice.choice(ABROAD) + f"{dice.randrange(1_000):03d}"
    if kind < 0.10:
        return "".join(dice.choices("0123456789", k=dice.choice((3, 6, 7, 8, 9, 11, 12, 14))))
    area = dice.choice(ODD_AREAS) if kind < 0.35 else f"{dice.randrange(200, 1_000)}"
    exchange = f"{dice.randrange(100, 1_000)}" if kind < 0.5 else f"{dice.randrange(200, 1_000)}"
    shape = dice.choice(SHAPES)
    return shape.format(a=area, b=exchange, c=f"{dice.randrange(10_000):04d}", e=dice.randrange(1, 10_000))


def truth(text: str, *, office: bool) -> Truth:
    """The library's own answer, asked for this one number."""
    nobody = Truth(False, None, None, None, ())
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return nobody
    region = phonenumbers.region_code_for_number(number)
    refused = NEVER if office else NEVER | {PhoneNumberType.TOLL_FREE}
    if not phonenumbers.is_valid_number(number) or region not in REGIONS:
        return nobody
    if phonenumbers.number_type(number) in refused:
        return nobody
    zones = tuple(timezone.time_zones_for_geographical_number(number))
    known = () if zones == TELLS_NO_PLACE or "Etc/Unknown" in zones else tuple(sorted(zones))
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Truth(True, e164, number.extension or None, region, known)


def as_json(seed: int, numbers: int) -> dict[str, Any]:
    """How many verdicts differ, with the shapes that do; no number is shown."""
    dice, began = random.Random(seed), time.perf_counter()
    wrong: Counter[str] = Counter()
    valid = 0
    for _ in range(numbers):
        text, office = draw(dice), dice.random() < 0.2
        verdict, expected = check_phone(text, "office" if office else "constituent"), truth(text, office=office)
        valid += expected.valid
        region = verdict.region if verdict.valid else None
        found = Truth(verdict.valid, verdict.e164, verdict.extension, region, verdict.number_zones)
        if found != expected:
            wrong["".join("9" if char.isdigit() else char for char in text)] += 1
    return {
        "oracle": "phones",
        "seed": seed,
        "numbers": numbers,
        "valid": valid,
        "wrong": sum(wrong.values()),
        "shapes": dict(wrong.most_common(10)),
        "seconds": round(time.perf_counter() - began, 1),
        "ok": not wrong,
    }
