"""The agenda of a planned meeting with its talking points, and the sheet that everybody takes along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import force_locale, gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, TextAreaField
from wtforms.validators import Optional

from config import table
from outreach.accounts.models import Group
from outreach.core.errors import NotFoundError, OutreachError
from outreach.officials.agenda import (
    LAW,
    MOST_LINES,
    WORDS_LENGTH,
    Line,
    first_agenda,
    first_points,
    introduction,
    minutes_of,
    set_lines,
)  # fmt: skip
from outreach.officials.plan_models import PlanLine
from outreach.officials.plans import LONGEST, gathers_at
from outreach.people.members import Member
from outreach.serving import runtime
from outreach.web.entry_forms import WholeRange, at_most, clean
from outreach.web.i18n import LANGUAGES
from outreach.web.official_words import language, policies
from outreach.web.plan_entry import check_people, members_and
from outreach.web.plan_forms import NOBODY, WordsForm, member_choices, one_member
from outreach.web.plan_reads import PlanPage, plan_page
from outreach.web.roles import allow

pages = Blueprint("agenda", __name__, url_prefix="/meetings/plans")

Page = str | Response | tuple[str, int]
ROWS: Final = range(1, MOST_LINES + 1)


class AgendaForm(WordsForm):
    """Twelve lines, of which the empty ones do not count, and a talking point for each policy and for the law."""

    def offer(self, members: Sequence[Member]) -> None:
        """Who can speak."""
        choices = [(NOBODY, lazy_gettext("nobody yet")), *member_choices(members)]
        for field in self:
            if isinstance(field, SelectField):
                field.choices = choices
        for policy in policies():
            self[f"point_{policy.number}"].label.text = f"{policy.number}. {policy.name}"

    def lines(self) -> list[Line]:
        """What was written, in order: the agenda, then the talking points."""
        agenda = [
            Line(self[f"line_{row}"].data, self[f"minutes_{row}"].data, self[f"who_{row}"].data or None)
            for row in ROWS
            if self[f"line_{row}"].data
        ]
        points = [
            Line(self[f"point_{policy}"].data, None, self[f"speaks_{policy}"].data or None, policy)
            for policy in (LAW, *(one.number for one in policies()))
            if self[f"point_{policy}"].data
        ]
        return [*agenda, *points]


def _add_numbered_fields() -> None:
    minutes = WholeRange(0, LONGEST, message=lazy_gettext("Type minutes from 0 to 480."))
    for row in ROWS:
        words = TextAreaField(
            lazy_gettext("What"), filters=[clean], validators=[at_most(WORDS_LENGTH)], render_kw={"rows": 2}
        )
        setattr(AgendaForm, f"line_{row}", words)
        setattr(AgendaForm, f"minutes_{row}", IntegerField(lazy_gettext("Minutes"), validators=[Optional(), minutes]))
        setattr(AgendaForm, f"who_{row}", one_member(lazy_gettext("Who speaks")))
    for policy in (LAW, *(one["number"] for one in table("policies")["policies"])):
        words = TextAreaField(
            lazy_gettext("“We cannot, because of SB 1070”"), filters=[clean], validators=[at_most(WORDS_LENGTH)],
            render_kw={"rows": 3},
        )  # fmt: skip
        setattr(AgendaForm, f"point_{policy}", words)
        setattr(AgendaForm, f"speaks_{policy}", one_member(lazy_gettext("Who speaks")))


_add_numbered_fields()


@pages.route("/<int:plan_id>/agenda", methods=["GET", "POST"])
@allow("organizer")
def edit(plan_id: int) -> Page:
    """Write the agenda and the talking points; at first they hold what a group can begin with."""
    held, known = runtime(), _known(plan_id)
    with held.db.snapshot() as session:
        speakers = {line.constituent_id for line in known.lines if line.constituent_id is not None}
        members = members_and(session, held, current_user.group_id, speakers | set(known.people))
    form = AgendaForm(data=_values(known))
    form.offer(members)
    if form.validate_on_submit():
        try:
            with held.db.transaction() as tx:
                lines = form.lines()
                wanted = {line.constituent_id for line in lines if line.constituent_id is not None}
                check_people(tx, held, current_user.group_id, wanted, set(known.people))
                set_lines(tx, current_user.group_id, plan_id, form.seen_version(), lines)
        except OutreachError as error:
            form.refuse(error)
            if error.code == "plan_changed":
                form.version.data = str(_known(plan_id).plan.version)
        else:
            flash(gettext("Saved."))
            return redirect(url_for("plans.show", plan_id=plan_id, _anchor="agenda"), code=303)
    page = render_template(
        "plans/agenda.html", form=form, known=known, plan=known.plan, rows=ROWS, policies=policies(), law=LAW,
        begun=bool(known.lines),
    )  # fmt: skip
    return page, 422 if form.errors else 200


@pages.get("/<int:plan_id>/briefing")
@allow("staff")
def briefing(plan_id: int) -> str:
    """One sheet with everything for the meeting, in either language. No phone number stands on it."""
    wanted = request.args.get("in", "")
    if wanted not in LANGUAGES:
        return _briefing(plan_id)
    with force_locale(wanted):
        return _briefing(plan_id)


def _briefing(plan_id: int) -> str:
    known = _known(plan_id)
    with runtime().db.snapshot() as session:
        group = session.execute(select(Group.name).where(Group.id == current_user.group_id)).scalar_one()
    lines: Sequence[PlanLine | Line] = known.lines or [
        *first_agenda(language()), *(Line(words, policy=policy) for policy, words in first_points(language()).items())
    ]  # fmt: skip
    return render_template(
        "plans/briefing.html", known=known, plan=known.plan, gathers=gathers_at(known.plan), law=LAW,
        agenda=[line for line in lines if line.policy is None],
        points=[line for line in lines if line.policy is not None], agenda_minutes=minutes_of(lines),
        policy_names={one.number: one.name for one in policies()},
        introduction=introduction(known.plan.audience, language(), group),
    )  # fmt: skip


def _values(known: PlanPage) -> dict[str, Any]:
    """What is written already; of what was never written, what a group can begin with."""
    values: dict[str, Any] = {"version": str(known.plan.version)}
    lines: list[Any] = [line for line in known.lines if line.policy is None]
    points: dict[int, Any] = {line.policy: line for line in known.lines if line.policy is not None}
    if not known.lines:
        lines = first_agenda(language())
        points = {policy: Line(words) for policy, words in first_points(language()).items()}
    for row, line in zip(ROWS, lines, strict=False):
        values |= {f"line_{row}": line.words, f"minutes_{row}": line.minutes}
        values[f"who_{row}"] = line.constituent_id or NOBODY
    for policy, line in points.items():
        values |= {f"point_{policy}": line.words, f"speaks_{policy}": line.constituent_id or NOBODY}
    return values


def _known(plan_id: int) -> PlanPage:
    try:
        with runtime().db.snapshot() as session:
            return plan_page(session, runtime(), current_user.group_id, plan_id)
    except NotFoundError:
        abort(404)
