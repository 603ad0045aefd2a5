"""Carries calls out: feeds the machine of each live call, and does what it asks for over time and HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from typing import Final
from urllib.parse import urljoin

from outreach.rehearsal.account import Account
from outreach.rehearsal.agenda import Agenda
from outreach.rehearsal.delivery import EARLY_SECONDS, Delivery
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.replies import WRONG_TYPE, XML_TYPES
from outreach.rehearsal.voice import events, parties, resources
from outreach.rehearsal.voice.callbacks import Callbacks
from outreach.rehearsal.voice.creates import CallChange, CallCreate, document_or_code
from outreach.rehearsal.voice.legs import Callback, Leg, Legs
from outreach.rehearsal.voice.machine import step
from outreach.rehearsal.voice.parties import Cast
from outreach.rehearsal.voice.reactions import Act, Live, Reactions
from outreach.rehearsal.voice.states import PARENT, CallState, Dialling, Source
from outreach.rehearsal.voice.verbs import Dial, Document
from outreach.rehearsal.webhooks import HTTP_FAILED, Answer

DEQUEUED_AFTER: Final = 1.0
"""Seconds of the carrier's clock that a call is queued."""
STATUS_OF: Final = {"initiated": "initiated", "ringing": "ringing", "answered": "in-progress"}
OK: Final = 200


class Exchange:
    """The live calls of an account. Use it inside the running event loop; ``close()`` ends it."""

    def __init__(self, account: Account, delivery: Delivery, people: Cast, offices: Cast) -> None:
        self.account = account
        self.people = people
        self.offices = offices
        self.legs = Legs()
        self._delivery = delivery
        # Its own: what waits here for calls that have ended keeps nobody busy.
        self._agenda = Agenda()
        self._live: dict[str, Live] = {}
        self._callbacks = Callbacks(account, delivery)
        self._reactions = Reactions(delivery.faults.seed, offices, self._later)

    @property
    def live(self) -> int:
        """Calls that have not ended."""
        return len(self._live)

    def close(self) -> None:
        self._agenda.close()

    def place(self, create: CallCreate, fault: str | None) -> Live:
        """Take a call on; ``begin`` or ``begin_early`` sets it going."""
        person = self.people.party(create.to)
        state = CallState(
            create.source,
            ring_for=create.ring_for,
            time_limit=create.time_limit,
            caller_ids=frozenset((self.account.number, create.to)),
        )
        ordinal = self.legs.of_phone[create.to]
        leg = self.legs.add(
            direction="outbound-api",
            to=create.to,
            sender=create.sender,
            persona=person.name,
            now=time.time(),
            callback=create.callback,
        )
        return self._keep(Live(state, [leg], person, ordinal, detection=create.detection, fault=fault))

    def begin(self, live: Live) -> None:
        self._later(live, DEQUEUED_AFTER, events.Began)

    async def begin_early(self, live: Live) -> None:
        """Begin at once, and wait until the first callback is delivered."""
        before = self._delivery.running
        self._feed(live, events.Began(self._now()))
        if tasks := self._delivery.running - before:
            await asyncio.wait(tasks, timeout=EARLY_SECONDS)

    def ring_us(self, number: str) -> Leg:
        """A phone calls our number."""
        person = parties.caller(self.people.party(number))
        source = Source(f"{self.account.webhook_url}/twilio/voice")
        state = CallState(source, inbound=True, caller_ids=frozenset((self.account.number, number)))
        ordinal, now = self.legs.of_phone[number], time.time()
        leg = self.legs.add(
            direction="inbound", to=self.account.number, sender=number, persona=person.name, now=now, begun=now
        )
        live = self._keep(Live(state, [leg], person, ordinal))
        self._feed(live, events.Began(self._now()))
        return leg

    def change(self, leg: Leg, change: CallChange) -> None:
        """Do to a live call what a REST request asks for. Raises Refusal."""
        live = self._live.get(leg.parent_sid or leg.sid)
        if live is None or not live.state.leg(live.legs.index(leg)).live:
            raise Refusal(21220)
        if change.source is not None:
            if leg.parent_sid is not None:
                raise Refusal(20001)  # a dialled leg has no document of its own here
            if leg.status != "in-progress":
                raise Refusal(21220)
            self._feed(live, events.Redirected(self._now(), change.source))
        elif change.status is not None:
            self._feed(live, events.Stopped(self._now(), live.legs.index(leg), change.status))

    def at_phone(self, number: str) -> tuple[Live, int] | None:
        """The newest live call at a phone, and its leg there."""
        return next(((live, leg) for live, leg in self._ends() if live.legs[leg].phone == number), None)

    def pick_up(self, live: Live, leg: int) -> None:
        self._feed(live, self._reactions.picked_up(live, leg, self._now()))

    def press(self, live: Live, keys: str) -> None:
        live.legs[PARENT].keys += keys
        self._feed(live, events.Pressed(self._now(), keys))

    def hang_up(self, live: Live, leg: int) -> None:
        self._feed(live, events.HungUp(self._now(), leg))

    def _keep(self, live: Live) -> Live:
        self._live[live.legs[PARENT].sid] = live
        return live

    def _ends(self) -> Iterator[tuple[Live, int]]:
        for live in reversed(self._live.values()):
            for leg in range(len(live.legs) - 1, -1, -1):
                if live.state.leg(leg).live:
                    yield live, leg

    def _now(self) -> float:
        return self.account.clock.now().timestamp()

    def _later(self, live: Live, seconds: float, act: Act) -> None:
        # By sid, so that a timer which outlives its call does not keep all of it.
        self._agenda.after(seconds / self.account.clock.speed, partial(self._act, live.legs[PARENT].sid, act))

    def _act(self, sid: str, act: Act) -> None:
        live = self._live.get(sid)
        if live is not None and (event := act(self._now())) is not None:
            self._feed(live, event)

    def _feed(self, live: Live, event: events.Event) -> None:
        live.state, effects = step(live.state, event)
        for effect in effects:
            self._perform(live, effect)
            self._reactions.react(live, effect)
        if live.state.over:
            self._live.pop(live.legs[PARENT].sid, None)

    def _perform(self, live: Live, effect: events.Effect) -> None:
        match effect:
            case events.Wait(turn=turn, seconds=seconds):
                self._later(live, seconds, partial(events.Elapsed, turn=turn))
            case events.Fetch():
                self._fetch(live, effect)
            case events.Place(dial=dial):
                self._open_leg(live, dial)
            case events.Moved(leg=leg, event=event):
                self._moved(live, leg, event)
            case events.Tell(say=say):
                live.said.append(say)
                live.legs[PARENT].hear(say)
            case events.Fault(code=code):
                live.legs[PARENT].errors.append(code)

    def _fetch(self, live: Live, fetch: events.Fetch) -> None:
        child = None if fetch.child is None else live.legs[fetch.child]
        parameters = resources.document_parameters(live.legs[PARENT], self.account, fetch.digits, child)
        self._delivery.spawn(self._document(live, fetch, parameters))

    async def _document(self, live: Live, fetch: events.Fetch, parameters: dict[str, str]) -> None:
        document = _read(await self._delivery.caller.send(fetch.method, fetch.url, parameters))
        first = live.legs[PARENT]
        if not isinstance(document, int):
            first.documents += 1
        elif fetch.turn != live.state.turn:  # nobody waits for it any more, but it went wrong
            first.errors.append(document)
        self._feed(live, events.Fetched(self._now(), fetch.turn, fetch.url, document))

    def _open_leg(self, live: Live, dial: Dial) -> None:
        first, number = live.legs[PARENT], dial.number
        callback = None
        if number.callback is not None:
            url = urljoin(live.state.url, number.callback)
            callback = Callback(url, number.callback_method, number.callback_events)
        live.legs.append(
            self.legs.add(
                direction="outbound-dial",
                to=number.number,
                # Left to itself the called party sees who is on the line with us, not us.
                sender=dial.caller_id or first.phone,
                persona=self.offices.party(number.number).name,
                now=time.time(),
                parent_sid=first.sid,
                callback=callback,
            )
        )

    def _moved(self, live: Live, number: int, event: str) -> None:
        leg, state, now = live.legs[number], live.state.leg(number), time.time()
        leg.call_status = STATUS_OF.get(event, state.status)
        leg.updated = now
        match event:
            case "initiated":
                leg.begun = now
            case "answered":
                leg.answered = now
                if number != PARENT and isinstance(live.state.doing, Dialling):
                    leg.send_digits = live.state.doing.dial.number.send_digits
            case "completed":
                leg.ended = now
                leg.duration = state.seconds if state.answered else None
        self._callbacks.tell(leg, event, live.fault)


def _read(answer: Answer) -> Document | int:
    """The document in an answer, or the code of what is wrong with it."""
    if answer.error_code is not None:
        return answer.error_code
    if answer.status != OK:
        return HTTP_FAILED
    return document_or_code(answer.text) if answer.content_type in XML_TYPES else WRONG_TYPE
