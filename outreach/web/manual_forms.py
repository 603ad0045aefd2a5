"""The forms about manuals: a document, a passage out of it, words to mark, and what should stand there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from flask_babel import lazy_gettext
from wtforms import BooleanField, DateField, HiddenField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Optional

from outreach.officials.manual_models import ManualDocument, ManualPassage
from outreach.officials.manuals import (
    COMMENT_LENGTH,
    LENGTHS,
    READER_LENGTH,
    SECTION_LENGTH,
    WORDS_LENGTH,
    Described,
    Review,
    version_of,
)
from outreach.web.entry_forms import at_most, clean
from outreach.web.ledger_words import LedgerForm
from outreach.web.manual_words import ERRORS, MARKS
from outreach.web.official_words import official_words, policies

NOBODY: Final = 0


class DocumentForm(LedgerForm):
    """A document of a department."""

    sentences: ClassVar = ERRORS

    title = StringField(
        lazy_gettext("Title"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Please give the document a title.")), at_most(LENGTHS["title"])],
    )
    agency = StringField(lazy_gettext("Department"), filters=[clean], validators=[at_most(LENGTHS["agency"])])
    jurisdiction = StringField(
        lazy_gettext("City, county or state"), filters=[clean], validators=[at_most(LENGTHS["jurisdiction"])]
    )
    official_id = SelectField(lazy_gettext("Who answers for it"), coerce=int, default=NOBODY)
    source = StringField(lazy_gettext("Where it came from"), filters=[clean], validators=[at_most(LENGTHS["source"])])
    dated = DateField(lazy_gettext("Date of the document"), validators=[Optional()])

    def __init__(self, officials: Sequence[Any] = (), **values: Any) -> None:
        super().__init__(**values)
        self.official_id.choices = [
            SelectChoice(NOBODY, lazy_gettext("not said")),
            *(SelectChoice(row.id, official_words(row.name, row.role)) for row in officials),
        ]

    def given(self) -> Described:
        """What the use cases take."""
        texts = {name: self[name].data for name in LENGTHS}
        return Described(**texts, dated=self.dated.data, official_id=self.official_id.data or None)


def values_of(document: ManualDocument) -> dict[str, Any]:
    """The fields of the form as the document has them."""
    names = (*LENGTHS, "dated")
    return {**{name: getattr(document, name) for name in names}, "official_id": document.official_id or NOBODY}


class PassageForm(LedgerForm):
    """Lines of a document, pasted. How many characters it may have, the use case says with their number."""

    sentences: ClassVar = ERRORS
    field_of: ClassVar = {"passage_blank": "text", "passage_long": "text", "passages_many": "text"}

    section = StringField(lazy_gettext("Section"), filters=[clean], validators=[at_most(SECTION_LENGTH)])
    text = TextAreaField(lazy_gettext("The passage"), filters=[clean])
    reader = StringField(lazy_gettext("Who reads it"), filters=[clean], validators=[at_most(READER_LENGTH)])


class ReviewForm(LedgerForm):
    """What should stand in a passage's place."""

    sentences: ClassVar = ERRORS

    version = HiddenField()
    policy = SelectField(lazy_gettext("Model policy that should stand in its place"), coerce=int, default=0)
    comment = TextAreaField(lazy_gettext("Comment"), filters=[clean], validators=[at_most(COMMENT_LENGTH)])
    reader = StringField(lazy_gettext("Who reads it"), filters=[clean], validators=[at_most(READER_LENGTH)])
    done = BooleanField(lazy_gettext("It is read through"))

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        named = (SelectChoice(one.number, f"{one.number}. {one.name}") for one in policies())
        self.policy.choices = [SelectChoice(0, lazy_gettext("none of the nine")), *named]

    def given(self) -> Review:
        """What the use case takes."""
        return Review(self.policy.data or None, self.comment.data, self.reader.data, self.done.data)


def review_of(passage: ManualPassage) -> dict[str, Any]:
    """The fields of a review as the passage has them."""
    return {
        "version": version_of(passage),
        "policy": passage.policy or 0,
        "comment": passage.comment,
        "reader": passage.reader,
        "done": passage.reviewed_by is not None,
    }


class MarkForm(LedgerForm):
    """Words of a passage, and what they are."""

    sentences: ClassVar = ERRORS
    field_of: ClassVar = {"mark_not_found": "words", "marks_many": "words"}

    words = StringField(
        lazy_gettext("Words to mark"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Please paste the words to mark.")), at_most(WORDS_LENGTH)],
    )
    kind = SelectField(
        lazy_gettext("What these words are"), choices=[SelectChoice(kind, label) for kind, label in MARKS.items()]
    )
