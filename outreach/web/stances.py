"""The ledger's pages: note an answer, correct one, judge how an official meets us."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.clock import PHOENIX
from outreach.core.errors import NotFoundError, OutreachError
from outreach.officials.board import numbers
from outreach.officials.hostility import hostility_history, set_hostility
from outreach.officials.hostility_models import HostilityEvent
from outreach.officials.models import Official
from outreach.officials.stances import STRUCK, correct_stance, find_entry, record_stance, standings_of
from outreach.serving import runtime
from outreach.web.ledger_words import HOSTILITIES, HOSTILITY_HINTS, LEDGER_ANSWERS, SOURCES
from outreach.web.official_words import BASES, policies
from outreach.web.officials_reads import find_official
from outreach.web.roles import allow
from outreach.web.stance_forms import CorrectionForm, HostilityForm, StanceForm, values_of

pages = Blueprint("stances", __name__, url_prefix="/officials")

Page = str | Response | tuple[str, int]


@pages.route("/<int:official_id>/stances/new", methods=["GET", "POST"])
@allow("organizer")
def add(official_id: int) -> Page:
    """Note what this official said on a policy."""
    held = runtime()
    now = held.clock.now()
    official = _official(official_id)
    asked = request.args.get("policy", type=int)
    form = StanceForm(
        heard_on=now.astimezone(PHOENIX).date(), heard_by=current_user.name, policy=asked if asked in numbers() else 1
    )
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                record_stance(
                    tx, held, current_user.group_id, official_id, form.given(), current_user.name, form.opened_at(now)
                )
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("The answer is in the ledger."))
            return _to_stances(official_id)
    if not form.opened.data:
        form.open(now)
    return render_template("ledger/entry.html", form=form, official=official, wrong=None), 422 if form.errors else 200


@pages.route("/stances/<int:stance_id>", methods=["GET", "POST"])
@allow("organizer")
def correct(stance_id: int) -> Page:
    """Correct an entry: what was noted stays to be read, struck."""
    held = runtime()
    with held.db.snapshot() as session:
        entry = find_entry(session, current_user.group_id, stance_id)
        if entry is None:
            abort(404)
        official = find_official(session, current_user.group_id, entry.official_id)
        standing = standings_of(session, current_user.group_id, entry.official_id)[entry.policy]
    form = CorrectionForm(data=values_of(entry))
    status = 200
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                correct_stance(tx, held, current_user.group_id, stance_id, form.given(entry.policy), current_user.name)
        except NotFoundError:
            abort(404)
        except OutreachError as error:
            form.refuse(error)
            status = 409 if error.code == "stance_corrected" else 422
        else:
            flash(gettext("The correction is in the ledger; what was noted before stays there, struck."))
            return _to_stances(entry.official_id)
    elif form.errors:
        status = 422
    corrected = next((line.corrected_by for line in standing.lines if line.entry.id == stance_id), None)
    policy = next(one for one in policies() if one.number == entry.policy)
    page = render_template(
        "ledger/entry.html", form=form, official=official, wrong=entry, policy=policy, corrected=corrected,
        answers=LEDGER_ANSWERS, bases=BASES, sources=SOURCES, struck=STRUCK,
    )  # fmt: skip
    return page, status


@pages.get("/<int:official_id>/hostility")
@allow("staff")
def hostility(official_id: int) -> Page:
    """How this official meets us: the judgements so far."""
    official, history = _judged(official_id)
    return _show_hostility(HostilityForm(hostility=history[0].value if history else None), official, history)


@pages.post("/<int:official_id>/hostility")
@allow("organizer")
def judge(official_id: int) -> Page:
    """Judge anew how this official meets us."""
    held = runtime()
    official, history = _judged(official_id)
    form = HostilityForm()
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                set_hostility(
                    tx, held, current_user.group_id, official_id, form.hostility.data, current_user.name, form.why.data
                )
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved."))
            return redirect(url_for("officials.show", official_id=official_id), code=303)
    return _show_hostility(form, official, history)


def _judged(official_id: int) -> tuple[Official, list[HostilityEvent]]:
    official = _official(official_id)
    with runtime().db.snapshot() as session:
        return official, hostility_history(session, current_user.group_id, official_id)


def _show_hostility(form: HostilityForm, official: Official, history: list[HostilityEvent]) -> Page:
    page = render_template(
        "ledger/hostility.html", form=form, official=official, history=history, words=HOSTILITIES,
        hints=HOSTILITY_HINTS,
    )  # fmt: skip
    return page, 422 if form.errors else 200


def _official(official_id: int) -> Official:
    """An official of the person's group; 404 otherwise."""
    with runtime().db.snapshot() as session:
        official = find_official(session, current_user.group_id, official_id)
    if official is None:
        abort(404)
    return official


def _to_stances(official_id: int) -> Response:
    return redirect(url_for("officials.show", official_id=official_id, _anchor="stances"), code=303)
