"""Commands on stand-downs: the official has committed, and for a minute that can be taken back."""

from __future__ import annotations

import json

import click

from outreach.cli.context import group_id, runtime
from outreach.core.errors import ConflictError
from outreach.escalations.drafts import get_campaign
from outreach.escalations.stand_down import stand_down as begin
from outreach.escalations.stand_down import stand_down_of, stood_by, undo_stand_down, usual_thanks
from outreach.escalations.stand_down_models import StandDown

DATABASE_ID = click.IntRange(1, 2**63 - 1)
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
by_option = click.option("--by", "actor", default="command line", show_default=True, help="Who does it, for the book.")


@click.command("stand-down")
@click.argument("campaign_id", type=DATABASE_ID)
@click.option("--all", "every", is_flag=True, help="Every campaign about the same official.")
@click.option("--why", required=True, help="What the official has committed to.")
@click.option("--thanks/--no-thanks", default=True, show_default=True, help="One text to whoever took part.")
@by_option
@as_json
def stand_down(campaign_id: int, every: bool, why: str, thanks: bool, actor: str, as_json: bool) -> None:
    """The official has committed: no more text leaves. For a minute, undo takes it back."""
    held = runtime()
    with held.db.transaction(durable=True) as tx:
        campaign = get_campaign(tx, group_id(), campaign_id)
        made = begin(
            tx, held, group_id(), campaign.official_id, by=actor, why=why,
            campaign_ids=None if every else [campaign_id], texts=usual_thanks() if thanks else None,
        )  # fmt: skip
        stood = [one.campaign_id for one in stood_by(tx, made.id)]
    _say(
        made,
        stood,
        f"Stood down: {len(stood)} campaigns. Until {made.final_at:%H:%M:%S} UTC undo takes it back.",
        as_json,
    )


@click.command()
@click.argument("campaign_id", type=DATABASE_ID)
@by_option
@as_json
def undo(campaign_id: int, actor: str, as_json: bool) -> None:
    """Take a campaign's stand-down back, with every other campaign of it, within its minute."""
    held = runtime()
    with held.db.transaction(durable=True) as tx:
        get_campaign(tx, group_id(), campaign_id)
        found = stand_down_of(tx, group_id(), campaign_id)
        if found is None:
            raise ConflictError("campaign_not_stood_down")
        undone = undo_stand_down(tx, held, group_id(), found.id, by=actor)
        stood = [one.campaign_id for one in stood_by(tx, undone.id)]
    _say(undone, stood, f"Undone: {len(stood)} campaigns go on as before.", as_json)


def _say(row: StandDown, campaigns: list[int], text: str, as_json: bool) -> None:
    document = {"id": row.id, "state": row.state, "campaigns": campaigns, "final_at": row.final_at.isoformat()}
    click.echo(json.dumps(document) if as_json else text)
