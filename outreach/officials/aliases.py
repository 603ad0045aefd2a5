"""Numbers that a rehearsal may dial: a 555-01XX alias stands in for every real office phone. Pure."""

from __future__ import annotations

import re

from outreach.core.phone import check_phone

ALIASES_IN_AN_AREA = 100
FALLBACK_AREA = "602"

_ALIAS = re.compile(r"\+1(\d{3})55501\d{2}", re.ASCII)


def is_alias(e164: str) -> bool:
    """Whether the number belongs to nobody already; toll-free 555-01XX numbers may belong to somebody."""
    return _ALIAS.fullmatch(e164) is not None and check_phone(e164).valid


def rehearsal_alias(e164: str, ordinal: int) -> str:
    """The alias of an office phone: 555-01XX in the same area code, where that has such numbers, else in 602.

    ``ordinal`` chooses among the hundred; a number that is an alias stays as it is.
    """
    if is_alias(e164):
        return e164
    for area in (e164[2:5], FALLBACK_AREA):
        alias = f"+1{area}55501{ordinal % ALIASES_IN_AN_AREA:02d}"
        if is_alias(alias):
            return alias
    raise AssertionError("602 has 555-01XX numbers")


class Aliases:
    """Hands out aliases for one import: one number always gets the same, different numbers different ones while
    the hundred of their area last."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._used: dict[str, int] = {}

    def of(self, e164: str) -> str:
        """The alias of this number."""
        if e164 not in self._given:
            area = rehearsal_alias(e164, 0)[2:5]
            ordinal = self._used.get(area, 0)
            self._given[e164] = rehearsal_alias(e164, ordinal)
            self._used[area] = ordinal + 1
        return self._given[e164]
