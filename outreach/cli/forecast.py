"""``forecast``: what a campaign would take if it were launched now."""

from __future__ import annotations

import json

import click

from outreach.calls.pacing import paced_of
from outreach.cli.context import group_id, runtime
from outreach.escalations.drafts import get_campaign
from outreach.escalations.reckoning import expect


@click.command()
@click.argument("campaign_id", type=click.IntRange(1, 2**63 - 1))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
def forecast(campaign_id: int, as_json: bool) -> None:
    """How long a campaign would take and what it would cost, launched now; nothing is sent."""
    held, group = runtime(), group_id()
    with held.db.snapshot() as session:
        campaign = get_campaign(session, group, campaign_id)
        audience, expected = expect(session, held, campaign, paced_of(session, campaign))
    document = {
        "campaign_id": campaign_id,
        "people": expected.people,
        "by_language": dict(audience.by_language()),
        "out": dict(audience.out),
        "parts": expected.parts,
        "exact": expected.exact,
        "parts_per_second": expected.per_second,
        "texts_per_minute": round(expected.per_minute, 1) if expected.per_minute else None,
        "finish_at": expected.finish_at.isoformat() if expected.finish_at else None,
        "cost": round(expected.cost, 2),
        "currency": expected.currency,
    }
    about = "" if expected.exact else "about "
    ends = expected.finish_at.isoformat(timespec="minutes") if expected.finish_at else "never: somebody has no hours"
    rate = (
        f"{expected.per_minute:.0f} texts a minute"
        if expected.per_minute
        else f"{expected.per_second:g} parts a second"
    )
    text = (
        f"{expected.people} people, {about}{expected.parts} parts, {about}{expected.cost:.2f} {expected.currency}; "
        f"at {rate} the last leaves {ends}."
    )
    click.echo(json.dumps(document) if as_json else text)
