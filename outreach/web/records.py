"""Requests for public records: the list, and one request from its wording to the document that came."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, ClassVar, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, StringField, TextAreaField

from outreach.core.errors import BadInputError, NotFoundError, OutreachError
from outreach.officials.models import Official
from outreach.officials.plan_models import MeetingPlan, RecordsRequest
from outreach.officials.records import Given, change_request, get_request, make_request, state_of
from outreach.serving import runtime
from outreach.web.entry_forms import at_most, clean
from outreach.web.official_words import official_words
from outreach.web.officials_reads import find_official
from outreach.web.plan_forms import NOBODY, NOTE_LENGTH, WordsForm, choices_of, chosen, day_field
from outreach.web.plan_reads import MOST_SHOWN, today_of
from outreach.web.plan_words import WAYS, when_words
from outreach.web.roles import allow

pages = Blueprint("records", __name__, url_prefix="/meetings/records")

Page = str | Response | tuple[str, int]
TEXTS: Final = ("agency", "asked_for", "how", "document", "kept_at")
DAYS: Final = ("sent_on", "due_on", "received_on")
DOLLARS: Final = re.compile(r"[0-9]{1,8}(?:\.[0-9]{0,2})?|\.[0-9]{1,2}", re.ASCII)
"""Digits only: what else a decimal number can be, 1e999990 say, takes minutes to reckon with."""


class RequestForm(WordsForm):
    """A request for records."""

    field_of: ClassVar = {
        "records_agency_blank": "agency", "records_asked_blank": "asked_for", "records_fee": "fee",
        "records_way_unknown": "how", "records_sent_in_future": "sent_on",
        "records_received_in_future": "received_on", "records_due_early": "due_on",
        "records_received_early": "received_on", "plan_unknown": "plan",
    }  # fmt: skip

    agency = StringField(lazy_gettext("Agency"), filters=[clean], validators=[at_most(200)])
    asked_for = TextAreaField(
        lazy_gettext("What is asked for"), filters=[clean], validators=[at_most(NOTE_LENGTH)], render_kw={"rows": 3}
    )
    how = RadioField(
        lazy_gettext("How it is asked"), choices=choices_of(WAYS), default="online", validate_choice=False
    )  # fmt: skip
    sent_on = day_field(lazy_gettext("Sent on"))
    due_on = day_field(lazy_gettext("Should come by"))
    received_on = day_field(lazy_gettext("Received on"))
    fee = StringField(lazy_gettext("Fee in dollars"), filters=[clean], validators=[at_most(12)])
    document = StringField(lazy_gettext("Title of what came"), filters=[clean], validators=[at_most(200)])
    kept_at = StringField(lazy_gettext("Where it is kept"), filters=[clean], validators=[at_most(300)])
    plan = SelectField(lazy_gettext("For the meeting"), coerce=chosen, validate_choice=False, default=NOBODY)

    def offer(self, plans: list[tuple[int, str]]) -> None:
        """The meetings that it can be for."""
        self.plan.choices = [(NOBODY, lazy_gettext("no meeting in particular")), *plans]

    def given(self) -> Given:
        """What the use cases take. Raises BadInputError (records_fee)."""
        values: dict[str, Any] = {name: self[name].data or "" for name in TEXTS}
        values |= {name: self[name].data for name in DAYS}
        return Given(**values, fee_cents=cents(self.fee.data), plan_id=self.plan.data or None)


def cents(text: str) -> int | None:
    """Dollars as people type them; nothing is no fee known. Raises BadInputError (records_fee)."""
    plain = text.replace("$", "").replace(",", "").strip()
    if not plain:
        return None
    if not DOLLARS.fullmatch(plain):
        raise BadInputError("records_fee")
    return int(Decimal(plain) * 100)


@pages.get("/")
@allow("staff")
def index() -> str:
    """Every request of the group, the open ones first."""
    today = today_of(runtime())
    with runtime().db.snapshot() as session:
        rows = session.execute(
            select(RecordsRequest, Official.name, Official.role)
            .join(Official, Official.id == RecordsRequest.official_id)
            .where(RecordsRequest.group_id == current_user.group_id)
            .order_by(RecordsRequest.received_on.is_not(None), RecordsRequest.due_on, RecordsRequest.id)
            .limit(MOST_SHOWN)
        ).all()
    requests = [(row[0], state_of(row[0], today), official_words(row.name, row.role)) for row in rows]
    return render_template("plans/records.html", requests=requests)


@pages.route("/new/<int:official_id>", methods=["GET", "POST"])
@allow("organizer")
def new(official_id: int) -> Page:
    """Note a request; the wording that one begins with asks for what the group is after."""
    held = runtime()
    with held.db.snapshot() as session:
        official = find_official(session, current_user.group_id, official_id)
    if official is None:
        abort(404)
    words = gettext(
        "The policy manual's rules on immigration enforcement, and any protocols for working with Immigration and "
        "Customs Enforcement. Electronic copies, please."
    )
    begun = {"agency": official.jurisdiction or "", "asked_for": words, "plan": chosen(request.args.get("plan"))}
    return _form(official, None, {**begun, "plan": max(begun["plan"], NOBODY)})


@pages.route("/<int:request_id>", methods=["GET", "POST"])
@allow("organizer")
def edit(request_id: int) -> Page:
    """What became of a request."""
    try:
        with runtime().db.snapshot() as session:
            row = get_request(session, current_user.group_id, request_id)
            official = find_official(session, current_user.group_id, row.official_id)
    except NotFoundError:
        abort(404)
    fee = "" if row.fee_cents is None else f"{row.fee_cents / 100:.2f}"
    values = {name: getattr(row, name) for name in (*TEXTS, *DAYS)} | {"fee": fee, "plan": row.plan_id or NOBODY}
    assert official is not None  # noqa: S101  a request refers to one
    return _form(official, row, values)


def _form(official: Official, row: RecordsRequest | None, values: dict[str, Any]) -> Page:
    held = runtime()
    today = today_of(held)
    form = RequestForm(data=values)
    with held.db.snapshot() as session:
        form.offer(_plans(session, official.id))
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                if row is None:
                    make_request(
                        tx, held, current_user.group_id, official.id, form.given(), by=current_user.name, today=today
                    )
                else:
                    change_request(tx, current_user.group_id, row.id, form.given(), today=today)
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("Saved."))
            plan_id = form.plan.data
            if plan_id:
                return redirect(url_for("plans.show", plan_id=plan_id, _anchor="records"), code=303)
            return redirect(url_for("officials.show", official_id=official.id, _anchor="records"), code=303)
    page = render_template("plans/request.html", form=form, official=official, row=row)
    return page, 422 if form.errors else 200


def _plans(session: Session, official_id: int) -> list[tuple[int, str]]:
    query = select(MeetingPlan).where(
        MeetingPlan.group_id == current_user.group_id, MeetingPlan.official_id == official_id
    )
    plans = session.execute(query.order_by(MeetingPlan.id.desc()).limit(MOST_SHOWN)).scalars()
    return [
        (
            one.id,
            when_words(one.starts_at, one.zone)
            if one.starts_at
            else gettext("not agreed yet, number %(id)s", id=one.id),
        )
        for one in plans
    ]
