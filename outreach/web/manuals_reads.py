"""What the pages of manuals show: the documents with how far they are read, one of them, one passage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.officials.manual_models import ManualDocument, ManualMark, ManualPassage
from outreach.officials.marks import Marked, Piece, pieces
from outreach.officials.models import Official
from outreach.web.officials_reads import LAST_PAGE, ON_A_PAGE, Page

OFFERED: Final = 500
"""Officials in a select; a group that has brought whole states finds the document's own among them all the same."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage with its marks, and its text cut up by them."""

    row: ManualPassage
    marks: Sequence[ManualMark]
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A document, who answers for it, and its passages in the order in which they were pasted."""

    document: ManualDocument
    official: Official | None
    passages: Sequence[Passage]

    @property
    def read(self) -> int:
        """How many passages are read through."""
        return sum(one.row.reviewed_by is not None for one in self.passages)


def list_documents(session: Session, group_id: int, number: int) -> Page:
    """A page of the group's documents, newest first: with ``passages`` and how many of them are ``read``."""
    number = min(max(number, 1), LAST_PAGE)
    rows = session.execute(
        select(
            ManualDocument.id, ManualDocument.title, ManualDocument.agency, ManualDocument.jurisdiction,
            ManualDocument.dated, func.count(ManualPassage.id).label("passages"),
            func.count(ManualPassage.reviewed_at).label("read"),
        )
        .outerjoin(ManualPassage, ManualPassage.document_id == ManualDocument.id)
        .where(ManualDocument.group_id == group_id)
        .group_by(ManualDocument.id)
        .order_by(ManualDocument.id.desc())
        .offset((number - 1) * ON_A_PAGE)
        .limit(ON_A_PAGE + 1)
    ).all()  # fmt: skip
    return Page(number, len(rows) > ON_A_PAGE, rows[:ON_A_PAGE])


def find_document(session: Session, group_id: int, document_id: int) -> ManualDocument | None:
    """A document of this group, or None."""
    query = select(ManualDocument).where(ManualDocument.id == document_id, ManualDocument.group_id == group_id)
    return session.execute(query).scalar_one_or_none()


def document_page(session: Session, group_id: int, document_id: int) -> DocumentPage | None:
    """Everything of one document, or None when this group has no such document."""
    document = find_document(session, group_id, document_id)
    if document is None:
        return None
    rows = session.execute(
        select(ManualPassage).where(ManualPassage.document_id == document_id).order_by(ManualPassage.id)
    ).scalars()
    return DocumentPage(document, _official(session, document), _passages(session, list(rows)))


def passage_page(session: Session, group_id: int, passage_id: int) -> DocumentPage | None:
    """A passage of this group as the only one of its document, or None."""
    query = select(ManualPassage).where(ManualPassage.id == passage_id, ManualPassage.group_id == group_id)
    row = session.execute(query).scalar_one_or_none()
    if row is None:
        return None
    document = session.get_one(ManualDocument, row.document_id)
    return DocumentPage(document, _official(session, document), _passages(session, [row]))


def offered_officials(session: Session, group_id: int, chosen: int | None) -> Sequence[Any]:
    """Officials who may answer for a document: id, name, role, jurisdiction; ``chosen`` is always among them."""
    query = select(Official.id, Official.name, Official.role, Official.jurisdiction)
    query = query.where(Official.group_id == group_id)
    first = [(Official.id == chosen).desc()] if chosen else []
    return session.execute(query.order_by(*first, func.lower(Official.name), Official.id).limit(OFFERED)).all()


def _official(session: Session, document: ManualDocument) -> Official | None:
    return session.get(Official, document.official_id) if document.official_id else None


def _passages(session: Session, rows: Sequence[ManualPassage]) -> list[Passage]:
    found = session.execute(
        select(ManualMark).where(ManualMark.passage_id.in_([row.id for row in rows])).order_by(ManualMark.id)
    ).scalars()
    marks: dict[int, list[ManualMark]] = {}
    for mark in found:
        marks.setdefault(mark.passage_id, []).append(mark)
    return [
        Passage(row, marks.get(row.id, []), pieces(row.text, [Marked(m.kind, m.words) for m in marks.get(row.id, [])]))
        for row in rows
    ]
