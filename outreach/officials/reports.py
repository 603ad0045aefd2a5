"""What a group tells its state office after a meeting: where to, and what it adds to what was logged."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.models import Meeting
from outreach.officials.promise_models import MeetingReport, StateOffice

NAME_LENGTH: Final = 120
EMAIL_LENGTH: Final = 254
WORDS_LENGTH: Final = 3_000
_EMAIL: Final = re.compile(r"[^\s@,;:<>()\[\]\"\\?&#%]+@[^\s@,;:<>()\[\]\"\\?&#%]+\.[^\s@,;:<>()\[\]\"\\?&#%.]+")
"""One address, with nothing in it that could add a field to a mailto link."""


class Added(NamedTuple):
    """What a report says beside what was logged. ``with_attendees``: who was there is named."""

    said: str = ""
    not_said: str = ""
    next_step: str = ""
    with_attendees: bool = False


class Address(NamedTuple):
    """Where reports go; empty: nobody has said."""

    name: str = ""
    email: str = ""


def state_office_of(session: Session, group_id: int) -> Address:
    """Where the group's reports go."""
    row = session.get(StateOffice, group_id)
    return Address(row.name, row.email) if row else Address()


def set_state_office(tx: Transaction, runtime: Runtime, group_id: int, address: Address, *, by: str) -> None:
    """Say where reports go; an empty address: nowhere by itself. Raises BadInputError."""
    name, email = address.name.strip(), address.email.strip()
    if len(name) > NAME_LENGTH:
        raise BadInputError("official_field_long", field="name", most=NAME_LENGTH)
    if email and (len(email) > EMAIL_LENGTH or not _EMAIL.fullmatch(email)):
        raise BadInputError("state_office_email")
    # Pressed twice at once, the second waits here until the first is stored, then finds it.
    tx.execute(select(Group.id).where(Group.id == group_id).with_for_update(key_share=True))
    if state_office_of(tx, group_id) == (name, email):
        return
    tx.merge(StateOffice(group_id=group_id, name=name, email=email, updated_at=runtime.clock.now()))
    record_audit(
        tx, group_id=group_id, actor=by, action="state_office", subject=f"group:{group_id}",
        at=runtime.clock.real_now(), has_email=bool(email),
    )  # fmt: skip


def added_to(session: Session, meeting_id: int) -> Added:
    """What was added to a meeting's report."""
    row = session.get(MeetingReport, meeting_id)
    return Added(row.said, row.not_said, row.next_step, row.with_attendees) if row else Added()


def add_to_report(tx: Transaction, runtime: Runtime, group_id: int, meeting_id: int, added: Added, *, by: str) -> None:
    """Keep what the report says beside what was logged. Raises NotFoundError meeting_unknown, BadInputError."""
    meeting = tx.get(Meeting, meeting_id, with_for_update={"key_share": True})  # pressed twice at once: as above
    if meeting is None or meeting.group_id != group_id:
        raise NotFoundError("meeting_unknown")
    for name in ("said", "not_said", "next_step"):
        if len(getattr(added, name)) > WORDS_LENGTH:
            raise BadInputError("official_field_long", field=name.replace("_", " "), most=WORDS_LENGTH)
    if added_to(tx, meeting_id) == added:
        return
    tx.merge(
        MeetingReport(
            meeting_id=meeting_id, group_id=group_id, updated_by=by[:120], updated_at=runtime.clock.now(),
            **added._asdict(),
        )
    )  # fmt: skip
    record_audit(tx, group_id=group_id, action="meeting_report_written", subject=f"meeting:{meeting_id}", actor=by)
