"""Words of a captain's page: how people stand, and why there is no page."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext

from outreach.web.script_words import GONE as SCRIPTS_GONE

STANDINGS: Final = {
    "done": lazy_gettext("told us how it went"),
    "answered": lazy_gettext("has answered"),
    "texted": lazy_gettext("was texted"),
    "asked": lazy_gettext("is being called by us"),
    "waiting": lazy_gettext("waits for our text"),
    "unable": lazy_gettext("cannot be texted"),
}
HAS_CALLED: Final = lazy_gettext("has called")
"""In place of ``done`` where calling is what the campaign asks for."""
MEMBER_CALLS: Final = {
    "asleep": lazy_gettext("It is no hour to call there now."),
    "often": lazy_gettext("Was called often enough today."),
    "no": "",
}
"""Why there is no button; nothing is said of those who may not be called."""

GONE: Final = {
    **{why: SCRIPTS_GONE[why] for why in ("over", "stopped", "erased", "often", "stale")},
    "unknown": (
        lazy_gettext("This link leads nowhere"),
        lazy_gettext("Perhaps a part of it is missing. Open the text again and press the whole link."),
    ),
    "expired": (
        lazy_gettext("This link has ended"),
        lazy_gettext("It worked for a week. To tell us something about your people, reply to our text."),
    ),
}
"""Why there is no page: a title, and what can be done."""
