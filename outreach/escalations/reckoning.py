"""What a campaign's text would take now: its audience, a sample of their texts, and the forecast of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from config import table
from outreach.core.runtime import Runtime
from outreach.escalations.audience import Audience, count_audience, in_audience, sample_people
from outreach.escalations.drafts import text_values
from outreach.escalations.forecast import Forecast, forecast
from outreach.escalations.launch import second_texts_of, texts_of
from outreach.escalations.models import Campaign
from outreach.escalations.pacing import Paced, paced_finish
from outreach.escalations.segments import freeze


def expect(
    session: Session, held: Runtime, campaign: Campaign, paced: Paced | None = None
) -> tuple[Audience, Forecast]:
    """Who will be texted now, and what that would take. Of two texts each half is reckoned with its own.

    ``paced``: the pace at which they leave, in the hours of its office.
    """
    group_id, now = campaign.group_id, held.clock.now()
    chosen, values = freeze(session, group_id, campaign.audience), text_values(session, campaign)
    list_ids, trees = chosen.get("lists", []), chosen.get("trees", [])
    audience = count_audience(session, group_id, list_ids, now, trees)
    who = in_audience(group_id, list_ids, now, trees)
    first, second = texts_of(campaign), second_texts_of(campaign)
    expected = reckon(session, held, audience, who, first, values)
    if second:
        other = reckon(session, held, audience, who, {**first, **second}, values)
        parts, cost = round((expected.parts + other.parts) / 2), (expected.cost + other.cost) / 2
        expected = replace(expected, parts=parts, cost=cost, exact=expected.parts == other.parts and expected.exact)
    if paced is not None:
        ends = paced_finish(audience.cohorts, now, paced.per_minute, paced.office)
        expected = replace(expected, finish_at=ends, per_minute=paced.per_minute)
    return audience, expected


def reckon(
    session: Session,
    held: Runtime,
    audience: Audience,
    who: ColumnElement[bool],
    texts: Mapping[str, str],
    values: Mapping[str, Mapping[str, str]],
) -> Forecast:
    """What a text to an audience would take; ``who`` is the clause that chooses its people."""
    figures = table("forecast")
    people = {
        language: sample_people(session, held.vault, who, language=language, most=figures["sample"])
        for language in audience.by_language()
    }
    per_second = held.settings.sender_rate or figures["parts_per_second"]
    return forecast(audience.cohorts, texts, values, people, held.clock.now(), per_second=per_second)
