"""Somebody joins a group by themselves, by text: they become a constituent in its list of sign-ups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import select, update

from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import OutreachError
from outreach.core.phone import check_phone
from outreach.people.facet_hashes import NO_CITY
from outreach.people.lists import get_or_create_list, insert_if_absent
from outreach.people.models import Constituent, ListMembership
from outreach.people.zones import zones_for, zones_key

log = structlog.get_logger(__name__)

LIST_NAME: Final = "Sign-ups"
CONTEXT: Final = "constituent"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What is known of somebody who joins. ``language``: what they chose; ``spoken``: for who is new and chose none."""

    e164: str
    number_hash: bytes
    first_name: str = ""
    zip: str | None = None
    language: str | None = None
    spoken: str = "en"


def admit(tx: Transaction, vault: Vault, group_id: int, who: Newcomer, at: datetime) -> int | None:
    """The group's constituent of this number, made or brought up to date, in the list of sign-ups. ``at``: domain time.

    None for a sender that is no person's phone (a short code, another country). Lock the person first. The consent
    is recorded apart from this.
    """
    if check_phone(who.e164).e164 != who.e164:
        return None
    own = (Constituent.group_id == group_id, Constituent.number_hash == who.number_hash)
    constituent_id = _insert(tx, vault, group_id, who, at)
    if constituent_id is None:
        known = tx.execute(select(Constituent.id, Constituent.sealed, Constituent.zip).where(*own)).one()
        constituent_id = known.id
        tx.execute(update(Constituent).where(*own).values(**_changes(vault, known, who), updated_at=at))
    list_id = get_or_create_list(tx, group_id, LIST_NAME, at)
    tx.execute(insert_if_absent(tx, ListMembership), [{"list_id": list_id, "constituent_id": constituent_id}])
    return constituent_id


def _insert(tx: Transaction, vault: Vault, group_id: int, who: Newcomer, at: datetime) -> int | None:
    document = {
        "phone": who.e164, "first_name": who.first_name, "last_name": "", "email": "", "city": "", "external_id": "",
        "tags": [],
    }  # fmt: skip
    row = {
        "group_id": group_id,
        "number_hash": who.number_hash,
        "sealed": vault.seal(document, CONTEXT),
        "zip": who.zip,
        "language": who.language or who.spoken,
        "zones": zones_key(zones_for(who.e164, who.zip)),
        "city_hash": NO_CITY,
        "created_at": at,
        "updated_at": at,
    }
    found: int | None = tx.execute(insert_if_absent(tx, Constituent).values(row).returning(Constituent.id)).scalar()
    return found


def _changes(vault: Vault, known: Any, who: Newcomer) -> dict[str, Any]:
    """What joining changes of a known person. A number that texts is a good one again."""
    changes: dict[str, Any] = {"number_bad_at": None, "number_bad_code": None}
    if who.language:
        changes["language"] = who.language
    if who.zip:
        changes |= {"zip": who.zip, "zones": zones_key(zones_for(who.e164, who.zip))}
    if who.first_name:
        try:
            document = vault.open(known.sealed, CONTEXT)
        except (OutreachError, ValueError, IndexError) as error:  # it stays as it is: a key may be missing for a while
            log.error("document_not_opened", context=CONTEXT, id=known.id, error=getattr(error, "code", "damaged"))
        else:
            changes["sealed"] = vault.seal({**document, "first_name": who.first_name}, CONTEXT)
    return changes
