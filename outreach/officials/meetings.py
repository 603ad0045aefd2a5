"""What was said in a meeting with an official, and whether it calls for an escalation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from config import table
from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.checklists import open_commitment
from outreach.officials.models import Meeting, Official, Promise, Stance

OUTCOMES: Final = ("committed", "declined", "evaded", "no_meeting", "unreasonable_conditions")
ANSWERS: Final = ("yes", "no", "evaded")
BASES: Final = ("writing", "practice")
CONTACT_LENGTH = 200
CITATION_LENGTH = 1000
MOST_TIMES = 99
STAFF_NAME_LENGTH = 200
STAFF_ROLE_LENGTH = 120


class Answer(NamedTuple):
    """An answer on a model policy (1-9): yes, no or evaded; known from writing, from practice, or not said.

    ``times_asked``: how often it took, when somebody counted. ``citation``: where it is written.
    """

    policy: int
    answer: str
    basis: str | None = None
    times_asked: int | None = None
    citation: str | None = None


class Promised(NamedTuple):
    """What the official said they would do, by when, and whom on their staff to ask."""

    text: str
    due_on: date | None = None
    staff_contact: str | None = None


def needs_escalation(outcome: str) -> bool:
    """Everything but a commitment does."""
    return outcome != "committed"


def record_meeting(
    tx: Transaction,
    runtime: Runtime,
    group_id: int,
    *,
    official_id: int,
    held_on: date,
    outcome: str,
    recorded_by: str,
    attendees: str = "",
    notes: str = "",
    answers: Sequence[Answer] = (),
    promises: Sequence[Promised] = (),
    staff_name: str = "",
    staff_role: str = "",
) -> Meeting:
    """Store a meeting with its answers and promises; earlier answers stay as they are, this only adds.

    ``staff_name`` and ``staff_role``: whom of the staff it was with, in the official's place. A commitment opens its
    checklist. Raises NotFoundError (official_unknown) and BadInputError for what cannot have happened.
    """
    now = runtime.clock.now()
    # A day of grace: the meeting may be held where the date is one behind or ahead of UTC's.
    if (held_on - now.date()).days > 1:
        raise BadInputError("meeting_in_future")
    check_meeting(outcome, recorded_by, answers, promises)
    for text, most in ((staff_name, STAFF_NAME_LENGTH), (staff_role, STAFF_ROLE_LENGTH)):
        if len(text.strip()) > most:
            raise BadInputError("official_field_long", field="staff", most=most)
    official = tx.get(Official, official_id)
    if official is None or official.group_id != group_id:
        raise NotFoundError("official_unknown")
    meeting = Meeting(
        group_id=group_id, official_id=official_id, held_on=held_on, attendees=attendees.strip(), outcome=outcome,
        notes=notes.strip(), recorded_by=recorded_by.strip(), created_at=now,
        staff_name=staff_name.strip() or None, staff_role=staff_role.strip() or None,
    )  # fmt: skip
    tx.add(meeting)
    tx.flush()
    common = {"group_id": group_id, "official_id": official_id, "meeting_id": meeting.id, "created_at": now}
    heard = {**common, "heard_on": held_on, "recorded_by": meeting.recorded_by}
    tx.add_all(Stance(**heard, **said._asdict()) for said in answers)
    tx.add_all(
        Promise(**common, text=promise.text.strip(), due_on=promise.due_on, staff_contact=promise.staff_contact or None)
        for promise in promises
    )
    if outcome == "committed":
        open_commitment(tx, runtime, group_id, meeting.id, held_on)
    tx.flush()
    record_audit(
        tx, group_id=group_id, actor=meeting.recorded_by, action="meeting_logged", subject=f"meeting:{meeting.id}",
        outcome=outcome, answers=len(answers), promises=len(promises),
    )  # fmt: skip
    return meeting


def check_meeting(outcome: str, recorded_by: str, answers: Sequence[Answer], promises: Sequence[Promised]) -> None:
    """Raises BadInputError for the first thing that does not fit together."""
    if outcome not in OUTCOMES:
        raise BadInputError("meeting_outcome_unknown", known=", ".join(OUTCOMES))
    if not recorded_by.strip():
        raise BadInputError("meeting_recorder_blank")
    if outcome == "no_meeting" and answers:  # a promise can come from staff who refused one
        raise BadInputError("no_meeting_no_answers")
    policies = {policy["number"] for policy in table("policies")["policies"]}
    answered: set[int] = set()
    for said in answers:
        if said.policy not in policies:
            raise BadInputError("policy_unknown", policy=said.policy)
        if said.policy in answered:
            raise BadInputError("policy_answered_twice", policy=said.policy)
        if said.answer not in ANSWERS:
            raise BadInputError("answer_unknown", policy=said.policy)
        check_answer(said)
        answered.add(said.policy)
    for promise in promises:
        if not promise.text.strip():
            raise BadInputError("promise_blank")
        if len(promise.staff_contact or "") > CONTACT_LENGTH:
            raise BadInputError("official_field_long", field="staff contact", most=CONTACT_LENGTH)


def check_answer(said: Answer) -> None:
    """Whether what is known of an answer fits together. Raises BadInputError."""
    if said.basis is not None and said.basis not in BASES:
        raise BadInputError("basis_unknown", policy=said.policy)
    if said.basis is not None and said.answer not in {"yes", "no"}:
        raise BadInputError("basis_without_answer", policy=said.policy)
    if said.times_asked is not None and not 1 <= said.times_asked <= MOST_TIMES:
        raise BadInputError("times_asked_wrong", most=MOST_TIMES)
    if said.citation is not None and said.basis != "writing":
        raise BadInputError("citation_without_writing", policy=said.policy)
    if len(said.citation or "") > CITATION_LENGTH:
        raise BadInputError("citation_long", most=CITATION_LENGTH)
