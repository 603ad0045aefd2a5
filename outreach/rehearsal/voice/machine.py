"""The call machine: ``step(state, event)`` gives the next state and what is to be done. Pure.

Source: Twilio's pages on TwiML for Voice and on call status values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urljoin

from outreach.rehearsal.voice import events, states
from outreach.rehearsal.voice.states import LIMIT, PARENT, CallState, LegState, Source
from outreach.rehearsal.voice.verbs import Dial, Gather, Hangup, Pause, Redirect, Reject, Say

BAD_URL: Final = 11100
BAD_CALLER_ID: Final = 13214
APOLOGY: Final = Say("We are sorry, an application error has occurred. Goodbye.")


def step(state: CallState, event: events.Event) -> tuple[CallState, tuple[events.Effect, ...]]:
    """What comes of an event. An event that the state has no use for changes nothing: phones and timers are late."""
    if state.over:
        return state, ()
    move = _Move(state, event.at)
    move.take(event)
    return move.state, tuple(move.effects)


class _Move:
    """One step under way: it replaces its own state and collects effects."""

    def __init__(self, state: CallState, at: float) -> None:
        self.state = state
        self.at = at
        self.effects: list[events.Effect] = []

    def take(self, event: events.Event) -> None:
        match event:
            case events.Began():
                self._begin()
            case events.Rang(leg=leg):
                self._rang(leg)
            case events.PickedUp(leg=leg, detection=detection):
                self._picked_up(leg, detection)
            case events.Declined(leg=leg, status=status) if not self.state.leg(leg).answered:
                self._lost(leg, status)
            case events.HungUp(leg=leg):
                self._lost(leg, "canceled" if self.state.inbound and leg == PARENT else "busy")
            case events.Pressed(keys=keys):
                self._pressed(keys)
            case events.Elapsed(turn=turn):
                self._elapsed(turn)
            case events.Fetched(turn=turn, url=url, document=document) if turn == self.state.turn:
                self._go_to(Source(url, document=document))
            case events.Redirected(source=source) if self.state.leg(PARENT).status == "in-progress":
                self._drop_child()
                self._go_to(source)
            case events.Stopped(leg=leg, status=status) if status == "completed" or not self.state.leg(leg).answered:
                self._lost(leg, "canceled")

    def _begin(self) -> None:
        if self.state.leg(PARENT).status != "queued":
            return
        if self.state.inbound:
            self._put(PARENT, "ringing")
            self.effects.append(events.Moved(PARENT, "ringing"))
            self._go_to(self.state.source)
        else:
            self._put(PARENT, "initiated")
            self.effects += [events.Moved(PARENT, "initiated"), events.Ring()]
            self._do(states.Waiting(), self.state.ring_for)

    def _put(self, leg: int, status: str, **times: float) -> None:
        self.state = self.state.with_leg(leg, replace(self.state.leg(leg), status=status, **times))

    def _rang(self, leg: int) -> None:
        if self.state.leg(leg).status == "initiated":
            self._put(leg, "ringing")
            self.effects.append(events.Moved(leg, "ringing"))

    def _picked_up(self, leg: int, detection: float) -> None:
        if self.state.leg(leg).status not in ("initiated", "ringing") or (self.state.inbound and leg == PARENT):
            return
        self._answer(leg)
        doing = self.state.doing
        if isinstance(doing, states.Dialling):
            if not self.state.leg(PARENT).answered:
                self._answer(PARENT)
            self._do(doing, doing.dial.time_limit)
        elif detection:
            self._do(states.Detecting(), detection)
        else:
            self._go_to(self.state.source)

    def _answer(self, leg: int) -> None:
        self._put(leg, "in-progress", answered_at=self.at)
        self.effects.append(events.Moved(leg, "answered"))
        if leg == PARENT:
            self.effects.append(events.Wait(LIMIT, self.state.time_limit))

    def _lost(self, leg: int, status: str) -> None:
        """A leg ends: with this status when it was not answered."""
        if not self.state.leg(leg).live:
            return
        doing = self.state.doing
        if leg == PARENT:
            self._end(status)
        elif isinstance(doing, states.Dialling):
            self._close(leg, status)
            if doing.dial.action:
                self._fetch(doing.dial.action, doing.dial.method, child=leg)
            else:
                self._next()

    def _close(self, leg: int, unanswered: str) -> None:
        if self.state.leg(leg).live:
            status = "completed" if self.state.leg(leg).answered else unanswered
            self._put(leg, status, ended_at=self.at)
            self.effects.append(events.Moved(leg, "completed"))

    def _drop_child(self) -> None:
        if isinstance(self.state.doing, states.Dialling):
            self._close(self.state.doing.leg, "canceled")

    def _end(self, unanswered: str) -> None:
        """The call is over. What a ``<Dial>`` came to is told all the same; what is answered does not count."""
        doing = self.state.doing
        self._drop_child()
        self._close(PARENT, unanswered)
        if isinstance(doing, states.Dialling) and doing.dial.action:
            self._fetch(doing.dial.action, doing.dial.method, child=doing.leg)
        self._do(states.Over(), None)

    def _do(self, doing: states.Activity, seconds: float | None) -> None:
        """Begin something that ends by itself after so many seconds, or never."""
        self.state = replace(self.state, doing=doing, turn=self.state.turn + 1)
        if seconds is not None:
            self.effects.append(events.Wait(self.state.turn, seconds))

    def _go_to(self, source: Source) -> None:
        self.state = replace(self.state, verbs=())
        if source.document is None:
            self._fetch(source.url, source.method)
        elif isinstance(source.document, int):
            self._fail(source.document)
        else:
            self.state = replace(self.state, url=source.url, verbs=source.document)
            self._next()

    def _fetch(self, address: str | None, method: str, digits: str | None = None, child: int | None = None) -> None:
        url = urljoin(self.state.url, address or "")
        if not url.startswith(("http://", "https://")):
            self._fail(BAD_URL)
            return
        self._do(states.Fetching(), None)
        self.effects.append(events.Fetch(self.state.turn, url, method, digits, child))

    def _fail(self, code: int) -> None:
        self.effects.append(events.Fault(code))
        if not self.state.leg(PARENT).live:
            return
        if not self.state.leg(PARENT).answered:
            self._answer(PARENT)
        self.effects.append(events.Tell(APOLOGY))
        self._do(states.Parting(), APOLOGY.seconds)

    def _next(self) -> None:
        """Begin the next verb; at the end of the document the call ends."""
        verb = self.state.verbs[0] if self.state.verbs else Hangup()
        self.state = replace(self.state, verbs=self.state.verbs[1:])
        silent = isinstance(verb, Pause | Redirect | Reject) or (isinstance(verb, Dial) and verb.answer_on_bridge)
        if not silent and not self.state.leg(PARENT).answered:
            self._answer(PARENT)
        match verb:
            case Say():
                self.effects.append(events.Tell(verb))
                self._do(states.Playing(), verb.seconds)
            case Pause():
                self._do(states.Playing(), verb.seconds)
            case Gather():
                self.effects.append(events.Listen(verb))
                self._listen(states.Gathering(verb, verb.prompts))
            case Dial():
                self._dial(verb)
            case Redirect():
                self._fetch(verb.url, verb.method)
            case Hangup():
                self._end("completed")
            case Reject():
                self._end("busy" if verb.reason == "busy" else "no-answer")

    def _listen(self, doing: states.Gathering) -> None:
        """Go on gathering: play the prompt that is due, or wait for keys."""
        if doing.prompts and isinstance(doing.prompts[0], Say):
            self.effects.append(events.Tell(doing.prompts[0]))
        self._do(doing, doing.prompts[0].seconds if doing.prompts else doing.gather.timeout)

    def _dial(self, dial: Dial) -> None:
        if dial.caller_id is not None and dial.caller_id not in self.state.caller_ids:
            self._fail(BAD_CALLER_ID)
            return
        leg = len(self.state.legs)
        self.state = replace(self.state, legs=(*self.state.legs, LegState("initiated")))
        self.effects += [events.Place(leg, dial), events.Moved(leg, "initiated")]
        self._do(states.Dialling(dial, leg), dial.timeout)

    def _pressed(self, keys: str) -> None:
        match self.state.doing:
            case states.Gathering() as doing:
                digits, done = doing.gather.take(doing.digits, keys)
                if done:
                    self._gathered(doing.gather, digits)
                elif keys:
                    self._listen(states.Gathering(doing.gather, (), digits))
            case states.Dialling(dial=dial, leg=leg) if (
                dial.hangup_on_star and "*" in keys and self.state.leg(leg).answered
            ):
                self._lost(leg, "canceled")

    def _gathered(self, gather: Gather, digits: str) -> None:
        if digits or gather.action_on_empty_result:
            self._fetch(gather.action, gather.method, digits=digits)
        else:
            self._next()

    def _elapsed(self, turn: int) -> None:
        if turn == LIMIT:
            self._end("no-answer")
        elif turn == self.state.turn:
            match self.state.doing:
                case states.Waiting():
                    self._end("no-answer")
                case states.Detecting():
                    self._go_to(self.state.source)
                case states.Playing():
                    self._next()
                case states.Gathering(gather, prompts, digits):
                    if prompts:
                        self._listen(states.Gathering(gather, prompts[1:], digits))
                    else:
                        self._gathered(gather, digits)
                case states.Dialling(leg=leg):
                    self._lost(leg, "no-answer")
                case states.Parting():
                    self._end("completed")
