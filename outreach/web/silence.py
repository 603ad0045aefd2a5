"""Who was not texted by a campaign, and why: a page with a count for each reason, the people, and a file of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import get_locale, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired

from outreach.core.errors import NotFoundError
from outreach.escalations.silence_people import REASON_LENGTH, Silent, export_silence, silent_page
from outreach.escalations.silence_reads import Account, Asked, account, find_wave
from outreach.escalations.silence_words import Words, carrier_words, is_code, words_for
from outreach.serving import runtime
from outreach.web.campaign_words import GROUP_ZONE, moment
from outreach.web.entry_forms import at_most, clean
from outreach.web.people_reads import name_of
from outreach.web.people_words import masked, place
from outreach.web.roles import allow

pages = Blueprint("silence", __name__, url_prefix="/campaigns/<int:campaign_id>/people")

ON_A_PAGE: Final = 50
MOST_PAGES: Final = 100_000


class ExportForm(FlaskForm):  # type: ignore[misc]
    """Why somebody needs the file."""

    because = StringField(
        lazy_gettext("Why you need this file"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Say why you need the file. It is noted.")), at_most(REASON_LENGTH)],
    )


@dataclass(frozen=True, slots=True)
class Page:
    """A page of people who were not texted."""

    people: list[Silent]
    number: int
    more: bool


@pages.get("")
@allow("staff")
def index(campaign_id: int) -> str:
    """The counts, and the people: of one reason where one is chosen."""
    return _shown(campaign_id, ExportForm(formdata=None))


@pages.post("/export")
@allow("organizer", fresh=True)
def export(campaign_id: int) -> Response | tuple[str, int]:
    """The file, once there is a reason for it."""
    form, code = ExportForm(), _chosen_code()
    if not form.validate_on_submit():
        return _shown(campaign_id, form), 422
    try:
        body = export_silence(
            runtime(), current_user.group_id, campaign_id, because=form.because.data, actor=current_user.name,
            language=_language(), number=request.args.get("text", type=int), code=code,
        )  # fmt: skip
    except NotFoundError:
        abort(404)
    answer = Response(body, mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="campaign-{campaign_id}-without-text.csv"'
    return answer


def words_of(code: str) -> Words:
    """A reason's words in the person's language."""
    return words_for(code, _language())


def carrier_words_of(code: int) -> tuple[str, str]:
    """A code of the carrier's in the person's language: what it means, and what can be done."""
    return carrier_words(code, _language())


def _language() -> str:
    return str(get_locale().language)


def _chosen_code() -> str | None:
    code = request.args.get("reason") or None
    if code is not None and not is_code(code):
        abort(404)
    return code


def _shown(campaign_id: int, form: ExportForm) -> str:
    held, code = runtime(), _chosen_code()
    now = held.clock.now()
    number = min(max(request.args.get("page", 1, type=int), 1), MOST_PAGES)
    try:
        with held.db.snapshot() as session:
            asked = find_wave(session, current_user.group_id, campaign_id, request.args.get("text", type=int))
            found = account(session, asked, now)
            first = (number - 1) * ON_A_PAGE
            some = silent_page(session, held.vault, asked, found, now, code, first, ON_A_PAGE + 1)
    except NotFoundError:
        abort(404)
    return render_template(
        "campaigns/people.html", form=form, asked=asked, found=found, code=code,
        page=Page(some[:ON_A_PAGE], number, len(some) > ON_A_PAGE), **_in_words(asked, found, code, now),
    )  # fmt: skip


def _in_words(asked: Asked, found: Account, code: str | None, now: Any) -> dict[str, Any]:
    reasons = found.reasons()
    chosen = next((one.people for one in reasons if one.code == code), 0)
    return {
        "reasons": reasons,
        "shown": found.people - found.reached if code is None else chosen,
        "words": words_of,
        "name_of": name_of,
        "masked": masked,
        "when": lambda at: moment(at, now),
        "here": place(GROUP_ZONE),
        "kept": {"text": asked.number if len(asked.numbers) > 1 else None, "reason": code},
    }
