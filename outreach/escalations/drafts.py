"""From a meeting that brought no commitment to a draft campaign, prefilled and open to edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.phone import as_people_write
from outreach.core.runtime import Runtime
from outreach.escalations.ladder import Suggestion, suggest
from outreach.escalations.ladder_facts import best_office, facts_for
from outreach.escalations.models import Campaign
from outreach.escalations.occasion import known_for, occasion_of, occasion_values
from outreach.escalations.pacing_models import PACES
from outreach.escalations.segments import hold_segments
from outreach.escalations.spoken import SPOKEN, check_spoken, usual_words
from outreach.escalations.wording import words_for
from outreach.messaging.render import check_template
from outreach.messaging.tactics import CALLS
from outreach.officials.meetings import needs_escalation
from outreach.officials.models import STANDS, Meeting, Office, Official, Stance
from outreach.officials.roles import official_in, role_in
from outreach.people.models import ContactList

LANGUAGES = ("en", "es")
NAME_LENGTH = 200
TEXTS = ("text_en", "text_es", "script_en", "script_es")
SECOND_TEXTS = ("text_b_en", "text_b_es")
"""Tried against the first texts; null, both of them, when nothing is tried."""
EDITABLE = frozenset({"name", "policy", "office_id", "pacing", *TEXTS, *SECOND_TEXTS, *SPOKEN})


def draft_from_meeting(
    tx: Transaction, runtime: Runtime, meeting: Meeting, *, chosen: Suggestion | None = None
) -> Campaign | None:
    """A draft for the meeting's official and first unanswered policy; None when they committed.

    ``chosen``: its tactic and tone; the first that is suggested when there is none.
    """
    if not needs_escalation(meeting.outcome):
        return None
    official = tx.get_one(Official, meeting.official_id)
    office = best_office(tx, official.id)
    policy = _policy_to_press(tx, meeting)
    now = runtime.clock.now()
    step = chosen or suggest(facts_for(tx, meeting.group_id, official, meeting.outcome, now), now)[0]
    draft = Campaign(
        group_id=meeting.group_id,
        meeting_id=meeting.id,
        official_id=official.id,
        office_id=office.id if office else None,
        policy=policy,
        tactic=step.tactic,
        tone=step.tone,
        name=f"{official.name}: {policy_name(policy, 'en')}"[:NAME_LENGTH],
        state="draft",
        **words_for(step.tactic, step.tone, meeting.outcome),
        audience={"lists": []},
        created_by=meeting.recorded_by,
        created_at=now,
    )
    tx.add(draft)
    tx.flush()
    return draft


def _policy_to_press(tx: Transaction, meeting: Meeting) -> int:
    """The first policy they refused, else the first they evaded, else the first of the nine."""
    answers = tx.execute(
        select(Stance.answer, Stance.policy).where(Stance.meeting_id == meeting.id).order_by(Stance.policy)
    ).all()
    for wanted in ("no", "evaded"):
        for answer, policy in answers:
            if answer == wanted:
                return policy
    return 1


def edit_draft(
    tx: Transaction,
    group_id: int,
    campaign_id: int,
    *,
    lists: Sequence[str] | None = None,
    segments: Sequence[Any] | None = None,
    **changes: object,
) -> Campaign:
    """Change a draft; ``lists`` are names of the group's lists, ``segments`` ids of its saved segments.

    Raises NotFoundError, ConflictError, BadInputError.
    """
    # Of an edit and a launch at once, one is first, and the other sees what it did.
    tx.execute(select(Campaign.id).where(Campaign.id == campaign_id).with_for_update())
    campaign = get_campaign(tx, group_id, campaign_id)
    if campaign.state != "draft":
        raise ConflictError("campaign_not_draft", state=campaign.state)
    for field, value in changes.items():
        if field not in EDITABLE:
            raise BadInputError("campaign_field_unknown", field=field)
        if field in TEXTS or (field in SECOND_TEXTS and value is not None):
            check_template(str(value))
        if field in SPOKEN and value is not None:
            check_spoken(str(value))
        if field == "office_id" and not _may_be_office(tx, campaign, value):
            raise BadInputError("office_not_of_official")
        if field == "pacing" and value not in PACES:
            raise BadInputError("pacing_unknown", known=", ".join(PACES))
        setattr(campaign, field, value)
    if lists is not None:
        campaign.audience = {**campaign.audience, "lists": [_list_id(tx, group_id, name) for name in lists]}
    if segments is not None:
        hold_segments(tx, group_id, segments)
        chosen = {"segments": list(segments)} if segments else {}
        campaign.audience = {"lists": campaign.audience.get("lists", []), **chosen}
    return campaign


def _may_be_office(tx: Transaction, campaign: Campaign, office_id: object) -> bool:
    """One of the official's; none at all where nobody is called."""
    if office_id is None and campaign.tactic != CALLS:
        return True
    return office_id in _offices_of(tx, campaign.official_id)


def _offices_of(tx: Transaction, official_id: int) -> set[int]:
    return set(tx.execute(select(Office.id).where(Office.official_id == official_id, STANDS)).scalars())


def _list_id(tx: Transaction, group_id: int, name: str) -> int:
    found = tx.execute(
        select(ContactList.id).where(ContactList.group_id == group_id, ContactList.name == name)
    ).scalar()
    if found is None:
        raise BadInputError("list_unknown", name=name)
    return found


def get_campaign(tx: Session, group_id: int, campaign_id: int) -> Campaign:
    """A campaign of this group. Raises NotFoundError."""
    campaign = tx.get(Campaign, campaign_id)
    if campaign is None or campaign.group_id != group_id:
        raise NotFoundError("campaign_unknown", campaign_id=campaign_id)
    return campaign


def templates_of(campaign: Campaign) -> dict[str, str]:
    """A campaign's texts and scripts by field; both second texts when one of them is there, and where people call
    through us what they hear before.
    """
    second = SECOND_TEXTS if any(getattr(campaign, field) for field in SECOND_TEXTS) else ()
    written = {field: getattr(campaign, field) or "" for field in (*TEXTS, *second)}
    return written | (spoken_of(campaign) if campaign.tactic == CALLS else {})


def spoken_of(campaign: Campaign) -> dict[str, str]:
    """The words that its callers hear, by field."""
    return {field: getattr(campaign, field) or usual_words(field) for field in SPOKEN}


def policy_name(number: int, language: str, kind: Literal["name", "text_name"] = "name") -> str:
    """A model policy's name in a language (``config/policies.toml``): for pages, or as texts say it."""
    policy = next(policy for policy in table("policies")["policies"] if policy["number"] == number)
    return str(policy[kind][language])


def text_values(tx: Session, campaign: Campaign) -> dict[str, dict[str, str]]:
    """Per language, what the campaign's texts and scripts say the same to everybody."""
    official = tx.get_one(Official, campaign.official_id)
    office = tx.get(Office, campaign.office_id) if campaign.office_id else None
    group = tx.get_one(Group, campaign.group_id)
    known = known_for(occasion_of(campaign), official, office)
    return {
        language: {
            **occasion_values(known, language),
            "group": group.name,
            "official": official_in(official.name, official.role, language, "text_name"),
            "role": role_in(official.role, language, "text_name"),
            "policy": policy_name(campaign.policy, language, "text_name"),
            "office_phone": spoken_phone(office),
        }
        for language in LANGUAGES
    }


def spoken_phone(office: Office | None) -> str:
    """An office's number as people dial it, extension included; empty when there is none."""
    if office is None or not office.phone:
        return ""
    national = as_people_write(office.phone)
    return f"{national} ext {office.extension}" if office.extension else national
