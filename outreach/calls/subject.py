"""What a call is about: the campaign's words, and its official's offices as they are at this moment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.models import Group
from outreach.calls.flow import Facts, Line, Status
from outreach.calls.models import CallLeg
from outreach.calls.office_hours import Opening, opening
from outreach.core.hot import Hot
from outreach.escalations.models import STOOD_DOWN, Campaign, Wave
from outreach.escalations.spoken import usual_words
from outreach.escalations.won import what_was_won
from outreach.messaging.models import Gate, GateText
from outreach.messaging.render import render
from outreach.messaging.tactics import CALLS
from outreach.officials.models import Office
from outreach.people.zones import zones_for

LINES: Final = 2
"""So many of our callers an office has at once, unless organizers know better."""
LANGUAGES: Final = ("en", "es")
ZIP: Final = re.compile(r"\b(\d{5})(?:-\d{4})?\s*$", re.ASCII)

CAMPAIGN = Hot(
    select(
        Group.name, Campaign.official_id, Campaign.office_id, Campaign.spoken_en, Campaign.spoken_es,
        Campaign.state.label("campaign_state"), Gate.state.label("gate_state"), Gate.tactic,
    )
    .join(Wave, Wave.campaign_id == Campaign.id)
    .join(Gate, Gate.id == Wave.gate_id)
    .join(Group, Group.id == Campaign.group_id)
    .where(Wave.gate_id == bindparam("gate"))
)  # fmt: skip


def offices_of(session: Session, gate_id: int) -> list[Office]:
    """The offices that a campaign's callers are put through to: the one it names first, then the official's others."""
    campaign = CAMPAIGN.first(session, {"gate": gate_id})
    return offices_to_call(session, campaign.official_id, campaign.office_id) if campaign else []


def offices_to_call(session: Session, official_id: int, first: int | None) -> list[Office]:
    """An official's offices that have a number, the one of this id before the others."""
    query = select(Office).where(Office.official_id == official_id, Office.phone.is_not(None))
    return sorted(session.execute(query).scalars(), key=lambda one: (one.id != first, one.id))


def is_on(session: Session, gate_id: int) -> bool:
    """Whether a campaign still wants calls: launched, not closed, and calling is what it asks for."""
    return _wants_calls(CAMPAIGN.first(session, {"gate": gate_id}))


def goes_on(session: Session, gate_id: int) -> bool:
    """Whether a campaign still wants what it asks for, whatever that is: launched, not closed."""
    return _goes_on(CAMPAIGN.first(session, {"gate": gate_id}))


def is_open(session: Session, gate_id: int) -> bool:
    """Whether a campaign goes on and is not paused: then its phone tree may call."""
    campaign = CAMPAIGN.first(session, {"gate": gate_id})
    return _goes_on(campaign) and campaign.gate_state == "open"


def may_go_on(session: Session, gate_id: int) -> bool:
    """Whether a campaign was stood down, and that may still be undone: who waits to be called waits a little more."""
    campaign = CAMPAIGN.first(session, {"gate": gate_id})
    return bool(campaign and campaign.campaign_state == STOOD_DOWN and campaign.gate_state != "closed")


def _goes_on(campaign: Any) -> bool:
    return bool(campaign and campaign.campaign_state == "launched" and campaign.gate_state != "closed")


def _wants_calls(campaign: Any) -> bool:
    return bool(_goes_on(campaign) and campaign.tactic == CALLS)


def facts_of(
    session: Session, gate_id: int, office_ids: Sequence[int], known: Mapping[str, str], now: datetime, language: str,
) -> Facts:  # fmt: skip
    """The facts at a domain time, for somebody of whom this much is known. A campaign that is over has no open line."""
    campaign = CAMPAIGN.first(session, {"gate": gate_id})
    texts = select(GateText.language, GateText.values).where(GateText.gate_id == gate_id)
    values: dict[str, Any] = {row[0]: row[1] for row in session.execute(texts)}
    said = {one: getattr(campaign, f"spoken_{one}") or usual_words(f"spoken_{one}") for one in LANGUAGES}
    script = {one: render(said[one], values[one], known, one, kind="script") for one in LANGUAGES}
    official = values[language]["official"]
    goes_on = _wants_calls(campaign)
    lines = [
        _line(session, office_id, official, now, language) if goes_on else Line(office_id, official, "", None, "gone")
        for office_id in office_ids
    ]
    policy = {one: values[one]["policy"] for one in LANGUAGES}
    won = campaign.campaign_state == STOOD_DOWN
    return Facts(campaign.name, official, policy, script, tuple(lines), won=won)


def as_won(session: Session, gate_id: int, facts: Facts, language: str) -> Facts:
    """The facts of a phone tree's call; with what was won where its campaign was stood down."""
    won = what_was_won(session, gate_id)
    if won is None:
        return facts
    policy = {one: said["policy"] for one, said in won.items()}
    return facts._replace(won=True, official=won[language]["official"], policy=policy)


def facts_of_test(said: Mapping[str, Any], office_ids: Sequence[int], language: str) -> Facts:
    """The facts of a test call, from the words that are sealed with it.

    Every office counts as open, so that the words are heard at any hour; none has a number that could be dialled.
    """
    official = said["official"][language]
    name = _office_name(official, language)
    lines = tuple(Line(office_id, name, "", None, "open") for office_id in office_ids)
    return Facts(said["group"], official, said["policy"], said["script"], lines, test=True)


def _office_name(official: str, language: str) -> str:
    return str(table("call_words")["office"][language]).replace("{{ official }}", official)


def _line(session: Session, office_id: int, official: str, now: datetime, language: str) -> Line:
    office = session.get(Office, office_id, populate_existing=True)
    if office is None or not office.phone:
        return Line(office_id, official, "", None, "gone")
    hours, status = opening_of(office, now), "open"
    if not hours.open:
        status = "closed"
    elif _callers(session, office_id) >= (office.lines or LINES):
        status = "all_busy"
    named: Status = status  # type: ignore[assignment]  # one of the three above
    name = _office_name(official, language)
    return Line(office_id, name, office.phone, office.extension, named, _when(office, hours, language))


def zones_of(office: Office) -> tuple[str, ...]:
    """Every zone in which an office may be: the one that was entered, else by its number and its ZIP."""
    if office.zone:
        return (office.zone,)
    found = ZIP.search(office.address or "")
    return zones_for(office.phone, found[1] if found else None)


def opening_of(office: Office, now: datetime) -> Opening:
    """Whether it can be called at this domain time."""
    return opening(office.hours, zones_of(office), now)


def _when(office: Office, hours: Opening, language: str) -> str:
    """When it opens, as one says it: "Monday at 8:00 AM"."""
    if hours.open or hours.opens_at is None:
        return ""
    local = hours.opens_at.astimezone(ZoneInfo(zones_of(office)[0]))
    return format_datetime(local, table("call_words")["when"][language], locale=language)


def _callers(session: Session, office_id: int) -> int:
    """How many of our callers are put through to it now."""
    query = select(func.count()).where(CallLeg.office_id == office_id, CallLeg.ended_at.is_(None))
    return session.execute(query).scalar_one()
