"""What the page of a script shows: nothing of the person, for anybody may hold the link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import table
from outreach.calls.script_page import Call, Opened, can_call
from outreach.calls.subject import offices_of, opening_of, zones_of
from outreach.core.phone import as_people_write
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import policy_name, text_values
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.render import render
from outreach.messaging.reported import standing
from outreach.messaging.tactics import CALLS, tactic_row
from outreach.officials.hours import usual_week
from outreach.officials.models import Meeting, Office, Official
from outreach.officials.roles import official_in, role_in
from outreach.people.quiet_hours import window
from outreach.people.zones import parse_zones_key
from outreach.tallies.reads import reports_so_far
from outreach.web.office_words import state_words, week_words, zones_words
from outreach.web.people_words import place
from outreach.web.script_kits import Kit, kit_of
from outreach.web.script_words import day_and_hour, dial_link


@dataclass(frozen=True, slots=True)
class OfficeLine:
    """An office with its button: ``link`` dials it, ``number`` is how people write it, before its extension."""

    place: str
    link: str
    number: str
    extension: str | None
    now: str
    is_open: bool
    week: str
    clock: str


@dataclass(frozen=True, slots=True)
class ScriptPage:
    """The page in one language. ``told``: the outcome that counts for this person, if they have told any."""

    group: str
    official: str
    policy: str
    met: str
    calls: bool
    kit: Kit | None
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
    calls = opened.tactic == CALLS
    offices = offices_of(session, link.gate_id) if calls else []
    told = standing(session, link.number_hash, link.gate_id)
    ours = runtime.settings.twilio_from_number
    campaign = campaign_of(session, link.gate_id)
    values, words = page_values(session, campaign, language), table("call_words")
    return ScriptPage(
        group=values["group"],
        official=values["official"],
        policy=values["policy"],
        met=session.get_one(Meeting, campaign.meeting_id).outcome,
        calls=calls,
        kit=kit_of(session, campaign, values, language),
        script=script_of(campaign, values, language, calls=calls),
        voicemail=render(words["voicemail"][language], values, {}, language, kind="script") if calls else "",
        offices=[_line(office, now) for office in offices],
        call=can_call(session, runtime, opened),
        call_opens=call_opens(opened.zones, now),
        our_number=as_people_write(ours) if ours else "",
        outcomes=tuple(tactic_row(opened.tactic)["outcomes"]),
        told=told[0] if told else None,
        reports=reports_so_far(session, link.gate_id),
    )


def campaign_of(session: Session, gate_id: int) -> Campaign:
    """The campaign of a wave's gate."""
    query = select(Campaign).join(Wave, Wave.campaign_id == Campaign.id).where(Wave.gate_id == gate_id)
    return session.execute(query).scalar_one()


def page_values(session: Session, campaign: Campaign, language: str) -> dict[str, str]:
    """What the words are about, in the names of pages: those of texts do without accents."""
    official = session.get_one(Official, campaign.official_id)
    texts = text_values(session, campaign)[language]
    return {
        **texts,
        "official": official_in(official.name, official.role, language),
        "role": role_in(official.role, language),
        "policy": policy_name(campaign.policy, language),
    }


def script_of(campaign: Campaign, values: Mapping[str, str], language: str, *, calls: bool) -> str:
    """The words to say, without anybody's name: those that callers hear, or the script of another tactic."""
    own = getattr(campaign, f"{'spoken' if calls else 'script'}_{language}")
    return render(own or table("call_words")["spoken"][language], values, {}, language, kind="script")


def _line(office: Office, now: datetime) -> OfficeLine:
    zones, hours = zones_of(office), opening_of(office, now)
    phone: Any = office.phone  # ``offices_of`` has none without
    return OfficeLine(
        place=" ".join((office.address or "").split()),
        link=dial_link(phone, office.extension),
        number=as_people_write(phone),
        extension=office.extension,
        now=state_words(hours, zones, now),
        is_open=hours.open,
        week=week_words(office.hours or usual_week()),
        clock=zones_words(zones),
    )


def call_opens(zones_key: str, now: datetime) -> str:
    """When a person in these zones may be called again: a day, a time, and the city whose time it is."""
    zones = parse_zones_key(zones_key)
    opens_at = window(zones, now).opens_at
    if opens_at is None:
        return ""
    zone = ZoneInfo(zones[0])
    return f"{day_and_hour(opens_at, zone)} ({place(zone)})"
