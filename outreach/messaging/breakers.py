"""Circuit breakers: a campaign that does harm halts by itself, and says why (``config/breakers.toml``).

The rules are pure. What an organizer has seen is not held against the campaign again: a gate's ``baseline`` is where
its counts stood when it was resumed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from config import table
from outreach.carrier.base import CANNOT_REACH, FILTERED_OUT
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.messaging.gates import NOTHING, Baseline, counts_of, halt_gate, texted
from outreach.messaging.models import Event, Gate, Message, MessageAttempt, Tally, of_kind

PAIR, FILTERED, OPT_OUTS = "breaker:pair", "breaker:filtered", "breaker:opt_outs"
"""Why a gate was halted."""
ENDED = ("delivered", "undelivered", "failed")


def pair_fails(codes: Sequence[int | None]) -> bool:
    """Whether these answers to POSTs, newest first (None: accepted), say that our sender cannot text at all."""
    rule = table("breakers")["pair"]
    newest, last = codes[: rule["in_a_row"]], codes[: rule["last"]]
    in_a_row = len(newest) == rule["in_a_row"] and set(newest) == {CANNOT_REACH}
    return in_a_row or bool(last.count(CANNOT_REACH) > rule["share"] * rule["last"])


def is_filtered(codes: Sequence[int | None]) -> bool:
    """Whether these last reports, newest first (None: delivered), say that networks filter the text."""
    rule = table("breakers")["filtered"]
    return bool(codes[: rule["last"]].count(FILTERED_OUT) > rule["share"] * rule["last"])


def too_many_opt_outs(texted: int, opted_out: int) -> bool:
    """Whether clearly more people opt out than should of so many who were texted."""
    rule = table("breakers")["opt_outs"]
    expected = rule["share"] * texted
    return bool(texted >= rule["least"] and opted_out > expected + rule["deviations"] * math.sqrt(expected))


def break_on_pair(tx: Transaction, gate_id: int) -> bool:
    """Halt a gate whose last POSTs say that its sender cannot text; call it in the transaction that records them."""
    since = _baseline(tx, gate_id)["event"]
    codes = _last(tx, gate_id, "result", ("accepted", "rejected"), since, table("breakers")["pair"]["last"])
    return pair_fails(codes) and halt_gate(tx, gate_id, PAIR)


def check_breakers(runtime: Runtime) -> int:
    """Halt open campaigns that are filtered, or that too many opt out of; how many were halted.

    It reads the folded counters first, so a campaign without trouble costs no more than those.
    """
    filtered = f"error:{FILTERED_OUT}"
    with runtime.db.snapshot() as reading:
        suspects = reading.execute(
            select(Gate.id)
            .join(Tally, Tally.gate_id == Gate.id)
            .where(Gate.kind == "wave", Gate.state == "open", Tally.name.in_((filtered, "opted_out")), Tally.count > 0)
            .distinct()
        ).scalars().all()  # fmt: skip
        reasons = {gate_id: _trouble(reading, gate_id, filtered) for gate_id in suspects}
    halted = 0
    for gate_id, reason in reasons.items():
        if reason:
            with runtime.db.transaction() as tx:
                halted += halt_gate(tx, gate_id, reason)
    return halted


def _trouble(reading: Any, gate_id: int, filtered: str) -> str | None:
    since = _baseline(reading, gate_id)
    counts = counts_of(reading, gate_id)
    if too_many_opt_outs(texted(counts) - since["texted"], counts.get("opted_out", 0) - since["opted_out"]):
        return OPT_OUTS
    rule = table("breakers")["filtered"]
    # As many as trip the rule must be there at all before the last reports are looked at.
    if counts.get(filtered, 0) <= rule["share"] * rule["last"]:
        return None
    codes = _last(reading, gate_id, "status", ENDED, since["event"], rule["last"])
    return FILTERED if is_filtered(codes) else None


def _baseline(session: Any, gate_id: int) -> Baseline:
    return session.execute(select(Gate.baseline).where(Gate.id == gate_id)).scalar() or NOTHING


def _last(session: Any, gate_id: int, kind: str, keys: Sequence[str], since: int, most: int) -> list[int | None]:
    """The carrier's codes of a gate's last events of a kind, newest first."""
    rows = session.execute(
        select(Event.error_code)
        .join(MessageAttempt, MessageAttempt.id == Event.attempt_id)
        .join(Message, Message.id == MessageAttempt.message_id)
        .where(Message.gate_id == gate_id, of_kind(kind), Event.key.in_(keys), Event.id > since)
        .order_by(Event.id.desc())
        .limit(most)
    )
    return list(rows.scalars())
