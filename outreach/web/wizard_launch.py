"""The wizard's last page: everything at a glance, a test by text or call to one's own phone, and the launch."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.accounts.safety import needs_two
from outreach.approvals.asking import ask_launch, ask_schedule
from outreach.calls.pacing import check_pace, paced_of
from outreach.calls.testcall import place_test_call
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, OutreachError
from outreach.core.phone import check_phone
from outreach.escalations.audience import count_draft
from outreach.escalations.drafts import text_values
from outreach.escalations.launch import second_texts_of, texts_of
from outreach.escalations.pacing import last_minutes
from outreach.escalations.preview import SAMPLES
from outreach.escalations.reckoning import expect
from outreach.escalations.revisions import EVERYTHING, draft_version, launch_draft, lock_draft, schedule_draft
from outreach.messaging.render import render
from outreach.messaging.testtext import PER_DAY, send_test_text
from outreach.serving import runtime
from outreach.web.approval_words import ASKED, safety_error
from outreach.web.approvals import actor, shown
from outreach.web.campaign_words import GROUP_ZONE, moment
from outreach.web.people_words import place
from outreach.web.phones import NUMBER, take_in_hand
from outreach.web.roles import allow
from outreach.web.wizard import Page, find_draft, language, tasks_of
from outreach.web.wizard_forms import LaunchForm, ScheduleForm, TestCallForm, TestTextForm, refuse
from outreach.web.wizard_reads import Draft
from outreach.web.wizard_words import OUT, counting, problem, words

pages = Blueprint("wizard_launch", __name__, url_prefix="/campaigns/<int:campaign_id>/draft")


@pages.get("/review")
@allow("staff")
def review(campaign_id: int) -> Page:
    """Everything on one page."""
    draft = find_draft(campaign_id)
    if draft.campaign.state != "draft":
        return _already(draft)
    return _review(draft)


def _already(draft: Draft) -> Response:
    """Where a draft that was launched, or thrown away, is found."""
    return redirect(url_for("campaigns.show", campaign_id=draft.campaign.id), code=303)


def _review(
    draft: Draft,
    tested: TestTextForm | None = None,
    launched: LaunchForm | None = None,
    later: ScheduleForm | None = None,
    called: TestCallForm | None = None,
) -> Page:
    held = runtime()
    now = held.clock.now()
    with held.db.snapshot() as session:
        paced = paced_of(session, draft.campaign)
        asked = shown(session, draft.campaign, draft.campaign.id)
        two = needs_two(session, current_user.group_id)
        audience, expected = expect(session, held, draft.campaign, paced)
    tried = tested or TestTextForm(formdata=None)
    calling = called or TestCallForm(formdata=None)
    launching = launched or LaunchForm(formdata=None)
    scheduling = later or ScheduleForm(formdata=None, data=tomorrow(now))
    for test in (tried, calling):
        if not test.errors:
            test.once.data = secrets.token_hex(16)
    page = render_template(
        "wizard/review.html",
        draft=draft, campaign=draft.campaign, tested=tried, calling=calling, launching=launching, scheduling=scheduling,
        tasks=tasks_of(draft), draft_version=draft_version(draft.campaign, EVERYTHING), audience=audience,
        outside=audience.outside_hours(now),
        expected=expected, paced=paced, last_minutes=last_minutes(),
        lasts=expected.finish_at - now if expected.finish_at else None,
        previews=draft.previews(), labels=draft.parts, reasons=OUT, language=language(), words=words, counting=counting,
        problem=problem, per_day=PER_DAY, here=place(GROUP_ZONE),
        may_call=draft.speaks and held.settings.twilio_from_number is not None,
        last_leaves=moment(expected.finish_at, now) if expected.finish_at else None, asked=asked, two=two,
    )  # fmt: skip
    wrong = any(form.errors for form in (tried, calling, launching, scheduling))
    return page, 422 if wrong else 200


@pages.post("/test")
@allow("organizer")
def test_text(campaign_id: int) -> Page:
    """Text me first: exactly this text, to one number, before anybody else gets it."""
    draft = find_draft(campaign_id)
    if draft.campaign.state != "draft":
        return _already(draft)
    form = TestTextForm()
    if not form.validate_on_submit():
        return _review(draft, tested=form)
    try:
        sent = _send_test(draft, form)
    except OutreachError as error:
        refuse(form.phone, words(error))
        return _review(find_draft(campaign_id), tested=form)
    flash(gettext("The text is on its way to your phone.") if sent else gettext("This text was sent to you already."))
    return redirect(url_for("wizard_launch.review", campaign_id=campaign_id, _anchor="test"), code=303)


def _send_test(draft: Draft, form: TestTextForm) -> bool:
    held = runtime()
    with held.db.transaction() as tx:
        campaign = lock_draft(tx, current_user.group_id, draft.campaign.id)
        if draft_version(campaign, EVERYTHING) != form.version.data:
            raise ConflictError("draft_changed")
        spoken = form.language.data
        first, second = texts_of(campaign), second_texts_of(campaign)
        template = second.get(spoken) if form.variant.data == "b" else None
        body = render(template or first[spoken], text_values(tx, campaign)[spoken], SAMPLES["known"], spoken)
        return send_test_text(
            tx, held, group_id=current_user.group_id, phone=form.phone.data, body=body, language=spoken,
            once=form.once.data,
        )  # fmt: skip


@pages.post("/test-call")
@allow("organizer")
def test_call(campaign_id: int) -> Page:
    """Call me first: what callers will hear, before any of them does. No office is dialled."""
    draft = find_draft(campaign_id)
    if draft.campaign.state != "draft":
        return _already(draft)
    form = TestCallForm()
    if not form.validate_on_submit():
        return _review(draft, called=form)
    simulated = _simulated_phone(form.phone.data)
    if simulated:
        take_in_hand(simulated)  # before it rings: nobody simulated is to pick it up
    try:
        number = _call_test(draft, form)
    except OutreachError as error:
        refuse(form.phone, words(error))
        return _review(find_draft(campaign_id), called=form)
    flash(gettext("We are calling the phone.") if number else gettext("This call was asked for already."))
    if number and simulated:
        return redirect(url_for("phones.show", number=simulated, campaign=campaign_id), code=303)
    return redirect(url_for("wizard_launch.review", campaign_id=campaign_id, _anchor="call"), code=303)


def _simulated_phone(typed: str) -> str | None:
    """The phone of a rehearsal that will ring; None where there is none."""
    number = check_phone(typed).e164
    return number if number and runtime().settings.mode == "rehearsal" and NUMBER.fullmatch(number) else None


def _call_test(draft: Draft, form: TestCallForm) -> str | None:
    held = runtime()
    with held.db.transaction() as tx:
        campaign = lock_draft(tx, current_user.group_id, draft.campaign.id)
        if draft_version(campaign, EVERYTHING) != form.version.data:
            raise ConflictError("draft_changed")
        return place_test_call(
            tx, held, campaign, phone=form.phone.data, language=form.language.data, once=form.once.data
        )


@pages.post("/launch")
@allow("organizer", fresh=True)
def launch(campaign_id: int) -> Page:
    """Launch, for whoever typed how many people that is. Sent twice, it launches once."""
    draft = find_draft(campaign_id)
    if draft.campaign.state != "draft":
        return _too_late(draft)
    form = LaunchForm()
    if form.validate_on_submit():
        refused = _count_refused(draft, form)
        if refused is None and _needs_two():
            refused = _ask(lambda tx: ask_launch(tx, runtime(), actor(), campaign_id, version=form.version.data or ""))
            if refused is None:
                return redirect(url_for("approvals.show", campaign_id=campaign_id), code=303)
        refused = refused or _launch(draft, form)
        if refused is None:
            return redirect(url_for("campaigns.show", campaign_id=campaign_id), code=303)
        refuse(form.count, refused)
    return _review(find_draft(campaign_id), launched=form)


@pages.post("/schedule")
@allow("organizer", fresh=True)
def schedule(campaign_id: int) -> Page:
    """Let it launch by itself at a time. Sent twice, it is set once; who has launched it meanwhile is not undone."""
    draft = find_draft(campaign_id)
    if draft.campaign.state != "draft":
        return _too_late(draft)
    form = ScheduleForm()
    if form.validate_on_submit():
        refused = _count_refused(draft, form)
        if refused is not None:
            refuse(form.count, refused)
        elif _needs_two():
            if _ask_schedule(draft, form):
                return redirect(url_for("approvals.show", campaign_id=campaign_id), code=303)
        elif _schedule(draft, form):
            return redirect(url_for("campaigns.show", campaign_id=campaign_id), code=303)
    return _review(find_draft(campaign_id), later=form)


def _needs_two() -> bool:
    with runtime().db.snapshot() as session:
        return needs_two(session, current_user.group_id)


def _ask(ask: Callable[[Transaction], object]) -> str | None:
    """Ask for a second person; the reason in words when it was refused."""
    try:
        with runtime().db.transaction() as tx:
            ask(tx)
    except OutreachError as error:
        return safety_error(error)
    flash(str(ASKED))
    return None


def _ask_schedule(draft: Draft, form: ScheduleForm) -> bool:
    held = runtime()
    try:
        at = form.at(held.clock.now())
    except OutreachError as error:
        refuse(form.day, words(error))
        return False
    version = form.version.data or ""
    refused = _ask(lambda tx: ask_schedule(tx, held, actor(), draft.campaign.id, version=version, at=at))
    if refused is not None:
        refuse(form.count, refused)
    return refused is None


def _schedule(draft: Draft, form: ScheduleForm) -> bool:
    """Set the launch time; False when it was refused, with the reason in the form."""
    held = runtime()
    try:
        at = form.at(held.clock.now())
        with held.db.transaction() as tx:
            schedule_draft(tx, held, current_user.group_id, draft.campaign.id, version=form.version.data or "", at=at)
    except OutreachError as error:
        if error.code == "campaign_not_draft":
            _tell_state(str(error.details.get("state")))
            return True
        refuse(form.day if error.code.startswith("launch_time") else form.count, words(error))
        return False
    flash(gettext("The launch time is set. Nobody is texted before it."))
    return True


def tomorrow(now: datetime) -> dict[str, Any]:
    """What the form for a launch time begins with: nine in the morning of the group's next day."""
    return {"day": (now + timedelta(days=1)).astimezone(GROUP_ZONE).date(), "hour": time(9)}


def _too_late(draft: Draft) -> Response:
    """Where somebody is led who launches, or sets a time for, what is no draft any more."""
    _tell_state(draft.campaign.state)
    return _already(draft)


def _tell_state(state: str) -> None:
    if state == "launched":
        flash(gettext("This campaign was launched already."))
    elif state == "scheduled":
        flash(gettext("This campaign has its launch time already. Undo it to choose another one."))


def _count_refused(draft: Draft, form: LaunchForm) -> str | None:
    """Why the typed number does not launch; None when it is the number of people as of now."""
    held = runtime()
    typed = form.typed()
    if typed is None:
        return str(gettext("Type the number in digits, for example 250."))
    with held.db.snapshot() as session:
        people = count_draft(session, current_user.group_id, draft.campaign.audience, held.clock.now()).people
    if not people:
        return str(gettext("Nobody would get this text. Look at the audience."))
    try:
        with held.db.snapshot() as session:
            check_pace(session, held, draft.campaign)
    except BadInputError as error:
        return words(error)
    if typed != people:
        told = gettext("You typed %(typed)s, but %(people)s people will get this text. Nothing was launched.")
        return str(told) % {"typed": f"{typed:,}", "people": f"{people:,}"}
    return None


def _launch(draft: Draft, form: LaunchForm) -> str | None:
    """Launch; the reason in words when it was refused. Somebody else who launches at the same time is no refusal."""
    held = runtime()
    try:
        with held.db.transaction() as tx:
            launch_draft(tx, held, current_user.group_id, draft.campaign.id, version=form.version.data or "")
    except OutreachError as error:
        if error.code == "campaign_not_draft":
            _tell_state(str(error.details.get("state")))
            return None
        return words(error)
    with held.db.snapshot() as session:
        now = held.clock.now()
        audience = count_draft(session, current_user.group_id, draft.campaign.audience, now)
        paced = paced_of(session, draft.campaign)
    if paced is not None:
        flash(gettext("Launched. The texts leave while the office is open, no faster than its lines take calls."))
    elif audience.resting() + audience.outside_hours(now) < audience.people:
        flash(gettext("Launched. The first texts leave now."))
    else:
        flash(gettext("Launched. Nobody of the audience may be texted right now; the texts leave when they may."))
    return None
