"""The story, told through the use cases: officials, constituents, a meeting that fails, a draft, a launch, the wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Select, and_, exists, func, select

from outreach.accounts.links import ensure_group
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting, edit_draft
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Wave
from outreach.messaging.follow_up_models import FollowUp
from outreach.messaging.models import Event, Gate, Message, MessageAttempt, Reply
from outreach.messaging.retries import second_tries
from outreach.officials.imports import import_officials
from outreach.officials.meetings import Answer, record_meeting
from outreach.officials.models import Office, Official
from outreach.people.importing import import_constituents
from outreach.people.invented import CONSENT, people_csv
from outreach.people.models import Constituent
from outreach.story.ledger import CarrierControl
from outreach.tallies.campaign import CampaignTally, campaign_tally

GROUP = "People Power Valley"
STORYTELLER = "rehearsal"
SEED = 4
"""Of its people no more opt out, however many have been texted, than the breaker of opt-outs lets pass."""
POLL_SECONDS = 0.25
LISTED_WITHIN = 60.0
"""Real seconds in which upkeep finds a text that the webhook missed."""


@dataclass(frozen=True, slots=True)
class Launched:
    """The campaign that the story launched: ``started`` is time.monotonic(), ``at`` real time, at its launch."""

    group_id: int
    campaign_id: int
    wave_id: int
    gate_id: int
    started: float
    at: datetime


def set_the_scene(runtime: Runtime) -> int:
    """The story's group; its id."""
    with runtime.db.transaction() as tx:
        return ensure_group(tx, GROUP, runtime.clock.now())


def play(runtime: Runtime, group_id: int, *, officials: Path, recipients: int, seed: int) -> Launched:
    """From the officials' file to a launched campaign. Raises OutreachError when the input cannot carry the story."""
    import_officials(runtime, group_id, officials, today=runtime.clock.now().date())
    list_name = bring_people(runtime, group_id, recipients, seed, "Neighbors")
    with runtime.db.transaction() as tx:
        official = tx.execute(
            select(Official)
            .join(Office, Office.official_id == Official.id)
            .where(Official.group_id == group_id, Office.phone.is_not(None))
            .order_by(Official.id)
            .limit(1)
        ).scalar()
        if official is None:
            raise BadInputError("story_no_official", path=officials)
        meeting = record_meeting(
            tx,
            runtime,
            group_id,
            official_id=official.id,
            held_on=runtime.clock.now().date(),
            attendees="Rosa (spokesperson), Walter (notes), Luz",
            outcome="declined",
            answers=[Answer(5, "no", "writing"), Answer(1, "evaded")],
            notes="Asked three times. They will not put it in writing.",
            recorded_by=STORYTELLER,
        )
        draft = draft_from_meeting(tx, runtime, meeting)
        assert draft is not None  # noqa: S101  a declined meeting always opens one
        edit_draft(tx, group_id, draft.id, lists=[list_name])
        campaign_id = draft.id
    started, at = time.monotonic(), runtime.clock.real_now()
    with runtime.db.transaction(durable=True) as tx:
        wave = launch_campaign(tx, runtime, group_id, campaign_id)
    return Launched(group_id, campaign_id, wave.id, wave.gate_id, started, at)


def bring_people(runtime: Runtime, group_id: int, recipients: int, seed: int, name: str) -> str:
    """Import invented people who are new to this database: earlier ones were texted today and their caps hold."""
    with runtime.db.snapshot() as session:
        known = session.execute(select(func.count()).select_from(Constituent)).scalar_one()
    try:
        content = people_csv(recipients, seed, skip=known, ours=runtime.settings.twilio_from_number)
    except ValueError:
        raise BadInputError("story_too_many") from None
    list_name = f"{name} {known + 1}-{known + recipients}"
    import_constituents(runtime, group_id, content, list_name=list_name, consent=CONSENT, recorded_by=STORYTELLER)
    return list_name


def wait_for_the_end(
    runtime: Runtime,
    launched: Launched,
    carrier: CarrierControl | None,
    *,
    settle: float,
    show: Callable[[CampaignTally], None],
    check: Callable[[], None],
    look_ups: bool = True,
) -> None:
    """Wait until nothing is under way: no due, claimed or posting row, no look-up to come (unless ``look_ups`` is
    off: they take half an hour at speed 1), no unfolded event, and the carrier idle (or, with a foreign one, no event
    for ``settle`` real seconds). Held rows and follow-ups of a later time do not count."""
    pause, late = threading.Event(), time.monotonic() + LISTED_WITHIN
    while True:
        check()
        under_way = _under_way(launched, runtime.clock.now(), look_ups=look_ups)
        with runtime.db.snapshot() as session:
            busy = any(session.execute(query).first() for query in under_way)
            tally = campaign_tally(session, launched.group_id, launched.campaign_id, runtime.clock)
            newest = session.execute(select(func.max(Event.received_at))).scalar()
        show(tally)
        quiet = carrier.idle() if carrier else newest is None or _age(runtime, newest) >= settle
        if not busy and quiet and _still(runtime, under_way):
            if carrier is None or _heard_all(runtime, launched, carrier) or time.monotonic() > late:
                return
        else:
            late = time.monotonic() + LISTED_WITHIN
        pause.wait(POLL_SECONDS)


def _heard_all(runtime: Runtime, launched: Launched, carrier: CarrierControl) -> bool:
    """Whether every text that people sent is stored; what a killed web process missed is found by listing."""
    with runtime.db.snapshot() as session:
        texts = select(func.count()).where(Reply.received_at >= launched.at, Reply.channel == "text")
        ours = session.execute(texts).scalar_one()
    return ours >= carrier.inbound()


def _age(runtime: Runtime, newest: datetime) -> float:
    return (runtime.clock.real_now() - newest).total_seconds()


def _still(runtime: Runtime, under_way: Sequence[Select[int]]) -> bool:
    """Asked after the carrier said it is idle: what it sent before that is in the database by now."""
    with runtime.db.snapshot() as session:
        return not any(session.execute(query).first() for query in under_way)


def _under_way(launched: Launched, now: datetime, *, look_ups: bool) -> list[Select[int]]:
    gate = launched.gate_id
    follow_ups = select(Gate.id).where(Gate.group_id == launched.group_id, Gate.kind == "follow_up")
    leaving = and_(Message.state == "planned", Message.not_before <= now) | Message.state.in_(("claimed", "posting"))
    is_open = exists().where(Gate.id == gate, Gate.state == "open")
    queries = [
        select(Wave.id).where(Wave.id == launched.wave_id, Wave.planned_at.is_(None)),
        select(Message.id).where(Message.gate_id == gate, Message.state == "planned", is_open).limit(1),
        select(Message.id).where(Message.state.in_(("claimed", "posting")), Message.gate_id == gate).limit(1),
        select(Event.id).where(Event.folded_at.is_(None)).limit(1),
        second_tries().where(Message.gate_id == gate, Message.next_check_at <= now).limit(1),
        # Who has a script is asked how it went, in its time: what is due now goes out, what is not does not count.
        select(FollowUp.id).where(FollowUp.state == "waiting", FollowUp.due_at <= now).limit(1),
        select(Message.id).where(Message.gate_id.in_(follow_ups), leaving).limit(1),
    ]
    if look_ups:
        of_this_run = and_(MessageAttempt.message_id == Message.id, MessageAttempt.begun_at >= launched.at)
        in_doubt = and_(Message.state == "unknown", Message.next_check_at.is_not(None))
        queries.append(select(Message.id).join(MessageAttempt, of_this_run).where(in_doubt).limit(1))
    return queries
