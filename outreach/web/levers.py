"""Pause, resume, cancel, and undo a launch time: one press each, and each acts with its own commit."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.db import Transaction
from outreach.core.errors import ConflictError, NotFoundError
from outreach.escalations.launch import cancel_campaign, pause_campaign, resume_checked
from outreach.escalations.models import ENDED
from outreach.escalations.schedule import unschedule_launch
from outreach.serving import runtime
from outreach.web.approval_words import safety_error
from outreach.web.roles import allow, ranks
from outreach.web.stand_down_words import stand_down_error
from outreach.web.wizard import find_draft

pages = Blueprint("levers", __name__, url_prefix="/campaigns/<int:campaign_id>")


@pages.post("/pause")
@allow("organizer")
def pause(campaign_id: int) -> Response:
    """No text leaves after this, until somebody resumes."""
    return _pull(pause_campaign, campaign_id, gettext("Paused. No more texts leave until you resume."))


@pages.post("/resume")
@allow("organizer", fresh=True)
def resume(campaign_id: int) -> Response:
    """Go on."""
    return _pull(_resume, campaign_id, gettext("Resumed. Texts leave again."))


def _resume(tx: Transaction, group_id: int, campaign_id: int) -> None:
    is_admin = ranks(current_user.role, "admin")
    resume_checked(tx, runtime(), group_id, campaign_id, by=current_user.name, is_admin=is_admin)


def _pull(lever: Callable[[Transaction, int, int], None], campaign_id: int, done: str) -> Response:
    try:
        with runtime().db.transaction(durable=True) as tx:
            lever(tx, current_user.group_id, campaign_id)
    except NotFoundError:
        abort(404)
    except ConflictError as error:
        flash(safety_error(error), "error")
    else:
        flash(done)
    return _back(campaign_id)


@pages.post("/unschedule")
@allow("organizer")
def unschedule(campaign_id: int) -> Response:
    """Undo a launch time: a draft again. Pressed twice, it is a draft once."""
    return _pull(unschedule_launch, campaign_id, gettext("Undone. It is a draft again, and nobody was texted."))


@pages.get("/cancel")
@allow("organizer")
def ask_cancel(campaign_id: int) -> str | Response:
    """Ask once: this cannot be undone."""
    draft = find_draft(campaign_id)
    if draft.campaign.state in ENDED:
        return _back(campaign_id)
    return render_template("wizard/cancel.html", campaign=draft.campaign)


@pages.post("/cancel")
@allow("organizer")
def cancel(campaign_id: int) -> Response:
    """Stop for good; pressed twice, it is canceled once."""
    try:
        cancel_campaign(runtime(), current_user.group_id, campaign_id)
    except NotFoundError:
        abort(404)
    except ConflictError as error:
        flash(stand_down_error(error), "error")
        return _back(campaign_id)
    flash(gettext("Canceled. Nothing more leaves; what was sent already is still counted."))
    return _back(campaign_id)


def _back(campaign_id: int) -> Response:
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), code=303)
