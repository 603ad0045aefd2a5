"""The wizard's step of the tactic: what is suggested and why, which one is taken, and what people must know for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from config import table
from outreach.core.errors import ConflictError, NotFoundError, OutreachError
from outreach.escalations.choosing import CHOICE, OCCASION, bring_back, choose_tactic, own_words, set_occasion
from outreach.escalations.ladder import suggest
from outreach.escalations.ladder_facts import coming_occasion, facts_for
from outreach.escalations.occasion import missing
from outreach.escalations.revisions import draft_version
from outreach.escalations.wording import tone_of
from outreach.serving import runtime
from outreach.web.campaign_words import moment
from outreach.web.official_words import policies
from outreach.web.roles import allow
from outreach.web.tactic_forms import ChoiceForm, OccasionForm, shown
from outreach.web.tactic_words import reason_words, tactic_line, tactic_name
from outreach.web.wizard import Page, find_draft, step_after, tasks_of
from outreach.web.wizard_forms import refuse
from outreach.web.wizard_reads import Draft
from outreach.web.wizard_words import words

pages = Blueprint("wizard_tactic", __name__, url_prefix="/campaigns/<int:campaign_id>/draft/tactic")

EDITED = ("replace", "keep")


@pages.route("/", methods=["GET", "POST"])
@allow("organizer")
def choose(campaign_id: int) -> Page:
    """Suggestions with their reasons, every tactic with a line about it, and the tone."""
    draft = find_draft(campaign_id)
    if request.method == "GET" and draft.campaign.state != "draft":
        return _shown(campaign_id)
    form = ChoiceForm(data={"tactic": draft.campaign.tactic, "tone": tone_of(draft.campaign.tone)})
    form.offer()
    status = 200
    if form.validate_on_submit():
        try:
            _take(draft, form)
        except OutreachError as error:
            status = _refuse(form, error)
        else:
            return _onward(campaign_id)
    return _choices(find_draft(campaign_id) if status == 409 else draft, form, 422 if form.errors else 200, status)


def _take(draft: Draft, form: ChoiceForm) -> None:
    held = runtime()
    edited: Any = form.edited.data if form.edited.data in EDITED else "ask"
    with held.db.transaction() as tx:
        choose_tactic(
            tx, held, current_user.group_id, draft.campaign.id, tactic=form.tactic.data, tone=form.tone.data,
            by=current_user.name, edited=edited, version=form.version.data or "",
        )  # fmt: skip


def _refuse(form: ChoiceForm, error: OutreachError) -> int:
    """Put a reason where it belongs; the status that tells it."""
    if error.code == "words_edited":
        refuse(form.edited, words(error))
        return 422
    form.form_errors = [*form.form_errors, words(error)]
    return 409 if isinstance(error, ConflictError) else 422


def _onward(campaign_id: int) -> Response:
    draft = find_draft(campaign_id)
    tasks = tasks_of(draft)
    endpoint = "wizard.tasks"
    if request.form.get("action") == "on":
        asks = "wizard_tactic.facts" in {task.endpoint for task in tasks}
        endpoint = "wizard_tactic.facts" if asks else step_after("wizard_tactic.choose", tasks)
    flash(gettext("Saved."))
    return redirect(url_for(endpoint, campaign_id=campaign_id), code=303)


def _choices(draft: Draft, form: ChoiceForm, invalid: int, status: int) -> Page:
    held = runtime()
    now, campaign = held.clock.now(), draft.campaign
    with held.db.snapshot() as session:
        rests_on = facts_for(session, campaign.group_id, draft.official, draft.meeting.outcome, now)
    suggested = suggest(rests_on, now)
    reasons = {one.tactic: [reason_words(reason) for reason in one.reasons] for one in suggested}
    if status == 409 or not form.is_submitted():
        form.version.data = draft_version(campaign, CHOICE)
    page = render_template(
        "wizard/tactic.html", form=form, draft=draft, campaign=campaign, clash=status == 409, reasons=reasons,
        ranked=[*reasons, *(choice.value for choice in form.tactic.choices if choice.value not in reasons)],
        best=suggested[0], line=tactic_line, name=tactic_name, own=own_words(campaign, draft.meeting.outcome),
        kept=_kept(campaign, now), parts=draft.parts, hostility=rests_on.hostility,
        policy=next((one for one in policies() if one.number == campaign.policy), None),
    )  # fmt: skip
    return page, status if status != 200 else invalid


def _kept(campaign: Any, now: datetime) -> list[dict[str, Any]]:
    """Words that were replaced, newest first, each with its place."""
    found = [
        {**one, "number": number, "when": moment(datetime.fromisoformat(one["at"]), now)}
        for number, one in enumerate(campaign.kept_words or ())
    ]
    return found[::-1]


@pages.post("/words/<int:number>")
@allow("organizer")
def put_back(campaign_id: int, number: int) -> Page:
    """Put words back that another tactic took the place of."""
    draft, held = find_draft(campaign_id), runtime()
    try:
        with held.db.transaction() as tx:
            bring_back(
                tx, held, current_user.group_id, campaign_id, number, by=current_user.name,
                version=request.form.get("version", ""),
            )  # fmt: skip
    except (ConflictError, NotFoundError) as error:
        form = ChoiceForm(formdata=None, data={"tactic": draft.campaign.tactic, "tone": tone_of(draft.campaign.tone)})
        form.offer()
        form.form_errors = [words(error)]
        return _choices(find_draft(campaign_id), form, 422, 409)
    flash(gettext("The words are back."))
    return redirect(url_for("wizard_tactic.choose", campaign_id=campaign_id), code=303)


@pages.route("/facts", methods=["GET", "POST"])
@allow("organizer")
def facts(campaign_id: int) -> Page:
    """What people must know to take part, as the tactic asks."""
    draft = find_draft(campaign_id)
    if request.method == "GET" and draft.campaign.state != "draft":
        return _shown(campaign_id)
    if request.method == "GET" and not table("ladder")["tactics"].get(draft.campaign.tactic, {}).get("fields"):
        return redirect(url_for("wizard_tactic.choose", campaign_id=campaign_id), code=303)
    borrowed = _borrowed(draft)
    form = OccasionForm(data=shown({**borrowed, **draft.known}))
    form.ask(draft.campaign.tactic)
    status = 200
    if form.validate_on_submit():
        try:
            _note(draft, form)
        except OutreachError as error:
            status = _refuse_field(form, error)
        else:
            return _facts_saved(campaign_id)
    elif request.method == "GET" and (draft.campaign.occasion or draft.campaign.launch_problem or request.args):
        _mark(form, draft)
    if status == 409:
        draft = find_draft(campaign_id)
    if status == 409 or not form.is_submitted():
        form.version.data = draft_version(draft.campaign, OCCASION)
    page = render_template(
        "wizard/facts.html", form=form, draft=draft, campaign=draft.campaign, clash=status == 409, line=tactic_line,
        name=tactic_name, saved=shown(draft.known), borrowed=bool(borrowed),
    )  # fmt: skip
    return page, status if status != 200 else 422 if form.errors and form.is_submitted() else 200


def _borrowed(draft: Draft) -> dict[str, Any]:
    """What another campaign knows of the event that is next there, for a draft that knows nothing yet."""
    if draft.campaign.occasion:
        return {}
    held = runtime()
    with held.db.snapshot() as session:
        return coming_occasion(session, draft.campaign, held.clock.now())


def _note(draft: Draft, form: OccasionForm) -> None:
    held = runtime()
    with held.db.transaction() as tx:
        set_occasion(
            tx, held, current_user.group_id, draft.campaign.id, form.given(held.clock.now()),
            version=form.version.data or "",
        )  # fmt: skip


def _refuse_field(form: OccasionForm, error: OutreachError) -> int:
    field = str(error.details.get("field", ""))
    if field in form:
        refuse(form[field], words(error))
        return 422
    form.form_errors = [*form.form_errors, words(error)]
    return 409 if isinstance(error, ConflictError) else 422


def _mark(form: OccasionForm, draft: Draft) -> None:
    """Say at each field what keeps the campaign from being launched."""
    for field, code in missing(draft.campaign.tactic, draft.known, runtime().clock.now()).items():
        if field in form:
            refuse(form[field], words(ConflictError(code)))


def _facts_saved(campaign_id: int) -> Response:
    draft = find_draft(campaign_id)
    if request.form.get("action") != "on":
        flash(gettext("Saved."))
        return redirect(url_for("wizard.tasks", campaign_id=campaign_id), code=303)
    endpoint = step_after("wizard_tactic.facts", tasks_of(draft))
    again = endpoint == "wizard_tactic.facts"
    flash(gettext("Saved. Something is left to mend: it is marked below.") if again else gettext("Saved."))
    return redirect(url_for(endpoint, campaign_id=campaign_id, mend=1 if again else None), code=303)


def _shown(campaign_id: int) -> Response:
    """A campaign that is no draft any more is shown, not edited."""
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), code=303)
