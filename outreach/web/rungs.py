"""The rungs of the ladder on pages: how a campaign goes, when to move on, and the next draft by one press."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from outreach.core.errors import ConflictError, NotFoundError
from outreach.escalations.choosing import draft_next
from outreach.escalations.drafts import get_campaign
from outreach.escalations.ladder import Judgement, Suggestion, Tried, judge, judged_at, needed
from outreach.escalations.ladder_facts import suggestions_for, tried_with
from outreach.escalations.models import Campaign
from outreach.officials.models import Meeting
from outreach.serving import runtime
from outreach.web.campaign_words import day
from outreach.web.roles import allow
from outreach.web.tactic_words import reason_words, tactic_line, tactic_name, tone_name
from outreach.web.wizard_words import words

pages = Blueprint("rungs", __name__, url_prefix="/campaigns/<int:campaign_id>")

VERDICTS: Final[dict[Judgement, Any]] = {
    "early": lazy_gettext("It is too early to judge."),
    "working": lazy_gettext("It is making headway: persevere."),
    "not_working": lazy_gettext("It has had its time and has not worked: try something new."),
}


@dataclass(frozen=True, slots=True)
class Rung:
    """A tactic that was tried, in words. ``until``: the day on which it has had its time, while that is to come."""

    campaign_id: int
    tactic: str
    name: str
    tone: str
    began: str
    counted: str
    verdict: str
    judgement: Judgement
    until: str
    needed: int


@dataclass(frozen=True, slots=True)
class Going:
    """A campaign as a rung. ``draft_id``: of the next rung's draft, once there is one."""

    rung: Rung
    draft_id: int | None

    @property
    def key(self) -> str:
        """Another one when what the page offers next may be another; it stays while only the figures move."""
        return f"{self.rung.judgement}|{self.draft_id or ''}"


@dataclass(frozen=True, slots=True)
class Step:
    """What comes before and after a campaign."""

    before_id: int | None
    next: Suggestion | None
    next_name: str
    reasons: tuple[str, ...]


def rungs_of(session: Session, group_id: int, official_id: int, now: datetime) -> list[Rung]:
    """What was tried with an official, first to last."""
    return [in_words(one, now) for one in tried_with(session, group_id, official_id)]


def in_words(tried: Tried, now: datetime) -> Rung:
    """A rung in the language of the page."""
    how = judge(tried, now)
    measure = tactic_line(tried.tactic, "measure")
    counted = gettext(
        "%(measure)s: %(acted)s, of %(asked)s asked", acted=f"{tried.acted:,}", asked=f"{tried.asked:,}",
        measure=measure[:1].upper() + measure[1:],
    )  # fmt: skip
    return Rung(
        tried.campaign_id, tried.tactic, tactic_name(tried.tactic), tone_name(tried.tone), day(tried.launched_at),
        counted, str(VERDICTS[how]), how, day(judged_at(tried)) if how == "early" else "", needed(tried),
    )  # fmt: skip


def going_of(session: Session, group_id: int, campaign_id: int, now: datetime) -> Going | None:
    """A launched campaign as a rung of its official's ladder; None for one that nobody was asked by.

    It is polled: what to do next, which takes many questions, is not asked here.
    """
    official_id = session.execute(
        select(Campaign.official_id).where(Campaign.id == campaign_id, Campaign.group_id == group_id)
    ).scalar()
    tried = _own(tried_with(session, group_id, official_id), campaign_id) if official_id is not None else None
    if tried is None:
        return None
    waiting = select(Campaign.id).where(Campaign.predecessor_id == campaign_id, Campaign.state != "canceled")
    return Going(in_words(tried, now), session.execute(waiting.order_by(Campaign.id.desc()).limit(1)).scalar())


def step_of(session: Session, group_id: int, campaign_id: int, now: datetime) -> Step:
    """What to do next. Raises NotFoundError."""
    campaign = get_campaign(session, group_id, campaign_id)
    outcome = session.get_one(Meeting, campaign.meeting_id).outcome
    suggested = suggestions_for(session, campaign, outcome, now)
    following = next((one for one in suggested if one.tactic != campaign.tactic), None)
    return Step(
        campaign.predecessor_id, following, tactic_name(following.tactic) if following else "",
        tuple(reason_words(one) for one in following.reasons) if following else (),
    )  # fmt: skip


def _own(tried: Sequence[Tried], campaign_id: int) -> Tried | None:
    return next((one for one in tried if one.campaign_id == campaign_id), None)


@pages.post("/next")
@allow("organizer")
def draft(campaign_id: int) -> Response:
    """Draft the next rung out of the same meeting; pressed twice, there is one draft."""
    held = runtime()
    try:
        with held.db.transaction() as tx:
            made = draft_next(tx, held, current_user.group_id, campaign_id, by=current_user.name).id
    except NotFoundError:
        abort(404)
    except ConflictError as error:
        flash(words(error), "error")
        return redirect(url_for("campaigns.show", campaign_id=campaign_id), code=303)
    return redirect(url_for("wizard.tasks", campaign_id=made), code=303)
