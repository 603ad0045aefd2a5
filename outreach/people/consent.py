"""Who may be texted: the consent ledger, opting out, and the locks that put a STOP and a sender in order.

A suppression is in force until staff lift it; one that the person set themselves is also set aside, for one group, by
a later START to that group. All times here are real time: the ledger orders what people did.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    and_,
    bindparam,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.hot import Hot
from outreach.people.models import ConsentEvent, Constituent, Suppression

CONSENT_LASTS = timedelta(days=365)
WORDS = "consent"
"""The context of the ledger's sealed words."""

SuppressionSource = Literal["person", "pending", "carrier", "import", "staff"]
EventSource = Literal["import", "reply", "page", "staff"]


def is_consent_valid(consented_at: datetime | None, now: datetime) -> bool:
    """Whether a grant still stands at ``now``: given, and not older than 365 days."""
    return consented_at is not None and consented_at > now - CONSENT_LASTS


def has_consent_clause(now: datetime) -> ColumnElement[bool]:
    """The same on ``Constituent``, for an audience query."""
    return Constituent.consented_at > now - CONSENT_LASTS


_START = ConsentEvent.__table__.alias("later_start")
_SUPPRESSION = Suppression.__table__.alias("in_force")
"""Made once, and of plain tables: to write the clause down anew costs ten times what it costs to ask it."""


_LOCK = (
    select(Constituent.id)
    .where(Constituent.number_hash.in_(bindparam("numbers", expanding=True)))
    .order_by(Constituent.number_hash, Constituent.id)
    .with_for_update(key_share=True)
)
_LOCK_ONE = Hot(
    select(Constituent.id, Constituent.group_id, Constituent.language, Constituent.zones)
    .where(Constituent.number_hash == bindparam("number"))
    .order_by(Constituent.id)
    .with_for_update(key_share=True)
)


def is_suppressed_clause(number_hash: Any, group_id: Any) -> ColumnElement[bool]:
    """Whether a number must not be texted or called by a group; both may be columns of the query around it."""
    start, suppression = _START.c, _SUPPRESSION.c
    # Correlated by name: by itself SQLAlchemy looks one level up only, and the group stands two levels up.
    started_later = (
        exists()
        .where(
            start.group_id == group_id,
            start.number_hash == suppression.number_hash,
            start.kind == "opt_in",
            start.at > suppression.at,
        )
        .correlate_except(_START)
    )
    return (
        exists()
        .where(
            suppression.number_hash == number_hash,
            or_(suppression.group_id.is_(None), suppression.group_id == group_id),
            suppression.lifted_at.is_(None),
            not_(and_(suppression.source == "person", started_later)),
        )
        .correlate_except(_SUPPRESSION)
    )


_IS_SUPPRESSED = Hot(
    select(is_suppressed_clause(bindparam("number", type_=LargeBinary), bindparam("group", type_=BigInteger)))
)


_ANY_START = ConsentEvent.__table__.alias("any_later_start")
_IN_FORCE = Hot(
    select(_SUPPRESSION.c.id)
    .where(
        _SUPPRESSION.c.number_hash == bindparam("number"),
        _SUPPRESSION.c.group_id.is_not_distinct_from(bindparam("group", type_=BigInteger)),
        _SUPPRESSION.c.source == bindparam("source"),
        _SUPPRESSION.c.lifted_at.is_(None),
        not_(
            and_(
                _SUPPRESSION.c.source == "person",
                exists().where(
                    _ANY_START.c.number_hash == _SUPPRESSION.c.number_hash,
                    _ANY_START.c.kind == "opt_in",
                    _ANY_START.c.at > _SUPPRESSION.c.at,
                ),
            )
        ),
    )
    .limit(1)
)
_LAST_START = Hot(
    select(func.max(ConsentEvent.at)).where(
        ConsentEvent.number_hash == bindparam("number"), ConsentEvent.kind == "opt_in"
    )
)
_SUPPRESS = Hot(insert(Suppression))
_SAID = Hot(insert(ConsentEvent))


def is_suppressed(session: Session, number_hash: bytes, group_id: int) -> bool:
    """Whether this group must not text or call the number now."""
    session.flush()  # a plain statement does not do it by itself
    asked = {"number": number_hash, "group": group_id}
    return bool(_IS_SUPPRESSED.value(session, asked))


def suppressed_among(session: Session, number_hashes: Sequence[bytes], group_id: int) -> set[bytes]:
    """Which of these numbers the group must not text or call."""
    query = select(Suppression.number_hash).where(
        Suppression.number_hash.in_(number_hashes), is_suppressed_clause(Suppression.number_hash, group_id)
    )
    return set(session.execute(query).scalars())


def lock_people(tx: Transaction, number_hashes: Sequence[bytes]) -> None:
    """Lock these people's rows in every group, always in the same order.

    SQLite needs no row locks: its transactions are one after the other from their first statement.
    """
    tx.flush()  # a plain statement does not do it by itself
    if number_hashes and not tx.is_sqlite:
        if len(number_hashes) == 1:
            lock_owner(tx, number_hashes[0])
        else:
            tx.connection().execute(_LOCK, {"numbers": list(number_hashes)}).all()


class Owner(NamedTuple):
    """A constituent of a group, as far as a text of theirs needs it."""

    id: int
    group_id: int
    language: str
    zones: str


def lock_owner(tx: Transaction, number_hash: bytes) -> list[Owner]:
    """Lock a number's rows in every group, and give them."""
    tx.flush()  # a plain statement does not do it by itself
    return [Owner(*row) for row in _LOCK_ONE.all(tx, {"number": number_hash})]


def suppress(
    tx: Transaction,
    number_hash: bytes,
    source: SuppressionSource,
    group_id: int | None = None,
    *,
    at: datetime,
    import_id: int | None = None,
) -> bool:
    """Suppress a number for one group, or for all (None). False when the same is in force already.

    After a START anywhere the person's own suppression is set aside for that group, so a new STOP needs a new row.
    Lock the person first.
    """
    if _IN_FORCE.first(tx, {"number": number_hash, "group": group_id, "source": source}):
        return False
    # What was said last holds, also where a clock was set back between a START and this.
    started = _LAST_START.value(tx, {"number": number_hash})
    since = at if started is None else max(at, started + timedelta(microseconds=1))
    new = {"number_hash": number_hash, "group_id": group_id, "source": source, "at": since, "import_id": import_id}
    _SUPPRESS.run(tx, new)
    return True


def sealed_words(vault: Vault, words: str | None) -> bytes | None:
    """What a person said, as the ledger keeps it."""
    return None if words is None else vault.seal({"words": words}, WORDS)


def record_opt_in(
    tx: Transaction,
    vault: Vault,
    group_id: int,
    number_hash: bytes,
    *,
    wording: str,
    source: EventSource,
    at: datetime,
    recorded_by: str = "person",
) -> None:
    """START or JOIN: a new grant for this group, which also sets aside what the person had suppressed before."""
    said = {"group_id": group_id, "number_hash": number_hash, "kind": "opt_in", "source": source}
    _SAID.run(tx, {**said, "sealed": sealed_words(vault, wording), "recorded_by": recorded_by, "at": at})
    tx.execute(
        update(Constituent)
        .where(Constituent.group_id == group_id, Constituent.number_hash == number_hash)
        .values(consented_at=at)
    )


def record_opt_out(
    tx: Transaction,
    vault: Vault,
    group_id: int,
    number_hash: bytes,
    *,
    wording: str | None,
    source: EventSource,
    at: datetime,
    recorded_by: str = "person",
) -> bool:
    """STOP, by any words: noted for the group that heard it, in force for every group. True when that is new."""
    said = {"group_id": group_id, "number_hash": number_hash, "kind": "opt_out", "source": source}
    _SAID.run(tx, {**said, "sealed": sealed_words(vault, wording), "recorded_by": recorded_by, "at": at})
    return suppress(tx, number_hash, "person", None, at=at)


def lift(tx: Transaction, suppression_id: int, group_id: int, *, reason: str, at: datetime) -> None:
    """Staff lift a suppression that staff may lift: never the one that the person set themselves.

    Raises BadInputError without a reason, NotFoundError for another group's row, ConflictError when the row is the
    person's own or was lifted before.
    """
    if not reason.strip():
        raise BadInputError("lift_reason_blank")
    row = tx.execute(select(Suppression).where(Suppression.id == suppression_id).with_for_update()).scalar_one_or_none()
    if row is None or row.group_id not in (None, group_id):
        raise NotFoundError("suppression_unknown")
    if row.source == "person":
        raise ConflictError("suppression_is_the_persons")
    if row.lifted_at is not None:
        raise ConflictError("suppression_lifted_before")
    row.lifted_at, row.lifted_reason = at, reason.strip()
