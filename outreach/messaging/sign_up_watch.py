"""Whether a sign-up page is used to make us text: then it asks people to text JOIN, until somebody has looked.

Nothing here knows of the texts that come in: STOP, START and JOIN are taken from any number at any time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.messaging.sign_up_models import SignUpTry, SignUpWatch
from outreach.messaging.sign_up_rules import ASKED_AGO, is_pumped
from outreach.spending.caps import BY_ITSELF

log = structlog.get_logger(__name__)


def asked_key(vault: Vault, group_id: int) -> bytes:
    """Under which uses of a group's page are counted."""
    return vault.text_hash(f"sign-up group {group_id}")


def _yes_key(vault: Vault, group_id: int) -> bytes:
    return vault.text_hash(f"sign-up yes {group_id}")


def note_yes(tx: Transaction, runtime: Runtime, group_id: int) -> None:
    """Somebody has said yes to the question of a group's page."""
    tx.add(SignUpTry(who=_yes_key(runtime.vault, group_id), at=runtime.clock.real_now()))


def is_closed(session: Session, group_id: int) -> bool:
    """Whether a group's page asks people to text JOIN instead of showing its form."""
    row = session.get(SignUpWatch, group_id)
    return row is not None and row.tripped_at is not None


def look_at_sign_ups(runtime: Runtime) -> int:
    """A step of upkeep: close pages of whose people hardly any says yes; how many. Only uses since somebody looked
    last count."""
    real = runtime.clock.real_now()
    newest, oldest = real - ASKED_AGO[0], real - ASKED_AGO[1]
    with runtime.db.snapshot() as reading:
        groups = reading.execute(select(Group.id)).scalars().all()
        watched = {row.group_id: row for row in reading.execute(select(SignUpWatch)).scalars()}
        suspects = []
        for group_id in groups:
            row = watched.get(group_id)
            if row is not None and row.tripped_at is not None:
                continue
            since = max(oldest, row.looked_at) if row is not None and row.looked_at else oldest
            asked = _count(reading, asked_key(runtime.vault, group_id), since, newest)
            if asked and is_pumped(asked, _count(reading, _yes_key(runtime.vault, group_id), since, real)):
                suspects.append((group_id, asked))
    for group_id, asked in suspects:
        with runtime.db.transaction() as tx:
            _store(tx, group_id, tripped_at=real)
            record_audit(
                tx, group_id=group_id, actor=BY_ITSELF, action="sign_up_closed", subject=f"groups:{group_id}", at=real,
                asked=asked,
            )  # fmt: skip
        log.error("sign_up_page_closed", group_id=group_id, asked=asked)
    return len(suspects)


def _count(session: Session, who: bytes, since: datetime, until: datetime) -> int:
    counted = select(func.count()).where(SignUpTry.who == who, SignUpTry.at > since, SignUpTry.at <= until)
    return session.execute(counted).scalar_one()


def open_again(tx: Transaction, runtime: Runtime, group_id: int, *, by: str) -> bool:
    """Somebody has looked: the form is back, and counting begins anew. False where it was open."""
    if not is_closed(tx, group_id):
        return False
    real = runtime.clock.real_now()
    _store(tx, group_id, tripped_at=None, looked_at=real, looked_by=by[:120])
    record_audit(tx, group_id=group_id, actor=by, action="sign_up_opened", subject=f"groups:{group_id}", at=real)
    return True


def _store(tx: Transaction, group_id: int, **values: object) -> None:
    insert: Any = (sqlite if tx.is_sqlite else postgresql).insert(SignUpWatch).values(group_id=group_id, **values)
    tx.execute(insert.on_conflict_do_update(index_elements=["group_id"], set_=values))
