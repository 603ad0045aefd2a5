"""The wizard's words: errors, reasons and merge fields, in the person's language."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext

from outreach.core.errors import OutreachError
from outreach.core.segments import Measure
from outreach.officials.offices import LOCAL, MAIN
from outreach.web.tactic_words import ERRORS as OF_TACTICS
from outreach.web.tactic_words import PROBLEMS as PROBLEMS_OF_TACTICS

ERRORS: Final[dict[str, Any]] = {
    "draft_changed": lazy_gettext(
        "Somebody else changed this draft while you had it open. Nothing of yours is lost: compare, then save again."
    ),
    "campaign_not_draft": lazy_gettext("This campaign is no longer a draft, so it cannot be changed any more."),
    "campaign_scheduled": lazy_gettext(
        "This campaign waits for its launch time, so it cannot be changed. Undo that time first."
    ),
    "campaign_not_scheduled": lazy_gettext("This campaign does not wait for a launch time any more."),
    "launch_time_past": lazy_gettext("This time has passed. Choose one that is still to come."),
    "launch_time_far": lazy_gettext(
        "Choose a time within %(days)s days. Later, nobody knows who is in the lists or in office."
    ),
    "second_text_in_one_language": lazy_gettext("Write the second text in both languages, or leave both empty."),
    "wave_too_soon": lazy_gettext(
        "The last text was launched less than %(hours)s hours ago. Give people their day to call."
    ),
    "waves_too_many": lazy_gettext(
        "This campaign has had %(most)s texts. People will not want more of it: begin a new one when there is news."
    ),
    "campaign_not_running": lazy_gettext("This campaign is not running, or was stopped before."),
    "gate_not_paused": lazy_gettext("This campaign is not paused."),
    "pacing_never": lazy_gettext(
        "%(people)s of these people have no hour in common with the office. Let the texts leave as fast as allowed, or "
        "choose another office."
    ),
    "campaign_no_audience": lazy_gettext("Choose at least one list or segment before you launch."),
    "campaign_no_office_phone": lazy_gettext("This office has no phone number. Choose another one."),
    "office_not_of_official": lazy_gettext("This office belongs to another official."),
    "list_unknown": lazy_gettext("One of the lists is no longer there."),
    "segment_unknown": lazy_gettext("One of the segments is no longer there."),
    "text_without_group": lazy_gettext("Say who writes: a text does not name your group, %(group)s."),
    "text_without_stop": lazy_gettext("Say how to stop the texts: %(words)s."),
    "draft_not_ready": lazy_gettext("The texts still have something to mend. It is marked above."),
    "template_only_fields": lazy_gettext(
        "Write merge fields exactly as they stand in the list of merge fields, and no other braces."
    ),
    "template_syntax": lazy_gettext(
        "Write merge fields exactly as they stand in the list of merge fields, and no other braces."
    ),
    "template_field_unknown": lazy_gettext("There is no merge field %(field)s. Use one of the list."),
    "template_failed": lazy_gettext("The text could not be filled in. Look at its merge fields."),
    "text_too_long": lazy_gettext("The text has %(length)s characters; %(limit)s is the most."),
    "spoken_too_long": lazy_gettext("This takes %(seconds)s seconds to hear; %(most)s is the most."),
    "text_empty": lazy_gettext("Write a text; an empty one cannot be sent."),
    "test_texts_spent": lazy_gettext("Your group has sent its %(limit)s test texts of today. Try again tomorrow."),
    "test_calls_spent": lazy_gettext("Your group has had its %(limit)s test calls of today. Try again tomorrow."),
    "test_call_under_way": lazy_gettext("We are calling this number already."),
    "calls_need_number": lazy_gettext("Calls need a number of ours to come from. Ask whoever runs the site."),
    "test_number_opted_out": lazy_gettext(
        "This number has opted out, so no text or call goes to it. Use another phone."
    ),
    "no_area_code": lazy_gettext("The number needs its area code."),
    "empty": lazy_gettext("Type a phone number."),
    "toll_free": lazy_gettext("This is a toll-free number, not a person's phone."),
    "wrong_region": lazy_gettext("We text numbers of the United States and Canada only."),
    "phone": lazy_gettext("This is not a phone number that we can text. Write it like 602-555-0142."),
}
"""Error code -> what to tell the person who filled in a form."""

PHONE_REASONS: Final = frozenset(
    {"scientific_notation", "fax", "several_numbers", "not_a_number", "too_short", "too_long", "not_dialable",
     "premium", "shared_cost", "personal"}
)  # fmt: skip
"""Reasons of a refused number that need no sentence of their own."""

OFFICES: Final[dict[str, Any]] = {
    "capitol": lazy_gettext("main office"),
    "primary": lazy_gettext("main office"),
    "district": lazy_gettext("district office"),
    MAIN: lazy_gettext("main office"),
    LOCAL: lazy_gettext("district office"),
}
"""Kinds of offices as OpenStates names them, and as we do; other kinds are somebody's own words."""

ALPHABETS: Final[dict[str, Any]] = {
    "GSM-7": lazy_gettext(
        "%(units)s characters as phones count them, all plain (GSM-7). One text holds 160; joined texts hold 153 each."
    ),
    "UCS-2": lazy_gettext(
        "%(units)s characters as phones count them, some of them not plain (UCS-2). One text holds 70; joined texts "
        "hold 67 each."
    ),
}
"""How a text's length is counted, by ``core.segments``."""

OUT: Final[dict[str, Any]] = {
    "opted_out": lazy_gettext("opted out"),
    "no_consent": lazy_gettext("never agreed to be texted"),
    "consent_old": lazy_gettext("agreed more than a year ago"),
    "number_bad": lazy_gettext("number does not take texts"),
}
"""Why somebody is not texted."""

PARTS: Final[dict[str, Any]] = {
    "text_en": lazy_gettext("Text in English"),
    "text_es": lazy_gettext("Text in Spanish"),
    "text_b_en": lazy_gettext("Second text, English"),
    "text_b_es": lazy_gettext("Second text, Spanish"),
    "script_en": lazy_gettext("Call script in English"),
    "script_es": lazy_gettext("Call script in Spanish"),
    "spoken_en": lazy_gettext("Read aloud in English"),
    "spoken_es": lazy_gettext("Read aloud in Spanish"),
}
PACES: Final[dict[str, Any]] = {
    "office": lazy_gettext("So that people can call: while the office is open, no faster than its lines take calls"),
    "fast": lazy_gettext("As fast as allowed"),
}
VARIANTS: Final[dict[str, Any]] = {"a": lazy_gettext("first text"), "b": lazy_gettext("second text")}
SAMPLES: Final[dict[str, Any]] = {
    "known": lazy_gettext("Ana, from Phoenix, 85003"),
    "unknown": lazy_gettext("somebody of whom we know only the number"),
}
FIELDS: Final[dict[str, Any]] = {
    "first_name": lazy_gettext("first name"),
    "city": lazy_gettext("city"),
    "zip": lazy_gettext("ZIP code"),
    "group": lazy_gettext("your group's name"),
    "official": lazy_gettext("the official, with their role"),
    "role": lazy_gettext("the official's role"),
    "policy": lazy_gettext("the policy"),
    "office_phone": lazy_gettext("the office's phone"),
}
"""Merge fields in words."""


def counting(cost: Measure) -> str:
    """How the carrier counts a text, for whoever wants to know."""
    return str(ALPHABETS[cost.encoding]) % {"units": f"{cost.units:,}"}


PROBLEMS: Final[dict[str, Any]] = {
    "text_without_group": lazy_gettext("a text does not name your group."),
    "text_without_stop": lazy_gettext("a text does not say how to stop the texts."),
    "campaign_no_audience": lazy_gettext("no list is chosen."),
    "campaign_no_office_phone": lazy_gettext("the office has no phone number."),
    "second_text_in_one_language": lazy_gettext("the second text is there in one language only."),
    "approval_needed": lazy_gettext("a second person has not approved it."),
    "approval_void": lazy_gettext("something in it was changed after a second person had approved it."),
    "approval_count": lazy_gettext("many more people would have got it than a second person had approved."),
}
"""Why a scheduled campaign could not launch, by the code that is stored; any other is something in its texts."""


def problem(code: str) -> str:
    """Why a launch at a chosen time has failed: the end of a sentence."""
    return str({**PROBLEMS, **PROBLEMS_OF_TACTICS}.get(code, lazy_gettext("something in its texts must be mended.")))


def words(error: OutreachError) -> str:
    """An error as a sentence for a form."""
    code = "phone" if error.code in PHONE_REASONS else error.code
    if code == "campaign_not_draft" and error.details.get("state") == "scheduled":
        code = "campaign_scheduled"
    sentence = ERRORS.get(code) or OF_TACTICS.get(code)
    return str(error) if sentence is None else str(sentence) % error.details
