"""The campaigns: their list, and each one's live tally."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, session, url_for
from flask_babel import get_locale, gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach.core.errors import NotFoundError
from outreach.escalations.models import STOOD_DOWN, Campaign
from outreach.escalations.stand_down import stand_down_of
from outreach.escalations.waves import TREE
from outreach.messaging.gates import texted
from outreach.officials.models import Meeting, Official
from outreach.phone_tree.listing import runs_of_campaign
from outreach.serving import runtime
from outreach.tallies.campaign import CampaignTally
from outreach.tallies.charts import bars, running, stacked
from outreach.tallies.failures import failures
from outreach.tallies.live import live_tally
from outreach.web.call_words import call_rows
from outreach.web.campaign_state import shown_state, texts_wait
from outreach.web.campaign_words import GROUP_ZONE, is_halt, launches, moment, percent, to_the_second, why_paused
from outreach.web.pace_words import pace_in_words
from outreach.web.people_words import place
from outreach.web.phones import BESIDE, phones_of
from outreach.web.roles import allow
from outreach.web.rungs import Going, going_of, step_of
from outreach.web.silence import carrier_words_of
from outreach.web.tactic_words import tactic_line
from outreach.web.waiting import campaign_rows, is_planned, wordings
from outreach.web.wizard_words import VARIANTS, problem

pages = Blueprint("campaigns", __name__, url_prefix="/campaigns")

SEEN_TALLY = "seen_tally"
"""In the session once its person has read a tally with something in it."""
LISTED = 100

LABELS = {
    "planned": lazy_gettext("planned"),
    "held": lazy_gettext("waiting for their hours, or another day"),
    "accepted": lazy_gettext("taken by the carrier"),
    "sent": lazy_gettext("on its way"),
    "delivered": lazy_gettext("delivered"),
    "undelivered": lazy_gettext("not delivered"),
    "failed": lazy_gettext("refused by the carrier"),
    "suppressed": lazy_gettext("not sent: opted out"),
    "canceled": lazy_gettext("canceled"),
    "stood_down": lazy_gettext("stood down"),
    "unknown": lazy_gettext("unknown, being looked up"),
    "needs_review": lazy_gettext("needs a decision"),
    "draft": lazy_gettext("a draft"),
    "scheduled": lazy_gettext("waits for its time"),
    "launched": lazy_gettext("running"),
    "paused": lazy_gettext("paused"),
    "all_sent": lazy_gettext("all sent"),
    "spoke": lazy_gettext("spoke with staff"),
    "voicemail": lazy_gettext("left a voicemail"),
    "mailbox_full": lazy_gettext("mailbox full"),
    "no_answer": lazy_gettext("no answer"),
    "busy": lazy_gettext("busy"),
    "refused": lazy_gettext("they refused"),
    "done": lazy_gettext("done"),
    "letter_sent": lazy_gettext("letter sent"),
    "letter_printed": lazy_gettext("letter printed"),
    "email_sent": lazy_gettext("email sent"),
    "attended": lazy_gettext("was at the meeting"),
    "spoke_at_meeting": lazy_gettext("spoke at the meeting"),
    "left_note": lazy_gettext("left a note"),
}
"""States and outcomes in words."""


@pages.get("/")
@allow("staff")
def overview() -> str:
    """The group's campaigns, newest first."""
    with runtime().db.snapshot() as reading:
        campaigns = campaign_rows(reading, current_user.group_id, most=LISTED)
    return render_template("campaigns/overview.html", campaigns=campaigns, labels=LABELS, launches=launches)


PROGRESS = ("delivered", "sent", "accepted", "undelivered", "failed", "suppressed", "canceled", "needs_review",
            "unknown", "held", "planned")  # fmt: skip
"""The order in which the progress bar shows the states: what has arrived first, what waits last."""
WHO_GOT_IT = {
    "lists": lazy_gettext("everybody in the audience"),
    "silent": lazy_gettext("who had not answered"),
    "replied": lazy_gettext("who had answered"),
    "tree": lazy_gettext("a phone tree"),
}
SERIES_LABELS = {
    "delivered": lazy_gettext("delivered"),
    "replies": lazy_gettext("replies"),
    "reports": lazy_gettext("acts reported"),
    "opted_out": lazy_gettext("asked to stop"),
}
"""Of campaigns of every tactic together; of one, reports are called what it asks for."""


@pages.get("/<int:campaign_id>")
@allow("staff")
def show(campaign_id: int) -> str | WerkzeugResponse:
    """A campaign's page; its live part is the same that polling fetches. A draft has its task list instead."""
    found = _live(campaign_id)
    tally: CampaignTally = found["tally"]
    if tally.state == "draft" and current_user.role != "staff":
        return redirect(url_for("wizard.tasks", campaign_id=campaign_id))
    if found["texted"]:
        session[SEEN_TALLY] = True
    rehearsal = runtime().settings.mode == "rehearsal"
    return render_template(
        "campaigns/show.html",
        **found,
        **_step(campaign_id, found["going"]),
        source=_source(campaign_id),
        updated=to_the_second(tally.at),
        here=place(GROUP_ZONE),
        beside=rehearsal,
        phones=phones_of(campaign_id, BESIDE) if rehearsal else None,
    )


@pages.get("/<int:campaign_id>/live")
@allow("staff")
def live(campaign_id: int) -> Response:
    """The live part alone, or 304 while nothing in it has changed: it tells no time of its own."""
    body = render_template("campaigns/live.html", polled=True, **_live(campaign_id))
    return answer_or_304(body)


@pages.get("/<int:campaign_id>/levers")
@allow("organizer")
def levers(campaign_id: int) -> str:
    """The levers alone, for a page whose campaign has changed its state meanwhile."""
    return render_template("campaigns/levers.html", **_live(campaign_id))


@pages.get("/<int:campaign_id>/rung")
@allow("staff")
def rung(campaign_id: int) -> str:
    """How it goes and what comes next alone, for a page on which something else comes next by now."""
    found = _live(campaign_id)
    return render_template("campaigns/rung.html", **found, **_step(campaign_id, found["going"]))


def answer_or_304(body: str) -> Response:
    """A fragment for polling. Its tag covers every letter of it, so a 304 says that the page shows what is true."""
    answer = make_response(body)
    answer.set_etag(hashlib.sha256(f"{get_locale()}\n{body}".encode()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.make_conditional(request)
    return answer


def _source(campaign_id: int) -> Any:
    """Where the campaign comes from: its meeting and official."""
    with runtime().db.snapshot() as reading:
        return reading.execute(
            select(Campaign.official_id, Campaign.meeting_id, Meeting.held_on, Official.name, Official.role)
            .join(Meeting, Meeting.id == Campaign.meeting_id)
            .join(Official, Official.id == Campaign.official_id)
            .where(Campaign.id == campaign_id, Campaign.group_id == current_user.group_id)
        ).one()


def _step(campaign_id: int, going: Going | None) -> dict[str, Any]:
    """What comes next, and the lines about the campaign's tactic; nothing for one that nobody was asked by."""
    if going is None:
        return {}
    held = runtime()
    with held.db.snapshot() as reading:
        step = step_of(reading, current_user.group_id, campaign_id, held.clock.now())
    return {"step": step, "step_line": lambda kind: tactic_line(going.rung.tactic, kind)}


def by_tree(tally: CampaignTally) -> bool:
    """Whether a phone tree has texted somebody for the campaign."""
    return any(wave.who == TREE for wave in tally.waves)


def _reports_words(tally: CampaignTally, going: Going | None) -> str:
    """What reports of this campaign are: of calls, or of what else its tactic counts."""
    if tally.calls:
        return str(gettext("calls reported"))
    return tactic_line(going.rung.tactic, "measure") if going else str(gettext("people who told us"))


def _live(campaign_id: int) -> dict[str, Any]:
    held = runtime()
    try:
        with held.db.snapshot() as reading:
            found = live_tally(reading, current_user.group_id, campaign_id, held.clock)
            # Asked only where the counts say that nobody waits: planning may not have come to everybody.
            texts = wordings(reading, campaign_id)
            failed = failures(reading, current_user.group_id, campaign_id)
            waiting = texts_wait(found.tally.states) or not is_planned(reading, campaign_id)
            runs = runs_of_campaign(reading, campaign_id) if by_tree(found.tally) else {}
            on = found.tally.state in {"launched", "paused"}
            pace = pace_in_words(reading, campaign_id, found.tally.at) if on else None
            is_down = found.tally.state == STOOD_DOWN
            stood = stand_down_of(reading, current_user.group_id, campaign_id) if is_down else None
            going = going_of(reading, current_user.group_id, campaign_id, held.clock.now())
    except NotFoundError:
        abort(404)
    tally, states = found.tally, found.tally.states
    return {
        "live": found,
        "tally": tally,
        # While a phone tree runs, texts leave that nobody has planned yet.
        "state": shown_state(tally.state, waiting=waiting or any(run.is_on for run in runs.values())),
        "going": going,
        "runs": runs,
        "stood": stood,
        "pace": pace,
        "labels": LABELS,
        "series_labels": {**SERIES_LABELS, "reports": _reports_words(tally, going)},
        "progress": stacked({state: states[state] for state in PROGRESS}),
        "outcomes": bars(tally.reports),
        "timeline": running(found.series),
        "texted": texted(states),
        "called": sum(tally.reports.values()),
        "wordings": texts,
        "failures": failed,
        "carrier_words": carrier_words_of,
        "who": WHO_GOT_IT,
        "variants": VARIANTS,
        "problem": problem,
        "launches": launches,
        "halted": tally.state == "paused" and is_halt(tally.reason),
        "why": why_paused(tally.reason) if tally.state == "paused" else None,
        "percent": percent,
        "call_rows": call_rows,
        "when": lambda at: moment(at, tally.at),
    }
