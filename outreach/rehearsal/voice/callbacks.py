"""Tells the application how its calls go: status callbacks, and the faults that befall them."""

from __future__ import annotations

from functools import partial

from outreach.rehearsal import faults as faulty
from outreach.rehearsal.account import Account
from outreach.rehearsal.delivery import TWICE_AFTER, Delivery
from outreach.rehearsal.draws import between, fraction
from outreach.rehearsal.voice.legs import Callback, Leg, Told
from outreach.rehearsal.voice.resources import callback_parameters


class Callbacks:
    """Sends status callbacks. Use it inside the running event loop."""

    def __init__(self, account: Account, delivery: Delivery) -> None:
        self._account = account
        self._delivery = delivery

    def tell(self, leg: Leg, event: str, fault: str | None) -> None:
        """Send what the leg's callback was asked for, and note it with the leg. ``fault`` is that of its create."""
        if leg.callback is None or event not in leg.callback.events:
            return
        told, sequence = Told(event), len(leg.told)
        leg.told.append(told)
        parameters = callback_parameters(leg, self._account, sequence, leg.updated)
        post = partial(self._post, leg.callback, parameters, told)
        faults, agenda = self._delivery.faults, self._delivery.agenda
        # Reordered: every other one comes when its followers are there already.
        if fault == faulty.LATE or (fault == faulty.REORDERED and not sequence % 2):
            wait = between(faults.settings.late_after, fraction(faults.seed, "late", leg.to, sequence))
            agenda.after(wait, post)
            return
        post()
        if fault == faulty.DOUBLED:
            agenda.after(TWICE_AFTER, post)

    def _post(self, callback: Callback, parameters: dict[str, str], told: Told) -> None:
        self._delivery.spawn(self._deliver(callback, parameters, told))

    async def _deliver(self, callback: Callback, parameters: dict[str, str], told: Told) -> None:
        answer = await self._delivery.caller.send(callback.method, callback.url, parameters)
        told.acknowledged = told.acknowledged or answer.ok
