"""An official's offices by hand: what can be said of one, and storing it. None is ever deleted (``Office.stands``)."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from babel.core import get_global
from sqlalchemy import select

from config import table
from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError
from outreach.core.phone import check_phone
from outreach.core.runtime import Runtime
from outreach.officials.aliases import Aliases
from outreach.officials.hours import Week, check_week
from outreach.officials.models import Office, Official

EXTENSION_LENGTH: Final = 16
KIND_LENGTH: Final = 40
MOST_LINES: Final = 20
MAIN, LOCAL = "main", "local"
KINDS: Final = {"capitol": MAIN, "primary": MAIN, "district": LOCAL}
"""Kinds of offices in files -> ours. What is added by hand has a kind of ours: a newer file leaves those alone."""
TERRITORIES: Final = frozenset({"US", "PR", "GU", "AS", "VI", "MP"})


class Given(NamedTuple):
    """An office as somebody described it, its texts as typed. Null hours, zone, lines: what is usual."""

    kind: str = MAIN
    phone: str = ""
    extension: str = ""
    address: str = ""
    hours: Week | None = None
    zone: str | None = None
    lines: int | None = None


def add_office(tx: Transaction, runtime: Runtime, group_id: int, official_id: int, given: Given) -> Office:
    """Add an office to an official; the very same one again is the first one.

    Raises NotFoundError (official_unknown) and BadInputError as ``office_values`` does.
    """
    # Two equal forms at once: the second waits here until the first is stored, then finds it.
    found = tx.execute(
        select(Official.id)
        .where(Official.id == official_id, Official.group_id == group_id)
        .with_for_update(key_share=True)
    ).scalar()
    if found is None:
        raise NotFoundError("official_unknown")
    values = office_values(given, Aliases() if runtime.settings.mode == "rehearsal" else None)
    for known in tx.execute(select(Office).where(Office.official_id == official_id).order_by(Office.id)).scalars():
        if all(getattr(known, name) == value for name, value in values.items()):
            return known
    office = Office(group_id=group_id, official_id=official_id, **values)
    tx.add(office)
    tx.flush()
    record_audit(tx, group_id=group_id, action="office_added", subject=f"office:{office.id}")
    return office


def edit_office(tx: Transaction, runtime: Runtime, office: Office, given: Given) -> None:
    """Describe an office anew. Raises BadInputError as ``office_values`` does."""
    values = office_values(given, Aliases() if runtime.settings.mode == "rehearsal" else None)
    if KINDS.get(office.classification) == given.kind:  # as its file calls it, by which a newer one finds it
        values.pop("classification")
    changed = sorted(name for name, value in values.items() if getattr(office, name) != value)
    for name, value in values.items():
        setattr(office, name, value)
    if changed:
        record_audit(
            tx, group_id=office.group_id, action="office_changed", subject=f"office:{office.id}", fields=changed
        )


def empty_office(tx: Transaction, office: Office) -> None:
    """Remove an office: nobody finds it or calls it any more."""
    record_audit(tx, group_id=office.group_id, action="office_removed", subject=f"office:{office.id}")
    office.phone = office.extension = office.address = None
    office.hours = office.zone = office.lines = None


def get_office(tx: Transaction, group_id: int, office_id: int) -> Office:
    """An office of this group that was not removed, with its row locked. Raises NotFoundError (office_unknown)."""
    query = select(Office).where(Office.id == office_id, Office.group_id == group_id).with_for_update()
    office = tx.execute(query).scalar()
    if office is None or not office.stands:
        raise NotFoundError("office_unknown")
    return office


def office_values(given: Given, aliases: Aliases | None) -> dict[str, Any]:
    """The columns of an office. Raises BadInputError: office_empty, office_phone_unusable, office_kind_blank,
    official_field_long, office_hours_wrong, office_zone_unknown, office_lines_wrong.
    """
    kind = " ".join(given.kind.split())
    kind = KINDS.get(kind.casefold(), kind)
    if not kind:
        raise BadInputError("office_kind_blank")
    if len(kind) > KIND_LENGTH:
        raise BadInputError("official_field_long", field="kind", most=KIND_LENGTH)
    voice, address = given.phone.strip(), given.address.strip()
    if not voice and not address:
        raise BadInputError("office_empty")
    phone, extension = read_phone(f"{voice} x{given.extension}" if voice and given.extension else voice, aliases)
    return {
        "classification": kind, "phone": phone, "extension": extension, "address": address or None,
        "hours": check_week([[list(span) for span in day] for day in given.hours]) if given.hours else None,
        "zone": check_zone(given.zone) if given.zone else None,
        "lines": check_lines(given.lines) if given.lines is not None else None,
    }  # fmt: skip


def read_phone(voice: str, aliases: Aliases | None) -> tuple[str | None, str | None]:
    """Number and extension of an office; both None without a text. Raises BadInputError (office_phone_unusable)."""
    if not voice:
        return None, None
    verdict = check_phone(voice, "office")
    if verdict.e164 is None or len(verdict.extension or "") > EXTENSION_LENGTH:
        raise BadInputError("office_phone_unusable", reason=verdict.reason or "too_long")
    return aliases.of(verdict.e164) if aliases else verdict.e164, verdict.extension


def check_zone(text: str) -> str:
    """The IANA name of a zone of the United States, from that name or from what people call its time ("Pacific").

    Raises BadInputError (office_zone_unknown).
    """
    name = " ".join(text.split())
    known = _zone_names().get(name.casefold(), name)
    known = str(get_global("zone_aliases").get(known, known))  # US/Pacific
    if get_global("zone_territories").get(known) not in TERRITORIES:
        raise BadInputError("office_zone_unknown")
    return known


@cache
def _zone_names() -> dict[str, str]:
    """Casefolded names in both languages -> IANA name, with the word for time and without it."""
    names: dict[str, str] = {}
    for zone, words in table("office_hours")["zones"].items():
        for said in (zone, *words.values()):
            names[said.casefold()] = zone
        names[words["en"].casefold().removesuffix(" time")] = zone
    return names


def check_lines(lines: object) -> int:
    """How many of our callers an office may have at once, 1 to 20. Raises BadInputError (office_lines_wrong)."""
    try:
        number = int(str(lines))
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_LINES:
        raise BadInputError("office_lines_wrong", most=MOST_LINES)
    return number
