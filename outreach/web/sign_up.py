"""The public page on which somebody asks for a group's texts. No login, and nothing here says whose number is whose."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import force_locale, get_locale, gettext, lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import DataRequired, Optional, Regexp

from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.messaging.sign_up_watch import is_closed
from outreach.messaging.sign_ups import NAME_LENGTH, Filled, ask_to_join
from outreach.people.caps import PER_WEEK
from outreach.serving import runtime
from outreach.web.entry_forms import at_most, clean
from outreach.web.i18n import LANGUAGES
from outreach.web.people_words import ROW_ERRORS
from outreach.web.public_limits import address, may_look
from outreach.web.roles import PUBLIC, allow
from outreach.web.sign_up_address import SignUpPage, find_page, may_join_by_text, our_number

pages = Blueprint("sign_up", __name__, url_prefix="/join")

FORM_BYTES: Final = 16 * 1024
PHONE_LENGTH: Final = 40
ZIP: Final = re.compile(r"[0-9]{5}(-?[0-9]{4})?", re.ASCII)


class SignUpForm(FlaskForm):  # type: ignore[misc]
    """Who wants texts. ``language``: the one in which the page was drawn, so that the ledger quotes what was read."""

    first_name = StringField(
        lazy_gettext("First name"), filters=[clean],
        validators=[DataRequired(lazy_gettext("Please tell us your first name.")), at_most(NAME_LENGTH)],
        render_kw={"autocomplete": "given-name"},
    )  # fmt: skip
    phone = StringField(
        lazy_gettext("Cell phone number"), filters=[clean],
        validators=[DataRequired(lazy_gettext("Please type your cell phone number.")), at_most(PHONE_LENGTH)],
        render_kw={"type": "tel", "autocomplete": "tel", "inputmode": "tel"},
    )  # fmt: skip
    zip = StringField(
        lazy_gettext("ZIP code (if you like)"), filters=[clean],
        validators=[Optional(), Regexp(ZIP, message=lazy_gettext("A ZIP code has five digits, such as 85004."))],
        render_kw={"autocomplete": "postal-code", "inputmode": "numeric"},
    )  # fmt: skip
    agree = BooleanField(validators=[DataRequired(lazy_gettext("Please tick the box if you want our texts."))])
    language = HiddenField()

    def drawn_for(self, page: SignUpPage) -> SignUpForm:
        """Put the words beside the box, in the language of this page."""
        self.agree.label.text = wording(page.group, str(get_locale().language))
        self.language.data = str(get_locale().language)
        return self


def wording(group: str, language: str) -> str:
    """What somebody agrees to, word for word as the ledger keeps it."""
    with force_locale(language):
        return str(
            gettext(
                "I agree to get texts from %(group)s, a group of volunteers, about calling public officials: at most "
                "%(count)s a week. Message and data rates may apply. To end them I text STOP at any time; HELP gets "
                "help. Nobody has to agree to this to get anything else.",
                group=group, count=PER_WEEK,
            )
        )  # fmt: skip


@pages.url_value_preprocessor
def take_little(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Strangers send a form of four lines, so no more is read. Here, because the check for CSRF reads the form next."""
    request.max_content_length = FORM_BYTES


@pages.get("/<slug>")
@allow(PUBLIC)
def show(slug: str) -> str | tuple[str, int]:
    """The form."""
    if not may_look():
        return _too_many()
    page = _page(slug)
    with runtime().db.snapshot() as session:
        closed = is_closed(session, page.group_id)
    return _by_text(page) if closed else _drawn(page, SignUpForm(formdata=None))


@pages.post("/<slug>")
@allow(PUBLIC)
def ask(slug: str) -> tuple[str, int] | Response:
    """Ask the number by text. Whatever the number is, the answer is the same page."""
    if not may_look():  # forms that are refused are counted nowhere else
        return _too_many()
    page, form = _page(slug), SignUpForm()
    if not form.validate_on_submit():
        return _drawn(page, form), 422
    language = form.language.data if form.language.data in LANGUAGES else str(get_locale().language)
    filled = Filled(
        form.phone.data, form.first_name.data, form.zip.data[:5] or None, language, wording(page.group, language)
    )
    try:
        ask_to_join(runtime(), page.group_id, filled, address())
    except BadInputError as error:
        form.phone.errors = [ROW_ERRORS.get(error.code, ROW_ERRORS["not_a_number"])]
        return _drawn(page, form), 422
    except ConflictError as error:
        if error.code == "sign_ups_by_text":
            return _by_text(page), 429
        form.form_errors.append(gettext("Too many people used this page just now. Please try again in an hour."))
        return _drawn(page, form), 429
    except NotFoundError:
        abort(404)
    return redirect(url_for("sign_up.sent", slug=page.slug), code=303)


@pages.get("/<slug>/sent")
@allow(PUBLIC)
def sent(slug: str) -> str | tuple[str, int]:
    """What happens next; the same for everybody."""
    if not may_look():
        return _too_many()
    return render_template("sign_up/sent.html", page=_page(slug), number=our_number())


def _page(slug: str) -> SignUpPage:
    with runtime().db.snapshot() as session:
        found = find_page(session, slug)
    if found is None:
        abort(404, gettext("There is no sign-up page at this address. Please look at the poster again."))
    return found


def _drawn(page: SignUpPage, form: SignUpForm) -> str:
    return render_template("sign_up/show.html", page=page, form=form.drawn_for(page), number=our_number())


def _by_text(page: SignUpPage) -> str:
    """No form for now: whoever texts JOIN shows by it that the number is theirs."""
    with runtime().db.snapshot() as session:
        number = our_number() if may_join_by_text(session) else None
    return render_template("sign_up/by_text.html", page=page, number=number)


def _too_many() -> tuple[str, int]:
    words = gettext("This page was asked for too often from where you are. Please wait a minute.")
    return render_template("sign_up/too_many.html", words=words), 429
