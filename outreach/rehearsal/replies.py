"""Texts that come back: the owner of a phone writes, our webhook is called, and its TwiML is carried out."""

from __future__ import annotations

import time
from functools import partial
from typing import Final
from urllib.parse import urljoin

from outreach.rehearsal import optouts
from outreach.rehearsal.account import Account
from outreach.rehearsal.creates import check_recipient
from outreach.rehearsal.delivery import Delivery
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.ledger import Ledger, Message, Row
from outreach.rehearsal.parameters import inbound_parameters
from outreach.rehearsal.phones import CarrierText, Phones
from outreach.rehearsal.twiml import Reply, TwimlError, read_twiml
from outreach.rehearsal.webhooks import Answer

WRONG_TYPE: Final = 12300
XML_TYPES = ("text/xml", "application/xml", "text/html")


class Replies:
    """The inbound side of the carrier. Use it inside the running event loop."""

    def __init__(self, account: Account, ledger: Ledger, phones: Phones, delivery: Delivery) -> None:
        self.account = account
        self.ledger = ledger
        self.phones = phones
        self.delivery = delivery
        delivery.on_arrival = self.react

    def react(self, message: Message) -> None:
        """Let the owner of the phone that a message has just reached do what its persona does."""
        text = self.phones.owner_reaction(message, time.time())
        if text is not None:
            wait = self.delivery.draw("reply_after", message)
            self.delivery.agenda.after(wait, partial(self.text, message.to, text))

    def text(self, number: str, body: str) -> Message:
        """The owner of a phone texts us. Returns the inbound message; its webhook is under way."""
        now = time.time()
        message = self.ledger.add_message(
            direction="inbound",
            to=self.account.number,
            sender=number,
            service_sid=self.account.service_sid,
            body=body,
            status="received",
            now=now,
            sent=now,
        )
        row = self.ledger.record("inbound", message, now)
        self.phones.note(number, message, now)
        word = None if self.account.opt_out == "none" else self._obey(number, body, now)
        opt_out_type = word if self.account.opt_out == "advanced" else None
        self.delivery.spawn(self._deliver(message, row, opt_out_type))
        return message

    def _obey(self, number: str, body: str, now: float) -> str | None:
        """The carrier's own handling of opt-out words."""
        was_out = self.phones.get(number).opted_out
        word = self.phones.obey(number, body)
        # A second STOP is obeyed in silence.
        if word is not None and not (word == optouts.STOP and was_out):
            confirmation = optouts.CONFIRMATIONS[word]
            self.phones.note(number, CarrierText(confirmation, now), now)
            self.ledger.carrier_reply(now, to=number, sender=self.account.number, body=confirmation)
        return word

    async def _deliver(self, message: Message, row: Row, opt_out_type: str | None) -> None:
        url = self.account.inbound_url
        answer = await self.delivery.caller.post(url, inbound_parameters(message, self.account, opt_out_type))
        row.error_code = answer.error_code
        if not answer.ok:
            return
        row.acknowledged = True
        row.answered_at = time.time()
        try:
            replies = _read(answer)
        except TwimlError as problem:
            row.error_code = problem.code
            return
        for reply in replies:
            self._answer(message, reply)

    def _answer(self, message: Message, reply: Reply) -> None:
        """Send one ``<Message>`` of the TwiML, or refuse to."""
        now = time.time()
        to = reply.to or message.sender or ""
        refusal = self._refusal(to)
        if refusal is not None:
            row = self.ledger.refuse(now, refusal, to=to, sender=self.account.number, body=reply.body)
            row.in_reply_to = message.sid
            row.acknowledged = True
            return
        answer = self.ledger.add_message(
            direction="outbound-reply",
            to=to,
            sender=self.account.number,
            service_sid=self.account.service_sid,
            body=reply.body,
            status="queued",
            now=now,
            callback=urljoin(self.account.inbound_url, reply.callback) if reply.callback else None,
        )
        row = self.ledger.record("answer", answer, now, in_reply_to=message.sid)
        row.acknowledged = True
        self.phones.note(to, answer, now)
        self.delivery.begin(answer)

    def _refusal(self, to: str) -> int | None:
        """The code that an answer to this number is refused with, or None."""
        try:
            check_recipient(to)
        except Refusal as refusal:
            return refusal.code
        return self.phones.get(to).refusal


def _read(answer: Answer) -> list[Reply]:
    if answer.content_type in XML_TYPES or not answer.text.strip():
        return read_twiml(answer.text)
    if answer.content_type == "text/plain":
        return [Reply(answer.text.strip())]
    raise TwimlError(WRONG_TYPE)
