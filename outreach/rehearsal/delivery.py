"""Moves outbound messages on: their statuses over time and the callbacks that tell them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from outreach.rehearsal import faults as faulty
from outreach.rehearsal.account import Account
from outreach.rehearsal.agenda import Agenda
from outreach.rehearsal.draws import between, fraction
from outreach.rehearsal.faults import Faults
from outreach.rehearsal.ledger import FINAL, Message
from outreach.rehearsal.parameters import status_parameters
from outreach.rehearsal.phones import OPTED_OUT, Phones
from outreach.rehearsal.webhooks import Caller

EXPIRED: Final = 30036
EARLY_SECONDS: Final = 2.0
"""A create whose callbacks come early waits no longer than this for them."""
TWICE_AFTER: Final = 0.05


@dataclass(frozen=True, slots=True)
class Call:
    """A status callback, as the status was when it was written down."""

    url: str
    parameters: dict[str, str]


class Delivery:
    """The effects of the carrier on what we send. Use it inside the running event loop."""

    def __init__(self, account: Account, phones: Phones, faults: Faults) -> None:
        self.account = account
        self.phones = phones
        self.faults = faults
        self.agenda = Agenda()
        self.caller = Caller(account.token)
        self.on_arrival: Callable[[Message], None] = lambda message: None
        """Called when a message has reached its phone."""
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def in_flight(self) -> int:
        """Webhooks being delivered, and their answers being carried out."""
        return len(self._running)

    @property
    def running(self) -> frozenset[asyncio.Task[Any]]:
        """What is in flight now."""
        return frozenset(self._running)

    async def close(self) -> None:
        """Drop all that is to come and stop what is under way."""
        self.agenda.close()
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.caller.close()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something that counts as in flight until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def begin(self, message: Message, fault: str | None = None) -> None:
        """Start the message on its way."""
        wait = self.draw("sent_after", message)
        message.begun = time.time()
        message.due = message.begun + wait
        self.agenda.after(wait, partial(self._send, message, fault))

    def begin_at(self, message: Message, domain_time: float) -> None:
        """Start the message at a time of the domain clock, unless it is canceled before."""
        clock = self.account.clock
        wait = (domain_time - clock.now().timestamp()) / clock.speed
        self.agenda.after(max(0.0, wait), partial(self._begin_scheduled, message))

    async def run_early(self, message: Message) -> None:
        """Take the message to its end at once, and wait until the callbacks are delivered."""
        calls = [self._leave(message)]
        if message.status not in FINAL:
            calls.append(self._arrive(message))
        tasks = [self._post(call) for call in calls if call is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=EARLY_SECONDS)

    def cancel(self, message: Message) -> None:
        """End a scheduled message before its time."""
        message.advance("canceled", time.time())
        self._tell(self._call(message))

    def draw(self, setting: str, message: Message) -> float:
        """A delay in real seconds out of one of the settings' spans; by order of creation, so repeatable."""
        span: faulty.Span = getattr(self.faults.settings, setting)
        return between(span, fraction(self.faults.seed, setting, message.index))

    def _begin_scheduled(self, message: Message) -> None:
        if message.status != "scheduled":
            return
        if self.phones.get(message.to).opted_out:
            self._fail(message, OPTED_OUT)
            self._tell(self._call(message))
        else:
            message.advance("accepted", time.time())
            self.begin(message)

    def _send(self, message: Message, fault: str | None) -> None:
        call = self._leave(message)
        if message.status in FINAL:
            self._tell(call, fault)
            return
        kept_back = call if fault == faulty.REORDERED else None
        if kept_back is None:
            self._tell(call, fault)
        self.agenda.after(self.draw("final_after", message), partial(self._finish, message, fault, kept_back))

    def _finish(self, message: Message, fault: str | None, kept_back: Call | None) -> None:
        call = self._arrive(message)
        if call is not None and kept_back is not None:
            self.spawn(self._in_order(call, kept_back))
        else:
            self._tell(call, fault)

    def _leave(self, message: Message) -> Call | None:
        """The message leaves the carrier, or has waited too long to."""
        if message.expires is not None and self.account.clock.now().timestamp() > message.expires:
            self._fail(message, EXPIRED)
        else:
            message.sent = time.time()
            message.advance("sent", message.sent, self.account.number)
        return self._call(message)

    def _arrive(self, message: Message) -> Call | None:
        """The message reaches the phone, or does not."""
        now = time.time()
        message.error_code = self.phones.get(message.to).persona.undelivered
        if message.error_code is None:
            message.advance("delivered", now)
            self.on_arrival(message)
        else:
            message.advance("undelivered", now)
        return self._call(message)

    def _fail(self, message: Message, code: int) -> None:
        message.error_code = code
        message.advance("failed", time.time(), self.account.number)

    def _call(self, message: Message) -> Call | None:
        if message.callback is None:
            return None
        return Call(message.callback, status_parameters(message, self.account))

    def _tell(self, call: Call | None, fault: str | None = None) -> None:
        if call is None:
            return
        if fault == faulty.LATE:
            wait = between(self.faults.settings.late_after, fraction(self.faults.seed, "late", call.url))
            self.agenda.after(wait, partial(self._post, call))
            return
        self._post(call)
        if fault == faulty.DOUBLED:
            self.agenda.after(TWICE_AFTER, partial(self._post, call))

    def _post(self, call: Call) -> asyncio.Task[Any]:
        return self.spawn(self.caller.post(call.url, call.parameters))

    async def _in_order(self, *calls: Call) -> None:
        for call in calls:
            await self.caller.post(call.url, call.parameters)
