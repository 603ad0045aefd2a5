"""Lets the people and offices at the other end act: each effect of a call may bring an event, some seconds later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from outreach.rehearsal.creates import check_recipient
from outreach.rehearsal.draws import between, fraction
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.voice import events, parties, states
from outreach.rehearsal.voice.legs import Leg
from outreach.rehearsal.voice.parties import Cast, Party, Span
from outreach.rehearsal.voice.states import PARENT
from outreach.rehearsal.voice.verbs import Dial, Gather, Say

BEGINS_TO_RING: Final = (1.0, 3.0)
SIGNALS_BACK: Final = (1.0, 2.0)
"""Until a busy or dead line is known to be one."""
STAR_AFTER: Final = (2.0, 10.0)
DETECTION: Final = {
    ("Enable", False): ("human", 3.0),
    ("Enable", True): ("machine_start", 4.0),
    ("DetectMessageEnd", False): ("human", 3.0),
    ("DetectMessageEnd", True): ("machine_end_beep", 15.0),
}
"""What was asked for, and whether a machine answers -> AnsweredBy, and seconds until it is known."""
UNDIALABLE: Final = 13224


@dataclass(slots=True, eq=False)
class Live:
    """A call that is under way."""

    state: states.CallState
    legs: list[Leg]
    person: Party
    ordinal: int
    """How many calls this number had before."""
    detection: str | None = None
    fault: str | None = None
    office: Party | None = None
    """Whoever was dialled last."""
    said: list[Say] = field(default_factory=list)
    asked: int = 0
    """How often keys were asked for."""
    pressed: int = 0
    outcome: str | None = None
    """The key that the person is about to report with."""


Act = Callable[[float], events.Event | None]
"""What happens at a time of the carrier's clock; None when it has become pointless."""


class Reactions:
    """``later`` has to feed the call what the act brings, in so many seconds of the carrier's clock."""

    def __init__(self, seed: int, offices: Cast, later: Callable[[Live, float, Act], None]) -> None:
        self._seed = seed
        self._offices = offices
        self._later = later

    def react(self, live: Live, effect: events.Effect) -> None:
        match effect:
            case events.Ring():
                self._ring(live, PARENT, live.person)
            case events.Place(leg=leg, dial=dial):
                self._dialled(live, leg, dial)
            case events.Moved(leg=leg, event="answered"):
                self._answered(live, leg)
            case events.Moved(leg=leg, event="completed") if leg != PARENT and live.office is not None:
                answered = live.state.leg(leg).answered
                live.outcome = parties.outcome_key(live.office, answered, self._seed, *self._about(live), leg)
            case events.Listen(gather=gather):
                self._asked(live, gather)

    def picked_up(self, live: Live, leg: int, at: float) -> events.PickedUp:
        """The phone of a leg is picked up, by whoever it is."""
        if leg != PARENT or live.detection is None:
            return events.PickedUp(at, leg)
        answered_by, seconds = DETECTION[live.detection, live.person.machine]
        live.legs[PARENT].answered_by = answered_by
        return events.PickedUp(at, leg, seconds)

    def _dialled(self, live: Live, leg: int, dial: Dial) -> None:
        number = dial.number.number
        live.office = self._offices.party(number)
        try:
            check_recipient(number)
        except Refusal:
            live.legs[PARENT].errors.append(UNDIALABLE)
            self._later(live, 0.0, lambda at: events.Declined(at, leg, parties.FAILED))
            return
        self._ring(live, leg, live.office)

    def _ring(self, live: Live, leg: int, party: Party) -> None:
        if party.takes in (parties.BUSY, parties.FAILED):
            status = party.takes
            self._later(live, self._draw(SIGNALS_BACK, live, leg), lambda at: events.Declined(at, leg, status))
            return
        rings = self._draw(BEGINS_TO_RING, live, leg)
        self._later(live, rings, lambda at: events.Rang(at, leg))
        if party.takes == parties.ANSWERS:
            picks_up = rings + self._draw(party.picks_up, live, leg, "picks up")
            self._later(live, picks_up, partial(self.picked_up, live, leg))

    def _answered(self, live: Live, leg: int) -> None:
        party = live.person if leg == PARENT else live.office
        if party is not None and party.hangs_up is not None:
            wait = self._draw(party.hangs_up, live, leg, "hangs up")
            self._later(live, wait, lambda at: events.HungUp(at, leg))
        if leg != PARENT and live.person.leaves_by_star:
            self._later(live, self._draw(STAR_AFTER, live, leg, "star"), partial(self._press_star, live, leg))

    def _asked(self, live: Live, gather: Gather) -> None:
        live.asked += 1
        if live.person.takes == parties.BY_HAND:
            return
        if live.asked > parties.PATIENCE:
            self._later(live, 0.0, events.HungUp)
            return
        key = parties.key_for(live.person, gather, live.pressed)
        if key is not None:
            part = fraction(self._seed, "press", *self._about(live), live.asked)
            self._later(live, parties.press_after(gather, part), partial(self._press, live, live.asked, key))

    def _press(self, live: Live, asked: int, key: str, at: float) -> events.Event | None:
        """Answer the question that was asked then, unless the call has gone on meanwhile."""
        if live.asked != asked or not isinstance(live.state.doing, states.Gathering):
            return None
        if live.outcome is not None:
            key, live.outcome = live.outcome, None
        else:
            live.pressed += 1
        live.legs[PARENT].keys += key
        return events.Pressed(at, key)

    def _press_star(self, live: Live, leg: int, at: float) -> events.Event | None:
        if not live.state.leg(leg).live:
            return None
        live.legs[PARENT].keys += "*"
        return events.Pressed(at, "*")

    def _draw(self, span: Span, live: Live, *about: object) -> float:
        return between(span, fraction(self._seed, "call", *self._about(live), *about))

    def _about(self, live: Live) -> tuple[str, int]:
        return (live.legs[PARENT].phone, live.ordinal)
