"""Words of the pages of stand-downs."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext

from outreach.core.errors import OutreachError
from outreach.web import wizard_words
from outreach.web.tree_words import filled

ERRORS: Final[dict[str, Any]] = {
    "stand_down_why": lazy_gettext("Say in 1 to %(most)s characters what the official has committed to."),
    "nothing_to_stand_down": lazy_gettext("Nothing about this official runs, waits for its time, or is a draft."),
    "thanks_need_two": lazy_gettext(
        "Your group asks for a second person. Alone you can stand down with the usual thank-you, or with none."
    ),
    "stand_down_final": lazy_gettext("The minute in which this could be undone is over."),
    "stand_down_undone": lazy_gettext("This was undone already."),
    "campaign_stood_down": lazy_gettext("This campaign was stood down: no text of it leaves any more."),
}
"""Error code -> what to tell whoever pressed."""


def stand_down_error(error: OutreachError) -> str:
    """A use case's refusal in the person's language."""
    return filled(ERRORS, error) or wizard_words.words(error)
