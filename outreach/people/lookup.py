"""What is known of one constituent, opened for the moment in which a text is made."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.core.hot import Hot
from outreach.people.models import Constituent

KNOWN = Hot(select(Constituent.sealed, Constituent.zip).where(Constituent.id == bindparam("id")))


def known_of(session: Session, vault: Vault, constituent_id: int | None) -> dict[str, str]:
    """The sealed document with the ZIP; empty for nobody."""
    row = KNOWN.first(session, {"id": constituent_id})
    return {**vault.open(row.sealed, "constituent"), "zip": row.zip or ""} if row else {}
