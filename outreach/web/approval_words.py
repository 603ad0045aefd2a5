"""Words of approvals and of what a group may spend."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import format_currency, gettext, lazy_gettext

from config import table
from outreach.core.errors import OutreachError
from outreach.spending.prices import MICROS, Crossed
from outreach.web import wizard_words
from outreach.web.tree_words import filled, tree_error

KINDS: Final[dict[str, Any]] = {
    "launch": lazy_gettext("Launch"),
    "schedule": lazy_gettext("Launch at a time"),
    "wave": lazy_gettext("Text them again"),
    "tree": lazy_gettext("Start a phone tree"),
    "off": lazy_gettext("No second person any more"),
}
STATES: Final[dict[str, Any]] = {
    "waiting": lazy_gettext("waits for approval"),
    "approved": lazy_gettext("approved"),
    "declined": lazy_gettext("declined"),
    "withdrawn": lazy_gettext("withdrawn"),
    "void": lazy_gettext("void: it was changed after approval was asked for"),
    "expired": lazy_gettext("expired: nobody decided within 72 hours"),
}
ERRORS: Final[dict[str, Any]] = {
    "approval_needed": lazy_gettext("Your group asks for a second person. Ask somebody to approve."),
    "approval_not_on": lazy_gettext("Your group does not ask for a second person any more. Launch it yourself."),
    "approval_needs_two": lazy_gettext("At least two organizers or admins of your group must be able to approve."),
    "approval_own": lazy_gettext("You asked for this yourself, so somebody else has to approve it."),
    "approval_not_yours": lazy_gettext("Only who asked for this can withdraw it."),
    "approval_decided": lazy_gettext("This was decided, or withdrawn, or nobody decided within %(hours)s hours."),
    "approval_waits": lazy_gettext("Something else waits for approval here. Withdraw that first."),
    "approval_count": lazy_gettext("%(people)s people would get it now. Read it again, and type that number."),
    "approval_why": lazy_gettext("Say why in 1 to %(most)s characters."),
    "spend_cap_reached": lazy_gettext(
        "Your group has spent what it may spend for now. Resume on another day, or once the cap is raised."
    ),
    "unusual_needs_admin": lazy_gettext(
        "So many people at once are unusual for your group. An admin has to look at it and resume it."
    ),
    "spend_amount": lazy_gettext("Write an amount such as 250 or 250.50, at most %(most)s. Leave it empty for no cap."),
}  # fmt: skip
"""Error code -> what to tell whoever pressed."""
ASKED: Final = lazy_gettext(
    "Nothing leaves yet: somebody else of your group has to approve it. We show it on their Home."
)
VOID: Final = lazy_gettext("It was changed after approval was asked for. Nothing was launched. Ask for approval again.")


def safety_error(error: OutreachError) -> str:
    """A use case's refusal in the person's language."""
    own = filled(ERRORS, error)
    if own:
        return own
    return tree_error(error) if error.code.startswith("tree_") else wizard_words.words(error)


def money(micros: int | None) -> str:
    """An amount in the currency of the table, as the person's language writes it; a word where there is none."""
    if micros is None:
        return str(gettext("no cap"))
    return str(format_currency(micros / MICROS, table("spend")["prices"]["currency"]))


def alert_words(one: Crossed) -> str:
    """A share of a cap that was reached, as a sentence."""
    given = {"spent": money(one.micros), "cap": money(one.cap)}
    if one.percent >= 100:
        if one.period == "day":
            return str(gettext("Campaigns are halted: %(spent)s of %(cap)s for today are spent", **given))
        return str(gettext("Campaigns are halted: %(spent)s of %(cap)s for this month are spent", **given))
    if one.period == "day":
        return str(gettext("%(spent)s of %(cap)s for today are spent", **given))
    return str(gettext("%(spent)s of %(cap)s for this month are spent", **given))
