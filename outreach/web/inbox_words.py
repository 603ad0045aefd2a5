"""Words for the inbox and the review queue: what a text means, why a thread waits, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_babel import gettext, lazy_gettext

from outreach.core.errors import OutreachError
from outreach.messaging.corrections import INTENTS
from outreach.messaging.nudges import COUNTED, Hours
from outreach.messaging.tactics import tactic_row
from outreach.web.campaigns import LABELS

INTENT_WORDS: Final = {
    "opt_out": lazy_gettext("wants no more texts"),
    "possible_opt_out": lazy_gettext("may want no more texts"),
    "opt_in": lazy_gettext("wants texts again"),
    "help": lazy_gettext("asks who we are"),
    "call": lazy_gettext("wants to call"),
    "script": lazy_gettext("wants the script"),
    "report": lazy_gettext("reports a call"),
    "pledge": lazy_gettext("promises to call"),
    "decline": lazy_gettext("will not call"),
    "wrong_number": lazy_gettext("wrong number"),
    "question": lazy_gettext("asks something"),
    "language": lazy_gettext("chooses a language"),
    "confirm": lazy_gettext("says yes"),
    "deny": lazy_gettext("says no"),
    "other": lazy_gettext("something else"),
}
WAITS: Final = {
    "possible_opt_out": lazy_gettext("Perhaps an opt-out"),
    "unmatched": lazy_gettext("From nobody we texted"),
    "to_read": lazy_gettext("Wants an answer"),
    "no_hurry": lazy_gettext("To read"),
}
SPECIAL: Final = frozenset({"possible_opt_out", "unmatched"})
"""Why a thread waits, where it is out of the ordinary: in the list of those that wait, only these get a badge."""
VIEW_WORDS: Final = {
    "waiting": lazy_gettext("Waiting"),
    "doubts": lazy_gettext("Perhaps opt-outs"),
    "unmatched": lazy_gettext("Unmatched"),
    "mine": lazy_gettext("Mine"),
    "handed": lazy_gettext("Handed to me"),
    "all": lazy_gettext("All texts"),
}
ERRORS: Final = {
    "conversation_claimed": lazy_gettext("Somebody else takes care of this thread now."),
    "conversation_moved_on": lazy_gettext("Another text has come meanwhile. Read it first."),
    "hand_over_to_whom": lazy_gettext("Choose an organizer of your group."),
    "note_too_long": lazy_gettext("The note has %(length)s characters; %(limit)s are the most."),
    "thread_tag_length": lazy_gettext("A tag has 1 to %(most)s characters."),
    "thread_tags_many": lazy_gettext("Your group has %(most)s tags. Use one of them, or take one off all its threads."),
    "canned_name_length": lazy_gettext("A name has 1 to %(most)s characters."),
    "canned_name_taken": lazy_gettext("There is a ready answer with this name. Choose another name."),
    "canned_many": lazy_gettext("Your group has %(most)s ready answers. Delete one first."),
    "canned_fields": lazy_gettext(
        "Only {{ first_name }} and {{ group }} can be filled in here. Write everything else as words."
    ),
    "reply_words_gone": lazy_gettext(
        "Their text is older than 30 days: its words and number are not kept, so it cannot be answered here."
    ),
    "conversation_undecided": lazy_gettext("First say whether the person wants no more texts."),
    "nothing_to_decide": lazy_gettext("This was decided already."),
    "person_opted_out": lazy_gettext("This person gets no texts from you: they opted out, or must not be texted now."),
    "text_empty": lazy_gettext("Please write an answer first."),
    "text_too_long": lazy_gettext("The text has %(length)s characters; the carrier takes %(limit)s."),
    "opt_out_stays": lazy_gettext("An opt-out stays one. The person can come back by texting START."),
    "message_not_in_review": lazy_gettext("This was decided already, or the carrier has just told what became of it."),
    "answer_not_again": lazy_gettext("An answer is not sent again. Write a new one in the inbox."),
    "campaign_not_running": lazy_gettext("The campaign is over: nothing more is sent for it."),
    "review_choice_unknown": lazy_gettext("Choose one of the three."),
    "intent_unknown": lazy_gettext("Choose one of the meanings on the list."),
    "outcome_with_report": lazy_gettext("Say how the call went, and only for a report of a call."),
}


def at_least(count: int) -> str:
    """A count that may have been cut off."""
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"


def late_words(late: Mapping[str, int], hours: Hours) -> list[str]:
    """What has waited too long, a sentence each, most urgent first."""
    doubts, others = late.get("possible_opt_out", 0), sum(late.values()) - late.get("possible_opt_out", 0)
    found = []
    if doubts:
        found.append(
            gettext("Perhaps opt-outs that wait longer than %(hours)s h: %(count)s", hours=hours.doubt,
                    count=at_least(doubts))
        )  # fmt: skip
    if others:
        found.append(
            gettext("Texts that wait longer than %(hours)s h: %(count)s", hours=hours.others, count=at_least(others))
        )
    return found


def in_words(error: OutreachError) -> str:
    """A refusal for the person who pressed."""
    sentence = ERRORS.get(error.code)
    return str(error) if sentence is None else str(sentence) % error.details


def meanings(tactic: str | None) -> list[tuple[str, str]]:
    """The choices of the correction form: an intent, or a report with an outcome of the campaign's tactic."""
    choices, outcomes = [], tactic_row(tactic)["outcomes"]
    for intent in INTENTS:
        if intent == "report":
            choices += [(f"report:{outcome}", f"{INTENT_WORDS[intent]}: {LABELS[outcome]}") for outcome in outcomes]
        else:
            choices.append((intent, str(INTENT_WORDS[intent])))
    return choices


def meaning(intent: str, outcome: str | None) -> str:
    """What a text means, in words."""
    words = str(INTENT_WORDS.get(intent, intent))
    return f"{words}: {LABELS[outcome]}" if outcome else words
