"""What the page of a script shows: nothing of the person, for anybody may hold the link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import table
from outreach.calls.flow import Facts
from outreach.calls.script_page import Call, Opened, can_call
from outreach.calls.subject import facts_of, offices_of, opening_of, zones_of
from outreach.core.phone import as_people_write
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import spoken_phone
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.scripts import script_text
from outreach.messaging.render import render
from outreach.messaging.reported import standing
from outreach.messaging.tactics import CALLS, tactic_row
from outreach.officials.hours import usual_week
from outreach.officials.models import Meeting, Office
from outreach.people.quiet_hours import window
from outreach.people.zones import parse_zones_key
from outreach.tallies.reads import reports_so_far
from outreach.web.office_words import state_words, week_words
from outreach.web.people_words import place
from outreach.web.script_words import day_and_hour, dial_link


@dataclass(frozen=True, slots=True)
class OfficeLine:
    """An office with its button: ``link`` dials it, ``number`` is how people write it."""

    place: str
    link: str
    number: str
    now: str
    is_open: bool
    week: str
    city: str


@dataclass(frozen=True, slots=True)
class ScriptPage:
    """The page in one language. ``told``: the outcome that counts for this person, if they have told any."""

    group: str
    official: str
    policy: str
    met: str
    calls: bool
    script: str
    voicemail: str
    offices: list[OfficeLine]
    call: Call
    call_opens: str
    our_number: str
    outcomes: tuple[str, ...]
    told: str | None
    reports: int


def script_page(session: Session, runtime: Runtime, opened: Opened, language: str) -> ScriptPage:
    """For a link that is open. One snapshot; nothing is changed."""
    link, now = opened.link, runtime.clock.now()
    offices = offices_of(session, link.gate_id)
    facts = facts_of(session, link.gate_id, [], {}, now, language)
    calls = opened.tactic == CALLS
    told = standing(session, link.number_hash, link.gate_id)
    ours = runtime.settings.twilio_from_number
    return ScriptPage(
        group=facts.group,
        official=facts.official,
        policy=facts.policy[language],
        met=met_of(session, link.gate_id),
        calls=calls,
        script=facts.script[language] if calls else script_text(session, link.gate_id, {}, language) or "",
        voicemail=_voicemail(facts, language) if calls else "",
        offices=[_line(office, now) for office in offices] if calls else [],
        call=can_call(session, runtime, opened),
        call_opens=call_opens(opened.zones, now),
        our_number=as_people_write(ours) if ours else "",
        outcomes=tuple(tactic_row(opened.tactic)["outcomes"]),
        told=told[0] if told else None,
        reports=reports_so_far(session, link.gate_id),
    )


def met_of(session: Session, gate_id: int) -> str:
    """The outcome of the meeting that a campaign comes from."""
    met = (
        select(Meeting.outcome)
        .join(Campaign, Campaign.meeting_id == Meeting.id)
        .join(Wave, Wave.campaign_id == Campaign.id)
        .where(Wave.gate_id == gate_id)
    )
    return session.execute(met).scalar_one()


def _voicemail(facts: Facts, language: str) -> str:
    values = {"group": facts.group, "official": facts.official, "policy": facts.policy[language]}
    return render(table("call_words")["voicemail"][language], values, {}, language, kind="script")


def _line(office: Office, now: datetime) -> OfficeLine:
    zone, hours = ZoneInfo(zones_of(office)[0]), opening_of(office, now)
    phone: Any = office.phone  # ``offices_of`` has none without
    return OfficeLine(
        place=" ".join((office.address or "").split()),
        link=dial_link(phone, office.extension),
        number=spoken_phone(office),
        now=state_words(hours, zone, now),
        is_open=hours.open,
        week=week_words(office.hours or usual_week()),
        city=place(zone),
    )


def call_opens(zones_key: str, now: datetime) -> str:
    """When a person in these zones may be called again: a day, a time, and the city whose time it is."""
    zones = parse_zones_key(zones_key)
    opens_at = window(zones, now).opens_at
    if opens_at is None:
        return ""
    zone = ZoneInfo(zones[0])
    return f"{day_and_hour(opens_at, zone)} ({place(zone)})"
