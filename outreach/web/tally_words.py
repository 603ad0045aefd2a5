"""Words of the tallies: what a row is, periods, figures, tactics, and how an official's week reads."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import gettext, lazy_gettext, ngettext

from outreach.tallies.sheets import Name
from outreach.tallies.week import Week
from outreach.web.official_words import official_words

BY: Final = {
    "official": lazy_gettext("By official"),
    "campaign": lazy_gettext("By campaign"),
    "wave": lazy_gettext("By text of a campaign"),
    "tactic": lazy_gettext("By tactic"),
    "variant": lazy_gettext("By tried text (a or b)"),
    "jurisdiction": lazy_gettext("By jurisdiction"),
    "zip": lazy_gettext("By ZIP code"),
}
ROW: Final = {
    "official": lazy_gettext("Official"),
    "campaign": lazy_gettext("Campaign"),
    "wave": lazy_gettext("Text"),
    "tactic": lazy_gettext("What was asked"),
    "variant": lazy_gettext("Tried text"),
    "jurisdiction": lazy_gettext("Place (jurisdiction)"),
    "zip": lazy_gettext("ZIP code"),
}
"""What a line of the table is about."""
PERIOD: Final = {
    "all": lazy_gettext("since the first text"),
    "week": lazy_gettext("this week, from Monday"),
    "7": lazy_gettext("the last 7 days"),
    "30": lazy_gettext("the last 30 days"),
}
COLUMNS: Final = (
    ("people_asked", lazy_gettext("People asked"), "texts_sent", lazy_gettext("texts sent")),
    ("people_reached", lazy_gettext("People reached"), "texts_delivered", lazy_gettext("texts delivered")),
    ("people_acted", lazy_gettext("People who acted"), "reports", lazy_gettext("acts reported")),
    ("people_replied", lazy_gettext("People who replied"), "replies", lazy_gettext("texts received")),
    ("people_opted_out", lazy_gettext("People who asked to stop"), "opt_outs", lazy_gettext("texts that say stop")),
)
"""Of each pair of figures: how many different people, and how many texts or reports that was."""
TACTICS: Final = {
    "calls": lazy_gettext("calls to the office"),
    "letters": lazy_gettext("letters by post"),
    "email": lazy_gettext("e-mails to the office"),
    "letters_to_editor": lazy_gettext("letters to the newspaper"),
    "town_hall": lazy_gettext("going to a town hall"),
    "council_meeting": lazy_gettext("going to a council meeting"),
    "in_person": lazy_gettext("visits to the office"),
}
SAID: Final = {
    "yes": lazy_gettext("the office said yes"),
    "no": lazy_gettext("the office said no"),
    "would_not_say": lazy_gettext("the office would not say"),
}
NONE: Final = {"zip": lazy_gettext("ZIP code not known"), "jurisdiction": lazy_gettext("no jurisdiction entered")}
"""The line of whoever or whatever has none."""


def name_words(name: Name, dimension: str) -> str:
    """What a row is called in the language of the page."""
    if dimension == "official" and name.official_id:
        return official_words(name.text, name.role)
    if dimension == "tactic":
        return str(TACTICS.get(name.text, name.text))
    if not name.text and dimension in NONE:
        return str(NONE[dimension])
    if name.number or name.variant:
        return str(gettext("%(campaign)s: text %(which)s", campaign=name.text, which=name.number or name.variant))
    return name.text


def week_words(week: Week) -> str:
    """An official's week in one sentence; empty where there is nothing to say."""
    parts = [*_reached(week), *_open(week)]
    return f"{'; '.join(parts)}." if parts else ""


def _reached(week: Week) -> list[str]:
    said, reached = [], week.reached
    if reached.callers:
        said.append(ngettext("%(num)s caller reached the office this week",
                             "%(num)s callers reached the office this week", reached.callers))  # fmt: skip
    if reached.others:
        said.append(ngettext("%(num)s person wrote or came this week",
                             "%(num)s people wrote or came this week", reached.others))  # fmt: skip
    if week.heard and reached.neighbors is not None:
        said.append(ngettext("%(num)s of them is from the official's own district",
                             "%(num)s of them are from the official's own district", reached.neighbors))  # fmt: skip
    return [str(one) for one in said]


def _open(week: Week) -> list[str]:
    said: list[Any] = []
    if week.overdue:
        said.append(ngettext("%(num)s promise is overdue", "%(num)s promises are overdue", week.overdue))
    if week.evaded:
        said.append(ngettext("evaded the question %(num)s time so far", "evaded the question %(num)s times so far",
                             week.evaded))  # fmt: skip
    return [str(one) for one in said]
