"""A captain is asked by a call, where they can be called now; else, and after a call that came to nothing, by text."""

from __future__ import annotations

from typing import Any, Final

import structlog
from sqlalchemy import select

from outreach.calls.asking import live_session
from outreach.calls.models import CAPTAIN
from outreach.calls.models import LIVE as CALLS_LIVE
from outreach.calls.tree_calls import Leader, begin
from outreach.core.db import Transaction
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging.models import GateText
from outreach.phone_tree.models import TreeRun
from outreach.phone_tree.rules import Ask
from outreach.phone_tree.texting import counted, hours_of, people_of

log = structlog.get_logger(__name__)

CALL: Final = "call"
"""The channel of a run whose captains are called first."""
NOBODY_CALLED: Final = ("refused", "canceled")
NOT_CONNECTED: Final = ("failed", "canceled")
"""Endings of a call that was placed and rang nowhere."""


def ask_by_call(tx: Transaction, runtime: Runtime, run: TreeRun, constituent_id: int, people: int) -> int | None:
    """Note a call that asks a captain, and return its session. Lock the captain first.

    None where it is no hour to call them, where they talk with us already, or where we have no number to call from.
    """
    now = runtime.clock.now()
    person = people_of(tx, [constituent_id], now).get(constituent_id)
    if person is None or person.suppressed or not runtime.settings.twilio_from_number:
        return None
    if not hours_of(person.zones, now).open or live_session(tx, person.number_hash):
        return None
    try:
        to = runtime.vault.open(person.sealed, "constituent")["phone"]
    except (OutreachError, KeyError) as error:  # one person's bad row must not hold up the tree
        log.error("captain_not_called", run_id=run.id, error=getattr(error, "code", type(error).__name__))
        return None
    leader = Leader(person.id, person.group_id, person.number_hash, person.language, to)
    return begin(tx, runtime, leader, run.gate_id, CAPTAIN, _words(tx, run, people))


def _words(tx: Transaction, run: TreeRun, people: int) -> dict[str, Any]:
    """What the call is about, in both languages: its captain may change to the other one."""
    texts = select(GateText.language, GateText.values).where(GateText.gate_id == run.gate_id, GateText.variant == "a")
    values: dict[str, Any] = {row[0]: row[1] for row in tx.execute(texts)}
    return {
        "group": values["en"]["group"],
        "official": {language: said["official"] for language, said in values.items()},
        "policy": {language: said["policy"] for language, said in values.items()},
        "count": {language: counted(people, language) for language in values},
    }


def state_of_call(call: Any) -> Ask:
    """How a call that asks stands, by its session's state and ending. Silence is counted from its end. Pure."""
    if call.state in CALLS_LIVE:
        return "under_way"
    has_failed = call.state in NOBODY_CALLED or call.ending in NOT_CONNECTED
    return "failed" if has_failed else "posted"
