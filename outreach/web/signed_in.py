"""Who asks: looked up by a random token in the cookie, in one read, on every request. Acts are noted as theirs."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

import structlog
from flask import Flask, Request, Response, current_app, g, request, session
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy.exc import SQLAlchemyError

from outreach.accounts import sign_ins
from outreach.accounts.acting import begin, end
from outreach.accounts.passwords import Passwords
from outreach.accounts.session_rules import device_words, is_fresh, is_worth_noting
from outreach.core.clock import Clock
from outreach.core.runtime import Runtime
from outreach.serving import runtime

log = structlog.get_logger(__name__)

TOKEN: Final = "sign_in"  # noqa: S105  the name of a field
KEPT_KEYS: Final = ("language", "csrf_token")
"""What outlives a change of who is signed in. The token of the forms does: a form that was kept while somebody signed
in in another tab is sent with it, and it opens nothing by itself."""


class SignedIn(UserMixin):  # type: ignore[misc]
    """The user of a session."""

    def __init__(self, found: sign_ins.Signed, *, rehearsal: bool) -> None:
        self.id = found.user_id
        self.group_id = found.group_id
        self.name = found.name
        self.role = found.role
        self.sign_in_name = found.sign_in_name
        self.sign_in_id = found.sign_in_id
        self.seen_at = found.seen_at
        self.confirmed_at = found.confirmed_at
        self.has_password = found.has_password
        self.has_code = found.has_code
        self.owes = found.owes
        self._asked_again = found.has_password or not rehearsal

    def is_fresh(self) -> bool:
        """Whether they gave a password or code in the last ten minutes; in a rehearsal who has none need not."""
        return not self._asked_again or is_fresh(self.confirmed_at, Clock.real_now())


def set_up_login(app: Flask, passwords: Passwords | None) -> None:
    """Sessions are rows, looked up on every request: whoever is deactivated or signed out elsewhere is out at once."""
    app.extensions["passwords"] = passwords or Passwords()
    app.jinja_env.globals["typed_by"] = _for_whom
    manager = LoginManager(app)
    manager.session_protection = None  # phones change their network in the middle of a page

    @manager.request_loader  # type: ignore[untyped-decorator]
    def load(_request: Request) -> SignedIn | None:
        held: Runtime = app.extensions["outreach"]
        token, rehearsal = session.get(TOKEN), held.settings.mode == "rehearsal"
        if not isinstance(token, str):
            return None
        with held.db.snapshot() as reader:
            found = sign_ins.find(reader, token, held.clock.real_now(), rehearsal=rehearsal)
        if found is None:
            return None
        begin(found.name)
        return SignedIn(found, rehearsal=rehearsal)

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        end()

    @app.after_request
    def note(response: Response) -> Response:
        """Once a minute, when the page is out already: reading never waits for a writer."""
        who = g.get("_login_user")  # only if this request looked: flask_login keeps whom it found here
        if isinstance(who, SignedIn):
            held, now = runtime(), Clock.real_now()
            if is_worth_noting(who.seen_at, now):
                response.call_on_close(partial(_note_seen, held, who.id, who.sign_in_id, now))
        return response


def become(token: str) -> None:
    """From now on this browser is signed in by this token; nothing of an earlier session stays in its cookie."""
    kept = {key: session[key] for key in KEPT_KEYS if key in session}
    session.clear()
    session.update(kept)
    session[TOKEN] = token


def forget() -> None:
    """Nobody is signed in on this browser any more."""
    session.pop(TOKEN, None)


def passwords() -> Passwords:
    """This process's turn at hashing."""
    held: Passwords = current_app.extensions["passwords"]
    return held


def this_device() -> str:
    """The browser that asks, in a few words."""
    return device_words(request.user_agent.string)


def _for_whom() -> str | None:
    """The id of who is signed in: every form carries it."""
    found: str | None = current_user.get_id()
    return found


def _note_seen(held: Runtime, user_id: int, sign_in_id: int, now: datetime) -> None:
    try:
        with held.db.transaction() as tx:
            sign_ins.note_seen(tx, user_id, sign_in_id, now)
    except SQLAlchemyError as error:  # the page is out; they are seen again in a minute
        log.warning("seen_not_noted", error=type(error).__name__)
