"""The campaign wizard: a task list, and a page for each thing that a draft needs before it can be launched."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from config import table
from outreach.core.errors import BadInputError, ConflictError, NotFoundError, OutreachError
from outreach.core.plain import plain_template
from outreach.escalations.audience import count_audience
from outreach.escalations.drafts import SECOND_TEXTS, TEXTS, policy_name, spoken_of
from outreach.escalations.occasion import missing
from outreach.escalations.pacing import is_paced
from outreach.escalations.pacing_models import FAST, OFFICE
from outreach.escalations.preview import preview, stops
from outreach.escalations.revisions import ABOUT, AUDIENCE, draft_version, revise_draft
from outreach.escalations.segments import freeze, segments_of
from outreach.escalations.spoken import SPOKEN
from outreach.serving import runtime
from outreach.web.official_words import OUTCOMES
from outreach.web.roles import allow
from outreach.web.tactic_words import fields_for, tactic_name, tone_name
from outreach.web.wizard_forms import AboutForm, AudienceForm, TextForm, options
from outreach.web.wizard_reads import Draft, lists_of, office_words, read_draft, texted_today
from outreach.web.wizard_words import FIELDS, OUT, counting, problem, words

pages = Blueprint("wizard", __name__, url_prefix="/campaigns/<int:campaign_id>/draft")

Page = str | Response | tuple[str, int]
KINDS = ("lists", "segments")
"""What an audience is put together from."""
WRITTEN = (*TEXTS, *SECOND_TEXTS, *SPOKEN)
"""The fields of the page with the texts, which are saved and clash together."""


class Task(NamedTuple):
    """One line of the task list."""

    endpoint: str
    title: str
    note: str
    done: bool
    next: bool = False


def language() -> str:
    """The language of the page: en or es."""
    return str(get_locale().language)


def find_draft(campaign_id: int) -> Draft:
    """A campaign of the person's group; 404 otherwise."""
    try:
        with runtime().db.snapshot() as session:
            return read_draft(session, runtime().vault, current_user.group_id, campaign_id)
    except NotFoundError:
        abort(404)


def tasks_of(draft: Draft) -> list[Task]:
    """What there is to do, and how far each thing is."""
    wrong = stops(draft.previews())
    chosen = ", ".join(draft.chosen)
    phone, no_phone = draft.office_phone, gettext("no phone yet")
    text_note = (
        gettext("Ready to send.") if not wrong else gettext("Things to mend before launch: %(count)s", count=wrong)
    )
    official = draft.values[language()]["official"]
    before = [
        Task("wizard.about", gettext("Meeting, official and office"),
             f"{official}: {phone or no_phone}", bool(phone) or not draft.speaks),
        Task("wizard_tactic.choose", gettext("Tactic"),
             f"{tactic_name(draft.campaign.tactic)}. {tone_name(draft.campaign.tone)}.", done=True),
        *_facts_task(draft),
        Task("wizard.audience", gettext("Audience"), chosen or gettext("No list is chosen yet."), bool(chosen)),
        Task("wizard.text", gettext("Text and script"), text_note, not wrong),
    ]  # fmt: skip
    ready = all(task.done for task in before)
    note = gettext("Everything is there. Read it once more.") if ready else gettext("Waits for the steps above.")
    tasks = [*before, Task("wizard_launch.review", gettext("Review and launch"), note, done=False)]
    first = next(index for index, task in enumerate(tasks) if not task.done)
    return [task._replace(next=index == first) for index, task in enumerate(tasks)]


def _facts_task(draft: Draft) -> list[Task]:
    """What people must know, for a tactic where they must; what is missing, in words."""
    if not table("ladder")["tactics"].get(draft.campaign.tactic, {}).get("fields"):
        return []
    lacks = missing(draft.campaign.tactic, draft.known, runtime().clock.now())
    note = " ".join(words(BadInputError(code)) for code in lacks.values()) or gettext("Everything is there.")
    return [Task("wizard_tactic.facts", gettext("What people need to know"), note, done=not lacks)]


def step_after(endpoint: str, tasks: list[Task]) -> str:
    """Where going on leads from a page: to the next one that is left to do, round to the first, then the review.

    A page where something is left to mend while the others are done is its own next.
    """
    here = [task.endpoint for task in tasks].index(endpoint)
    ahead, behind = tasks[here + 1 : -1], tasks[: here + 1]
    return next((task.endpoint for task in [*ahead, *behind] if not task.done), tasks[-1].endpoint)


def _onward(draft: Draft) -> Response | None:
    """A campaign that is no draft any more is shown, not edited."""
    if request.method == "GET" and draft.campaign.state != "draft":
        return redirect(url_for("campaigns.show", campaign_id=draft.campaign.id), code=303)
    return None


def _save(form: FlaskForm, draft: Draft, fields: tuple[str, ...], **changes: Any) -> Response | None:
    """Write the draft and go on, or back to the list; None when it was refused, with the reason in the form."""
    try:
        with runtime().db.transaction() as tx:
            revise_draft(
                tx, current_user.group_id, draft.campaign.id, version=form.version.data or "", fields=fields, **changes
            )
    except OutreachError as error:
        form.form_errors = [*form.form_errors, words(error)]
        form.clash = isinstance(error, ConflictError)
        return None
    endpoint, action = "wizard.tasks", request.form.get("action")
    if action == "on":
        endpoint = step_after(str(request.endpoint), tasks_of(find_draft(draft.campaign.id)))
    if action == "one":
        flash(gettext("The second text is gone. Everybody gets the first."))
        return redirect(url_for("wizard.text", campaign_id=draft.campaign.id), code=303)
    unmended = endpoint == request.endpoint
    flash(gettext("Saved. Something is left to mend: it is marked below.") if unmended else gettext("Saved."))
    return redirect(url_for(endpoint, campaign_id=draft.campaign.id), code=303)


def _show(template: str, form: FlaskForm, draft: Draft, fields: tuple[str, ...], **more: Any) -> Page:
    """A form's page. After a clash it shows what is saved now beside what was typed, and saves over it next time."""
    clash = getattr(form, "clash", False)
    if clash:
        draft = find_draft(draft.campaign.id)
    if clash or not form.is_submitted():
        form.version.data = draft_version(draft.campaign, fields)
    page = render_template(template, form=form, draft=draft, campaign=draft.campaign, clash=clash, **more)
    return page, 409 if clash else 422 if form.errors else 200


@pages.get("/")
@allow("staff")
def tasks(campaign_id: int) -> Page:
    """What there is to do, and how far it is."""
    draft = find_draft(campaign_id)
    return _onward(draft) or render_template("wizard/tasks.html", draft=draft, tasks=tasks_of(draft), problem=problem)


@pages.route("/about", methods=["GET", "POST"])
@allow("organizer")
def about(campaign_id: int) -> Page:
    """The meeting it follows, the policy it asks for, and the office to call."""
    draft = find_draft(campaign_id)
    if onward := _onward(draft):
        return onward
    form = AboutForm(obj=draft.campaign)
    form.policy.choices = options(
        {policy["number"]: policy_name(policy["number"], language()) for policy in table("policies")["policies"]}
    )
    form.office_id.choices = options({office.id: office_words(office) for office in draft.offices})
    if not draft.speaks:
        form.call_nobody()
    if request.method == "GET" and not draft.campaign.pacing:
        form.pacing.data = OFFICE if is_paced(draft.campaign, draft.office) else FAST
    if form.validate_on_submit():
        changes = {"name": form.name.data, "policy": form.policy.data, "office_id": form.office_id.data}
        if form.pacing.data:
            changes["pacing"] = form.pacing.data
        if saved := _save(form, draft, ABOUT, **changes):
            return saved
    return _show("wizard/about.html", form, draft, ABOUT, outcomes=OUTCOMES)


@pages.route("/audience", methods=["GET", "POST"])
@allow("organizer")
def audience(campaign_id: int) -> Page:
    """Which lists and segments are texted, and who of them is in, out, and why."""
    draft = find_draft(campaign_id)
    if onward := _onward(draft):
        return onward
    held = runtime()
    form = AudienceForm(data={kind: [one.id for one in getattr(draft, kind)] for kind in KINDS})
    with held.db.snapshot() as session:
        lists = lists_of(session, current_user.group_id)
        segments = segments_of(session, held.vault, current_user.group_id)
        texted = texted_today(session, current_user.group_id, held.clock.now())
    names = {one.id: one.name for one in lists}
    form.offer(names, {one.id: one.name for one in segments})
    if request.form.get("action") != "count" and form.validate_on_submit():
        chosen = [names[list_id] for list_id in form.lists.data]
        if saved := _save(form, draft, AUDIENCE, lists=chosen, segments=form.segments.data):
            return saved
    return _show("wizard/audience.html", form, draft, AUDIENCE, lists=lists, segments=segments, texted=texted,
                 **_counted(form.ticked()))  # fmt: skip


@pages.post("/audience/count")
@allow("organizer")
def count(campaign_id: int) -> str:
    """The counts for the ticked lists and segments, for the page's live part."""
    find_draft(campaign_id)
    given = {kind: request.form.getlist(kind) for kind in KINDS}
    ticked = {kind: [int(one) for one in ids if one.isdecimal() and len(one) < 19] for kind, ids in given.items()}
    return render_template("wizard/counts.html", **_counted(ticked))


def _counted(ticked: dict[str, list[int]]) -> dict[str, Any]:
    held = runtime()
    now = held.clock.now()
    with held.db.snapshot() as session:
        chosen = freeze(session, current_user.group_id, ticked, all_there=False)
        found = count_audience(session, current_user.group_id, chosen["lists"], now, chosen.get("trees", ()))
    return {"audience": found, "outside": found.outside_hours(now), "reasons": OUT, "ticked": any(ticked.values())}


@pages.route("/text", methods=["GET", "POST"])
@allow("organizer")
def text(campaign_id: int) -> Page:
    """The texts and scripts in both languages, with a preview."""
    draft = find_draft(campaign_id)
    if onward := _onward(draft):
        return onward
    form = TextForm(obj=draft.campaign)
    form.hear(spoken_of(draft.campaign) if draft.speaks else None)
    form.name_parts(draft.parts)
    action = request.form.get("action", "save")
    if action == "one":  # the second text goes; whatever else was typed is saved with that
        form.text_b_en.data = form.text_b_es.data = ""
    if action.removeprefix("plain-") in WRITTEN:
        field = form[action.removeprefix("plain-")]
        field.data = plain_template(field.data, draft.values[field.name[-2:]])
    elif action in {"save", "on", "one"} and form.validate_on_submit():
        first = {name: form[name].data for name in TEXTS}
        second = {name: form[name].data or None for name in SECOND_TEXTS}
        spoken = {name: form[name].data or None for name in SPOKEN if name in form}
        if saved := _save(form, draft, WRITTEN, **first, **second, **spoken):
            return saved
    fields = fields_for(draft.campaign.tactic, FIELDS)
    return _show("wizard/text.html", form, draft, WRITTEN, merge_fields=fields, **_previewed(form, draft))


@pages.post("/text/preview")
@allow("organizer")
def text_preview(campaign_id: int) -> str:
    """What is typed, as it would look, for the page's live part."""
    draft = find_draft(campaign_id)
    form = TextForm()
    form.hear(spoken_of(draft.campaign) if draft.speaks else None)
    return render_template("wizard/preview.html", **_previewed(form, draft))


def _previewed(form: TextForm, draft: Draft) -> dict[str, Any]:
    shown = preview(form.texts(), draft.values, form.sample.data, draft.campaign.tactic)
    absent = () if form.tries_two else SECOND_TEXTS
    return {
        "previews": shown, "absent": absent, "labels": draft.parts, "language": language(), "words": words,
        "counting": counting,
    }  # fmt: skip
