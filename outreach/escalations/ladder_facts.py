"""What suggestions rest on, read from the counters: which tactics were tried with an official, and what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from outreach.escalations.ladder import Coming, Facts, Suggestion, Tried, suggest
from outreach.escalations.models import BEFORE_LAUNCH, Campaign, Wave
from outreach.escalations.occasion import event_at, known_for, missing, occasion_of
from outreach.escalations.wording import TACTICS, tone_of
from outreach.messaging.gates import TAKEN
from outreach.messaging.models import Gate, Tally
from outreach.officials.hostility import hostility_of
from outreach.officials.models import STANDS, Office, Official, Stance

REPORT = "report:"


def facts_for(session: Session, group_id: int, official: Official, outcome: str, now: datetime) -> Facts:
    """The facts at a domain time, after a meeting that ended so."""
    known = known_for({}, official, best_office(session, official.id))
    return Facts(
        outcome=outcome,
        hostility=hostility_of(session, group_id, official.id),
        ready=frozenset(tactic for tactic in TACTICS if not missing(tactic, known, now)),
        tried=tried_with(session, group_id, official.id),
        coming=tuple(_coming(session, group_id, official)),
    )


def suggestions_for(session: Session, campaign: Campaign, outcome: str, now: datetime) -> list[Suggestion]:
    """What to do next about the official of a campaign."""
    official = session.get_one(Official, campaign.official_id)
    return suggest(facts_for(session, campaign.group_id, official, outcome, now), now)


def best_office(session: Session, official_id: int) -> Office | None:
    """The office that a draft begins with: one with a phone, the oldest."""
    query = select(Office).where(Office.official_id == official_id, STANDS)
    return session.execute(query.order_by(Office.phone.is_(None), Office.id).limit(1)).scalar()


def tried_with(session: Session, group_id: int, official_id: int) -> tuple[Tried, ...]:
    """The campaigns that were launched at an official, first to last: one question, and no message is looked at."""
    taken = func.coalesce(func.sum(case((Tally.name.in_(TAKEN), Tally.count), else_=0)), 0)
    acted = func.coalesce(func.sum(case((Tally.name.startswith(REPORT), Tally.count), else_=0)), 0)
    began = func.min(Wave.launched_at)
    rows = session.execute(
        select(
            Campaign.id, Campaign.tactic, Campaign.tone, Campaign.policy, began.label("began"), taken.label("taken"),
            acted.label("acted"), func.max(case((Gate.state != "closed", 1), else_=0)).label("open"),
        )
        .join(Wave, Wave.campaign_id == Campaign.id)
        .join(Gate, Gate.id == Wave.gate_id)
        .outerjoin(Tally, (Tally.gate_id == Gate.id) & or_(Tally.name.in_(TAKEN), Tally.name.startswith(REPORT)))
        .where(Campaign.group_id == group_id, Campaign.official_id == official_id)
        .group_by(Campaign.id, Campaign.tactic, Campaign.tone, Campaign.policy)
        .order_by(began, Campaign.id)
    ).all()  # fmt: skip
    said = _said(session, group_id, official_id) if rows else {}
    return tuple(
        Tried(
            row.id, row.tactic, tone_of(row.tone), row.began, int(row.taken), int(row.acted),
            _since(said.get(row.policy, ()), row.began), running=bool(row.open),
        )
        for row in rows
        if row.tactic in TACTICS
    )  # fmt: skip


def _said(session: Session, group_id: int, official_id: int) -> Mapping[int, list[Any]]:
    """The official's answers by policy, first to last."""
    by_policy: dict[int, list[Any]] = defaultdict(list)
    query = select(Stance.policy, Stance.answer, Stance.created_at).where(
        Stance.group_id == group_id, Stance.official_id == official_id
    )
    for row in session.execute(query.order_by(Stance.id)):
        by_policy[row.policy].append(row)
    return by_policy


def _since(said: Iterable[Any], began: datetime) -> str | None:
    """The newest answer that came after a campaign began."""
    later: list[str] = [row.answer for row in said if row.created_at > began]
    return later[-1] if later else None


def coming_occasion(session: Session, campaign: Campaign, now: datetime) -> dict[str, Any]:
    """The next event of a campaign's tactic that another one of the group's names there; empty when there is none."""
    official = session.get_one(Official, campaign.official_id)
    found = [
        (at, occasion)
        for tactic, at, occasion in _events(session, campaign.group_id, official)
        if tactic == campaign.tactic and at > now
    ]
    return dict(min(found, key=lambda one: one[0])[1]) if found else {}


def _coming(session: Session, group_id: int, official: Official) -> list[Coming]:
    return [Coming(tactic, at) for tactic, at, _ in _events(session, group_id, official)]


def _events(session: Session, group_id: int, official: Official) -> list[tuple[str, datetime, dict[str, Any]]]:
    """Events that any campaign of the group names where this official is met: theirs, or their jurisdiction's."""
    query = select(Campaign.tactic, Campaign.occasion).where(
        Campaign.group_id == group_id, Campaign.occasion.is_not(None),
        Campaign.state.in_((*BEFORE_LAUNCH, "launched")),
    )  # fmt: skip
    if official.jurisdiction:
        there = select(Official.id).where(Official.group_id == group_id, Official.jurisdiction == official.jurisdiction)
        query = query.where(or_(Campaign.official_id == official.id, Campaign.official_id.in_(there)))
    else:
        query = query.where(Campaign.official_id == official.id)
    found = [(row.tactic, event_at(row.occasion or {}), row.occasion) for row in session.execute(query)]
    return [(tactic, at, occasion) for tactic, at, occasion in found if at is not None]


def known_of_campaign(session: Session, campaign: Campaign) -> dict[str, Any]:
    """What a campaign's texts and its launch can say: what was entered, else what its official's entry has."""
    official = session.get_one(Official, campaign.official_id)
    office = session.get(Office, campaign.office_id) if campaign.office_id else None
    return known_for(occasion_of(campaign), official, office)
