"""How often somebody who is signed in may ask for what is dear, or what carries people out of the house.

Counted for the person, not for the address: nobody else can use up what is theirs. Within one process, for these
limits need not be exact: with two web processes they are at most twice as wide.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Flask, Response, current_app, make_response, request
from flask_babel import gettext
from flask_login import current_user

from outreach.core.clock import Clock
from outreach.messaging.sign_up_rules import Limit
from outreach.web.public_limits import Looks
from outreach.web.security import error_page

EXPORTS: Final = frozenset({
    "privacy.export", "privacy.data", "calls.export", "silence.export", "tallies.export", "tree_runs.export",
    "promises.export", "audit.export",
})  # fmt: skip
SEARCHES: Final = frozenset({"inbox.find", "people.find"})
COUNTS: Final = frozenset({
    "segments.count", "wizard.count", "wizard.text_preview", "waves.look", "waves.cost", "tallies.data",
})  # fmt: skip
"""Asked for by scripts of ours while somebody types."""
LIMITS: Final = {
    "exports": (EXPORTS, (Limit(20, timedelta(minutes=10)), Limit(100, timedelta(days=1)))),
    "searches": (SEARCHES, (Limit(30, timedelta(minutes=1)),)),
    "counts": (COUNTS, (Limit(120, timedelta(minutes=1)),)),
}
WAIT_SECONDS: Final = 60


def set_up_limits(app: Flask) -> None:
    """Check each request that somebody signed in makes, once it is known that they may make it."""
    app.extensions["signed_in_looks"] = {name: Looks(limits) for name, (_, limits) in LIMITS.items()}
    app.before_request(refuse_too_often)


def refuse_too_often() -> Response | None:
    """A page that says so, for whoever asks for a file, a search or a count too often. A GET of a form counts not."""
    who = current_user.get_id()
    if who is None:
        return None
    for name, (endpoints, _) in LIMITS.items():
        if request.endpoint in endpoints and (request.method == "POST" or name == "counts"):
            looks: Looks = current_app.extensions["signed_in_looks"][name]
            if not looks.note_one(who, Clock.real_now()):
                return _too_often()
    return None


def _too_often() -> Response:
    answer = make_response(error_page(429, gettext("You asked for this too often. Wait a minute, then try again.")))
    answer.headers["Retry-After"] = str(WAIT_SECONDS)
    return answer
