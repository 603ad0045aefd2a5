"""What a branch does next: one table of states, decided at a domain time. Pure.

``waiting -> asked -> nudged -> backup_asked -> routed_direct``, with ``confirmed`` from any of these, and ``stopped``.
A captain is asked, nudged once, and then passed over; so is a backup, without a nudge. Silence counts from the moment
at which the text went out or the call was over, and only in hours in which it may be answered: nobody is passed over
for being asleep. A call that reaches nobody passes nobody over either: a text asks at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

State = Literal["waiting", "asked", "nudged", "backup_asked", "confirmed", "routed_direct", "stopped"]
Ask = Literal["under_way", "held", "posted", "failed", "lost"]
"""How the text or call stands that is waited upon. ``posted``: the text went out, or the call is over. ``failed``: the
call was none, and a text can still ask. ``lost``: there is none that arrives, or its reader has opted out."""
Act = Literal["ask", "nudge", "ask_backup", "release", "nothing"]
Reason = Literal["silent", "declined", "lost"]
NEXT: dict[str, frozenset[str]] = {
    "waiting": frozenset({"asked", "backup_asked", "routed_direct", "stopped"}),
    "asked": frozenset({"nudged", "backup_asked", "routed_direct", "confirmed", "stopped"}),
    "nudged": frozenset({"backup_asked", "routed_direct", "confirmed", "stopped"}),
    "backup_asked": frozenset({"routed_direct", "confirmed", "stopped"}),
    "confirmed": frozenset(),
    "routed_direct": frozenset(),
    "stopped": frozenset(),
}
"""Every move that there is."""
LOOK_AGAIN = timedelta(minutes=2)
"""When a text that is under way is looked at again."""


class Waits(NamedTuple):
    """From an ask to the nudge, and from an ask to whoever is next."""

    nudge: timedelta
    backup: timedelta


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a step. ``ask``, ``posted_at`` and ``opens_at`` are of whoever is asked now.

    ``may_ask``: the captain can be texted at all; ``may_ask_backup``: there is a backup, and they can be. ``opens_at``:
    when their window opens; None while it is open. ``declined``: they said that they cannot.
    """

    state: State
    deadline_at: datetime | None
    ask: Ask = "lost"
    posted_at: datetime | None = None
    may_ask: bool = True
    may_ask_backup: bool = False
    opens_at: datetime | None = None
    declined: bool = False
    paused: bool = False
    closed: bool = False


class Move(NamedTuple):
    """Where a step goes, when it goes on by itself, and what is done. ``reason``: why somebody was passed over."""

    state: State
    deadline_at: datetime | None
    act: Act = "nothing"
    reason: Reason | None = None


def decide(facts: Facts, waits: Waits, now: datetime) -> Move | None:
    """The next move of a step at ``now``; None when it stays as it is."""
    if not NEXT[facts.state]:
        return None
    if facts.closed:
        return Move("stopped", None)
    if facts.state == "waiting":
        return _begin(facts, waits, now)
    if facts.declined or facts.ask == "lost":
        return _pass_over(facts, waits, now, "declined" if facts.declined else "lost")
    if facts.state == "asked" and facts.ask == "failed" and facts.may_ask and not facts.paused:
        return Move("asked", now + waits.nudge, "ask")
    if facts.deadline_at is None or now < facts.deadline_at:
        return None
    if facts.paused:
        return Move(facts.state, now + LOOK_AGAIN)
    if facts.opens_at is not None:  # they have until they may be texted, and as long again
        return Move(facts.state, facts.opens_at + waits.nudge)
    if facts.ask == "held":  # their hours are open, so a cap holds it until tomorrow
        return _pass_over(facts, waits, now, "silent")
    if facts.ask != "posted" or facts.posted_at is None:
        return Move(facts.state, now + LOOK_AGAIN)
    return _silent(facts, waits, facts.posted_at, now)


def _begin(facts: Facts, waits: Waits, now: datetime) -> Move | None:
    if facts.deadline_at is None or now < facts.deadline_at:  # the branch above is not decided
        return None
    if facts.paused:
        return Move("waiting", now + LOOK_AGAIN)
    if facts.may_ask:
        return Move("asked", now + waits.nudge, "ask")
    return _pass_over(facts, waits, now, "lost")


def _silent(facts: Facts, waits: Waits, posted_at: datetime, now: datetime) -> Move:
    """The text went out, its reader could have answered, and has not."""
    if facts.state == "asked":
        if now < posted_at + waits.nudge:
            return Move("asked", posted_at + waits.nudge)
        return Move("nudged", max(posted_at + waits.backup, now + waits.backup - waits.nudge), "nudge")
    if facts.state == "backup_asked" and now < posted_at + waits.nudge:
        return Move("backup_asked", posted_at + waits.nudge)
    return _pass_over(facts, waits, now, "silent")


def _pass_over(facts: Facts, waits: Waits, now: datetime, reason: Reason) -> Move:
    if facts.state != "backup_asked" and facts.may_ask_backup:
        return Move("backup_asked", now + waits.nudge, "ask_backup", reason)
    return Move("routed_direct", None, "release", reason)
