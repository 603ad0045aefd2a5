"""After a meeting: the report for the state office, and news that goes out with something to do in it."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, StringField, TextAreaField

from outreach.accounts.models import Group
from outreach.core.clock import PHOENIX
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import spoken_phone
from outreach.escalations.models import Campaign
from outreach.officials.models import Office
from outreach.officials.reports import (
    EMAIL_LENGTH,
    NAME_LENGTH,
    WORDS_LENGTH,
    Added,
    Address,
    add_to_report,
    added_to,
    set_state_office,
    state_office_of,
)
from outreach.serving import runtime
from outreach.web.after_words import Facts, news, report
from outreach.web.campaigns import LABELS
from outreach.web.entry_forms import EntryForm, at_most, clean
from outreach.web.i18n import LANGUAGES
from outreach.web.mail_links import mail_link
from outreach.web.meetings_reads import MeetingPage, meeting_page
from outreach.web.official_words import language
from outreach.web.roles import allow
from outreach.web.sign_up_address import page_of, public_address

pages = Blueprint("after_meeting", __name__)

Page = str | Response | tuple[str, int]
GOES_OUT: Final = ("launched", "scheduled")
"""States of a campaign in which people can act, or will be asked to at a time that stands."""


class ReportForm(EntryForm):
    """What the report says beside what was logged."""

    said = TextAreaField(lazy_gettext("What they said"), filters=[clean], validators=[at_most(WORDS_LENGTH)])
    not_said = TextAreaField(lazy_gettext("What they did not say"), filters=[clean], validators=[at_most(WORDS_LENGTH)])
    next_step = TextAreaField(lazy_gettext("What you do next"), filters=[clean], validators=[at_most(WORDS_LENGTH)])
    with_attendees = BooleanField(lazy_gettext("Name who was there"))


class StateOfficeForm(EntryForm):
    """Where reports go."""

    name = StringField(lazy_gettext("What it is called"), filters=[clean], validators=[at_most(NAME_LENGTH)])
    email = EmailField(lazy_gettext("Its e-mail address"), filters=[clean], validators=[at_most(EMAIL_LENGTH)])


@pages.route("/meetings/<int:meeting_id>/report", methods=["GET", "POST"])
@allow("organizer")
def write_report(meeting_id: int) -> Page:
    """The report to copy, send or print, and what is added to it."""
    held = runtime()
    with held.db.snapshot() as session:
        known = _find(session, meeting_id)
        facts, added = _facts(session, held, known), added_to(session, meeting_id)
        office = state_office_of(session, current_user.group_id)
    form = ReportForm(data=added._asdict())
    if form.validate_on_submit():
        given = Added(form.said.data, form.not_said.data, form.next_step.data, form.with_attendees.data)
        with held.db.transaction() as tx:
            add_to_report(tx, held, current_user.group_id, meeting_id, given, by=current_user.name)
        flash(gettext("Saved. The report says it now."))
        return redirect(url_for("after_meeting.write_report", meeting_id=meeting_id, language=_language()), code=303)
    told = report(facts, added, _language())
    rest = gettext("(The rest is too long for a link: it is on the page of the report.)")
    page = render_template(
        "after/report.html", known=known, form=form, told=told, office=office,
        mail=mail_link(office.email, told.subject, told.body, rest),
    )  # fmt: skip
    return page, 422 if form.errors else 200


@pages.get("/meetings/<int:meeting_id>/news")
@allow("organizer")
def tell_news(meeting_id: int) -> str:
    """Words for the group's own people and for social media; bad news only where people can act on it."""
    held = runtime()
    with held.db.snapshot() as session:
        known = _find(session, meeting_id)
        facts = _facts(session, held, known)
    good = known.meeting.outcome == "committed"
    told = [news(facts, each) for each in LANGUAGES] if good or facts.action else []
    rest = gettext("(The rest is too long for a link: it is on the page of the news.)")
    words = [(one, mail_link("", one.subject, one.body, rest)) for one in told]
    return render_template("after/news.html", known=known, good=good, words=words, labels=LABELS, languages=LANGUAGES)


@pages.route("/officials/state-office", methods=["GET", "POST"])
@allow("organizer")
def state_office() -> Page:
    """Where the group's reports go."""
    held = runtime()
    with held.db.snapshot() as session:
        known = state_office_of(session, current_user.group_id)
    form = StateOfficeForm(data=known._asdict())
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                given = Address(form.name.data, form.email.data)
                set_state_office(tx, held, current_user.group_id, given, by=current_user.name)
        except BadInputError:
            form.add_error("email", gettext("This is no e-mail address."))
        else:
            flash(gettext("Saved."))
            return redirect(url_for("after_meeting.state_office"), code=303)
    return render_template("after/state_office.html", form=form), 422 if form.errors else 200


def _find(session: Session, meeting_id: int) -> MeetingPage:
    known = meeting_page(session, current_user.group_id, meeting_id)
    if known is None:
        abort(404)
    return known


def _facts(session: Session, held: Runtime, known: MeetingPage) -> Facts:
    group_id = current_user.group_id
    page = page_of(session, group_id)
    return Facts(
        group=session.get_one(Group, group_id).name,
        official=known.official,
        meeting=known.meeting,
        answers=known.answers,
        promises=known.promises,
        campaigns=known.campaigns,
        today=held.clock.now().astimezone(PHOENIX).date(),
        action=_action(session, known),
        page=public_address(page) if page else "",
    )


class Action:
    """A campaign of the meeting in which people can act."""

    def __init__(self, campaign: Campaign, office: Office | None) -> None:
        self.policy, self.tactic = campaign.policy, campaign.tactic
        self.office_phone = spoken_phone(office)


def _action(session: Session, known: MeetingPage) -> Any:
    found = session.execute(
        select(Campaign)
        .where(Campaign.meeting_id == known.meeting.id, Campaign.state.in_(GOES_OUT))
        .order_by(Campaign.state, Campaign.id.desc())  # launched before scheduled
        .limit(1)
    ).scalar()
    if found is None:
        return None
    return Action(found, session.get(Office, found.office_id) if found.office_id else None)


def _language() -> str:
    """The language of the report: what was chosen, else the page's."""
    chosen = request.args.get("language", "")
    return chosen if chosen in LANGUAGES else language()
