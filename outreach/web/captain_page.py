"""A captain's page: how their people stand, and a button that puts them through to one. No number, no last name.

Like the page behind a script's link (``link_pages``), it asks for no login, and a GET changes nothing.
"""

from __future__ import annotations

from typing import Final

from flask import redirect, render_template, request, url_for
from flask_babel import force_locale
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach.core.errors import NotFoundError
from outreach.messaging.page_links import number_of, token_for
from outreach.phone_tree.captain_page import PATH, PURPOSE, Opened, call_member, open_page
from outreach.serving import runtime
from outreach.web.captain_reads import captain_page
from outreach.web.captain_words import GONE, HAS_CALLED, MEMBER_CALLS, STANDINGS
from outreach.web.link_pages import chosen, language_of, link_pages
from outreach.web.public_limits import may_open
from outreach.web.roles import PUBLIC, allow
from outreach.web.script_words import HAPPENED
from outreach.web.won import won_page

pages = link_pages("captain_page", __name__, PATH)

FORM: Final = "captain page form"
"""The purpose of the token in its forms."""
STATUS: Final = {"unknown": 404, "stale": 400, "often": 429}
"""What is not named here is gone: 410."""
LONGEST: Final = 18
"""Digits of a seat's id, at most."""

Answer = str | tuple[str, int] | WerkzeugResponse


@pages.get("/<link>")
@allow(PUBLIC)
def show(link: str) -> Answer:
    """The page, or why there is none."""
    if not may_open(link, PURPOSE):
        return _gone("often")
    held = runtime()
    with held.db.snapshot() as session:
        opened = open_page(session, held, link)
        if opened is None or opened.status != "open":
            return _closed(opened)
        language = language_of(opened.language)
        with force_locale(language):
            found = captain_page(session, held, opened, language)
    standings = {**STANDINGS, "done": HAS_CALLED} if found.calls else STANDINGS
    with force_locale(language):
        return render_template(
            "captain_page/show.html", page=found, link=link, happened=HAPPENED, standings=standings,
            member_calls=MEMBER_CALLS, chosen=chosen(), form=token_for(held, opened.number, FORM),
        )  # fmt: skip


@pages.post("/<link>/call")
@allow(PUBLIC)
def call(link: str) -> Answer:
    """Ring the captain, to put them through to one of their people; then show the page again, which says so."""
    if not may_open(link, PURPOSE):
        return _gone("often")
    held, seat = runtime(), request.form.get("seat", "")
    number = number_of(held, link, PURPOSE)
    if number is None:
        return _gone("unknown")
    named = seat.isascii() and seat.isdecimal() and len(seat) <= LONGEST
    if not named or number_of(held, request.form.get("form", ""), FORM) != number:
        return _gone("stale")
    try:
        opened = call_member(held, link, int(seat))
    except NotFoundError:
        return _gone("stale")
    if opened is None or opened.status != "open":
        return _closed(opened)
    return redirect(url_for("captain_page.show", link=link, _anchor="call", **chosen()), code=303)


def _closed(opened: Opened | None) -> Answer:
    if opened is not None and opened.status == "won":
        return won_page(opened.run.gate_id, language_of(opened.language)) or _gone("over", opened)
    return _gone(opened.status if opened else "unknown", opened)


def _gone(why: str, opened: Opened | None = None) -> tuple[str, int]:
    title, words = GONE[why]
    with force_locale(language_of(opened.language if opened else None)):
        return render_template("script_page/gone.html", title=title, words=words), STATUS.get(why, 410)
