"""Administration, safety: what the group may spend, a second person for launches, a sign-up page that was closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField

from config import table
from outreach.accounts.members import organizers_of
from outreach.accounts.safety import needs_two
from outreach.approvals.asking import OFF, ask_off, withdraw
from outreach.approvals.deciding import approve, decline, switch_on
from outreach.approvals.models import ApprovalRequest
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, OutreachError
from outreach.messaging.sign_up_watch import is_closed, open_again
from outreach.messaging.spend_halts import halted_by_cap, resume_spent
from outreach.serving import runtime
from outreach.spending.caps import alerts_told, cap_is_reached, set_caps
from outreach.spending.ledger import by_kind, caps_of, spent
from outreach.spending.prices import MICROS, Caps, Crossed, amount, room
from outreach.web.approval_words import ASKED, alert_words, money, safety_error
from outreach.web.approvals import DeclineForm, actor, shown
from outreach.web.campaign_words import day_and_time
from outreach.web.entry_forms import clean
from outreach.web.roles import allow
from outreach.web.wizard_forms import refuse

pages = Blueprint("safety", __name__, url_prefix="/administration/safety")

Page = str | Response | tuple[str, int]
WHAT = {
    "texts": lazy_gettext("Campaigns and other texts"),
    "answers": lazy_gettext("Answers"),
    "calls": lazy_gettext("Calls"),
}


class CapsForm(FlaskForm):  # type: ignore[misc]
    """Both caps, in whole units of the currency."""

    day = StringField(lazy_gettext("At most on one day"), filters=[clean], render_kw={"inputmode": "decimal"})
    month = StringField(lazy_gettext("At most in one month"), filters=[clean], render_kw={"inputmode": "decimal"})

    def caps(self) -> Caps | None:
        """What was typed; None where an amount is none, which then stands at its field."""
        found: list[int | None] = []
        for field in (self.day, self.month):
            try:
                found.append(amount(field.data or ""))
            except BadInputError as error:
                refuse(field, safety_error(error))
        return None if self.errors else Caps(*found)


@pages.get("/")
@allow("staff")
def index() -> Page:
    """How everything stands."""
    return _index(CapsForm(formdata=None), DeclineForm(formdata=None))


def _index(form: CapsForm, declining: DeclineForm) -> Page:
    held, group_id = runtime(), current_user.group_id
    now = held.clock.now()
    with held.db.snapshot() as session:
        so_far, caps = spent(session, group_id, now), caps_of(session, held, group_id)
        kinds = by_kind(session, group_id, now)
        found: dict[str, Any] = {
            "spent": so_far, "caps": caps, "kinds_spent": [(WHAT[what], kinds[what]) for what in WHAT if what in kinds],
            "left": room(so_far, caps), "reached": cap_is_reached(session, held, group_id),
            "halted": len(halted_by_cap(session, group_id)), "told": alerts_told(session, group_id),
            "two": needs_two(session, group_id), "approvers": len(organizers_of(session, group_id)),
            "closed": is_closed(session, group_id), **shown(session, None, None),
        }  # fmt: skip
    if not form.errors and form.day.raw_data is None:
        form.day.data, form.month.data = (_plain(cap) for cap in caps)
    page = render_template(
        "safety/index.html", form=form, declining=declining, money=money, alert=_told_words,
        stamp=lambda real: day_and_time(held.clock.at(real.timestamp())), regions=table("regions")["regions"], **found,
    )  # fmt: skip
    return page, 422 if form.errors or declining.errors else 200


def _plain(micros: int | None) -> str:
    return "" if micros is None else f"{micros / MICROS:.2f}".removesuffix(".00")


def _told_words(row: Any) -> str:
    return alert_words(Crossed(row.period, row.begins, row.percent, row.micros, row.cap))


@pages.post("/caps")
@allow("instance", fresh=True)
def choose_caps() -> Page:
    """Set the caps of one's own group; those of the others by ``outreach spend set``."""
    form = CapsForm()
    caps = form.caps() if form.validate_on_submit() else None
    if caps is None:
        return _index(form, DeclineForm(formdata=None))
    with runtime().db.transaction() as tx:
        set_caps(tx, runtime(), current_user.group_id, caps, by=current_user.name)
    flash(gettext("Saved."))
    return _back()


@pages.post("/resume")
@allow("organizer", fresh=True)
def resume() -> Response:
    """Let everything go on that the cap has halted."""
    return _press(
        lambda tx: resume_spent(tx, runtime(), current_user.group_id, by=current_user.name),
        gettext("Resumed. Texts leave again."),
    )


@pages.post("/sign-up")
@allow("organizer", fresh=True)
def open_sign_up() -> Response:
    """Somebody has looked: the sign-up form is back."""
    return _press(
        lambda tx: open_again(tx, runtime(), current_user.group_id, by=current_user.name),
        gettext("The sign-up form is open again."),
    )


@pages.post("/approval/on")
@allow("admin")
def two_on() -> Response:
    """A second person for each launch."""
    return _press(
        lambda tx: switch_on(tx, runtime(), current_user.group_id, by=current_user.name),
        gettext("From now on a second person approves each launch."),
    )


@pages.post("/approval/off")
@allow("admin", fresh=True)
def two_off() -> Response:
    """Ask for a second person to let it be switched off."""
    return _press(lambda tx: ask_off(tx, runtime(), actor()), str(ASKED))


@pages.post("/approval/<int:request_id>/approve")
@allow("organizer", fresh=True)
def let_off(request_id: int) -> Response:
    """The second person: no approval is needed any more."""
    _belongs(request_id)
    return _press(
        lambda tx: approve(tx, runtime(), actor(), request_id, people=None),
        gettext("Approved. One person alone can launch again."),
    )


@pages.post("/approval/<int:request_id>/decline")
@allow("organizer")
def keep_on(request_id: int) -> Page:
    """The second person says no, and why."""
    _belongs(request_id)
    form = DeclineForm()
    if not form.validate_on_submit():
        return _index(CapsForm(formdata=None), form)
    reason: str = form.reason.data
    return _press(lambda tx: decline(tx, runtime(), actor(), request_id, reason), gettext("Declined."))


@pages.post("/approval/<int:request_id>/withdraw")
@allow("admin")
def take_back(request_id: int) -> Response:
    """Whoever asked takes it back."""
    _belongs(request_id)
    return _press(
        lambda tx: withdraw(tx, runtime(), actor(), request_id),
        gettext("Withdrawn. Nobody is asked to approve it any more."),
    )


def _belongs(request_id: int) -> None:
    """404 unless it is a request about this very group."""
    with runtime().db.snapshot() as session:
        request = session.get(ApprovalRequest, request_id)
        if request is None or request.kind != OFF or request.group_id != current_user.group_id:
            abort(404)


def _press(act: Callable[[Transaction], object], done: str) -> Response:
    try:
        with runtime().db.transaction(durable=True) as tx:
            act(tx)
    except OutreachError as error:
        flash(safety_error(error), "error")
    else:
        flash(done)
    return _back()


def _back() -> Response:
    return redirect(url_for("safety.index"), code=303)
