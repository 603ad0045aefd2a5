"""People who call the number that texts them: they are put through like those who asked by text, never cut off."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from twilio.twiml.voice_response import VoiceResponse

from config import table
from outreach.accounts.models import Group
from outreach.calls.asking import ask_call, live_session
from outreach.calls.charging import charge_call
from outreach.calls.flow import Heard
from outreach.calls.models import CallSession
from outreach.calls.placing import end
from outreach.calls.talking import move_on, said_last
from outreach.calls.twiml import VOICES
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.escalations.won import what_was_won
from outreach.messaging.matching import match, texts_to
from outreach.messaging.render import fill
from outreach.people.consent import Owner, lock_owner
from outreach.people.lookup import known_of


def take_call(runtime: Runtime, sid: str, sender: str) -> str:
    """The TwiML for a call that comes in. ``sender``: E.164. The same call asked for twice is answered alike."""
    number_hash, now = runtime.vault.number_hash(sender), runtime.clock.now()
    with runtime.db.transaction(durable=True) as tx:
        owners = lock_owner(tx, number_hash)
        live = live_session(tx, number_hash)
        session = tx.get(CallSession, live) if live is not None else None
        if session is not None and session.carrier_sid == sid:
            return said_last(tx, runtime, session) or nobody(tx, owners)
        if session is not None and session.state == "waiting":
            end(tx, runtime, session, "canceled", "dialed_in")
            tx.flush()
        elif session is not None:  # we are calling them in this moment
            return nobody(tx, owners)
        about = match(texts_to(tx, number_hash), now).about
        # Without a number of ours to show, an office would see the caller's.
        if about is None or not runtime.settings.twilio_from_number:
            return nobody(tx, owners)
        owner = next((one for one in owners if one.group_id == about.group_id), None)
        made = ask_call(
            tx, runtime, group_id=about.group_id, gate_id=about.gate_id, constituent_id=owner.id if owner else None,
            number_hash=number_hash, to=sender, known=known_of(tx, runtime.vault, owner.id if owner else None),
            language=owner.language if owner else "en", source="dial_in", asked_at=now,
        )  # fmt: skip
        if made is None:
            won = what_was_won(tx, about.gate_id)
            return thanks(won, owner.language if owner else "en") if won else nobody(tx, owners)
        made.carrier_sid = sid
        charge_call(tx, runtime, made, 1)
        return move_on(tx, runtime, made, Heard("answered"), sid)


def thanks(won: Mapping[str, Mapping[str, str]], language: str) -> str:
    """The official has committed: whoever calls hears what was won."""
    spoken = "es" if language == "es" else "en"
    voice, locale = VOICES[spoken]
    response = VoiceResponse()
    response.say(fill(table("call_words")["stood_down"][spoken], won[spoken]), voice=voice, language=locale)
    response.hangup()
    return str(response)


def nobody(tx: Transaction, owners: list[Owner]) -> str:
    """Who we are, in both languages, where there is nobody to be put through to."""
    known = [one.group_id for one in owners]
    first = select(Group.name).where(Group.id.in_(known) if known else Group.id > 0).order_by(Group.id).limit(1)
    return stranger(tx.execute(first).scalar() or "")


def stranger(group: str) -> str:
    """The same, in words."""
    response = VoiceResponse()
    for language, (voice, locale) in VOICES.items():
        words = table("call_words")["nobody" if group else "nobody_at_all"][language]
        response.say(fill(words, {"group": group}), voice=voice, language=locale)
    response.hangup()
    return str(response)
