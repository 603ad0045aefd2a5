"""Coalition partners: organizations that we work with, and whom we talk to there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError, OutreachError
from outreach.core.runtime import Runtime
from outreach.officials.plan_models import Partner, PlanPartner

log = structlog.get_logger(__name__)

CONTEXT: Final = "coalition_partner"
NAME_LENGTH: Final = 200
MOST: Final = 200
"""Partners of one group: they are chosen from a list."""


class Given(NamedTuple):
    """A partner as somebody describes it."""

    name: str
    does: str = ""
    together: str = ""
    contact_name: str = ""
    email: str = ""
    phone: str = ""


def partners_of(session: Session, group_id: int) -> Sequence[Partner]:
    """The group's partners by name."""
    query = select(Partner).where(Partner.group_id == group_id)
    return session.execute(query.order_by(func.lower(Partner.name), Partner.id)).scalars().all()


def invited_to(session: Session, plan_ids: Sequence[int]) -> dict[int, set[int]]:
    """Plan -> the partners who are invited."""
    found: dict[int, set[int]] = {one: set() for one in plan_ids}
    for row in session.execute(select(PlanPartner).where(PlanPartner.plan_id.in_(plan_ids))).scalars():
        found[row.plan_id].add(row.partner_id)
    return found


def get_partner(session: Session, group_id: int, partner_id: int, *, lock: bool = False) -> Partner:
    """A partner of this group. Raises NotFoundError."""
    query = select(Partner).where(Partner.id == partner_id, Partner.group_id == group_id)
    partner = session.execute(query.with_for_update() if lock else query).scalar()
    if partner is None:
        raise NotFoundError("partner_unknown")
    return partner


def contact_of(vault: Vault, partner: Partner) -> dict[str, str]:
    """Name, e-mail and phone of whom we talk to; empty where nobody is known or it does not open."""
    try:
        return vault.open(partner.sealed, CONTEXT) if partner.sealed else {}
    except (OutreachError, IndexError) as error:  # one damaged document must not hide the others
        log.error("document_not_opened", context=CONTEXT, id=partner.id, error=str(getattr(error, "code", error)))
        return {}


def make_partner(tx: Transaction, runtime: Runtime, group_id: int, given: Given, *, by: str) -> Partner:
    """Raises BadInputError (partner_name, partners_many), ConflictError (partner_taken)."""
    values = _columns(tx, runtime.vault, group_id, given, None)
    if len(partners_of(tx, group_id)) >= MOST:
        raise BadInputError("partners_many", most=MOST)
    partner = Partner(group_id=group_id, created_by=by, created_at=runtime.clock.now(), **values)
    tx.add(partner)
    tx.flush()
    record_audit(tx, group_id=group_id, action="partner_added", subject=f"coalition_partner:{partner.id}", actor=by)
    return partner


def change_partner(tx: Transaction, runtime: Runtime, group_id: int, partner_id: int, given: Given) -> Partner:
    """Raises NotFoundError, BadInputError (partner_name), ConflictError (partner_taken)."""
    partner = get_partner(tx, group_id, partner_id, lock=True)
    for name, value in _columns(tx, runtime.vault, group_id, given, partner_id).items():
        setattr(partner, name, value)
    record_audit(tx, group_id=group_id, action="partner_changed", subject=f"coalition_partner:{partner_id}")
    return partner


def _columns(tx: Transaction, vault: Vault, group_id: int, given: Given, own_id: int | None) -> dict[str, Any]:
    # Two who take one name at once: the second waits here until the first is stored, then is told.
    tx.execute(select(Group.id).where(Group.id == group_id).with_for_update(key_share=True))
    name = " ".join(given.name.split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise BadInputError("partner_name", most=NAME_LENGTH)
    there = tx.execute(select(Partner.id).where(Partner.group_id == group_id, Partner.name == name)).scalar()
    if there not in {None, own_id}:
        raise ConflictError("partner_taken", name=name)
    contact = {"name": given.contact_name.strip(), "email": given.email.strip(), "phone": given.phone.strip()}
    return {
        "name": name,
        "does": given.does.strip(),
        "together": given.together.strip(),
        "sealed": vault.seal(contact, CONTEXT) if any(contact.values()) else None,
    }
