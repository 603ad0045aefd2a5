"""The ledger: what officials said on the nine policies, each answer with its day and who heard it.

Nothing in it is overwritten. A correction is an entry of its own that names the one it corrects; that one stays to be
read, struck. Which answer holds follows from the rows (``standing_of``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.meetings import ANSWERS, Answer, check_answer
from outreach.officials.models import Meeting, Official, Stance

LEDGER_ANSWERS: Final = (*ANSWERS, "unknown")
STRUCK: Final = "struck"
"""What a correction says when the entry that it corrects was none: of another official, or a mistake."""
SOURCES: Final = ("meeting", "letter", "statement", "manual", "report")
HEARERS_LENGTH: Final = 200
NAME_LENGTH: Final = 120


class Entry(NamedTuple):
    """A row of the ledger as it is read; what an older row does not say itself is its meeting's."""

    id: int
    official_id: int
    policy: int
    answer: str
    basis: str | None
    times_asked: int | None
    citation: str | None
    heard_on: date
    heard_by: str
    source: str
    meeting_id: int | None
    recorded_by: str
    created_at: datetime
    corrects_id: int | None


class Heard(NamedTuple):
    """An answer as somebody notes it without a meeting's form. ``source`` is one of ``SOURCES``."""

    said: Answer
    heard_on: date
    heard_by: str
    source: str


class Line(NamedTuple):
    """An entry in a history; ``corrected_by``: the entry that stands in its place, so it is shown struck."""

    entry: Entry
    corrected_by: Entry | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an official stands on one policy: the answer that holds, and everything that was noted, newest day first.

    ``evaded``: how often it was asked, in how many conversations, since they last said yes or no.
    """

    current: Entry | None
    lines: Sequence[Line]
    evaded: tuple[int, int]

    @property
    def secured(self) -> bool:
        """A yes that stands in writing; one that is only practice can change with the next order."""
        return self.current is not None and (self.current.answer, self.current.basis) == ("yes", "writing")

    @property
    def earlier(self) -> Sequence[Line]:
        """All but the answer that holds."""
        return [line for line in self.lines if line.entry is not self.current]


def standing_of(entries: Iterable[Entry]) -> Standing:
    """Where an official stands on one policy, out of its entries in any order.

    The newest day counts, and of one day what was noted last; what was corrected or struck does not count.
    """
    ordered = sorted(entries, key=lambda entry: (entry.heard_on, entry.id), reverse=True)
    corrections = {entry.corrects_id: entry for entry in ordered if entry.corrects_id is not None}
    lines = [Line(entry, corrections.get(entry.id)) for entry in ordered]
    valid = [line.entry for line in lines if line.corrected_by is None and line.entry.answer != STRUCK]
    return Standing(valid[0] if valid else None, lines, _evaded(valid))


def _evaded(valid: Sequence[Entry]) -> tuple[int, int]:
    times = conversations = 0
    for entry in valid:
        if entry.answer in {"yes", "no"}:
            break
        if entry.answer == "evaded":
            times += entry.times_asked or 1
            conversations += 1
    return times, conversations


def entries_of(session: Session, group_id: int, official_ids: Any) -> list[Entry]:
    """Every entry on these officials (ids, or a query for them), in the order in which they were noted."""
    rows = session.execute(
        select(Stance, Meeting.held_on, Meeting.recorded_by)
        .outerjoin(Meeting, Meeting.id == Stance.meeting_id)
        .where(Stance.group_id == group_id, Stance.official_id.in_(official_ids))
        .order_by(Stance.id)
    )
    return [_entry(*row) for row in rows]


def _entry(stance: Stance, held_on: date | None, logged_by: str | None) -> Entry:
    recorded_by = stance.recorded_by or logged_by or ""
    return Entry(
        id=stance.id,
        official_id=stance.official_id,
        policy=stance.policy,
        answer=stance.answer,
        basis=stance.basis,
        times_asked=stance.times_asked,
        citation=stance.citation,
        heard_on=stance.heard_on or held_on or stance.created_at.date(),
        heard_by=stance.heard_by or recorded_by,
        source=stance.source or "meeting",
        meeting_id=stance.meeting_id,
        recorded_by=recorded_by,
        created_at=stance.created_at,
        corrects_id=stance.corrects_id,
    )


def standings_of(session: Session, group_id: int, official_id: int) -> dict[int, Standing]:
    """Policy -> where this official stands, for the policies on which anything was noted."""
    by_policy: dict[int, list[Entry]] = {}
    for entry in entries_of(session, group_id, [official_id]):
        by_policy.setdefault(entry.policy, []).append(entry)
    return {policy: standing_of(entries) for policy, entries in by_policy.items()}


def find_entry(session: Session, group_id: int, stance_id: int) -> Entry | None:
    """One entry of this group, or None."""
    row = session.execute(
        select(Stance, Meeting.held_on, Meeting.recorded_by)
        .outerjoin(Meeting, Meeting.id == Stance.meeting_id)
        .where(Stance.group_id == group_id, Stance.id == stance_id)
    ).first()
    return _entry(*row) if row else None


def record_stance(
    tx: Transaction,
    runtime: Runtime,
    group_id: int,
    official_id: int,
    heard: Heard,
    by: str,
    since: datetime | None = None,
) -> Stance:
    """Note an answer; the very same one that was noted since ``since`` is this one, sent twice.

    Raises NotFoundError (official_unknown) and BadInputError for what cannot have been heard.
    """
    now = runtime.clock.now()
    _check(heard, by, now, LEDGER_ANSWERS)
    _lock(tx, group_id, official_id)
    values = _values(heard, by)
    if since is not None:
        same = select(Stance).where(
            Stance.official_id == official_id,
            Stance.policy == heard.said.policy,
            Stance.created_at >= since,
            Stance.corrects_id.is_(None),
        )
        for known in tx.execute(same.order_by(Stance.id)).scalars():
            if all(getattr(known, name) == value for name, value in values.items()):
                return known
    stance = Stance(group_id=group_id, official_id=official_id, created_at=now, **values)
    tx.add(stance)
    tx.flush()
    record_audit(
        tx,
        group_id=group_id,
        action="stance_added",
        subject=f"stance:{stance.id}",
        actor=by,
        policy=stance.policy,
        answer=stance.answer,
    )
    return stance


def correct_stance(tx: Transaction, runtime: Runtime, group_id: int, stance_id: int, heard: Heard, by: str) -> Stance:
    """Note what should have stood there; its policy stays. The same correction by the same person again is the first.

    Raises NotFoundError (stance_unknown), ConflictError (stance_corrected) when somebody else was first, BadInputError.
    """
    now = runtime.clock.now()
    wrong = tx.get(Stance, stance_id)
    if wrong is None or wrong.group_id != group_id:
        raise NotFoundError("stance_unknown")
    if wrong.answer == STRUCK:
        raise BadInputError("stance_struck")
    heard = heard._replace(said=heard.said._replace(policy=wrong.policy))
    _check(heard, by, now, (*LEDGER_ANSWERS, STRUCK))
    _lock(tx, group_id, wrong.official_id)
    values = _values(heard, by)
    made = tx.execute(select(Stance).where(Stance.corrects_id == stance_id)).scalar_one_or_none()
    if made is not None:
        if all(getattr(made, name) == value for name, value in values.items()):
            return made
        raise ConflictError("stance_corrected")
    stance = Stance(group_id=group_id, official_id=wrong.official_id, created_at=now, corrects_id=stance_id, **values)
    tx.add(stance)
    tx.flush()
    record_audit(
        tx, group_id=group_id, actor=by, action="stance_corrected", subject=f"stance:{stance_id}",
        at=runtime.clock.real_now(), was=wrong.answer, now=stance.answer,
    )  # fmt: skip
    return stance


def _lock(tx: Transaction, group_id: int, official_id: int) -> None:
    """Two entries on one official at once: the second waits here, then sees the first. Raises NotFoundError."""
    found = tx.execute(
        select(Official.id)
        .where(Official.id == official_id, Official.group_id == group_id)
        .with_for_update(key_share=True)
    ).scalar()
    if found is None:
        raise NotFoundError("official_unknown")


def _values(heard: Heard, by: str) -> dict[str, Any]:
    return {
        **heard.said._asdict(),
        "heard_on": heard.heard_on,
        "heard_by": heard.heard_by.strip(),
        "source": heard.source,
        "recorded_by": by.strip()[:NAME_LENGTH],
    }


def _check(heard: Heard, by: str, now: datetime, answers: Sequence[str]) -> None:
    """Raises BadInputError for the first thing that does not fit together."""
    said = heard.said
    if said.policy not in {policy["number"] for policy in table("policies")["policies"]}:
        raise BadInputError("policy_unknown", policy=said.policy)
    if said.answer not in answers:
        raise BadInputError("answer_unknown", policy=said.policy)
    check_answer(said)
    if said.basis == "writing" and not said.citation:
        raise BadInputError("citation_missing")
    # A day of grace: it may be heard where the date is one ahead of UTC's.
    if (heard.heard_on - now.date()).days > 1:
        raise BadInputError("stance_day_future")
    if not 1 <= len(heard.heard_by.strip()) <= HEARERS_LENGTH:
        raise BadInputError("stance_heard_by", most=HEARERS_LENGTH)
    if heard.source not in SOURCES:
        raise BadInputError("stance_source_unknown", known=", ".join(SOURCES))
    if not by.strip():
        raise BadInputError("stance_recorder_blank")
