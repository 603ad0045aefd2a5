"""People in no list, of whom nothing was heard and to whom nothing went for 365 days, are erased (COMPLIANCE.md).

Found by index from the oldest change on, looked at again under their locks, and erased as on request: 100 at most in a
transaction. May be killed and run again.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import and_, bindparam, exists, or_, select

from outreach.accounts.acting import PURGE
from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.messaging.models import Message, Reply
from outreach.messaging.states import BEFORE_POSTING
from outreach.people.consent import lock_people
from outreach.people.models import ConsentEvent, Constituent, ListMembership
from outreach.privacy.erasure import IN_DOUBT, erase_in

IDLE: Final = timedelta(days=365)
CHUNK: Final = 100
"""SQLite's write lock is held for a chunk: a sender must not wait longer than some tens of milliseconds for it."""
ACTION: Final = "idle_erased"

_person: Any = Constituent.__table__


def _of(table: Any) -> Any:
    return and_(table.group_id == _person.c.group_id, table.number_hash == _person.c.number_hash)


# The texts of a person are those of their number: an answer may have gone to somebody before they were imported.
_TEXT = exists().where(
    _of(Message),
    or_(Message.posted_at > bindparam("since"), Message.state.in_((*BEFORE_POSTING, *IN_DOUBT))),
)
_REPLY = exists().where(_of(Reply), Reply.received_at > bindparam("really_since"))
_SAID = exists().where(_of(ConsentEvent), ConsentEvent.at > bindparam("really_since"))
_LISTED = exists().where(ListMembership.constituent_id == _person.c.id)
_IDLE = and_(
    _person.c.erased_at.is_(None), _person.c.updated_at <= bindparam("since"), ~_LISTED, ~_TEXT, ~_REPLY, ~_SAID
)
_SOME = select(_person.c.id, _person.c.number_hash).where(_IDLE).order_by(_person.c.updated_at).limit(CHUNK)
_STILL = select(_person.c.group_id, _person.c.number_hash).where(
    _IDLE, _person.c.id.in_(bindparam("ids", expanding=True))
)


def erase_idle(runtime: Runtime) -> int:
    """Erase who has been idle for a year; how many people."""
    since = {"since": runtime.clock.now() - IDLE, "really_since": runtime.clock.real_now() - IDLE}
    erased = 0
    while True:
        with runtime.db.snapshot() as session:
            rows = session.connection().execute(_SOME, since).all()
        if not rows:
            return erased
        with runtime.db.transaction(durable=True) as tx:
            lock_people(tx, [row.number_hash for row in rows])
            # A later statement than the locks: whoever was put into a list meanwhile stays.
            by_group: dict[int, list[bytes]] = defaultdict(list)
            for still in tx.connection().execute(_STILL, {**since, "ids": [row.id for row in rows]}):
                by_group[still.group_id].append(still.number_hash)
            done = sum(_erase(tx, runtime, group_id, numbers) for group_id, numbers in sorted(by_group.items()))
        if not done:
            return erased  # all of them have moved since; the next purge looks again
        erased += done


def _erase(tx: Transaction, runtime: Runtime, group_id: int, numbers: list[bytes]) -> int:
    people = erase_in(tx, runtime, group_id, numbers).people
    record_audit(
        tx, group_id=group_id, actor=PURGE, action=ACTION, subject=f"group:{group_id}", at=runtime.clock.real_now(),
        people=people,
    )  # fmt: skip
    return people
