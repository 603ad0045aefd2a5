"""The tallies: figures of everything the group has done, a row for whatever somebody wants to know; and as a file."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, jsonify, render_template, request
from flask_babel import lazy_gettext
from flask_login import current_user
from wtforms import RadioField, SelectChoice, SelectField

from outreach.core.xlsx_out import MIME
from outreach.messaging.tactics import every_outcome
from outreach.privacy.tally_files import as_json, tally_file
from outreach.serving import runtime
from outreach.tallies.charts import running
from outreach.tallies.days import Days, days_of
from outreach.tallies.figures import ANSWERS, flat
from outreach.tallies.kept_sheets import shown_sheet, want
from outreach.tallies.periods import ALL, PERIODS, since_of
from outreach.tallies.sheets import DIMENSIONS, Sheet
from outreach.web.campaign_words import GROUP_ZONE, day_and_time
from outreach.web.campaigns import LABELS, SERIES_LABELS
from outreach.web.people_words import place
from outreach.web.privacy import CSV, XLSX, ReasonForm
from outreach.web.roles import allow
from outreach.web.tally_words import BY, COLUMNS, PERIOD, ROW, SAID, name_words

pages = Blueprint("tallies", __name__, url_prefix="/tallies")

DEFAULT: Final = "official"


class TallyFileForm(ReasonForm):
    """What a row is, from when on, what for, and as what."""

    by = SelectField(lazy_gettext("What a line is"), choices=[SelectChoice(*pair) for pair in BY.items()])
    period = SelectField(lazy_gettext("Which days"), choices=[SelectChoice(*pair) for pair in PERIOD.items()])
    kind = RadioField(
        lazy_gettext("Kind of file"),
        choices=[SelectChoice(CSV, lazy_gettext("CSV")), SelectChoice(XLSX, lazy_gettext("Excel"))],
        default=CSV,
    )


@pages.get("/")
@allow("staff")
def show() -> str:
    """The table, what the office said, and the timeline."""
    held, (by, period) = runtime(), _chosen()
    sheet = _sheet(by, period)
    with held.db.snapshot() as session:
        days = days_of(session, current_user.group_id, sheet.since, held.clock.now())
    total = flat(sheet.total)
    return render_template(
        "tallies/show.html", sheet=sheet, by=by, period=period, dimensions=BY, periods=PERIOD, row_is=ROW[by],
        columns=COLUMNS, lines=[(row.name, name_words(row.name, by), flat(row.figures)) for row in sheet.rows],
        total=total, said=_said(total), days=days, timeline=running(days.series) if days else None,
        day_rows=_day_rows(days), series_labels=SERIES_LABELS, when=day_and_time, here=place(GROUP_ZONE),
        people_at=held.clock.at(sheet.people_at.timestamp()) if sheet.people_at else None,
    )  # fmt: skip


@pages.get("/data.json")
@allow("staff")
def data() -> Response:
    """The same figures for a program."""
    return jsonify(as_json(_sheet(*_chosen())))


@pages.get("/file")
@allow("staff")
def export_form() -> str:
    """What the file is for."""
    form = TallyFileForm(formdata=None)
    form.by.data, form.period.data = _chosen()
    return render_template("tallies/file.html", form=form)


@pages.post("/file")
@allow("staff", fresh=True)
def export() -> Response | tuple[str, int]:
    """The file, once there is a reason for it. Nobody is named in it, so staff may have it."""
    held, form = runtime(), TallyFileForm()
    if not form.validate_on_submit():
        return render_template("tallies/file.html", form=form), 422
    since = since_of(form.period.data, held.clock.now())
    file = tally_file(
        held, current_user.group_id, form.by.data, since, actor=current_user.name, reason=form.because.data
    )
    if form.kind.data == XLSX:
        answer = Response(file.as_xlsx(), mimetype=MIME)
    else:
        answer = Response(file.as_csv(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="tallies-by-{form.by.data}.{form.kind.data}"'
    return answer


def _chosen() -> tuple[str, str]:
    """What is asked for; what there is not, is the usual."""
    by, period = request.args.get("by", DEFAULT), request.args.get("period", ALL)
    return by if by in DIMENSIONS else DEFAULT, period if period in PERIODS else ALL


def _sheet(by: str, period: str) -> Sheet:
    held = runtime()
    want(held, current_user.group_id, by, period)
    with held.db.snapshot() as session:
        return shown_sheet(session, current_user.group_id, by, period, held.clock)


def _said(total: dict[str, int | None]) -> list[tuple[str, Any, str | None]]:
    """The columns of what people did and offices said, of which there is any: figure, its words, and the people."""
    outcomes = [
        (f"reports_{one}", LABELS.get(one, one), f"people_{one}") for one in every_outcome() if total[f"reports_{one}"]
    ]
    return [*outcomes, *((f"office_{one}", SAID[one], None) for one in ANSWERS if total[f"office_{one}"])]


def _day_rows(days: Days | None) -> list[tuple[Any, list[int]]]:
    """The timeline's steps in which anything happened, newest first."""
    if days is None:
        return []
    rows = [(start, [series[step] for series in days.series.values()]) for step, start in enumerate(days.starts)]
    return [row for row in reversed(rows) if any(row[1])]
