"""Words for manuals that are read: the kinds of marks, and what is refused."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext

MARKS: Final = {
    "profiling": lazy_gettext("racial profiling"),
    "bias": lazy_gettext("racial bias"),
    "hold": lazy_gettext("DRO hold, detention and removal"),
    "asking": lazy_gettext("asking for immigration status"),
    "other": lazy_gettext("something else"),
}
ERRORS: Final = {
    "passage_blank": lazy_gettext("Paste the words of the passage."),
    "passage_long": lazy_gettext(
        "The passage has %(length)s characters; %(most)s are the most. Paste one section at a time."
    ),
    "passages_many": lazy_gettext("A document has at most %(most)s passages."),
    "passage_changed": lazy_gettext(
        "Somebody else has changed this passage meanwhile: see below what is there now. Saving again puts yours there."
    ),
    "passage_no_policy": lazy_gettext("Say first which model policy the passage is about, and save."),
    "passage_noted": lazy_gettext("The ledger cites this passage, so it stays."),
    "document_no_official": lazy_gettext("Say first on the document's page which official answers for it."),
    "mark_not_found": lazy_gettext("These words do not stand in the passage. Copy them out of it."),
    "marks_many": lazy_gettext("A passage has at most %(most)s marks."),
}
"""Error codes of the use cases behind these forms."""
