"""Text them again: a further wave of a launched campaign, to those who are silent or to those who have answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from outreach.accounts.safety import needs_two
from outreach.approvals.asking import ask_wave
from outreach.core.errors import NotFoundError, OutreachError
from outreach.core.plain import plain_template
from outreach.escalations.audience import Audience, count_wave, in_wave
from outreach.escalations.drafts import LANGUAGES, get_campaign, text_values
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.preview import preview, stops
from outreach.escalations.reckoning import reckon
from outreach.escalations.waves import SILENT, WHO, audience_after, check_wave, launch_wave, waves_of
from outreach.escalations.wording import again_text
from outreach.messaging.models import Gate
from outreach.serving import runtime
from outreach.web.approval_words import ASKED, safety_error
from outreach.web.approvals import actor
from outreach.web.roles import allow
from outreach.web.wizard_forms import WaveForm, refuse
from outreach.web.wizard_words import PARTS, counting, words

pages = Blueprint("waves", __name__, url_prefix="/campaigns/<int:campaign_id>/again")

Page = str | Response | tuple[str, int]
TEXTS = ("text_en", "text_es")
CHOICES = {
    "silent": lazy_gettext("Who has not answered"),
    "replied": lazy_gettext("Who has answered"),
}


@dataclass(frozen=True, slots=True)
class Again:
    """A campaign before a further wave. ``refused``: why there can be none now."""

    campaign: Campaign
    values: dict[str, dict[str, str]]
    earlier: Sequence[Wave]
    refused: str | None
    two: bool  # whether a second person has to approve it

    @property
    def number(self) -> int:
        """That of the wave that it would be."""
        return self.earlier[-1].number + 1

    def people(self, who: str) -> Audience:
        """Who would get it now."""
        held = runtime()
        with held.db.snapshot() as session:
            audience = audience_after(self.earlier, who)
            return count_wave(session, self.campaign.group_id, audience, held.clock.now())


def find(campaign_id: int) -> Again:
    """A campaign of the person's group that was launched, as it stands now; 404 for any other."""
    held, refused = runtime(), None
    with held.db.snapshot() as session:
        try:
            campaign = get_campaign(session, current_user.group_id, campaign_id)
        except NotFoundError:
            abort(404)
        earlier = waves_of(session, campaign.id)
        if not earlier:
            abort(404)
        try:
            check_wave(session, campaign, held.clock.now())
        except OutreachError as error:
            refused = words(error)
        stopped = select(Gate.id).where(Gate.id.in_([wave.gate_id for wave in earlier]), Gate.state == "paused")
        if refused is None and session.execute(stopped).first():
            refused = str(gettext("This campaign is paused. Resume it, or cancel it, before you text people again."))
        two = needs_two(session, current_user.group_id)
        return Again(campaign, text_values(session, campaign), earlier, refused, two)


@pages.route("/", methods=["GET", "POST"])
@allow("organizer")
def write(campaign_id: int) -> Page:
    """Choose who, write the texts, look at them. A POST shows what was typed, and does nothing."""
    again = find(campaign_id)
    who = _who(request.values.get("who"))
    if request.method == "GET":
        drafted = {f"text_{one}": again_text(again.campaign.tactic, who, one) for one in LANGUAGES}
        begun = {"who": who, "number": str(again.number), **drafted}
        return _show(again, WaveForm(formdata=None, data=begun))
    form = WaveForm()
    named = request.form.get("action", "").removeprefix("plain-")
    if named in TEXTS:
        form[named].data = plain_template(form[named].data or "", again.values[named[-2:]])
    return _show(again, form)


@pages.post("/preview")
@allow("organizer")
def look(campaign_id: int) -> str:
    """What is typed, as it would look, for the page's live part."""
    return render_template("wizard/preview.html", absent=(), **_previewed(find(campaign_id), WaveForm()))


@pages.post("/cost")
@allow("organizer")
def cost(campaign_id: int) -> str:
    """What it would cost, for the page's live part: looked up when a text is left, not at every letter."""
    again, form = find(campaign_id), WaveForm()
    people = again.people(_who(form.who.data))
    return render_template("campaigns/again_cost.html", campaign=again.campaign, **_reckoned(again, form, people))


@pages.post("/launch")
@allow("organizer", fresh=True)
def launch(campaign_id: int) -> Page:
    """Text them, for whoever typed how many people that is. Sent twice, it texts once."""
    again, form = find(campaign_id), WaveForm()
    if form.number.data != str(again.number):
        return _texted_already(campaign_id)
    if again.refused is None and form.validate_on_submit():
        refused = _count_refused(again, form) or _launch(again, form)
        if refused is None:
            after = "approvals.show" if again.two else "campaigns.show"
            return redirect(url_for(after, campaign_id=campaign_id), code=303)
        if find(campaign_id).number != again.number:
            return _texted_already(campaign_id)  # somebody pressed at the same moment
        refuse(form.count, refused)
    return _show(find(campaign_id), form, 422)


def _texted_already(campaign_id: int) -> Response:
    flash(gettext("Meanwhile these people were texted again. Your form was not sent, so nobody gets two."))
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), code=303)


def _count_refused(again: Again, form: WaveForm) -> str | None:
    """Why the typed number does not launch; None when it is the number of people as of now."""
    typed, people = form.typed(), again.people(_who(form.who.data)).people
    if typed is None:
        return str(gettext("Type the number in digits, for example 250."))
    if not people:
        return str(gettext("Nobody would get this text now."))
    if typed != people:
        told = gettext("You typed %(typed)s, but %(people)s people will get this text. Nothing was launched.")
        return str(told) % {"typed": f"{typed:,}", "people": f"{people:,}"}
    if stops(preview(_typed(form), again.values, tactic=again.campaign.tactic)):
        return str(gettext("The texts still have something to mend. It is marked above."))
    return None


def _launch(again: Again, form: WaveForm) -> str | None:
    held = runtime()
    texts = {language: form[f"text_{language}"].data for language in LANGUAGES}
    try:
        with held.db.transaction(durable=True) as tx:
            who = _who(form.who.data)
            if again.two:
                ask_wave(tx, held, actor(), again.campaign.id, audience=who, texts=texts)
            else:
                launch_wave(tx, held, current_user.group_id, again.campaign.id, who=who, texts=texts)
    except OutreachError as error:
        return safety_error(error)
    if again.two:
        flash(str(ASKED))
        return None
    flash(gettext("Launched. The texts leave as soon as each person may have one."))
    return None


def _who(given: str | None) -> str:
    return given if given in WHO else SILENT


def _typed(form: WaveForm) -> dict[str, str]:
    return {name: form[name].data or "" for name in TEXTS}


def _show(again: Again, form: WaveForm, status: int = 200) -> Page:
    """The page; where there can be no further wave it only says why."""
    if again.refused:
        return render_template("campaigns/again.html", campaign=again.campaign, refused=again.refused), status
    form.number.data, who = str(again.number), _who(form.who.data)
    people = {one: again.people(one) for one in WHO}
    page = render_template(
        "campaigns/again.html", campaign=again.campaign, form=form, two=again.two, who=who, choices=CHOICES,
        people=people,
        **_previewed(again, form), **_reckoned(again, form, people[who]),
    )  # fmt: skip
    return page, status


def _previewed(again: Again, form: WaveForm) -> dict[str, Any]:
    return {
        "previews": preview(_typed(form), again.values, form.sample.data, again.campaign.tactic),
        "labels": PARTS,
        "language": str(get_locale().language),
        "words": words,
        "counting": counting,
    }


def _reckoned(again: Again, form: WaveForm, people: Audience) -> dict[str, Any]:
    held = runtime()
    audience = audience_after(again.earlier, _who(form.who.data))
    texts = {language: form[f"text_{language}"].data or "" for language in LANGUAGES}
    with held.db.snapshot() as session:
        who = in_wave(again.campaign.group_id, audience, held.clock.now())
        return {"audience": people, "expected": reckon(session, held, people, who, texts, again.values)}
