"""Why a wave's text did not reach a person: one reason for each person, from the facts that decided it. Pure.

A person has a message, and its state tells; or has none, and then what kept them out of the audience tells. The words
of every code stand in ``config/silence.toml`` and ``config/carrier_errors.toml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

from outreach.carrier.base import OPTED_OUT
from outreach.escalations.audience import REACHED
from outreach.escalations.models import STOOD_DOWN
from outreach.messaging.gates import ORGANIZER, STAND_DOWN
from outreach.messaging.models import PARKED
from outreach.messaging.states import BEFORE_POSTING
from outreach.people.quiet_hours import window
from outreach.people.why_not import SUPPRESSION_CODES, Reason
from outreach.people.zones import fifty_states

OPTED_OUT_ELSEWHERE: Final = "opted_out_elsewhere"
"""The person's own stop, which did not come as a text to this group: another group heard it, or another channel."""
STOPS: Final = ("opted_out", OPTED_OUT_ELSEWHERE, *tuple(SUPPRESSION_CODES.values())[1:])
"""Codes of suppressions, in the order in which one is told."""
FURTHER: Final = ("silent", "replied")
"""Whom a wave has that follows others; the rest have people of their own."""
CARRIER: Final = "carrier:"
"""How the codes begin that hold one of the carrier's."""
CODES: Final = (
    "not_launched", "preparing", "waiting", "being_sent", "office_pace", "office_closed", "quiet_hours", "cap",
    "no_hours", "second_try", "paused", "halted", "unknown", "needs_decision", "left", "stood_down", "canceled",
    "canceled_by_carrier", "replied", *STOPS,
    "opted_out_then", "number_bad", "no_consent", "consent_old", "came_later", "not_reached", "no_reply", "unwelcome",
    "not_rendered", "not_delivered", "refused",
)  # fmt: skip
"""Every code but those of the carrier, in the order in which they are shown: what passes by itself comes first."""


@dataclass(frozen=True, slots=True)
class Wave:
    """What a wave's people have in common. ``gate``: draft, open, paused or closed; ``reason``: why it is not open.

    ``who``: lists, tree, or for a later wave silent or replied. ``planned``: planning is over. ``office_opens``: of one
    that is paced, while its office is closed.
    """

    gate: str
    reason: str | None = None
    who: str = "lists"
    planned: bool = True
    office_opens: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one person, or of many alike. Those below ``stop`` are for who has no message.

    ``state``, ``not_before``, ``error_code``: of the person's newest message; the state is empty where there is none.
    ``stop``: a code of STOPS that is in force. ``consent``: valid, old, none. ``passed``: planning has gone by them.
    ``reached``: an earlier wave reached them; ``answer``: what they made of it: empty, welcome, unwelcome.
    """

    state: str = ""
    not_before: datetime | None = None
    error_code: int = 0
    zones: tuple[str, ...] = ()
    again: bool = False  # a second message, after one that did not arrive
    left: bool = False  # a person has looked at it and left it as it is
    taken: bool = False  # the carrier has given it a name
    replied: bool = False  # to an earlier wave, of which this one reminds
    number_bad: bool = False
    stop: str = ""
    consent: str = "valid"
    passed: bool = False
    reached: bool = True
    answer: str = ""


def why(facts: Facts, wave: Wave) -> Reason | None:
    """Why the text did not reach this person; None: it did, or is on its way.

    ``Reason.until`` is when it ends by itself, domain time.
    """
    if facts.state in REACHED:
        return None
    if not facts.state:
        return Reason(_left_out(facts, wave))
    if facts.state in BEFORE_POSTING:
        return _waits(facts, wave)
    code = _ended(facts)
    return Reason(STOOD_DOWN if code == "canceled" and wave.reason == STAND_DOWN else code)


def _waits(facts: Facts, wave: Wave) -> Reason:
    """Not sent yet: what somebody must do comes first, then what passes by itself."""
    if wave.reason == STAND_DOWN:
        return Reason(STOOD_DOWN)
    if wave.gate == "closed":
        return Reason("canceled")
    if wave.gate == "paused":
        return Reason("paused" if wave.reason in {None, ORGANIZER} else "halted")
    until = facts.not_before if facts.state == "held" else None
    if facts.again:
        return Reason("second_try", until)
    if facts.not_before == PARKED:
        return Reason("office_closed", wave.office_opens) if wave.office_opens else Reason("office_pace")
    if facts.state == "held" and facts.not_before is not None:
        return Reason(held_for(facts.zones, facts.not_before), until)
    return Reason("waiting")


def held_for(zones: tuple[str, ...], until: datetime) -> str:
    """What holds a text until then: quiet_hours when a window opens at that very instant, else cap (``slices.judge``).

    no_hours: no window comes in sight, and the sender looks again then.
    """
    try:
        hours, before = window(zones, until), window(zones, until - timedelta(microseconds=1))
    except ZoneInfoNotFoundError:  # a zone that this machine does not know: then it may be any
        return held_for(fifty_states(), until)
    if hours.opens_at is None:
        return "no_hours"
    return "quiet_hours" if hours.open and not before.open else "cap"


def _ended(facts: Facts) -> str:
    if facts.state == "suppressed":
        if facts.error_code == OPTED_OUT:
            return "opted_out_at_carrier"
        return facts.stop or ("number_bad" if facts.number_bad else "opted_out_then")
    if facts.state == "canceled":
        if facts.taken:
            return "canceled_by_carrier"
        return "replied" if facts.replied else "canceled"
    if facts.state == "needs_review":
        return "left" if facts.left else "needs_decision"
    if facts.state in {"failed", "undelivered"}:
        return _failed(facts)
    return {"posting": "being_sent", "unknown": "unknown"}.get(facts.state, "waiting")


def _failed(facts: Facts) -> str:
    if facts.error_code:
        return f"{CARRIER}{facts.error_code}"
    if facts.state == "undelivered":
        return "not_delivered"
    if facts.taken:
        return "refused"
    return "number_bad" if facts.number_bad else "not_rendered"


def _left_out(facts: Facts, wave: Wave) -> str:
    """Why there is no message. Nobody may text whoever said stop, so that is told before anything else."""
    if facts.stop:
        return facts.stop
    if facts.consent != "valid":
        return "no_consent" if facts.consent == "none" else "consent_old"
    if facts.number_bad:
        return "number_bad"
    if wave.who in FURTHER and (code := _no_further(facts, wave.who)):
        return code
    if wave.gate == "draft":
        return "not_launched"
    if wave.reason == STAND_DOWN and not facts.passed:
        return STOOD_DOWN
    if wave.gate == "closed" and not facts.passed:
        return "canceled"
    return "came_later" if facts.passed or wave.planned else "preparing"


def _no_further(facts: Facts, who: str) -> str | None:
    if not facts.reached:
        return "not_reached"
    if who == "silent":
        return "replied" if facts.answer else None
    return {"": "no_reply", "unwelcome": "unwelcome"}.get(facts.answer)


def in_order(codes: Iterable[str]) -> Sequence[str]:
    """Codes as they are shown: by CODES, the carrier's by number before what is left of them."""
    places = {code: place for place, code in enumerate(CODES)}
    return sorted(codes, key=lambda code: (places.get(code, places["not_rendered"]), code))
