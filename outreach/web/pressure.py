"""The pressure report on one official: a page to print and hand over, with nobody in it who could be told apart."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask_login import current_user

from outreach.accounts.models import Group
from outreach.officials.promise_rules import BROKEN, WAITED_FOR
from outreach.serving import runtime
from outreach.tallies.periods import day_of
from outreach.tallies.pooling import LEAST
from outreach.tallies.pressure import pressure
from outreach.web.campaigns import LABELS
from outreach.web.ledger_words import LEDGER_ANSWERS
from outreach.web.official_words import ANSWERS, BASES, policies
from outreach.web.officials_reads import official_page
from outreach.web.roles import allow
from outreach.web.tally_words import SAID

pages = Blueprint("pressure", __name__, url_prefix="/officials/<int:official_id>/pressure")


@pages.get("")
@allow("staff")
def show(official_id: int) -> str:
    """One sheet of paper."""
    held, group_id = runtime(), current_user.group_id
    with held.db.snapshot() as session:
        known = official_page(session, group_id, official_id)
        if known is None:
            abort(404)
        found = pressure(session, group_id, official_id, held.clock)
        group = session.get_one(Group, group_id).name
    today = day_of(found.until)
    unanswered = [
        promise
        for promise in known.promises
        if promise.state == BROKEN or (promise.state in WAITED_FOR and promise.due_on and promise.due_on < today)
    ]
    return render_template(
        "pressure/show.html", official=known.official, stances=known.stances, promises=unanswered, found=found,
        group=group, today=today, began=day_of(found.began) if found.began else None, policies=policies(),
        answers={**ANSWERS, **LEDGER_ANSWERS}, bases=BASES, labels=LABELS, said=SAID, least=LEAST,
    )  # fmt: skip
