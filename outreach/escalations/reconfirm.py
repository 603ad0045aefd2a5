"""Asking people whose consent is older than a year whether it still stands: by one text, once ever (COMPLIANCE.md).

Stale consent alone still permits this one text. It goes the way of every text (hours, caps, suppression), and only a
yes changes anything. People are asked in chunks; a killed run is run again, and asks nobody twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, case, exists, func, select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.db import Job, Transaction
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.escalations.audience import in_lists
from outreach.escalations.launch import LANGUAGE_NAMES, check_texts
from outreach.escalations.models import Reconfirmation
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, open_gate
from outreach.messaging.models import Message
from outreach.messaging.render import check_template
from outreach.people.consent import has_consent_clause, is_suppressed_clause, lock_people
from outreach.people.lists import insert_if_absent, list_ids
from outreach.people.models import Constituent

KIND: Final = "reconfirm"
CHUNK: Final = 200
YES_WORDS: Final = {"en": ("JOIN",), "es": ("UNIRME", "SI", "JOIN")}
"""Words of which a text must ask for one. YES is the carrier's own word, so it does not count."""
FATES: Final = ("asked", "opted_out", "no_consent", "consent_valid", "number_bad", "asked_before")


@dataclass(frozen=True, slots=True)
class Reconfirmed:
    """Who of a list is asked, and why the others are not: disjoint counts that sum to ``people``.

    ``gate_id``: what the texts go through; None where nobody was asked, or in a dry run.
    """

    people: int
    counts: Mapping[str, int]
    gate_id: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The report for ``--json``."""
        return {"people": self.people, **{fate: self.counts.get(fate, 0) for fate in FATES}, "gate": self.gate_id}


def reconfirm(
    runtime: Runtime, group_id: int, *, list_name: str, texts: Mapping[str, str], by: str, dry_run: bool = False
) -> Reconfirmed:
    """Ask the people of a list whose consent is too old. ``texts``: language -> template, with ``en`` and ``es``.

    Raises NotFoundError list_unknown, and BadInputError where a text cannot be rendered, does not name the group, or
    does not say how to stop or which word says yes; nothing is stored then.
    """
    with runtime.db.snapshot() as session:
        group = session.execute(select(Group.name).where(Group.id == group_id)).scalar_one()
        listed = in_lists(group_id, list_ids(session, group_id, [list_name]))
        counts = _count(session, listed, runtime.clock.now())
    values = {language: {"group": group} for language in texts}
    _check(texts, values)
    people = sum(counts.values())
    if dry_run or not counts.get("asked"):
        return Reconfirmed(people, counts)
    gate_id = _open(runtime, group_id, texts, values, by)
    asked = 0
    last: int | None = 0
    while last is not None:
        last, some = _ask_some(runtime, group_id, gate_id, listed, last, by)
        asked += some
    # Whoever was asked by somebody else meanwhile, or opted out, is not asked here.
    missed = counts["asked"] - asked
    return Reconfirmed(
        people, {**counts, "asked": asked, "asked_before": counts.get("asked_before", 0) + missed}, gate_id
    )  # fmt: skip


def _check(texts: Mapping[str, str], values: Mapping[str, Mapping[str, str]]) -> None:
    for language, template in texts.items():
        check_template(template)
        if not any(re.search(rf"\b{word}\b", template) for word in YES_WORDS[language]):
            words = " / ".join(YES_WORDS[language])
            raise BadInputError("text_without_yes", language=LANGUAGE_NAMES[language], words=words)
    check_texts(texts, values)


def _fate(now: datetime) -> ColumnElement[str]:
    """What becomes of a constituent, as ``FATES`` has it."""
    before = exists().where(
        Reconfirmation.group_id == Constituent.group_id, Reconfirmation.number_hash == Constituent.number_hash
    )
    return case(
        (is_suppressed_clause(Constituent.number_hash, Constituent.group_id), "opted_out"),
        (Constituent.consented_at.is_(None), "no_consent"),
        (has_consent_clause(now), "consent_valid"),
        (Constituent.number_bad_at.is_not(None), "number_bad"),
        (before, "asked_before"),
        else_="asked",
    )


def _count(session: Session, listed: ColumnElement[bool], now: datetime) -> dict[str, int]:
    people = select(_fate(now).label("fate")).where(listed).subquery()
    return dict(session.execute(select(people.c.fate, func.count()).group_by(people.c.fate)).all())


def _open(
    runtime: Runtime, group_id: int, texts: Mapping[str, str], values: Mapping[str, Mapping[str, str]], by: str
) -> int:
    with runtime.db.transaction() as tx:
        gate = open_gate(tx, group_id=group_id, kind=KIND, texts=texts, values=values, clock=runtime.clock)
        at = runtime.clock.real_now()
        record_audit(tx, group_id=group_id, actor=by, action="consent_asked_anew", subject=f"gate:{gate.id}", at=at)
        return gate.id


def _ask_some(
    runtime: Runtime, group_id: int, gate_id: int, listed: ColumnElement[bool], after: int, by: str
) -> tuple[int | None, int]:
    """Plan the texts of one chunk of people; the last id looked at (None: there are no more), and how many."""
    now = runtime.clock.now()
    with runtime.db.transaction() as tx:
        due = (
            select(Constituent.id, Constituent.number_hash, Constituent.language)
            .where(listed, Constituent.id > after, _fate(now) == "asked")
            .order_by(Constituent.id)
            .limit(CHUNK)
        )
        rows = tx.execute(due).all()
        lock_people(tx, sorted(row.number_hash for row in rows))
        new = _mark(tx, sorted(row.number_hash for row in rows), group_id, gate_id, by, now)
        tx.add_all(
            Message(
                group_id=group_id, gate_id=gate_id, constituent_id=row.id, number_hash=row.number_hash, kind=KIND,
                state="planned", language=row.language, not_before=now,
            )
            for row in rows if row.number_hash in new
        )  # fmt: skip
        if new:
            append(tx, [delta(gate_id, None, "planned", len(new), runtime.clock.real_now())])
            tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))
    return (rows[-1].id if rows else None), len(new)


def _mark(
    tx: Transaction, numbers: list[bytes], group_id: int, gate_id: int, by: str, now: datetime
) -> set[bytes]:  # fmt: skip
    """Note who is asked; those that nobody had asked before."""
    if not numbers:
        return set()
    row = {"group_id": group_id, "gate_id": gate_id, "asked_by": by[:120], "created_at": now}
    marking = insert_if_absent(tx, Reconfirmation).returning(Reconfirmation.number_hash)
    return set(tx.execute(marking, [{**row, "number_hash": number} for number in numbers]).scalars())
