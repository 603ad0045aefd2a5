"""Starting a phone tree: for which campaign, how long is waited, who will be asked, and the number of people, typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.accounts.safety import needs_two
from outreach.approvals.asking import ask_tree
from outreach.core.errors import BadInputError, OutreachError
from outreach.phone_tree.forecast import Foresight, foresee
from outreach.phone_tree.listing import RunRow, zones_of
from outreach.phone_tree.running import LONGEST, MINUTE, check_waits, default_waits, start_run
from outreach.serving import runtime
from outreach.web.approval_words import ASKED, safety_error
from outreach.web.approvals import actor
from outreach.web.campaign_state import ALL_SENT
from outreach.web.campaign_words import GROUP_ZONE, moment
from outreach.web.campaigns import LABELS
from outreach.web.people_words import place
from outreach.web.roles import allow
from outreach.web.tree_changes import find
from outreach.web.tree_forms import StartForm
from outreach.web.tree_reads import Whole
from outreach.web.tree_words import tree_error
from outreach.web.waiting import campaign_rows
from outreach.web.wizard_forms import options, refuse
from outreach.web.wizard_words import OUT

pages = Blueprint("tree_start", __name__, url_prefix="/trees/<int:tree_id>/start")

Page = str | Response | tuple[str, int]
STARTABLE: Final = ("draft", "launched", ALL_SENT)
"""States of campaigns for which a tree can be started: no text leaves for one that is paused."""
MOST_CAMPAIGNS: Final = 100
NAMED: Final = 30
"""Of the captains who are asked first."""


@pages.route("", methods=["GET", "POST"])
@allow("organizer", fresh=True)
def start(tree_id: int) -> Page:
    """Look at what a start would do, and start. Sent twice, it starts once."""
    found = find(tree_id)
    if found.runs_now:
        return _under_way(found.runs_now)
    usual = default_waits()
    begun = {"channel": "text", "nudge": str(usual.nudge // MINUTE), "backup": str(usual.backup // MINUTE)}
    form = StartForm() if request.method == "POST" else StartForm(formdata=None, data=begun)
    campaigns = _campaigns()
    form.campaign.choices = options(campaigns)
    foreseen = _foreseen(found, form)
    if request.form.get("action") == "start" and foreseen is not None and form.validate_on_submit():
        with runtime().db.snapshot() as session:
            two = needs_two(session, current_user.group_id)
        run_id = _start(found, form, foreseen, two=two)
        if run_id is not None and two:
            flash(str(ASKED))
            return redirect(url_for("approvals.show", campaign_id=form.campaign.data), code=303)
        if run_id is not None:
            flash(gettext("Started. The captains are asked now."))
            return redirect(url_for("tree_runs.show", run_id=run_id), code=303)
        found = find(tree_id)
        if found.runs_now:  # somebody pressed at the same moment
            return _under_way(found.runs_now)
    return _shown(found, form, foreseen), 422 if form.errors else 200


def _under_way(run: RunRow) -> Response:
    if request.method == "POST":
        flash(gettext("This tree was started already."))
    return redirect(url_for("tree_runs.show", run_id=run.id), code=303)


def _campaigns() -> Mapping[int, str]:
    """The campaigns that a tree can be started for, with how they stand."""
    with runtime().db.snapshot() as session:
        rows = campaign_rows(session, current_user.group_id, ("draft", "launched"), most=MOST_CAMPAIGNS)
    return {row.id: f"{row.name} ({LABELS[row.state]})" for row in rows if row.state in STARTABLE}


def _foreseen(found: Whole, form: StartForm) -> Foresight | None:
    """What a start would lead to in silence; None when the waits are wrong, which then stands in the form."""
    try:
        minutes = form.minutes()
        if minutes is None:
            raise BadInputError("tree_waits_wrong", longest=LONGEST)
        waits = check_waits(*minutes)
    except OutreachError as error:
        form.nudge.errors = [tree_error(error)]
        return None
    return foresee(found.nodes, zones_of(list(found.people.values())), waits, runtime().clock.now())


def _start(found: Whole, form: StartForm, foreseen: Foresight, *, two: bool) -> int | None:
    """Start, or ask a second person to; None when it was refused, with the reason in the form."""
    if form.typed() is None:
        refuse(form.count, gettext("Type the number in digits, for example 250."))
        return None
    if form.typed() != foreseen.people:
        told = gettext("You typed %(typed)s, but %(people)s people of this tree may be texted. Nothing was started.")
        refuse(form.count, str(told) % {"typed": f"{form.typed():,}", "people": f"{foreseen.people:,}"})
        return None
    nudge, backup = form.minutes() or (0, 0)
    held = runtime()
    try:
        with held.db.transaction(durable=True) as tx:
            if two:
                return ask_tree(
                    tx, held, actor(), form.campaign.data, tree_id=found.tree.id, nudge=nudge, backup=backup,
                    channel=form.channel.data,
                ).id  # fmt: skip
            return start_run(
                tx, held, current_user.group_id, found.tree.id, form.campaign.data, by=current_user.name,
                nudge_minutes=nudge, backup_minutes=backup, channel=form.channel.data,
            ).id  # fmt: skip
    except OutreachError as error:
        if error.code.startswith("approval_"):
            refuse(form.count, safety_error(error))
        else:
            form.refuse(error)
        return None


def _shown(found: Whole, form: StartForm, foreseen: Foresight | None) -> str:
    now = runtime().clock.now()
    seen: dict[str, Any] = {"foreseen": foreseen, "last": None}
    if foreseen is not None and foreseen.last_at is not None:
        seen["last"] = moment(foreseen.last_at, now)
    tops = [node for node in found.nodes if node.parent is None]
    without = sum(node.parent is None and not found.people[node.person].may_be_texted for node in tops)
    return render_template(
        "trees/start.html", found=found, tree=found.tree, form=form, reasons=OUT, here=place(GROUP_ZONE),
        first=[found.row(node) for node in tops[:NAMED]], branches=len(tops), without=without, longest=LONGEST, **seen,
    )  # fmt: skip
