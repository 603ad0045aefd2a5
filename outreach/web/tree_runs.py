"""A run of a phone tree: its live page, its levers, everybody in one table, and the file of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError, OutreachError
from outreach.escalations.models import Campaign
from outreach.phone_tree.reads import Person, RunView, view_run
from outreach.phone_tree.roster import documents_of, export_run, roster
from outreach.phone_tree.running import get_run, pause_run, resume_run, stop_run
from outreach.serving import runtime
from outreach.web.approval_words import safety_error
from outreach.web.campaign_words import GROUP_ZONE, is_halt, moment, to_the_second, why_paused
from outreach.web.campaigns import answer_or_304
from outreach.web.people_reads import name_of
from outreach.web.people_words import masked, place
from outreach.web.roles import allow, ranks
from outreach.web.silence import ExportForm
from outreach.web.tree_words import ROLES, RUN_STATES, STATUSES, STEPS, branch_of, tree_error
from outreach.web.wizard_words import OUT

pages = Blueprint("tree_runs", __name__, url_prefix="/trees/runs/<int:run_id>")

BRANCHES_SHOWN: Final = 20
MOST_PAGES: Final = 10_000


@pages.get("")
@allow("staff")
def show(run_id: int) -> str:
    """How a run stands; its live part is the same that polling fetches."""
    return _page(run_id, ExportForm(formdata=None))


@pages.get("/live")
@allow("staff")
def live(run_id: int) -> Response:
    """The live part alone, or 304 while nothing in it has changed."""
    return answer_or_304(render_template("trees/live.html", polled=True, **_live(run_id)))


@pages.get("/levers")
@allow("organizer")
def levers(run_id: int) -> str:
    """The levers alone, for a page whose run has changed its state meanwhile."""
    return render_template("trees/levers.html", **_live(run_id))


@pages.get("/table")
@allow("staff")
def table(run_id: int) -> str:
    """Everybody of the run in one table, to print."""
    held = runtime()
    with held.db.snapshot() as session:
        view = _view(session, run_id)
        entries = list(roster(session, held.vault, view.people))
    return render_template("trees/table.html", entries=entries, **_words(view))


@pages.post("/pause")
@allow("organizer")
def pause(run_id: int) -> WerkzeugResponse:
    """Nobody is asked or texted after this, until somebody resumes."""
    return _pull(pause_run, run_id, gettext("Paused. Nobody is asked or texted until you resume."))


@pages.post("/resume")
@allow("organizer", fresh=True)
def resume(run_id: int) -> WerkzeugResponse:
    """Go on."""
    return _pull(_resume, run_id, gettext("Resumed. The phone tree goes on."))


def _resume(tx: Transaction, group_id: int, run_id: int) -> None:
    resume_run(tx, runtime(), group_id, run_id, is_admin=ranks(current_user.role, "admin"))


def _pull(lever: Callable[[Transaction, int, int], None], run_id: int, done: str) -> WerkzeugResponse:
    try:
        with runtime().db.transaction(durable=True) as tx:
            lever(tx, current_user.group_id, run_id)
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        flash(safety_error(error), "error")
    else:
        flash(done)
    return redirect(url_for("tree_runs.show", run_id=run_id), code=303)


@pages.get("/stop")
@allow("organizer")
def ask_stop(run_id: int) -> str | WerkzeugResponse:
    """Ask once: this cannot be undone."""
    with runtime().db.snapshot() as session:
        view = _view(session, run_id)
    if view.state == "stopped":
        return redirect(url_for("tree_runs.show", run_id=run_id), code=303)
    return render_template("trees/stop.html", view=view, run=view.run)


@pages.post("/stop")
@allow("organizer")
def stop(run_id: int) -> WerkzeugResponse:
    """Stop for good; pressed twice, it is stopped once."""
    try:
        stop_run(runtime(), current_user.group_id, run_id)
    except NotFoundError:
        abort(404)
    except OutreachError as error:
        flash(tree_error(error), "error")
    else:
        flash(gettext("Stopped. Nobody more is asked or texted; what was sent already is still counted."))
    return redirect(url_for("tree_runs.show", run_id=run_id), code=303)


@pages.post("/export")
@allow("organizer", fresh=True)
def export(run_id: int) -> WerkzeugResponse | tuple[str, int]:
    """The file of everybody, once there is a reason for it."""
    form, language = ExportForm(), str(get_locale().language)
    if not form.validate_on_submit():
        return _page(run_id, form), 422
    try:
        body = export_run(
            runtime(), current_user.group_id, run_id, because=form.because.data, actor=current_user.name,
            language=language,
        )  # fmt: skip
    except NotFoundError:
        abort(404)
    answer = Response(body, mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="phone-tree-{run_id}.csv"'
    return answer


def _page(run_id: int, form: ExportForm) -> str:
    found = _live(run_id)
    return render_template(
        "trees/run.html", form=form, updated=to_the_second(found["view"].at), here=place(GROUP_ZONE), **found
    )


def _view(session: Any, run_id: int) -> RunView:
    """A run of the person's group as it stands now; 404 for any other."""
    try:
        return view_run(session, get_run(session, current_user.group_id, run_id), runtime().clock.now())
    except NotFoundError:
        abort(404)


def _live(run_id: int) -> dict[str, Any]:
    held, number = runtime(), min(max(request.args.get("page", 1, type=int), 1), MOST_PAGES)
    with held.db.snapshot() as session:
        view = _view(session, run_id)
        shown, more = some_branches(view.people, number)
        entries = list(roster(session, held.vault, view.people, shown)) if shown else []
        backups = {one.step.backup_id for one in shown if one.step and one.step.backup_id}
        names = {person: name_of(found) for person, found in documents_of(session, held.vault, sorted(backups)).items()}
        campaign = session.get_one(Campaign, view.run.campaign_id).name
    return {
        "entries": entries,
        "backup_names": names,
        "campaign": campaign,
        "listing": {"number": number, "more": more},
        **_words(view),
    }


def some_branches(people: Sequence[Person], number: int) -> tuple[list[Person], bool]:
    """The people of a page of branches, each from its captain at the top down, and whether there are more. Pure."""
    tops, shown = 0, []
    for one in people:
        tops += one.parent_id is None
        if (tops - 1) // BRANCHES_SHOWN + 1 == number:
            shown.append(one)
    return shown, tops > number * BRANCHES_SHOWN


def _words(view: RunView) -> dict[str, Any]:
    def when(at: Any) -> str:
        return moment(at, view.at)

    return {
        "view": view,
        "run": view.run,
        "state": view.state,
        "states": RUN_STATES,
        "statuses": STATUSES,
        "roles": ROLES,
        "steps": STEPS,
        "reasons": OUT,
        "branch": lambda step: branch_of(step, when, view.at, runs=view.state == "running"),
        "name_of": name_of,
        "masked": masked,
        "when": when,
        "halted": view.state == "paused" and is_halt(view.reason),
        "why": why_paused(view.reason) if view.state == "paused" else None,
    }
