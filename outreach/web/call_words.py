"""Words for what a campaign counts of its calls."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext

from outreach.calls.counts import CallCounts

Row = tuple[str, int, Any, Any]

WAY: Final = (
    ("asked", lazy_gettext("asked for"), lazy_gettext("by text, on the script's page, by calling us, or for later")),
    (
        "picked_up",
        lazy_gettext("picked up"),
        lazy_gettext("whoever we called, or their answering machine, and who called us"),
    ),
    ("put_through", lazy_gettext("put through"), lazy_gettext("at least one office was dialed for them")),
    ("dialed", lazy_gettext("offices dialed"), lazy_gettext("one call may try several offices")),
    ("office_picked_up", lazy_gettext("the office picked up"), lazy_gettext("a person, or its voicemail")),
    ("office_silent", lazy_gettext("the office did not pick up"), lazy_gettext("busy, no answer, or not connected")),
)
"""From the asking to the office, of ``counts.CallCounts``: the name, what it is called, and what it counts."""

STANDS: Final = (
    ("finished", lazy_gettext("finished"), lazy_gettext("over, as the carrier says")),
    ("under_way", lazy_gettext("under way"), lazy_gettext("waiting for their turn, ringing, or on the line")),
    ("not_reached", lazy_gettext("not reached"), lazy_gettext("busy, no answer, or refused by the carrier")),
    (
        "not_called",
        lazy_gettext("never made"),
        lazy_gettext("too late, opted out, the campaign over, or they called us first"),
    ),
    ("lost", lazy_gettext("lost sight of"), lazy_gettext("the carrier never said how the call ended")),
)
"""What became of the calls that were asked for: together they are all of them."""


def call_rows(counts: CallCounts) -> tuple[list[Row], list[Row]]:
    """The rows of both tables."""
    way, stands = (
        [(name, int(getattr(counts, name)), words, more) for name, words, more in rows] for rows in (WAY, STANDS)
    )
    return way, stands
