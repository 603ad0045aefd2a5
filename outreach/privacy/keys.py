"""Which field key each sealed document is under, and sealing all of them anew under the first key.

A key is changed by putting the new one first in ``FIELD_ENCRYPTION_KEYS``, restarting, rotating, and taking the old
one out once nothing is under it. The blind-index key is another matter: it is never rotated (COMPLIANCE.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import bindparam, case, func, select, update

from outreach.accounts import authenticators
from outreach.accounts.sign_in_models import Authenticator
from outreach.calls import asking
from outreach.calls.models import CallSession
from outreach.core.crypto import prefix_of
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging import inbox, thread_tags
from outreach.messaging.inbox_models import ThreadTag
from outreach.messaging.models import Conversation, Message, Reply
from outreach.messaging.sign_up_models import SignUp
from outreach.officials import partners, plans
from outreach.officials.plan_models import MeetingPlan, Partner
from outreach.people.consent import WORDS
from outreach.people.models import ConsentEvent, Constituent, ImportChange, UploadPart
from outreach.people.segment_models import Segment, Tag

log = structlog.get_logger(__name__)

CHUNK: Final = 250
UNKNOWN: Final = "unknown"
PASSES: Final = 5
"""A sender may put back what it read before; nobody does so forever."""


class Shelf(NamedTuple):
    """A table whose ``sealed`` column holds documents of one context."""

    table: Any
    context: str

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.table.name)


SHELVES: Final = (
    Shelf(Constituent.__table__, "constituent"),
    Shelf(ConsentEvent.__table__, WORDS),
    Shelf(Message.__table__, "message"),
    Shelf(Reply.__table__, "reply"),
    Shelf(UploadPart.__table__, "upload"),
    Shelf(ImportChange.__table__, "constituent"),
    Shelf(SignUp.__table__, "sign_up"),
    Shelf(Tag.__table__, "tag"),
    Shelf(Segment.__table__, "segment"),
    Shelf(Conversation.__table__, inbox.NOTE),
    Shelf(ThreadTag.__table__, thread_tags.CONTEXT),
    Shelf(CallSession.__table__, asking.CONTEXT),
    Shelf(MeetingPlan.__table__, plans.CONTEXT),
    Shelf(Partner.__table__, partners.CONTEXT),
    Shelf(Authenticator.__table__, authenticators.CONTEXT),
)
"""Every table that holds sealed documents; a test looks for tables that are missing here."""


@dataclass(slots=True)
class Rotation:
    """``sealed``: documents sealed anew, by table. ``left``: those that cannot be opened, by table."""

    key_id: str
    sealed: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)


def keys_in_use(runtime: Runtime) -> dict[str, dict[str, int]]:
    """Table -> key id -> documents, for every key of the settings; under ``UNKNOWN`` those of any other key."""
    vault, found = runtime.vault, {}
    with runtime.db.snapshot() as session:
        for shelf in SHELVES:
            column = shelf.table.c.sealed
            under = [
                func.count(case((func.substr(column, 1, len(prefix_of(key_id))) == prefix_of(key_id), 1)))
                for key_id in vault.key_ids
            ]
            every, *counts = session.execute(select(func.count(column), *under)).one()
            found[shelf.name] = {**dict(zip(vault.key_ids, counts, strict=True)), UNKNOWN: every - sum(counts)}
    return found


def rotate(runtime: Runtime) -> Rotation:
    """Seal every document under the first key. May run beside live traffic, twice at once, and be killed."""
    done = Rotation(runtime.vault.key_id)
    for shelf in SHELVES:
        for _ in range(PASSES):
            before = done.sealed[shelf.name]
            done.left[shelf.name] = 0
            for rows in _old(runtime, shelf):
                _seal(runtime, shelf, rows, done)
            if done.sealed[shelf.name] == before:
                break
    return done


def _old(runtime: Runtime, shelf: Shelf) -> Iterator[list[Any]]:
    """Rows under another key, a chunk at a time, by id."""
    table, prefix = shelf.table, runtime.vault.prefix
    query = (
        select(table.c.id, table.c.sealed)
        .where(table.c.id > bindparam("after"), func.substr(table.c.sealed, 1, len(prefix)) != prefix)
        .order_by(table.c.id)
        .limit(CHUNK)
    )
    after = 0
    while True:
        with runtime.db.snapshot() as session:
            rows = list(session.connection().execute(query, {"after": after}))
        if not rows:
            return
        yield rows
        after = rows[-1].id


def _seal(runtime: Runtime, shelf: Shelf, rows: list[Any], done: Rotation) -> None:
    table, fresh = shelf.table, []
    for row in rows:
        try:
            document = runtime.vault.open(row.sealed, shelf.context)
        except (OutreachError, ValueError, IndexError) as error:
            log.error("document_not_opened", table=shelf.name, id=row.id, error=getattr(error, "code", "damaged"))
            done.left[shelf.name] += 1
            continue
        fresh.append({"its_id": row.id, "was": row.sealed, "now": runtime.vault.seal(document, shelf.context)})
    # Only where nobody has written meanwhile: what they wrote is newer, and found by the next pass if it must be.
    statement = (
        update(table)
        .where(table.c.id == bindparam("its_id"), table.c.sealed == bindparam("was"))
        .values(sealed=bindparam("now"))
    )
    with runtime.db.transaction() as tx:
        if fresh:
            tx.connection().execute(statement, fresh)
    done.sealed[shelf.name] += len(fresh)
