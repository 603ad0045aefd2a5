"""Words for promises: states, how late they are, and what is refused, in both languages."""

from __future__ import annotations

from datetime import date
from typing import Final

from flask_babel import gettext, lazy_gettext, ngettext

from outreach.core.errors import OutreachError
from outreach.officials.promise_rules import BROKEN, EXTENDED, KEPT, OPEN, SOON_DAYS, UNDONE, WAITED_FOR
from outreach.web.official_words import in_words

STATES: Final = {
    OPEN: lazy_gettext("Open"),
    EXTENDED: lazy_gettext("More time given"),
    KEPT: lazy_gettext("Kept"),
    BROKEN: lazy_gettext("Broken"),
}
ENTRIES: Final = {
    KEPT: lazy_gettext("It was kept"),
    BROKEN: lazy_gettext("It was broken"),
    EXTENDED: lazy_gettext("They asked for more time"),
    UNDONE: lazy_gettext("Taken back"),
}
"""What was heard, in the history and in the form."""
COLOURS: Final = {KEPT: "text-bg-success", BROKEN: "text-bg-danger"}
REASONS: Final = {
    "overdue": lazy_gettext("its day has passed"),
    "broken": lazy_gettext("it was broken"),
}
"""Why a promise opened a draft."""
ERRORS: Final = {
    "promise_state": lazy_gettext("This does not follow from where the promise stands now. Look at it again."),
    "promise_changed": lazy_gettext(
        "Somebody has noted something about this promise since you opened this page. "
        "Look at it, then say it again if it still holds."
    ),
    "promise_nothing_to_undo": lazy_gettext("There is nothing to take back."),
    "promise_day_missing": lazy_gettext("Say by which new day."),
    "promise_day_early": lazy_gettext("The new day must be later than the one it was due on."),
    "promise_words_blank": lazy_gettext("Say why, or how you know."),
    "promise_said_in_future": lazy_gettext("This day has not come yet."),
    "promise_not_broken": lazy_gettext("A campaign is opened for a promise that is overdue or broken."),
    "member_unknown": lazy_gettext("This person is no member any more. Choose somebody else."),
}


def promise_error(error: OutreachError) -> str:
    """A refusal for the person who typed."""
    sentence = ERRORS.get(error.code)
    return in_words(error) if sentence is None else str(sentence)


def lateness(state: str, due_on: date | None, today: date) -> str:
    """How a promise's day lies to today, in words; empty where it is settled or has none."""
    if due_on is None or state not in WAITED_FOR:
        return ""
    left = (due_on - today).days
    if left < 0:
        return str(ngettext("%(num)s day overdue", "%(num)s days overdue", -left))
    if left == 0:
        return str(gettext("due today"))
    return str(ngettext("due in %(num)s day", "due in %(num)s days", left)) if left <= SOON_DAYS else ""
