"""Headers, CSRF and error pages for every response."""

from __future__ import annotations

from flask import Flask, Response, g, render_template
from flask_babel import lazy_gettext
from flask_login import AnonymousUserMixin
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException

from outreach.serving import refuse_strange_hosts

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def protect(app: Flask) -> None:
    """CSRF on every form; a strict policy without inline code on every response."""

    app.before_request(refuse_strange_hosts)
    CSRFProtect(app)

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return response


WORDS = {
    400: (
        lazy_gettext("That did not work"),
        lazy_gettext("The page was open for too long, or is out of date. Go back, reload it and try again."),
    ),
    403: (lazy_gettext("Not allowed"), lazy_gettext("You may not do this. Ask an admin of your group.")),
    404: (lazy_gettext("Not found"), lazy_gettext("There is nothing here, or it belongs to another group.")),
    405: (lazy_gettext("That did not work"), lazy_gettext("This address cannot be used like that.")),
    413: (lazy_gettext("Too large"), lazy_gettext("The file or text is larger than this site takes.")),
    503: (
        lazy_gettext("That did not work"),
        lazy_gettext("A part of this site does not answer at the moment. Try again in a minute."),
    ),
    500: (lazy_gettext("Our mistake"), lazy_gettext("Something went wrong on our side, and it was noted.")),
}
"""Errors in words that say what to do."""


Page = tuple[str, int]


def error_page(code: int, text: str | None = None, back: str | None = None) -> Page:
    """An error in words that say what to do; ``back`` is the address of our page to return to, home when not given."""
    title, usual = WORDS.get(code, WORDS[400])
    return render_template("error.html", title=title, text=text or usual, back=back), code


def plain_error(error: HTTPException) -> Page:
    """An error as a page that says what to do, never a stack trace."""
    code = error.code or 500
    if code >= 500 and "_login_user" not in g:
        # Looking up who asks may be what failed, so the page is for nobody. flask_login keeps whom it found here.
        g._login_user = AnonymousUserMixin()
    given = error.description if error.description != type(error).description else None
    if code not in WORDS:
        return render_template("error.html", title=error.name, text=given or error.description, back=None), code
    return error_page(code, given)
