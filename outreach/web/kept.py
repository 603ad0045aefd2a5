"""What somebody typed when their session had ended: shown to them, and sent again when they press a button for it.

Every form of the site is covered without knowing of it. The answer to a refused form is a page with its fields, a
token of the present session, and the form's own address: it is the same form again. Somebody who has signed in
meanwhile (in another tab: both share the cookie) is through by pressing it; anybody else gets this page once more.

Nothing is stored and nothing is done here, and what other sites send is never shown: a person must not be led to press
a button under words that somebody else chose. The check is the browser's own statement of where a form came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask import Response, current_app, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import RequestEntityTooLarge
from wtforms import Field

from outreach.serving import runtime
from outreach.web.roles import PUBLIC, RANKS, declared_role
from outreach.web.security import Page, error_page, plain_error

LOOK_AGAIN: Final = frozenset(
    {"wizard_launch.launch", "wizard_launch.test_text", "review.decide", "inbox.decide", "inbox.claim", "inbox.correct"}
)
"""What decides about texts is never offered again from here: its own page shows what is so, as of now."""
AGAIN: Final = "kept_again"
"""The field by which we know this page's own form."""
NOT_TYPED: Final = frozenset({"csrf_token", "version", "once", "opened", "action", AGAIN})
"""Fields that pages fill in themselves: sent again, but nothing to read."""
FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Kept:
    """A form as it came. ``fields`` go back as they are; ``shown`` is what a person typed or chose, with labels."""

    address: str
    fields: list[tuple[str, str]]
    shown: list[tuple[str, str]]
    files: list[str]
    encoding: str
    again: bool


def ask_to_sign_in() -> Response:
    """What somebody without a session gets: how to sign in, with what they typed if they typed anything."""
    kept = keep()
    if kept:
        return make_response(render_template("accounts/kept.html", kept=kept), 401)
    pressed = request.method == "POST" and from_our_page()
    return make_response(render_template("accounts/sign_in.html", pressed=pressed, back=page_before()), 401)


def answer_stale(error: CSRFError) -> Response | Page:
    """A form without a token of this session: the session is new, or the form is not ours."""
    role = declared_role(current_app, request.endpoint) if request.endpoint else PUBLIC
    if role == PUBLIC:
        return error_page(400)
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    if role is None or RANKS.get(current_user.role, 0) < RANKS[role]:
        return error_page(403)
    kept = keep()
    if kept:
        return render_template("accounts/kept.html", kept=kept), 400
    if not from_our_page():
        return error_page(400)
    return error_page(400, gettext("Nothing was done. Open the page again, look, and press there."), page_before())


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
    form = form_like(set(request.form))
    shown = [(label(form, name), spoken) for name, value in given if (spoken := in_words(form, name, value))]
    if not shown:
        return None
    address = url_for(request.endpoint, **(request.view_args or {}))
    query = request.query_string.decode("ascii", "replace")
    return Kept(
        address=f"{address}?{query}" if query else address,
        fields=[(name, value) for name, value in given if name not in {"csrf_token", AGAIN}],
        shown=shown,
        files=[label(form, name) for name, file in request.files.items() if file.filename],
        encoding=request.mimetype,
        again=AGAIN in request.form,
    )


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


def forms(base: type[FlaskForm] = FlaskForm) -> Iterator[type[FlaskForm]]:
    """Every form class of the site."""
    for one in base.__subclasses__():
        if one.__module__.startswith("outreach."):
            yield one
        yield from forms(one)


def form_like(names: set[str]) -> FlaskForm | None:
    """The site's form, empty, that has most of these fields: it knows their labels."""
    candidates = [form(formdata=None, meta={"csrf": False}) for form in forms()]
    fitting = [(len(names & set(form.data)), -len(form.data), index) for index, form in enumerate(candidates)]
    shared, _, best = max(fitting, default=(0, 0, 0))
    return candidates[best] if shared else None


def _field(form: FlaskForm | None, name: str) -> Field | None:
    return form[name] if form is not None and name in form else None


def label(form: FlaskForm | None, name: str) -> str:
    """What the person read beside the field."""
    field = _field(form, name)
    return str(field.label.text) if field is not None else name.replace("_", " ").capitalize()


def in_words(form: FlaskForm | None, name: str, value: str) -> str:
    """What was typed, or the words of what was chosen; empty when the field says nothing that the page did not."""
    field = _field(form, name)
    if name in NOT_TYPED or not value.strip():
        return ""
    if field is None:
        return value
    if field.type in {"HiddenField", "CSRFTokenField"} or (field.default is not None and value == str(field.default)):
        return ""
    if field.type == "BooleanField":
        return str(gettext("yes"))
    choices = getattr(field, "choices", None) or ()
    return next((str(words) for one, words, *_ in choices if str(one) == value), value)
