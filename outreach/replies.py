"""What a person's text sets in motion: one table from verdict to use case, run in the transaction that stores it. A
captain's key in a call does the same.

The webhook answers with TwiML; a text that the webhook missed and upkeep found by listing is answered by a create.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import structlog
from sqlalchemy.exc import IntegrityError

from config import table
from outreach.calls.asking import ask_call, live_session
from outreach.calls.models import CallSession
from outreach.core.db import Transaction
from outreach.core.phone import as_people_write
from outreach.core.runtime import Runtime
from outreach.escalations.scripts import script_text
from outreach.escalations.won import what_was_won
from outreach.messaging.answers import (
    Answer,
    answered_lately,
    fixed_answer,
    plan_answer,
    record_answer,
    tactic_answer,
)
from outreach.messaging.conversations import was_answered
from outreach.messaging.follow_ups import ask_later, ask_no_sooner, remember_promise
from outreach.messaging.inbound import InboundText, Received, is_stored, receive_reply, take_in
from outreach.messaging.matching import SCRIPT
from outreach.messaging.page_links import page_address, with_link
from outreach.messaging.render import fill
from outreach.messaging.slices import ANSWER_WITHIN
from outreach.messaging.tactics import CALLS
from outreach.messaging.told import note_word
from outreach.people.caps import PER_WEEK
from outreach.people.lookup import known_of
from outreach.phone_tree import answering, captain_page
from outreach.phone_tree.models import TreeRun, TreeStep
from outreach.phone_tree.texting import ask, say
from outreach.tallies.reads import reports_so_far

log = structlog.get_logger(__name__)

CONFIRMATION: Final = "confirmation"
"""The kind of answer that also goes to somebody who is opted out: it is the one text they get for having asked."""


class Said(NamedTuple):
    """An answer, and the kind of text that it is."""

    body: str
    kind: str = "answer"


Say = Callable[[Transaction, Runtime, Received], Said | None]
Hears = Callable[[Transaction, Runtime, int, bytes], answering.Told | None]


def answer_text(runtime: Runtime, text: InboundText) -> Answer | None:
    """Store, obey and answer one text in one durable transaction; None where nothing is to be said."""
    taken = take_in(runtime, text)
    try:
        with runtime.db.transaction(durable=True) as tx:
            received = receive_reply(tx, runtime, taken)
            said = _words(tx, runtime, received)
            return record_answer(tx, runtime, received, said.body, said.kind) if received and said else None
    except IntegrityError:
        _delivered_twice(runtime, text)
        return None


def answer_found(runtime: Runtime, text: InboundText) -> None:
    """The same for a text that was found late: obeyed in any case, answered while an answer still makes sense."""
    taken = take_in(runtime, text)
    try:
        with runtime.db.transaction(durable=True) as tx:
            received = receive_reply(tx, runtime, taken)
            if received and runtime.clock.real_now() - text.received_at <= ANSWER_WITHIN:
                said = _words(tx, runtime, received)
                if said:
                    plan_answer(tx, runtime, received, said.body, said.kind)
    except IntegrityError:
        _delivered_twice(runtime, text)


def obey_found(runtime: Runtime, text: InboundText) -> None:
    """The same for a text that was answered, and acted on, by a database that is lost: it is stored and obeyed only."""
    taken = take_in(runtime, text)
    try:
        with runtime.db.transaction(durable=True) as tx:
            receive_reply(tx, runtime, taken)
    except IntegrityError:
        _delivered_twice(runtime, text)


def _delivered_twice(runtime: Runtime, text: InboundText) -> None:
    """The same MessageSid in the same moment: the other one answers. Anything else is raised again."""
    with runtime.db.snapshot() as session:
        if not is_stored(session, text.sid):
            raise  # noqa: PLE0704  called where the error is handled
    log.info("reply_delivered_twice", sid=text.sid)


def _words(tx: Transaction, runtime: Runtime, received: Received | None) -> Said | None:
    if received is None or received.silent:
        return None
    say = ANSWERS.get(received.verdict.intent)
    if say in {_leads, _leads_not} and received.gate_id is None:
        say = None
    if say is None and received.gate_id is None and not answered_lately(tx, received.number_hash, runtime.clock.now()):
        say = ANSWERS["help"]  # a stranger learns who we are, once a day: two machines must not answer each other
    return say(tx, runtime, received) if say else None


def _script(tx: Transaction, runtime: Runtime, received: Received) -> Said:
    """The words to say, and what we owe them then: to ask how it went, or to remind them when they said."""
    person = known_of(tx, runtime.vault, received.constituent_id)
    text = script_text(tx, received.gate_id, person, received.language) if received.gate_id else None
    if text is None:
        return _won(tx, received) or Said(fixed_answer(tx, received, "no_campaign"))
    if received.verdict.intent == "pledge":
        remember_promise(tx, received, runtime.clock.real_now())
    else:
        ask_later(tx, received)
    if received.constituent_id is not None:  # nobody else's link could be taken back
        text = with_link(text, page_address(runtime, received.reply_id), received.language)
    return Said(text, SCRIPT)


def _won(tx: Transaction, received: Received) -> Said | None:
    """The official has committed: thanks, and what was won."""
    won = what_was_won(tx, received.gate_id)
    words = table("message_templates/thanks")["answer"]
    return Said(fill(words[received.language], won[received.language])) if won else None


def _call(tx: Transaction, runtime: Runtime, received: Received) -> Said:
    """They are called in a moment; without anybody to call, or to call them from, they get the words to say."""
    number, person = runtime.settings.twilio_from_number, received.number_hash
    if received.gate_id is None or received.tactic not in (None, CALLS) or not number:
        return _script(tx, runtime, received)
    if live_session(tx, person):
        return Said(fixed_answer(tx, received, "calling_already", number=as_people_write(number)))
    session = ask_call(
        tx, runtime, group_id=received.group_id, gate_id=received.gate_id, constituent_id=received.constituent_id,
        number_hash=person, to=received.sender, known=known_of(tx, runtime.vault, received.constituent_id),
        language=received.language, source="reply", asked_at=received.asked_at,
    )  # fmt: skip
    if session is None:
        return _script(tx, runtime, received)
    ask_no_sooner(tx, received)
    return Said(fixed_answer(tx, received, "calling", number=as_people_write(number)))


def _thanks(tx: Transaction, _runtime: Runtime, received: Received) -> Said | None:
    if received.gate_id is None:
        return None
    return Said(tactic_answer(tx, received, "thanks", number=str(reports_so_far(tx, received.gate_id))))


def _leads(tx: Transaction, runtime: Runtime, received: Received) -> Said | None:
    """A captain's yes sets their branch going; anybody else's is kept for a person to read."""
    return _captain(tx, runtime, received, answering.confirm)


def _leads_not(tx: Transaction, runtime: Runtime, received: Received) -> Said | None:
    return _captain(tx, runtime, received, answering.refuse)


def _captain(tx: Transaction, runtime: Runtime, received: Received, heard: Hears) -> Said | None:
    gate_id = received.gate_id
    told = heard(tx, runtime, gate_id, received.number_hash) if gate_id is not None else None
    if told is None or gate_id is None:
        return None
    was_answered(tx, received.group_id, received.number_hash)
    if won := _won(tx, received):  # their word is kept all the same: the stand-down may be undone
        return won
    link = captain_page.page_address(runtime, told.step_id, backup=told.backup)
    return Said(say(tx, gate_id, told.words, received.language, told.people, link=link))


def lead_by_key(tx: Transaction, runtime: Runtime, call: CallSession, word: str) -> str:
    """A captain's key in a call that asks them (``word``: confirm, refuse); the phrase that tells them what it did.

    A call can show no link, so that comes by a text. Lock the person first.
    """
    note_word(
        tx, group_id=call.group_id, gate_id=call.gate_id, constituent_id=call.constituent_id,
        number_hash=call.number_hash, intent=KEYS[word][0], language=call.language, channel="keypad",
        key=f"lead {call.id}", at=runtime.clock.real_now(),
    )  # fmt: skip
    told = KEYS[word][1](tx, runtime, call.gate_id, call.number_hash)
    if told is None:
        return "captain_over"
    if what_was_won(tx, call.gate_id):
        return "stood_down"
    if told.words in LINKED and call.constituent_id is not None:
        link = captain_page.page_address(runtime, told.step_id, backup=told.backup)
        run = tx.get_one(TreeRun, tx.get_one(TreeStep, told.step_id).run_id)
        ask(tx, runtime, run, call.constituent_id, "page", told.people, link=link)
    return f"captain_{told.words}"


def _welcome(tx: Transaction, _runtime: Runtime, received: Received) -> Said:
    kind = "opt_in_stopped" if received.stopped_by_others else "joined" if received.joined else "opt_in"
    return Said(fixed_answer(tx, received, kind, most=str(PER_WEEK)), CONFIRMATION)


def _fixed(kind: str, sent_as: str = "answer") -> Say:
    return lambda tx, _runtime, received: Said(fixed_answer(tx, received, kind), sent_as)


def _fixed_by_tactic(kind: str, sent_as: str = "answer") -> Say:
    """An answer that names the words by which one acts: in a campaign that asks for no calls CALL is none."""

    def say_it(tx: Transaction, _runtime: Runtime, received: Received) -> Said:
        named = kind if received.tactic in (None, CALLS) else f"{kind}_script"
        return Said(fixed_answer(tx, received, named), sent_as)

    return say_it


KEYS: Final[dict[str, tuple[str, Hears]]] = {
    "confirm": ("confirm", answering.confirm),
    "refuse": ("decline", answering.refuse),
}
"""What a captain's key says -> what it is taken for, and what it does."""
LINKED: Final = ("started", "joined")
"""Answers after which a captain has people to look after."""
ANSWERS: dict[str, Say] = {
    "opt_out": _fixed("opt_out", CONFIRMATION),
    "opt_in": _welcome,
    "help": _fixed_by_tactic("help", CONFIRMATION),
    "call": _call,
    "script": _script,
    "pledge": _script,
    "report": _thanks,
    "language": _fixed_by_tactic("language"),
    "wrong_number": _fixed("wrong_number"),
    "confirm": _leads,
    "deny": _leads_not,
    "decline": _leads_not,
}
"""Verdict -> what to say. What is not here is kept for a person to read."""
