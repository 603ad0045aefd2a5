"""Home: what waits for the organizer, and what a newcomer does first, with what is done already ticked off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, session, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from sqlalchemy.orm import Session

from outreach.approvals.deciding import open_requests
from outreach.messaging.nudges import count_late, hours_of
from outreach.messaging.sign_up_watch import is_closed
from outreach.serving import runtime
from outreach.spending.caps import alerts_now
from outreach.tallies.kept_sheets import shown_weeks
from outreach.watch.alarms import open_alarms
from outreach.web.approval_words import alert_words
from outreach.web.campaign_words import is_halt, launches
from outreach.web.campaigns import LABELS, SEEN_TALLY
from outreach.web.inbox_words import at_least, late_words
from outreach.web.phones import SEEN_PHONES
from outreach.web.plan_reads import what_is_ahead
from outreach.web.queue_words import alarm_words
from outreach.web.roles import allow, ranks
from outreach.web.tally_words import week_words
from outreach.web.waiting import Waiting, what_waits

pages = Blueprint("home", __name__)

MOST_WEEKS = 5
"""Officials of whom Home tells the week."""


@dataclass(frozen=True, slots=True)
class Row:
    """Something that should be looked at now: its sentence, and where."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps. ``url`` is None while it cannot be taken yet."""

    key: str
    text: str
    url: str | None
    done: bool
    count: int | None = None


@pages.get("/")
@allow("staff")
def index() -> str:
    """First steps, what needs a look now, launched campaigns, drafts, meetings without a follow-up, promises due."""
    held = runtime()
    news = shown_weeks(held, current_user.group_id)[:MOST_WEEKS]
    with held.db.snapshot() as reading:
        soon = what_is_ahead(reading, held, current_user.group_id)
        waiting = what_waits(reading, current_user.group_id, held.clock.now())
        late = late_words(count_late(reading, held, current_user.group_id), hours_of(reading, current_user.group_id))
        asked = rows_of_safety(reading)
        alarms = alarm_rows(reading)
    pressing = [*alarms, *asked, *urgent(waiting, late)]
    steps = first_steps(waiting, rehearsal=held.settings.mode == "rehearsal", writes=current_user.role != "staff")
    return render_template("home.html", waiting=waiting, urgent=pressing, labels=LABELS,
                           launches=launches,
                           soon=soon, week_rows=[(week, week_words(week)) for week in news if week.is_news],
                           **told(steps))  # fmt: skip


def rows_of_safety(reading: Session) -> list[Row]:
    """What somebody else asks this person to approve; what is spent; and a sign-up page that was closed."""
    held, group_id = runtime(), current_user.group_id
    rows = [
        Row(gettext("Waits for your approval: %(name)s", name=name) if name
            else gettext("Waits for your approval: no second person for launches any more"),
            url_for("approvals.show", campaign_id=asked.campaign_id) if name else url_for("safety.index"))
        for asked, name in open_requests(reading, group_id, held.clock.real_now())
        if asked.requested_by != int(current_user.id) and ranks(current_user.role, "organizer")
    ]  # fmt: skip
    rows += [Row(alert_words(one), url_for("safety.index")) for one in alerts_now(reading, held, group_id)]
    if is_closed(reading, group_id):
        rows.append(Row(gettext("The form of your sign-up page is closed. Somebody should look."),
                        url_for("safety.index")))  # fmt: skip
    return rows


def alarm_rows(reading: Session) -> list[Row]:
    """What the checks found, for those who can act: whoever runs the site, and a group's admins for theirs."""
    if ranks(current_user.role, "instance"):
        found = open_alarms(reading)
        told = ngettext("An alarm of the site's own checks", "%(num)s alarms of the site's own checks", len(found))
        return [Row(told, url_for("queues.index"))] if found else []
    if not ranks(current_user.role, "admin"):
        return []
    kinds = dict.fromkeys(one.kind for one in open_alarms(reading, current_user.group_id))
    return [Row(alarm_words(kind), url_for("campaigns.overview")) for kind in kinds]


def urgent(waiting: Waiting, late: Sequence[str]) -> list[Row]:
    """What cannot wait, most pressing first. ``late``: sentences about the inbox."""
    texts = sum(waiting.threads.values())
    rows = [
        Row(gettext("Halted, and needs you: %(name)s", name=row.name), url_for("campaigns.show", campaign_id=row.id))
        for row in waiting.running
        if is_halt(row.reason)
    ]
    rows += [
        Row(gettext("Could not launch at its time: %(name)s", name=row.name),
            url_for("campaigns.show", campaign_id=row.id))
        for row in waiting.drafts
        if row.launch_problem
    ]  # fmt: skip
    rows += [Row(sentence, url_for("inbox.index")) for sentence in late]
    if doubtful := waiting.threads.get("possible_opt_out"):
        told = gettext("Perhaps opt-outs, to decide: %(count)s", count=at_least(doubtful))
        rows.append(Row(told, url_for("inbox.index")))
    if waiting.doubts:
        rows.append(Row(gettext("Texts to decide about: %(count)s", count=waiting.doubts), url_for("review.index")))
    if texts:
        told = gettext("Texts that wait for an answer: %(count)s", count=at_least(texts))
        rows.append(Row(told, url_for("inbox.index")))
    return rows


def first_steps(waiting: Waiting, *, rehearsal: bool, writes: bool) -> list[Step]:
    """The way from an empty site to a tally that was read, in order."""
    tally = url_for("campaigns.show", campaign_id=waiting.launched.id) if waiting.launched else None
    drafts = [*waiting.drafts, *waiting.scheduled]
    drafted = url_for("campaigns.show", campaign_id=drafts[0].id) if drafts else None
    steps = [
        Step("officials", gettext("Bring the officials you meet, and their office phones."),
             url_for("officials.index"), waiting.officials > 0, waiting.officials),
        Step("people", gettext("Bring the people who agreed to be texted."),
             url_for("people.import_form" if writes else "people.overview"), waiting.constituents > 0,
             waiting.constituents),
        Step("plan", gettext("Plan your meeting: who speaks, what to read before, what to ask."),
             url_for("officials.index") if waiting.officials else None, waiting.planned + waiting.held > 0),
        Step("meeting", gettext("Log your meeting. Without a commitment it opens a draft campaign."),
             _to_log(waiting), waiting.held > 0, waiting.held),
        Step("launch", gettext("Launch the draft: choose whom to text, read the text, launch."),
             drafted or tally, waiting.launched is not None),
    ]  # fmt: skip
    if rehearsal:
        steps.append(
            Step("phones", gettext("Watch the simulated phones answer, and answer as one of these people."),
                 url_for("phones.grid") if waiting.launched else None,
                 waiting.launched is not None and SEEN_PHONES in session)
        )  # fmt: skip
    steps.append(
        Step("tally", gettext("Read the tally: who was reached, who called, what the office said."), tally,
             waiting.launched is not None and SEEN_TALLY in session)
    )  # fmt: skip
    return steps


def _to_log(waiting: Waiting) -> str | None:
    """Where a meeting is logged: by way of its plan, if there is one."""
    if not waiting.officials:
        return None
    return url_for("plans.index" if waiting.planned and not waiting.held else "officials.index")


def told(steps: list[Step]) -> dict[str, Any]:
    """How the steps are shown: open until the group has launched once, and in a rehearsal until all are done."""
    left = [step for step in steps if not step.done]
    return {
        "steps": steps,
        "next_step": left[0].key if left else None,
        "begun": any(step.done for step in steps),
        "newcomer": bool(left) and ([step.key for step in left] != ["tally"] or "phones" in {s.key for s in steps}),
        "left": len(left),
    }
