"""Commands on the ladder of tactics: what is suggested, which one a draft takes, and the next step."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from outreach.cli.context import group_id, runtime
from outreach.core.clock import PHOENIX
from outreach.core.errors import BadInputError
from outreach.escalations import choosing
from outreach.escalations.drafts import get_campaign
from outreach.escalations.ladder import Suggestion
from outreach.escalations.ladder_facts import suggestions_for
from outreach.escalations.ladder_words import reason_words, tactic_name
from outreach.escalations.wording import TACTICS, TONES, tone_of
from outreach.officials.models import Meeting

DATABASE_ID = click.IntRange(1, 2**63 - 1)
BY = "command line"

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")


@click.command()
@click.argument("campaign_id", type=DATABASE_ID)
@as_json
def suggest(campaign_id: int, as_json: bool) -> None:
    """Which tactics come next for a campaign's official, best first, and why."""
    held = runtime()
    with held.db.snapshot() as session:
        campaign = get_campaign(session, group_id(), campaign_id)
        outcome = session.get_one(Meeting, campaign.meeting_id).outcome
        found = suggestions_for(session, campaign, outcome, held.clock.now())
    if as_json:
        click.echo(json.dumps({"id": campaign_id, "suggestions": [_as_json(one) for one in found]}))
        return
    for one in found:
        reasons = " ".join(reason_words(reason, "en") for reason in one.reasons)
        click.echo(f"{one.tactic:<18} {one.tone:<8} {tactic_name(one.tactic, 'en')}. {reasons}")


def _as_json(one: Suggestion) -> dict[str, Any]:
    reasons = [{"code": reason.code, **reason.values, "words": reason_words(reason, "en")} for reason in one.reasons]
    return {"tactic": one.tactic, "tone": one.tone, "reasons": reasons}


@click.command()
@click.argument("campaign_id", type=DATABASE_ID)
@click.argument("name", type=click.Choice(TACTICS))
@click.option("--tone", type=click.Choice(TONES), help="Else the draft's.")
@click.option("--replace", "edited", flag_value="replace", help="Words that somebody has written are kept aside.")
@click.option("--keep", "edited", flag_value="keep", help="Words that somebody has written stay.")
@click.option("--event-at", help="2026-12-09T18:30 (Phoenix time), or with an offset of its own.")
@click.option("--event-zone", default=PHOENIX.key, help="The event's time zone.")
@click.option("--event-place")
@click.option("--event-link")
@click.option("--office-address")
@click.option("--office-email")
@click.option("--newspaper")
@click.option("--newspaper-address")
@click.option("--word-limit")
@as_json
def tactic(
    campaign_id: int, name: str, tone: str | None, edited: Any, event_at: str | None, event_zone: str, as_json: bool,
    **given: str | None,
) -> None:  # fmt: skip
    """Give a draft a tactic, a tone, and what people must know for it; what is not given stays."""
    held = runtime()
    typed: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    with held.db.transaction() as tx:
        campaign = get_campaign(tx, group_id(), campaign_id)
        found = choosing.choose_tactic(
            tx, held, group_id(), campaign_id, tactic=name, tone=tone or tone_of(campaign.tone), by=BY,
            edited=edited or "ask",
        )  # fmt: skip
        if typed or event_at is not None:
            known = dict(found.occasion or {})
            if known.get("event_at"):
                known["event_at"] = datetime.fromisoformat(known["event_at"])
            if event_at is not None:
                known |= {"event_at": _time(event_at), "event_zone": event_zone}
            found = choosing.set_occasion(tx, held, group_id(), campaign_id, {**known, **typed})
        document = {"id": campaign_id, "tactic": found.tactic, "tone": found.tone, "occasion": found.occasion or {}}
    click.echo(json.dumps(document) if as_json else f"Campaign {campaign_id}: {name}, {document['tone']}.")


def _time(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
        return (given if given.tzinfo else given.replace(tzinfo=PHOENIX)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInputError("launch_time_form", text=text) from None


@click.command("next")
@click.argument("campaign_id", type=DATABASE_ID)
@click.option("--tactic", type=click.Choice(TACTICS), help="Another one than is suggested.")
@as_json
def next_(campaign_id: int, tactic: str | None, as_json: bool) -> None:
    """Draft the next step out of the same meeting, for the same audience."""
    held = runtime()
    with held.db.transaction() as tx:
        made = choosing.draft_next(tx, held, group_id(), campaign_id, by=BY, tactic=tactic)
        document = {"id": made.id, "after": campaign_id, "tactic": made.tactic, "tone": made.tone}
    click.echo(json.dumps(document) if as_json else f"Campaign {made.id} is drafted: {made.tactic}.")
