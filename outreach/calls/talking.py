"""A call's turns, one signed request each: what is heard at a step, what is said then, and what is kept of it.

Steps are numbered. The one that is due moves the call; one that was answered before is answered with what the call
says now, however often it is asked for, so a request that comes twice neither dials nor counts twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import select, update

from config import table
from outreach.calls.asking import CONTEXT, ask_call, lease, next_common, opened, zones_of_person
from outreach.calls.charging import charge_call, charge_leg
from outreach.calls.counts import count_call, count_dialed, set_status
from outreach.calls.flow import Facts, Heard, Note, Place, Say, Turn, take
from outreach.calls.models import CAPTAIN, MEMBER, TEST, CallLeg, CallSession
from outreach.calls.placing import TALKING_SECONDS, end, locked
from outreach.calls.subject import as_won, facts_of, facts_of_test
from outreach.calls.tree_calls import facts_of_captain, facts_of_member, others_of, revealed
from outreach.calls.twiml import document, nothing_more
from outreach.core.db import Job, Transaction
from outreach.core.phone import as_people_write
from outreach.core.runtime import Runtime
from outreach.messaging.answers import GROUP_NAME, add_answer
from outreach.messaging.follow_up_models import ASK
from outreach.messaging.follow_ups import owe
from outreach.messaging.gates import SEND_BATCH
from outreach.messaging.optout import obey_opt_out
from outreach.messaging.render import fill
from outreach.messaging.told import tell
from outreach.officials.models import Office
from outreach.people.consent import lock_people
from outreach.people.models import Constituent
from outreach.spending.prices import minutes_begun

BACK_IN: Final = timedelta(minutes=5)
"""When whoever found all lines taken is called back."""
PICKED_UP: Final = "completed"
OVER: Final = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
SPEAKS: Final = ("talking", "placed", "unknown", "placing")

Lead = Callable[[Transaction, Runtime, CallSession, str], str]
"""What a captain's key (confirm, refuse) sets in motion, and the phrase that tells them: trees are not known here."""


def next_turn(
    runtime: Runtime, session_id: int, step: int, heard: Heard, sid: str, lead: Lead | None = None
) -> str | None:
    """The TwiML of a step; None where there is no such session, or the step cannot be. ``sid``: of the call."""
    with runtime.db.transaction(durable=True) as tx:
        session = _session(tx, runtime, session_id)
        if session is None or step > session.step or session.carrier_sid not in (None, sid):
            return None
        if step < session.step or session.state not in SPEAKS:
            return said_last(tx, runtime, session) or nothing_more()  # they hung up before the first word
        return move_on(tx, runtime, session, heard, sid, lead)


def said_last(tx: Transaction, runtime: Runtime, session: CallSession) -> str | None:
    """What the call says now; None before its first turn, and once its words have gone."""
    own = opened(runtime, session)
    said: str | None = own.get("said")
    if said is None or MEMBER not in own:
        return said
    return revealed(tx, runtime, session, own[MEMBER], said, session.language)


def move_on(
    tx: Transaction, runtime: Runtime, session: CallSession, heard: Heard, sid: str, lead: Lead | None = None
) -> str:
    """Take the turn that is due; what is said. The session must be locked."""
    settings = runtime.settings
    own = opened(runtime, session)
    if session.source in {TEST, CAPTAIN, MEMBER} and session.source not in own:  # its words were erased meanwhile
        return nothing_more()
    place = Place(session.stage, session.language, session.line, session.asked)  # type: ignore[arg-type]  # its stages
    facts = _facts(tx, runtime, session, own, session.language)
    turn = take(place, heard, facts)
    if turn.place.language != session.language:  # the offices' names too
        facts = _facts(tx, runtime, session, own, turn.place.language)
    for note in turn.notes:
        if note.what == "leads" and lead is not None:
            turn = turn._replace(says=(Say(lead(tx, runtime, session, note.value)),))
    base = f"{settings.public_base_url}/twilio/voice/{session.id}"
    said = document(
        turn, facts, action=f"{base}/{session.step + 1}", caller_id=settings.twilio_from_number or "",
        status_callback=f"{base}/leg/{session.step}",
    )  # fmt: skip
    session.sealed = runtime.vault.seal({**own, "said": said}, CONTEXT)
    if session.step == 0:
        count_call(tx, session, "picked_up", runtime.clock.real_now())
    session.state, session.carrier_sid = "talking", session.carrier_sid or sid
    session.lease_until = lease(runtime, TALKING_SECONDS)
    _keep(tx, runtime, session, own, turn, heard)
    session.stage, session.language = turn.place.stage, turn.place.language
    session.line, session.asked, session.step = turn.place.line, turn.place.asked, session.step + 1
    if MEMBER in own:
        return revealed(tx, runtime, session, own[MEMBER], said, turn.place.language) or nothing_more()
    return said


def _facts(tx: Transaction, runtime: Runtime, session: CallSession, own: Mapping[str, Any], language: str) -> Facts:
    if session.source == TEST:
        return facts_of_test(own[TEST], session.office_ids, language)
    if session.source == CAPTAIN:
        return as_won(tx, session.gate_id, facts_of_captain(own[CAPTAIN], language), language)
    if session.source == MEMBER:
        return as_won(tx, session.gate_id, facts_of_member(tx, runtime, session, own[MEMBER]), language)
    facts = facts_of(tx, session.gate_id, session.office_ids, own["known"], runtime.clock.now(), language)
    return facts._replace(greeting="dialed_in") if session.source == "dial_in" else facts


def _keep(
    tx: Transaction, runtime: Runtime, session: CallSession, own: Mapping[str, Any], turn: Turn, heard: Heard
) -> None:
    now = runtime.clock.now()
    for note in turn.notes:
        if session.source == TEST and note.what != "opt_out":
            continue
        if note.what == "opt_out":
            at = runtime.clock.real_now()
            obey_opt_out(
                tx, runtime.vault, group_id=session.group_id, number_hash=session.number_hash, wording="9 (keypad)",
                source="person", at=at,
            )  # fmt: skip
        elif note.what == "language":
            theirs = Constituent.number_hash == session.number_hash
            tx.execute(update(Constituent).where(theirs).values(language=note.value))
        elif note.what == "dialed":
            member_id = own.get(MEMBER)
            office_id = None if member_id else session.office_ids[turn.place.line]
            tx.add(
                CallLeg(
                    session_id=session.id, number=session.step, office_id=office_id, member_id=member_id, begun_at=now
                )
            )  # fmt: skip
            count_dialed(tx, session, session.step, runtime.clock.real_now())
        elif note.what == "call_later":
            _call_later(tx, runtime, session, turn.place, note.value)
        elif note.what in {"ended", "answered", "reported"}:
            _of_leg(tx, runtime, session, note, heard)


def _of_leg(tx: Transaction, runtime: Runtime, session: CallSession, note: Note, heard: Heard) -> None:
    """What was told of the office that the caller was put through to last."""
    newest = select(CallLeg).where(CallLeg.session_id == session.id).order_by(CallLeg.number.desc()).limit(1)
    leg = tx.execute(newest.with_for_update()).scalar()
    if leg is None:
        return
    if note.what == "ended":
        set_status(tx, session, leg, note.value, runtime.clock.real_now())
        leg.seconds, leg.carrier_sid = heard.seconds, leg.carrier_sid or heard.sid
        leg.ended_at = leg.ended_at or runtime.clock.now()
        charge_leg(tx, runtime, session, leg)
    elif note.what == "answered":
        leg.answer = note.value
    elif leg.outcome is None:
        leg.outcome = note.value
        tell(
            tx, group_id=session.group_id, gate_id=session.gate_id, constituent_id=session.constituent_id,
            number_hash=session.number_hash, tactic="calls", outcome=note.value, language=session.language,
            channel="keypad", key=f"leg {leg.id}", at=runtime.clock.real_now(),
        )  # fmt: skip


def _call_later(tx: Transaction, runtime: Runtime, session: CallSession, place: Place, why: str) -> None:
    """This call is over with its last words; another one is noted for when the office opens, or in some minutes."""
    document_ = opened(runtime, session)
    office = tx.get(Office, session.office_ids[place.line]) if place.line < len(session.office_ids) else None
    now = runtime.clock.now()
    zones = zones_of_person(tx, session, document_["to"])
    at = None if office is None else next_common(zones, office, now + (BACK_IN if why == "all_busy" else timedelta(0)))
    end(tx, runtime, session, "ended", PICKED_UP)
    tx.flush()
    if at is None:
        return
    later = ask_call(
        tx, runtime, group_id=session.group_id, gate_id=session.gate_id, constituent_id=session.constituent_id,
        number_hash=session.number_hash, to=document_["to"], known=document_["known"], language=session.language,
        source="later", asked_at=at, not_before=at,
    )  # fmt: skip
    if later is not None:
        _confirm_by_text(tx, runtime, session, document_["to"], at.astimezone(ZoneInfo(zones[0])))


def _confirm_by_text(tx: Transaction, runtime: Runtime, session: CallSession, to: str, local: datetime) -> None:
    """What they were promised by voice, to look up: when, by the clock where they are, and from which number."""
    language = session.language
    said = format_datetime(local, f"{table('call_words')['when'][language]} z", locale=language)
    when = " ".join(said.split())  # its narrow spaces would make the text cost twice
    body = fill(
        table("message_templates/answers")["call_later"][language],
        {
            "group": GROUP_NAME.value(tx, {"group": session.group_id}), "when": when,
            "number": as_people_write(runtime.settings.twilio_from_number or ""),
        },
    )  # fmt: skip
    added = add_answer(
        tx, runtime, group_id=session.group_id, constituent_id=session.constituent_id, number_hash=session.number_hash,
        kind="answer", language=language, document={"to": to, "body": body}, asked_at=runtime.clock.now(),
        about_gate_id=session.gate_id,
    )  # fmt: skip
    tx.enqueue(Job("messaging", SEND_BATCH, (added.gate_id,)))


def call_status(
    runtime: Runtime, session_id: int, sid: str, status: str, sequence: int, seconds: int = 0
) -> bool:  # fmt: skip
    """The carrier's report on the whole call, of so many seconds. False where there is no such call.

    Reports may come twice and late.
    """
    with runtime.db.transaction() as tx:
        session = _session(tx, runtime, session_id)
        if session is None or session.carrier_sid not in (None, sid):
            return False
        session.carrier_sid = sid
        if session.state in {"placing", "unknown"}:  # the carrier has it
            session.state, session.lease_until = "placed", lease(runtime, TALKING_SECONDS)
        session.heard_sequence = max(session.heard_sequence, sequence)
        charge_call(tx, runtime, session, minutes_begun(seconds))
        if status in OVER:
            _hung_up(tx, runtime, session)
            if session.state in SPEAKS:
                end(tx, runtime, session, "ended", status)
    return True


def _hung_up(tx: Transaction, runtime: Runtime, session: CallSession) -> None:
    """Legs end with the call; whoever was put through and has not told how it went is asked by text, once."""
    legs = select(CallLeg).where(CallLeg.session_id == session.id).order_by(CallLeg.number)
    for leg in tx.execute(legs.with_for_update()).scalars():
        leg.ended_at = leg.ended_at or runtime.clock.now()
        _ask_how_it_went(tx, runtime, session, leg)


def _ask_how_it_went(tx: Transaction, runtime: Runtime, session: CallSession, leg: CallLeg) -> None:
    """A leg that an office has picked up, and of which its caller has told nothing."""
    if leg.office_id is not None and leg.outcome is None and leg.status == PICKED_UP:
        now = runtime.clock.now()
        who = {"group_id": session.group_id, "gate_id": session.gate_id, "number_hash": session.number_hash,
               "constituent_id": session.constituent_id, "asked_at": now}  # fmt: skip
        owe(tx, who, ASK, now)


def leg_status(runtime: Runtime, session_id: int, step: int, sid: str, status: str, seconds: int | None) -> bool:
    """The carrier's report on one office leg. False where there is none. What the turn has told already stands."""
    with runtime.db.transaction() as tx:
        session = _session(tx, runtime, session_id)
        query = select(CallLeg).where(CallLeg.session_id == session_id, CallLeg.number == step).with_for_update()
        leg = tx.execute(query).scalar()
        if session is None or leg is None or leg.carrier_sid not in (None, sid):
            return False
        leg.carrier_sid = sid
        if status in OVER:
            if leg.status is None:
                set_status(tx, session, leg, status, runtime.clock.real_now())
            leg.ended_at = leg.ended_at or runtime.clock.now()
            leg.seconds = leg.seconds if leg.seconds is not None else seconds
            charge_leg(tx, runtime, session, leg)
            if session.state not in SPEAKS:
                _ask_how_it_went(tx, runtime, session, leg)
    return True


def _session(tx: Transaction, runtime: Runtime, session_id: int) -> CallSession | None:
    """The session, locked behind its people: people before what is theirs."""
    query = select(CallSession.number_hash, CallSession.source).where(CallSession.id == session_id)
    row = tx.execute(query).first()
    if row is None:
        return None
    lock_people(tx, [row.number_hash, *(others_of(tx, runtime, session_id) if row.source == MEMBER else ())])
    return locked(tx, session_id)
