"""The message machine: one table of what each thing heard does in each state. Pure.

``planned -> claimed -> posting`` is written by claim and slice; from ``posting`` on only the folder moves a
message, and it moves by this table. A pair that is not in the table changes nothing: late, repeated and
reordered reports are the normal case. CARRIER.md holds the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from outreach.carrier.base import OPTED_OUT

BEFORE_POSTING = ("planned", "claimed", "held")
REACHED = ("accepted", "sent", "delivered")
"""A text that may have been read."""
TERMINAL = frozenset({"delivered", "undelivered", "failed", "suppressed", "canceled", "superseded"})
"""``superseded``: it was sent again, as a new message, by a person or by RETRIED; it counts no more."""
STATES = (*BEFORE_POSTING, "posting", "unknown", "needs_review", "accepted", "sent", *sorted(TERMINAL))

CHECK_AFTER = (timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30))
"""When an unknown message is looked up at the carrier, counted from its POST, in domain time."""

SILENCE = timedelta(minutes=10)
"""After this much domain time without a report, an accepted or sent message is fetched; three times at most."""

RETRIED = {30001: timedelta(hours=1), 30003: timedelta(hours=1), 30036: timedelta(0)}
"""The carrier's codes after which a text that ended may go out once more (CARRIER.md), and how long to wait first:
its queue was full, the handset was off, its validity ran out. Domain time."""
NEXT_WINDOW = frozenset({30036})
"""Of these, those that wait for the person's next window; the others go within the window of the first try, or not."""

HEARD_STATUS = {
    "scheduled": "accepted",
    "accepted": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "canceled",
}
"""The carrier's word -> our state."""

DECISIONS = {"sent": "decided_sent", "again": "decided_again", "left": None}
"""What a person may choose of a message in review -> the folder's word for it; what is left stays where it is."""

_PROOF = {name: name for name in ("accepted", "sent", "delivered", "undelivered", "failed", "canceled")}

TRANSITIONS: dict[str, dict[str, str]] = {
    "posting": {
        **_PROOF,
        "rejected": "failed",
        "refused_opt_out": "suppressed",
        "not_sent": "planned",
        "unknown": "unknown",
    },
    "unknown": {
        **_PROOF,
        "rejected": "failed",
        "refused_opt_out": "suppressed",
        "not_sent": "planned",
        "review": "needs_review",
    },
    "needs_review": {**_PROOF, "decided_sent": "sent", "decided_again": "superseded"},
    "accepted": {name: name for name in _PROOF if name != "accepted"},
    "sent": {name: name for name in ("delivered", "undelivered", "failed")},
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing heard about an attempt: a POST's result, or a carrier's report.

    ``word`` is a key of the inner tables of TRANSITIONS. ``at`` and ``begun_at`` are domain time: when it was
    heard, and when the attempt's POST began. ``retry_at`` is for ``not_sent``.
    """

    word: str
    attempt_id: int
    attempt_closed: bool
    begun_at: datetime
    at: datetime
    carrier_sid: str | None = None
    error_code: int | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the folder knows and writes of a message."""

    state: str
    carrier_sid: str | None = None
    error_code: int | None = None
    not_before: datetime | None = None
    next_check_at: datetime | None = None
    checks: int = 0  # look-ups done in this state
    closed_attempt: int | None = None  # an attempt that this fold proved not sent
    alarm: str | None = None  # something that must not happen was heard


def heard_result(key: str, error_code: int | None) -> str:
    """The table's word for a ``result`` event."""
    return "refused_opt_out" if key == "rejected" and error_code == OPTED_OUT else key


def hear(facts: Facts, heard: Heard) -> Facts:
    """The message after this was heard. Order and repetition of reports do not change where it ends."""
    proof = heard.word in _PROOF
    if facts.state in BEFORE_POSTING:  # a late word about an earlier attempt: claim, slice and STOP own this row
        return replace(facts, alarm="accepted_after_not_sent") if proof else facts
    if heard.word in {"decided_sent", "decided_again"}:  # its attempt was closed with the decision
        target = TRANSITIONS.get(facts.state, {}).get(heard.word)
        return replace(facts, state=target, next_check_at=None, checks=0) if target else facts
    if heard.word == "retried":
        ended = facts.state in {"undelivered", "failed"} and facts.error_code in RETRIED
        return replace(facts, state="superseded", next_check_at=None) if ended else facts
    if heard.attempt_closed or facts.closed_attempt == heard.attempt_id:
        return replace(facts, alarm="accepted_after_not_sent") if proof else facts
    if proof and heard.carrier_sid and facts.carrier_sid not in {None, heard.carrier_sid}:
        return replace(facts, alarm="two_sids_for_one_attempt")
    target = TRANSITIONS.get(facts.state, {}).get(heard.word)
    if target is None:
        return _keep(facts, heard, proof=proof)
    moved = replace(facts, state=target, next_check_at=None, checks=0)
    if proof:
        moved = replace(moved, carrier_sid=heard.carrier_sid or facts.carrier_sid)
    if heard.error_code is not None and target not in {"planned", "unknown"}:
        moved = replace(moved, error_code=heard.error_code)
    if target == "planned":
        moved = replace(moved, closed_attempt=heard.attempt_id, not_before=heard.retry_at or facts.not_before)
    elif target == "unknown":
        moved = replace(moved, next_check_at=heard.begun_at + CHECK_AFTER[0])
    elif target in {"accepted", "sent"}:
        moved = replace(moved, next_check_at=heard.at + SILENCE)
    elif target in {"undelivered", "failed"} and heard.error_code in RETRIED:
        moved = replace(moved, next_check_at=heard.at + RETRIED[heard.error_code])
    return moved


def _keep(facts: Facts, heard: Heard, *, proof: bool) -> Facts:
    """Nothing moves; but a proof that comes first through a report may still bring the sid, or raise an alarm."""
    if not proof:
        return facts
    if facts.state in {"failed", "suppressed"} and facts.carrier_sid is None:
        return replace(facts, alarm="accepted_after_refusal")
    if facts.carrier_sid is None and heard.carrier_sid:
        return replace(facts, carrier_sid=heard.carrier_sid)
    return facts


def public_state(state: str) -> str:
    """The state as people and counters see it: claimed and posting are still ``planned``."""
    return "planned" if state in {"claimed", "posting"} else state


def next_check(begun_at: datetime, checks_done: int) -> datetime | None:
    """When to look an unknown message up again after ``checks_done`` look-ups; None: ask a person. Domain time."""
    return begun_at + CHECK_AFTER[checks_done] if checks_done < len(CHECK_AFTER) else None
