"""The calls of a campaign as a file for another program."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template
from flask_babel import lazy_gettext
from flask_login import current_user
from wtforms import RadioField, SelectChoice

from outreach.core.errors import NotFoundError
from outreach.core.xlsx_out import MIME, to_xlsx
from outreach.escalations.drafts import get_campaign
from outreach.privacy.call_files import HEADER, SHEET, call_file
from outreach.serving import runtime
from outreach.web.privacy import CSV, XLSX, ReasonForm
from outreach.web.roles import allow

pages = Blueprint("calls", __name__, url_prefix="/campaigns/<int:campaign_id>/calls")


class CallsForm(ReasonForm):
    """What for, and as what."""

    kind = RadioField(
        lazy_gettext("Kind of file"),
        choices=[SelectChoice(CSV, lazy_gettext("CSV")), SelectChoice(XLSX, lazy_gettext("Excel"))],
        default=CSV,
    )


@pages.get("")
@allow("staff")
def export_form(campaign_id: int) -> str:
    """What the file is for."""
    return _shown(campaign_id, CallsForm(formdata=None))


@pages.post("")
@allow("staff", fresh=True)
def export(campaign_id: int) -> Response | tuple[str, int]:
    """The file, once there is a reason for it. Nobody is named in it, so staff may have it."""
    form = CallsForm()
    if not form.validate_on_submit():
        return _shown(campaign_id, form), 422
    try:
        file = call_file(
            runtime(), current_user.group_id, campaign_id, reason=form.because.data, actor=current_user.name
        )
    except NotFoundError:
        abort(404)
    if form.kind.data == XLSX:
        answer = Response(to_xlsx(HEADER, file.rows(), SHEET), mimetype=MIME)
    else:
        answer = Response(file.as_csv(), mimetype="text/csv")
    name = f"campaign-{campaign_id}-calls.{form.kind.data}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _shown(campaign_id: int, form: CallsForm) -> str:
    try:
        with runtime().db.snapshot() as session:
            campaign = get_campaign(session, current_user.group_id, campaign_id)
            name = campaign.name
    except NotFoundError:
        abort(404)
    return render_template("campaigns/calls_file.html", campaign_id=campaign_id, name=name, form=form)
