"""The book of decisions in words: what somebody did, about what, and what else was noted."""

from __future__ import annotations

from typing import Any, Final

from flask import url_for
from flask_babel import get_locale, gettext, lazy_gettext

from outreach.accounts.acting import COMMAND_LINE, NOBODY, UNKNOWN
from outreach.accounts.audit import without_numbers
from outreach.accounts.audit_reads import sentence

PAGES: Final = {
    "campaign": ("campaigns.show", "campaign_id"),
    "contact_list": ("members.index", None),
    "constituent": ("people.show", "person_id"),
    "conversation": ("inbox.show", "conversation_id"),
    "coalition_partner": ("partners.edit", "partner_id"),
    "checklist_item": ("checklists.edit", "item_id"),
    "district": ("districts.edit", "district_id"),
    "manual_document": ("manuals.show", "document_id"),
    "manual_passage": ("passages.show", "passage_id"),
    "meeting": ("meetings.show", "meeting_id"),
    "meeting_plan": ("plans.show", "plan_id"),
    "office": ("offices.edit", "office_id"),
    "official": ("officials.show", "official_id"),
    "phone_tree": ("trees.show", "tree_id"),
    "promise": ("promises.show", "promise_id"),
    "records_request": ("records.edit", "request_id"),
    "segment": ("segments.edit", "segment_id"),
    "stance": ("stances.correct", "stance_id"),
    "stand_down": ("stand_downs.show", "stand_down_id"),
    "tree_run": ("tree_runs.show", "run_id"),
    "upload": ("people.preview", "upload_id"),
}  # fmt: skip
"""Table of a subject -> its page, and the parameter that takes its id."""
DETAILS: Final = {
    "because": lazy_gettext("why"),
    "why": lazy_gettext("why"),
    "what": lazy_gettext("what"),
    "people": lazy_gettext("people"),
    "rows": lazy_gettext("rows"),
    "outcome": lazy_gettext("outcome"),
    "choice": lazy_gettext("decision"),
    "tactic": lazy_gettext("tactic"),
    "fields": lazy_gettext("fields"),
    "goal": lazy_gettext("goal"),
    "was": lazy_gettext("before"),
    "now": lazy_gettext("after"),
    "before": lazy_gettext("before"),
    "after": lazy_gettext("after"),
    "with_numbers": lazy_gettext("with numbers"),
}
"""What of the details the page tells; a file has all of them."""


def did(action: str) -> str:
    """What an action is called in the reader's language."""
    return sentence(action, str(get_locale().language))


def who(actor: str) -> str:
    """Whoever acted: a person's name as it is, else what stands for nobody in words."""
    if actor == UNKNOWN:
        return str(gettext("Somebody"))
    if actor == COMMAND_LINE:
        return str(gettext("The command line"))
    return str(gettext("The site by itself")) if actor in NOBODY else actor


def page_of(subject: str) -> str | None:
    """The address of what an event is about; None where there is no page of its own."""
    table, _, number = subject.partition(":")
    found = PAGES.get(table)
    if found is None or not (number.isascii() and number.isdecimal()):
        return None
    endpoint, parameter = found
    return url_for(endpoint, **_at(parameter, int(number)))


def told(details: dict[str, Any]) -> list[tuple[Any, str]]:
    """Name and value of what else was noted; what was empty is left out."""
    details = without_numbers(details)
    return [(label, _text(details[name])) for name, label in DETAILS.items() if details.get(name) not in _EMPTY]


_EMPTY: Final[tuple[object, ...]] = (None, "", [], False)


def _at(parameter: str | None, row_id: int) -> dict[str, Any]:
    return {parameter: row_id} if parameter else {}


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value if one is not None)
    return "✓" if value is True else str(value)
