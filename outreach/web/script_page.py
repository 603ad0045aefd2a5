"""The page behind a script's link: whom to call, what to say, how it went. No login, no cookie, no name, no number
(``link_pages``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import redirect, render_template, request, url_for
from flask_babel import force_locale
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach.calls.script_page import Opened, call_me, open_link
from outreach.calls.script_page import report as tell_report
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.messaging.page_links import PATH, PURPOSE, number_of, token_for
from outreach.serving import runtime
from outreach.web.link_pages import choice, chosen, language_of, link_pages
from outreach.web.public_limits import may_open
from outreach.web.roles import PUBLIC, allow
from outreach.web.script_reads import script_page
from outreach.web.script_words import GONE, HAPPENED, TOLD
from outreach.web.won import won_page

pages = link_pages("script_page", __name__, PATH)

PRINT: Final = "print"
"""The parameter that shows a letter alone, to be printed."""
FORM: Final = "script page form"
"""The purpose of the token in its forms."""
STATUS: Final = {"unknown": 404, "stale": 400, "often": 429, "told_too_often": 429}
"""What is not named here is gone: 410."""

Answer = str | tuple[str, int] | WerkzeugResponse


@pages.get("/<link>")
@allow(PUBLIC)
def show(link: str) -> Answer:
    """The page, or why there is none."""
    if not may_open(link, PURPOSE):
        return _gone("often")
    held = runtime()
    with held.db.snapshot() as session:
        opened = open_link(session, held, link)
        if opened is None or opened.status != "open":
            return _closed(opened)
        language = language_of(opened.language)
        with force_locale(language):
            found = script_page(session, held, opened, language)
    on_paper = PRINT in request.args and found.kit is not None and found.kit.prints
    with force_locale(language):
        return render_template(
            "script_page/letter.html" if on_paper else "script_page/show.html", page=found, link=link,
            happened=HAPPENED, labels=TOLD, chosen=chosen(), form=token_for(held, opened.link.reply_id, FORM),
        )  # fmt: skip


@pages.post("/<link>")
@allow(PUBLIC)
def report(link: str) -> Answer:
    """Note how it went, then show the page again, with thanks."""
    return _press(link, lambda held: tell_report(held, link, request.form.get("outcome", ""), choice()), "thanks")


@pages.post("/<link>/call")
@allow(PUBLIC)
def call(link: str) -> Answer:
    """Have the phone called that the link was sent to, then show the page again, which says so."""
    return _press(link, lambda held: call_me(held, link, choice()), "call")


def _press(link: str, act: Callable[[Runtime], Opened | None], anchor: str) -> Answer:
    if not may_open(link, PURPOSE):
        return _gone("often")
    held = runtime()
    reply_id = number_of(held, link)
    if reply_id is None:
        return _gone("unknown")
    if number_of(held, request.form.get("form", ""), FORM) != reply_id:
        return _gone("stale")
    try:
        opened = act(held)
    except ConflictError as error:
        return _gone(error.code)
    except BadInputError:
        return _gone("stale")
    if opened is None or opened.status != "open":
        return _closed(opened)
    return redirect(url_for("script_page.show", link=link, _anchor=anchor, **chosen()), code=303)


def _closed(opened: Opened | None) -> Answer:
    if opened is not None and opened.status == "won":
        return won_page(opened.link.gate_id, language_of(opened.language)) or _gone("over", opened)
    return _gone(opened.status if opened else "unknown", opened)


def _gone(why: str, opened: Opened | None = None) -> tuple[str, int]:
    title, words = GONE[why]
    with force_locale(language_of(opened.language if opened else None)):
        return render_template("script_page/gone.html", title=title, words=words), STATUS.get(why, 410)
