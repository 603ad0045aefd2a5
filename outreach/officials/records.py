"""Requests for public records: what was asked of which agency, by when it should come, what it cost, what came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.models import Official
from outreach.officials.plan_models import MeetingPlan, RecordsRequest

WAYS: Final = ("online", "mail", "in_person")
MOST_CENTS: Final = 1_000_000
State = Literal["to_send", "waiting", "overdue", "received"]


class Given(NamedTuple):
    """A request as somebody describes it."""

    agency: str
    asked_for: str
    how: str = "online"
    sent_on: date | None = None
    due_on: date | None = None
    received_on: date | None = None
    fee_cents: int | None = None
    document: str = ""
    kept_at: str = ""
    plan_id: int | None = None


def state_of(request: RecordsRequest | Given, today: date) -> State:
    """How far a request is. Pure."""
    if request.received_on is not None:
        return "received"
    if request.sent_on is None:
        return "to_send"
    return "overdue" if request.due_on is not None and request.due_on < today else "waiting"


def check_request(given: Given, today: date) -> None:
    """Raises BadInputError for the first thing that cannot be so. Pure."""
    if not given.agency.strip():
        raise BadInputError("records_agency_blank")
    if not given.asked_for.strip():
        raise BadInputError("records_asked_blank")
    if given.how not in WAYS:
        raise BadInputError("records_way_unknown")
    if given.fee_cents is not None and not 0 <= given.fee_cents <= MOST_CENTS:
        raise BadInputError("records_fee")
    for day, code in ((given.sent_on, "records_sent_in_future"), (given.received_on, "records_received_in_future")):
        if day is not None and day > today:
            raise BadInputError(code)
    if given.sent_on is not None:
        if given.due_on is not None and given.due_on < given.sent_on:
            raise BadInputError("records_due_early")
        if given.received_on is not None and given.received_on < given.sent_on:
            raise BadInputError("records_received_early")


def make_request(
    tx: Transaction, runtime: Runtime, group_id: int, official_id: int, given: Given, *, by: str, today: date
) -> RecordsRequest:
    """Note a request; the very same one that is open already is that one.

    Raises NotFoundError (official_unknown, plan_unknown), BadInputError.
    """
    check_request(given, today)
    official = tx.execute(
        select(Official).where(Official.id == official_id, Official.group_id == group_id).with_for_update()
    ).scalar()
    if official is None:
        raise NotFoundError("official_unknown")
    values = _columns(tx, group_id, official_id, given)
    for known in requests_of(tx, group_id, official_id):
        if all(getattr(known, name) == value for name, value in values.items()):
            return known
    request = RecordsRequest(
        group_id=group_id, official_id=official_id, created_by=by, created_at=runtime.clock.now(), **values
    )
    tx.add(request)
    tx.flush()
    record_audit(tx, group_id=group_id, action="records_asked", subject=f"records_request:{request.id}", actor=by)
    return request


def change_request(tx: Transaction, group_id: int, request_id: int, given: Given, *, today: date) -> RecordsRequest:
    """Describe a request anew. Raises NotFoundError, BadInputError."""
    check_request(given, today)
    request = get_request(tx, group_id, request_id, lock=True)
    for name, value in _columns(tx, group_id, request.official_id, given).items():
        setattr(request, name, value)
    record_audit(tx, group_id=group_id, action="records_changed", subject=f"records_request:{request_id}")
    return request


def get_request(session: Session, group_id: int, request_id: int, *, lock: bool = False) -> RecordsRequest:
    """A request of this group. Raises NotFoundError."""
    query = select(RecordsRequest).where(RecordsRequest.id == request_id, RecordsRequest.group_id == group_id)
    request = session.execute(query.with_for_update() if lock else query).scalar()
    if request is None:
        raise NotFoundError("records_request_unknown")
    return request


def requests_of(session: Session, group_id: int, official_id: int) -> Sequence[RecordsRequest]:
    """An official's requests, newest first."""
    query = select(RecordsRequest).where(RecordsRequest.group_id == group_id, RecordsRequest.official_id == official_id)
    return session.execute(query.order_by(RecordsRequest.id.desc())).scalars().all()


def _columns(tx: Transaction, group_id: int, official_id: int, given: Given) -> dict[str, Any]:
    if given.plan_id is not None:
        plan = tx.get(MeetingPlan, given.plan_id)
        if plan is None or (plan.group_id, plan.official_id) != (group_id, official_id):
            raise NotFoundError("plan_unknown")
    texts = {name: getattr(given, name).strip() for name in ("agency", "asked_for", "document", "kept_at")}
    return {**given._asdict(), **texts}
