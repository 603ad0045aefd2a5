"""The sections that the bar shows, and which of them a page belongs to."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from flask import current_app, request
from flask_babel import lazy_gettext


class Section(NamedTuple):
    """An entry of the bar: where it leads, its words, and the blueprints of its pages."""

    endpoint: str
    label: Any
    blueprints: frozenset[str]


CAMPAIGNS: Final = frozenset({
    "campaigns", "wizard", "wizard_launch", "wizard_tactic", "rungs", "levers", "waves", "silence", "calls",
    "stand_downs", "counter_switch", "approvals",
})  # fmt: skip
OFFICIALS: Final = frozenset({
    "officials", "offices", "meetings", "after_meeting", "promises", "stances", "board", "manuals", "passages",
    "glossary", "plans", "checklists", "agenda", "records", "partners", "pressure",
})  # fmt: skip
ADMINISTRATION: Final = frozenset({"administration", "audit", "safety", "queues", "colleagues", "groups"})
SECTIONS: Final = (
    Section("home.index", lazy_gettext("Home"), frozenset({"home"})),
    Section("officials.index", lazy_gettext("Officials"), OFFICIALS),
    Section(
        "people.overview",
        lazy_gettext("People"),
        frozenset({"people", "optouts", "poster", "privacy", "segments", "districts", "members"}),
    ),
    Section(
        "campaigns.overview",
        lazy_gettext("Campaigns"),
        CAMPAIGNS,
    ),
    Section(
        "trees.index",
        lazy_gettext("Phone trees"),
        frozenset({"trees", "tree_people", "tree_start", "tree_runs"}),
    ),
    Section("tallies.show", lazy_gettext("Tallies"), frozenset({"tallies"})),
    Section("inbox.index", lazy_gettext("Inbox"), frozenset({"inbox", "threads", "inbox_settings", "review"})),
    Section("administration.index", lazy_gettext("Administration"), ADMINISTRATION),
    Section("phones.grid", lazy_gettext("Phones"), frozenset({"phones"})),
)


class Entry(NamedTuple):
    """An entry as a page shows it. ``current`` is its ARIA word: page, true (a page below it), or None."""

    endpoint: str
    label: Any
    current: str | None


def navigation() -> list[Entry]:
    """The entries that this app has, the one of the page that is asked for marked."""
    return [
        Entry(section.endpoint, section.label, _current(section))
        for section in SECTIONS
        if section.endpoint.partition(".")[0] in current_app.blueprints
    ]


def _current(section: Section) -> str | None:
    if request.endpoint == section.endpoint:
        return "page"
    return "true" if request.blueprint in section.blueprints else None
