"""What somebody typed when their session had ended: shown to them, and sent again when they press a button for it.

Every form of the site is covered without knowing of it. The answer to a refused form is a page with its fields, a
token of the present session, and the form's own address: it is the same form again. Somebody who has signed in
meanwhile (in another tab: both share the cookie) is through by pressing it; anybody else gets this page once more.
Every form names the user for whom it was drawn, so that nobody's words are sent in another's name without a word. That
is not signed: it only decides whether to ask.

Nothing is stored and nothing is done here, and what other sites send is never shown: a person must not be led to press
a button under words that somebody else chose. The check is the browser's own statement of where a form came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask import Response, current_app, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import RequestEntityTooLarge

from outreach.accounts.links import Identity, find_user
from outreach.serving import runtime
from outreach.web.account_forms import SignInForm
from outreach.web.account_words import asked_for
from outreach.web.kept_words import AGAIN, CONFIRM, ID_DIGITS, TYPED_BY, form_like, label, shown_words
from outreach.web.roles import PUBLIC, declared_role, ranks
from outreach.web.security import Page, error_page, plain_error

LOOK_AGAIN: Final = frozenset(
    {
        "wizard_launch.launch",
        "wizard_launch.schedule",
        "wizard_launch.test_text",
        "wizard_launch.test_call",
        "levers.unschedule",
        "approvals.say_yes",
        "waves.launch",
        "tree_start.start",
        "review.decide",
        "threads.decide",
        "threads.claim",
        "threads.correct",
        "privacy.erase",
        "account.password",
        "confirming.give",
    }
)
"""What decides about texts is never offered again from here: its own page shows what is so, as of now. Nor is
what holds a password: no page ever shows one."""
MOST_FIELDS: Final = 1_000
"""As many as a form with files may have. Strangers' are drawn again too, and a mebibyte holds a quarter million."""
FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Kept:
    """A form as it came. ``fields`` go back as they are; ``shown`` is what a person typed or chose, with labels.

    ``author``: the colleague who typed it, when somebody else is signed in. ``foreign``: somebody of no concern to
    who is signed in typed it. ``typed_by``: under whose id it goes back; pressing the button makes it one's own, but
    for a foreign form.
    """

    address: str
    fields: list[tuple[str, str]]
    shown: list[tuple[str, str]]
    files: list[str]
    encoding: str
    again: bool
    author: str | None
    foreign: bool
    typed_by: str | None


def ask_to_sign_in() -> Response:
    """What somebody without a session gets: how to sign in, with what they typed if they typed anything."""
    kept = keep()
    if kept:
        return make_response(render_template("accounts/kept.html", kept=kept), 401)
    pressed = request.method == "POST" and from_our_page()
    form = SignInForm(formdata=None)
    form.next.data = page_before() if pressed else asked_for() if request.method == "GET" else ""
    return make_response(render_template("accounts/sign_in.html", pressed=pressed, form=form), 401)


def answer_stale(error: CSRFError) -> Response | Page:
    """A form without a token of this session: the session is new, or the form is not ours."""
    role = declared_role(current_app, request.endpoint) if request.endpoint else PUBLIC
    if role == PUBLIC:
        return error_page(400)
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    if role is None or not ranks(current_user.role, role):
        return error_page(403)
    kept = keep()
    if kept:
        return render_template("accounts/kept.html", kept=kept), 400
    if not from_our_page():
        return error_page(400)
    return error_page(400, gettext("Nothing was done. Open the page again, look, and press there."), page_before())


def ask_whose() -> Page | None:
    """Before a form that somebody else typed is sent in this person's name: the page that says so. Else None.

    One browser, two people: the form was drawn for one, the other has signed in since. A press on a button alone is
    the act of who presses, and passes.
    """
    if request.method != "POST" or not current_user.is_authenticated or request.endpoint is None:
        return None
    if declared_role(current_app, request.endpoint) == PUBLIC:
        return None
    if request.form.get(TYPED_BY) in {None, current_user.get_id()}:
        return None
    kept = keep()
    return (render_template("accounts/kept.html", kept=kept), 409) if kept else None


def answer_too_large(error: RequestEntityTooLarge) -> Response | Page:
    """More than this site reads. Of people who are not signed in it reads less, so that is said first."""
    role = declared_role(current_app, request.endpoint) if request.endpoint else PUBLIC
    if role == PUBLIC or current_user.is_authenticated:
        return plain_error(error)
    return error_page(
        413,
        gettext("Your session has ended. Sign in in another tab first, then go back in this one and send it again."),
    )


def keep() -> Kept | None:
    """The form of this request; None when there is nothing in it that a person typed, or it is not from our pages."""
    live_part = "HX-Request" in request.headers  # the page around it still holds everything
    if request.method != "POST" or request.mimetype not in FORM_TYPES or live_part or not from_our_page():
        return None
    if request.endpoint is None or request.endpoint in LOOK_AGAIN:
        return None
    given = [(name, value) for name, values in request.form.lists() for value in values]
    if len(given) > MOST_FIELDS:
        return None
    form = form_like(set(request.form))
    shown = shown_words(form, list(request.form.lists()))
    if not shown:
        return None
    typed_by = request.form.get(TYPED_BY)
    another = typed_by not in {None, current_user.get_id()} and current_user.is_authenticated
    author = _colleague(str(typed_by)) if another else None
    foreign = another and author is None
    address = url_for(request.endpoint, **(request.view_args or {}))
    query = request.query_string.decode("ascii", "replace")
    return Kept(
        address=f"{address}?{query}" if query else address,
        fields=[(name, value) for name, value in given if name not in {"csrf_token", AGAIN, TYPED_BY, CONFIRM}],
        shown=shown,
        files=[label(form, name) for name, file in request.files.items() if file.filename],
        encoding=request.mimetype,
        again=AGAIN in request.form,
        author=author.name if author else None,
        foreign=foreign,
        typed_by=current_user.get_id() if current_user.is_authenticated and not foreign else typed_by,
    )


def _colleague(user_id: str) -> Identity | None:
    """The user of this id in the group of who is signed in."""
    if not (user_id.isascii() and user_id.isdecimal() and len(user_id) <= ID_DIGITS):
        return None
    with runtime().db.snapshot() as session:
        found = find_user(session, int(user_id))
    return found if found and found.group_id == current_user.group_id else None


def our_origins() -> set[str]:
    """Scheme and host as browsers name them: the public address, and the host that was asked for."""
    public = urlsplit(runtime().settings.public_base_url)
    return {f"{public.scheme}://{public.netloc}", f"{public.scheme}://{request.host}"}


def from_our_page() -> bool:
    """Whether the browser says that one of our own pages sent this. Other sites cannot make it say so."""
    origin = request.headers.get("Origin")
    return bool(_path_before()) if origin is None else origin in our_origins()


def page_before() -> str:
    """The address of our page on which a button was pressed; home when it is not known."""
    return _path_before() or url_for("home.index")


def _path_before() -> str:
    """The referring page of ours, from its first slash on; empty when there is none."""
    for origin in our_origins():
        before, found, path = (request.referrer or "").partition(f"{origin}/")
        if found and not before:
            return "/" + path.lstrip("/\\")
    return ""
