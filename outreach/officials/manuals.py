"""Reading a department's rules: its document, passages out of it, words that are marked, and what should stand there.

The work can be divided: each passage says whose it is to read, and who has read it. A passage that is tied to a model
policy can be noted in the ledger, with the document as its citation.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, select

from config import table
from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.officials.manual_models import ManualDocument, ManualMark, ManualPassage
from outreach.officials.marks import MARK_KINDS, places
from outreach.officials.meetings import Answer
from outreach.officials.models import Official
from outreach.officials.stances import Heard, record_stance

LENGTHS: Final = {"title": 200, "agency": 200, "jurisdiction": 200, "source": 500}
PASSAGE_LENGTH: Final = 20_000
SECTION_LENGTH: Final = 120
COMMENT_LENGTH: Final = 2000
READER_LENGTH: Final = 120
WORDS_LENGTH: Final = 500
MOST_PASSAGES: Final = 300
MOST_MARKS: Final = 50


class Described(NamedTuple):
    """A document as somebody described it."""

    title: str
    agency: str = ""
    jurisdiction: str = ""
    source: str = ""
    dated: date | None = None
    official_id: int | None = None


class Review(NamedTuple):
    """What somebody says of a passage. ``done``: they have read it."""

    policy: int | None
    comment: str
    reader: str
    done: bool


def add_document(
    tx: Transaction, runtime: Runtime, group_id: int, given: Described, by: str, since: datetime | None = None
) -> ManualDocument:
    """Add a document; the very same one that was added since ``since`` is this one, sent twice.

    Raises BadInputError, and NotFoundError (official_unknown) for another group's official.
    """
    _check_document(tx, group_id, given)
    # Two equal forms at once: the second waits here until the first is stored, then finds it.
    tx.execute(select(Group.id).where(Group.id == group_id).with_for_update(key_share=True))
    if since is not None:
        same = select(ManualDocument).where(
            ManualDocument.group_id == group_id, ManualDocument.title == given.title, ManualDocument.created_at >= since
        )
        known = tx.execute(same.order_by(ManualDocument.id)).scalars().first()
        if known is not None:
            return known
    document = ManualDocument(group_id=group_id, created_by=by, created_at=runtime.clock.now(), **given._asdict())
    tx.add(document)
    tx.flush()
    record_audit(tx, group_id=group_id, action="manual_added", subject=f"manual_document:{document.id}", actor=by)
    return document


def edit_document(tx: Transaction, group_id: int, document_id: int, given: Described) -> None:
    """Describe a document anew. Raises BadInputError, NotFoundError."""
    _check_document(tx, group_id, given)
    document = _document(tx, group_id, document_id)
    for name, value in given._asdict().items():
        setattr(document, name, value)
    record_audit(tx, group_id=group_id, action="manual_changed", subject=f"manual_document:{document_id}")


def add_passage(
    tx: Transaction, runtime: Runtime, group_id: int, document_id: int, *, section: str, text: str, reader: str, by: str
) -> ManualPassage:
    """Add some lines of a document; the same lines of the same section again are the first ones.

    Raises BadInputError, NotFoundError (document_unknown).
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not lines:
        raise BadInputError("passage_blank")
    if len(lines) > PASSAGE_LENGTH:
        raise BadInputError("passage_long", most=PASSAGE_LENGTH, length=len(lines))
    _check_length("section", section, SECTION_LENGTH)
    _check_length("reader", reader, READER_LENGTH)
    _document(tx, group_id, document_id)
    known = tx.execute(
        select(ManualPassage).where(
            ManualPassage.document_id == document_id, ManualPassage.section == section, ManualPassage.text == lines
        )
    ).scalar()
    if known is not None:
        return known
    count = tx.execute(select(func.count()).where(ManualPassage.document_id == document_id)).scalar_one()
    if count >= MOST_PASSAGES:
        raise BadInputError("passages_many", most=MOST_PASSAGES)
    passage = ManualPassage(
        group_id=group_id,
        document_id=document_id,
        section=section,
        text=lines,
        policy=None,
        comment="",
        reader=reader,
        created_by=by,
        created_at=runtime.clock.now(),
    )
    tx.add(passage)
    tx.flush()
    record_audit(tx, group_id=group_id, action="passage_added", subject=f"manual_passage:{passage.id}", actor=by)
    return passage


def version_of(passage: ManualPassage) -> str:
    """Changes with everything that a review of the passage can change."""
    said = (passage.policy, passage.comment, passage.reader, passage.reviewed_by)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def review_passage(
    tx: Transaction, runtime: Runtime, group_id: int, passage_id: int, given: Review, by: str, version: str
) -> ManualPassage:
    """Say what should stand in a passage's place, and whether it is read. ``version``: as the page showed it.

    Raises ConflictError (passage_changed) when somebody else has changed it since, BadInputError, NotFoundError.
    """
    if given.policy is not None and given.policy not in {row["number"] for row in table("policies")["policies"]}:
        raise BadInputError("policy_unknown", policy=given.policy)
    _check_length("comment", given.comment, COMMENT_LENGTH)
    _check_length("reader", given.reader, READER_LENGTH)
    passage = _passage(tx, group_id, passage_id)
    same = (passage.policy, passage.comment, passage.reader, passage.reviewed_by is not None) == given
    if not same and version_of(passage) != version:
        raise ConflictError("passage_changed")
    passage.policy, passage.comment, passage.reader = given.policy, given.comment, given.reader
    if not given.done:
        passage.reviewed_by = passage.reviewed_at = None
    elif passage.reviewed_by is None:
        passage.reviewed_by, passage.reviewed_at = by, runtime.clock.now()
    if not same:
        record_audit(
            tx,
            group_id=group_id,
            action="passage_reviewed",
            subject=f"manual_passage:{passage_id}",
            actor=by,
            policy=given.policy,
            done=given.done,
        )
    return passage


def mark_passage(
    tx: Transaction, runtime: Runtime, group_id: int, passage_id: int, *, kind: str, words: str, by: str
) -> ManualMark:
    """Mark words of a passage; the same words of the same kind again are the first mark.

    Raises BadInputError (mark_not_found when they do not stand in it), NotFoundError.
    """
    if kind not in MARK_KINDS:
        raise BadInputError("mark_kind_unknown", known=", ".join(MARK_KINDS))
    wanted = " ".join(words.split())
    _check_length("words", wanted, WORDS_LENGTH)
    passage = _passage(tx, group_id, passage_id)
    if not places(passage.text, wanted):
        raise BadInputError("mark_not_found")
    known = tx.execute(select(ManualMark).where(ManualMark.passage_id == passage_id)).scalars().all()
    for mark in known:
        if (mark.kind, mark.words.casefold()) == (kind, wanted.casefold()):
            return mark
    if len(known) >= MOST_MARKS:
        raise BadInputError("marks_many", most=MOST_MARKS)
    mark = ManualMark(passage_id=passage_id, kind=kind, words=wanted, marked_by=by, created_at=runtime.clock.now())
    tx.add(mark)
    tx.flush()
    record_audit(
        tx, group_id=group_id, action="passage_marked", subject=f"manual_passage:{passage_id}", actor=by, kind=kind
    )
    return mark


def unmark(tx: Transaction, group_id: int, mark_id: int) -> int:
    """Take a mark away; the id of its passage. Raises NotFoundError (mark_unknown)."""
    query = select(ManualMark).join(ManualPassage, ManualPassage.id == ManualMark.passage_id)
    mark = tx.execute(query.where(ManualMark.id == mark_id, ManualPassage.group_id == group_id)).scalar()
    if mark is None:
        raise NotFoundError("mark_unknown")
    tx.delete(mark)
    record_audit(
        tx, group_id=group_id, action="passage_unmarked", subject=f"manual_passage:{mark.passage_id}", kind=mark.kind
    )
    return mark.passage_id


def remove_passage(tx: Transaction, runtime: Runtime, group_id: int, passage_id: int, by: str) -> int:
    """Take a passage out of its document; the document's id.

    Raises NotFoundError, and ConflictError (passage_noted) once the ledger cites it.
    """
    passage = _passage(tx, group_id, passage_id)
    if passage.stance_id is not None:
        raise ConflictError("passage_noted")
    tx.execute(delete(ManualMark).where(ManualMark.passage_id == passage_id))
    tx.delete(passage)
    record_audit(
        tx, group_id=group_id, actor=by, action="passage_removed", subject=f"manual_document:{passage.document_id}",
        at=runtime.clock.real_now(), passage=passage_id,
    )  # fmt: skip
    return passage.document_id


def note_passage(
    tx: Transaction, runtime: Runtime, group_id: int, passage_id: int, *, answer: str, today: date, by: str
) -> ManualPassage:
    """Note in the ledger what the passage says on its policy, yes or no, in writing. Pressed twice, it is noted once.

    It was read ``today``: the rule is in force now, whenever it was written. Raises BadInputError, NotFoundError.
    """
    passage = _passage(tx, group_id, passage_id)
    if passage.stance_id is not None:
        return passage
    document = tx.get_one(ManualDocument, passage.document_id)
    if passage.policy is None:
        raise BadInputError("passage_no_policy")
    if document.official_id is None:
        raise BadInputError("document_no_official")
    said = Answer(passage.policy, answer, "writing", None, citation_of(document, passage))
    stance = record_stance(tx, runtime, group_id, document.official_id, Heard(said, today, by, "manual"), by)
    passage.stance_id = stance.id
    return passage


def citation_of(document: ManualDocument, passage: ManualPassage) -> str:
    """Where a passage is written: the document, its day, the section, and the address it came from, if any."""
    dated = f" ({document.dated.isoformat()})" if document.dated else ""
    address = document.source if document.source.startswith(("https://", "http://")) else ""
    return ", ".join(part for part in (f"{document.title}{dated}", passage.section, address) if part)


def _document(tx: Transaction, group_id: int, document_id: int) -> ManualDocument:
    """A document with its row locked. Raises NotFoundError (document_unknown)."""
    query = select(ManualDocument).where(ManualDocument.id == document_id, ManualDocument.group_id == group_id)
    found = tx.execute(query.with_for_update(key_share=True)).scalar()
    if found is None:
        raise NotFoundError("document_unknown")
    return found


def _passage(tx: Transaction, group_id: int, passage_id: int) -> ManualPassage:
    """A passage with its row locked: two people at once come one after the other. Raises NotFoundError."""
    query = select(ManualPassage).where(ManualPassage.id == passage_id, ManualPassage.group_id == group_id)
    found = tx.execute(query.with_for_update(key_share=True)).scalar()
    if found is None:
        raise NotFoundError("passage_unknown")
    return found


def _check_document(tx: Transaction, group_id: int, given: Described) -> None:
    if not given.title:
        raise BadInputError("document_blank")
    for field, most in LENGTHS.items():
        _check_length(field, getattr(given, field), most)
    if given.official_id is not None:
        official = tx.get(Official, given.official_id)
        if official is None or official.group_id != group_id:
            raise NotFoundError("official_unknown")


def _check_length(field: str, value: Any, most: int) -> None:
    if len(value) > most:
        raise BadInputError("manual_field_long", field=field, most=most)
