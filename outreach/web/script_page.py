"""The page behind a script's link: whom to call, what to say, how it went. No login, no cookie, no name, no number.

Its address is the secret: whoever can send its forms knows it, and no other site does. So they carry a token made of
the link in place of one of a session, and work where a browser keeps no cookies. A GET changes nothing: programs that
preview links follow them too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import force_locale, get_locale
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach.calls.script_page import Opened, call_me, open_link
from outreach.calls.script_page import report as tell_report
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.messaging.page_links import PATH, reply_of, token_for
from outreach.serving import runtime
from outreach.web.i18n import LANGUAGES
from outreach.web.public_limits import may_look
from outreach.web.roles import PUBLIC, allow
from outreach.web.script_reads import script_page
from outreach.web.script_words import GONE, HAPPENED, TOLD

pages = Blueprint("script_page", __name__, url_prefix=PATH.rstrip("/"))

FORM_BYTES: Final = 4 * 1024
FORM: Final = "script page form"
"""The purpose of the token in its forms."""
LANGUAGE: Final = "l"
"""The parameter that chooses the language: short, and no cookie remembers it."""
STATUS: Final = {"unknown": 404, "stale": 400, "often": 429, "told_too_often": 429}
"""What is not named here is gone: 410."""

Answer = str | tuple[str, int] | WerkzeugResponse


@pages.url_value_preprocessor
def take_little(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Strangers send a form of two fields, so no more is read."""
    request.max_content_length = FORM_BYTES


@pages.after_request
def keep_private(response: Response) -> Response:
    """The address goes to nobody, and no search engine keeps the page."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@pages.get("/<link>")
@allow(PUBLIC)
def show(link: str) -> Answer:
    """The page, or why there is none."""
    if not may_look():
        return _gone("often")
    held = runtime()
    with held.db.snapshot() as session:
        opened = open_link(session, held, link)
        if opened is None or opened.status != "open":
            return _closed(opened)
        language = _language(opened)
        with force_locale(language):
            found = script_page(session, held, opened, language)
    with force_locale(language):
        return render_template(
            "script_page/show.html", page=found, link=link, happened=HAPPENED, labels=TOLD, chosen=_chosen(),
            form=token_for(held, opened.link.reply_id, FORM),
        )  # fmt: skip


@pages.post("/<link>")
@allow(PUBLIC)
def report(link: str) -> Answer:
    """Note how it went, then show the page again, with thanks."""
    return _press(link, lambda held: tell_report(held, link, request.form.get("outcome", ""), _choice()), "thanks")


@pages.post("/<link>/call")
@allow(PUBLIC)
def call(link: str) -> Answer:
    """Have the phone called that the link was sent to, then show the page again, which says so."""
    return _press(link, lambda held: call_me(held, link, _choice()), "call")


def _press(link: str, act: Callable[[Runtime], Opened | None], anchor: str) -> Answer:
    if not may_look():
        return _gone("often")
    held = runtime()
    reply_id = reply_of(held, link)
    if reply_id is None:
        return _gone("unknown")
    if reply_of(held, request.form.get("form", ""), FORM) != reply_id:
        return _gone("stale")
    try:
        opened = act(held)
    except ConflictError as error:
        return _gone(error.code)
    except BadInputError:
        return _gone("stale")
    if opened is None or opened.status != "open":
        return _closed(opened)
    return redirect(url_for("script_page.show", link=link, _anchor=anchor, **_chosen()), code=303)


def _choice() -> str | None:
    """The language that was chosen on the page."""
    chosen = request.args.get(LANGUAGE)
    return chosen if chosen in LANGUAGES else None


def _chosen() -> dict[str, Any]:
    """The same for the page's addresses."""
    choice = _choice()
    return {LANGUAGE: choice} if choice else {}


def _language(opened: Opened | None) -> str:
    """What was chosen, else the person's, else the browser's."""
    return _choice() or (opened.language if opened else str(get_locale().language))


def _closed(opened: Opened | None) -> Answer:
    return _gone(opened.status if opened else "unknown", opened)


def _gone(why: str, opened: Opened | None = None) -> tuple[str, int]:
    title, words = GONE[why]
    with force_locale(_language(opened)):
        return render_template("script_page/gone.html", title=title, words=words), STATUS.get(why, 410)
