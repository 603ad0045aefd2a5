"""What is known of one constituent, opened for the moment in which a text is made."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.people.models import Constituent


def known_of(session: Session, vault: Vault, constituent_id: int | None) -> dict[str, str]:
    """The sealed document with the ZIP; empty for nobody."""
    row = session.execute(select(Constituent.sealed, Constituent.zip).where(Constituent.id == constituent_id)).first()
    return {**vault.open(row.sealed, "constituent"), "zip": row.zip or ""} if row else {}
