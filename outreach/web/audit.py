"""The book of decisions as a page, and as a file: who did what about what, newest first."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, render_template, request
from flask_babel import lazy_gettext
from flask_login import current_user
from wtforms import HiddenField, RadioField, SelectChoice

from outreach.accounts.audit_reads import LAST_ID, Sought, actors_of, events_of, sentences
from outreach.core.xlsx_out import MIME
from outreach.privacy.audit_files import audit_file
from outreach.serving import runtime
from outreach.web.audit_words import did, page_of, told, who
from outreach.web.campaign_words import GROUP_ZONE, day_and_time
from outreach.web.people_words import place
from outreach.web.privacy import CSV, XLSX, ReasonForm
from outreach.web.roles import allow

pages = Blueprint("audit", __name__, url_prefix="/administration/audit")

ON_A_PAGE: Final = 50
JSON: Final = "json"
FILTERS: Final = ("person", "action", "day", "about")
LONGEST: Final = 120


class AuditFileForm(ReasonForm):
    """What for, and as what; what of the book, as the page that led here had it."""

    person, action, day, about = HiddenField(), HiddenField(), HiddenField(), HiddenField()
    kind = RadioField(
        lazy_gettext("Kind of file"),
        choices=[
            SelectChoice(CSV, lazy_gettext("CSV")),
            SelectChoice(XLSX, lazy_gettext("Excel")),
            SelectChoice(JSON, lazy_gettext("JSON")),
        ],
        default=CSV,
    )


@pages.get("/")
@allow("admin")
def show() -> str:
    """A page of the book; each page begins where the one before has ended, whatever is added meanwhile."""
    asked = {name: request.args.get(name, "").strip()[:LONGEST] for name in FILTERS}
    sought = _sought(asked)
    before = min(max(request.args.get("before", LAST_ID, type=int), 1), LAST_ID)
    with runtime().db.snapshot() as session:
        found = events_of(session, current_user.group_id, sought, before=before, most=ON_A_PAGE + 1)
        people = actors_of(session, current_user.group_id)
    events = found[:ON_A_PAGE]
    kept = {name: value for name, value in asked.items() if value}
    actions = sorted(((action, did(action)) for action in sentences()), key=lambda pair: pair[1])
    return render_template(
        "administration/audit.html", events=events, people=people, actions=actions, asked=asked, kept=kept,
        older=events[-1].id if len(found) > ON_A_PAGE else None, first=before == LAST_ID, did=did, who=who,
        page_of=page_of, told=told, when=day_and_time, here=place(GROUP_ZONE),
    )  # fmt: skip


@pages.get("/file")
@allow("admin")
def export_form() -> str:
    """What the file is for."""
    form = AuditFileForm(formdata=None)
    for name in FILTERS:
        form[name].data = request.args.get(name, "")[:LONGEST]
    return _form_page(form)


@pages.post("/file")
@allow("admin", fresh=True)
def export() -> Response | tuple[str, int]:
    """The file, once there is a reason for it."""
    form = AuditFileForm()
    if not form.validate_on_submit():
        return _form_page(form), 422
    sought = _sought({name: str(form[name].data or "").strip()[:LONGEST] for name in FILTERS})
    file = audit_file(runtime(), current_user.group_id, sought, reason=form.because.data, actor=current_user.name)
    kind = form.kind.data
    bodies: dict[str, Any] = {CSV: file.as_csv, XLSX: file.as_xlsx, JSON: file.as_json}
    answer = Response(bodies[kind](), mimetype={CSV: "text/csv", XLSX: MIME, JSON: "application/json"}[kind])
    answer.headers["Content-Disposition"] = f'attachment; filename="audit.{kind}"'
    return answer


def _form_page(form: AuditFileForm) -> str:
    chosen = [str(form[name].data) for name in FILTERS if form[name].data]
    if form.action.data in sentences():
        chosen[chosen.index(form.action.data)] = did(form.action.data)
    return render_template("administration/audit_file.html", form=form, chosen=chosen)


def _sought(asked: dict[str, str]) -> Sought:
    return Sought(
        asked["person"].replace("\0", ""), asked["action"].replace("\0", ""), asked["about"].replace("\0", ""),
        _day(asked["day"]),
    )  # fmt: skip


def _day(text: str) -> date | None:
    """A day that a clock can begin and end; anything else asks for none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1 < day.year < 9999 else None
