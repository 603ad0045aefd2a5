"""Commands on campaigns."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from outreach.calls.pacing import check_pace
from outreach.cli.context import group_id, runtime
from outreach.cli.silence import why
from outreach.cli.stand_downs import stand_down, undo
from outreach.cli.tactics import next_, suggest, tactic
from outreach.core.clock import PHOENIX
from outreach.core.errors import BadInputError
from outreach.escalations import drafts, launch, schedule, waves
from outreach.escalations.models import Campaign
from outreach.escalations.pacing_models import PACES
from outreach.escalations.preview import check_draft_text
from outreach.escalations.segments import find_by_name
from outreach.escalations.spoken import SPOKEN
from outreach.tallies.campaign import campaign_tally

DATABASE_ID = click.IntRange(1, 2**63 - 1)

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")


@click.group()
def campaign() -> None:
    """Escalation campaigns: drafts, launch, further texts, pause, tally."""


for command in (why, suggest, tactic, next_, stand_down, undo):
    campaign.add_command(command)


def _say(document: dict[str, Any], text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(document, default=str) if as_json else text)


@campaign.command("list")
@as_json
def list_(as_json: bool) -> None:
    """The group's campaigns, oldest first."""
    with runtime().db.snapshot() as session:
        rows = session.execute(
            select(Campaign.id, Campaign.name, Campaign.state)
            .where(Campaign.group_id == group_id())
            .order_by(Campaign.id)
        ).all()
    document = {"campaigns": [dict(row._mapping) for row in rows]}
    _say(document, "\n".join(f"{row.id}  {row.state:<9} {row.name}" for row in rows) or "None yet.", as_json=as_json)


@campaign.command()
@click.argument("campaign_id", type=DATABASE_ID)
@as_json
def show(campaign_id: int, as_json: bool) -> None:
    """A campaign with its texts and scripts."""
    held = runtime()
    with held.db.transaction() as tx:
        found = drafts.get_campaign(tx, group_id(), campaign_id)
        texts = (*drafts.TEXTS, *drafts.SECOND_TEXTS, *SPOKEN)
        own = ("tactic", "tone", "occasion", "predecessor_id")
        fields = ("id", "name", "state", "policy", "office_id", "pacing", "audience", *own, *texts)
        document = {name: getattr(found, name) for name in fields}
        document["launch_at"] = found.launch_at.isoformat() if found.launch_at else None
        document["launch_problem"] = found.launch_problem
    _say(document, "\n".join(f"{name}: {value}" for name, value in document.items()), as_json=as_json)


@campaign.command()
@click.argument("campaign_id", type=DATABASE_ID)
@click.option("--list", "lists", multiple=True, help="A list to text; several may be given.")
@click.option("--segment", "segments", multiple=True, help="A saved segment to text; an empty name takes them out.")
@click.option("--name")
@click.option("--policy", type=click.IntRange(1, 9))
@click.option("--office", "office_id", type=DATABASE_ID)
@click.option("--pacing", type=click.Choice(PACES), help="To the office's lines and hours, or as fast as allowed.")
@click.option("--text-en")
@click.option("--text-es")
@click.option("--text-b-en", help="A second text, tried on half of the people. An empty one removes it.")
@click.option("--text-b-es")
@click.option("--script-en")
@click.option("--script-es")
@click.option("--spoken-en", help="What a caller hears before they are put through. An empty one: the usual words.")
@click.option("--spoken-es")
@as_json
def edit(campaign_id: int, lists: tuple[str, ...], segments: tuple[str, ...], as_json: bool, **changes: Any) -> None:
    """Change a draft. A text that begins with @ names a file to read it from."""
    held = runtime()
    given: dict[str, Any] = {field: _text(value) for field, value in changes.items() if value is not None}
    given |= {field: None for field in (*drafts.SECOND_TEXTS, *SPOKEN) if given.get(field) == ""}
    with held.db.transaction() as tx:
        chosen = [find_by_name(tx, held.vault, group_id(), name).id for name in segments if name]
        drafts.edit_draft(
            tx, group_id(), campaign_id, lists=lists or None, segments=chosen if segments else None, **given
        )
    changed = sorted([*given, *(["lists"] if lists else []), *(["segments"] if segments else [])])
    _say({"id": campaign_id, "changed": changed}, f"Campaign {campaign_id} is changed.", as_json=as_json)


def _text(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInputError("text_file_unreadable", path=value[1:], reason=reason) from None


@campaign.command("launch")
@click.argument("campaign_id", type=DATABASE_ID)
@click.option("--at", help="Launch by itself then: 2026-12-02T09:00 (Phoenix time), or with an offset of its own.")
@as_json
def launch_(campaign_id: int, at: str | None, as_json: bool) -> None:
    """Freeze the audience and start texting, now or at a time."""
    held = runtime()
    if at is not None:
        when = _time(at)
        with held.db.transaction() as tx:
            check_pace(tx, held, drafts.get_campaign(tx, group_id(), campaign_id))
            schedule.schedule_launch(tx, held, group_id(), campaign_id, when)
        _say(
            {"id": campaign_id, "state": "scheduled", "launch_at": when.isoformat()},
            f"Campaign {campaign_id} launches at {when.astimezone(PHOENIX):%Y-%m-%d %H:%M} (Phoenix time).",
            as_json=as_json,
        )
        return
    with held.db.transaction(durable=True) as tx:
        check_pace(tx, held, drafts.get_campaign(tx, group_id(), campaign_id))
        wave = launch.launch_campaign(tx, held, group_id(), campaign_id)
    _say({"id": campaign_id, "wave": wave.id}, f"Campaign {campaign_id} is launched.", as_json=as_json)


def _time(text: str) -> datetime:
    """A time in UTC, from ISO form; without an offset it is the group's clock. Raises BadInputError."""
    try:
        given = datetime.fromisoformat(text)
        return (given if given.tzinfo else given.replace(tzinfo=PHOENIX)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInputError("launch_time_form", text=text) from None


@campaign.command()
@click.argument("campaign_id", type=DATABASE_ID)
@as_json
def unschedule(campaign_id: int, as_json: bool) -> None:
    """Undo a launch time: a draft again."""
    with runtime().db.transaction() as tx:
        schedule.unschedule_launch(tx, group_id(), campaign_id)
    _say({"id": campaign_id, "state": "draft"}, f"Campaign {campaign_id} is a draft again.", as_json=as_json)


@campaign.command()
@click.argument("campaign_id", type=DATABASE_ID)
@click.option("--who", type=click.Choice(waves.WHO), required=True, help="Who has not answered, or who has.")
@click.option("--text-en", required=True)
@click.option("--text-es", required=True)
@as_json
def wave(campaign_id: int, who: str, text_en: str, text_es: str, as_json: bool) -> None:
    """Text those whom a launched campaign has reached once more. @ names a file to read a text from."""
    held = runtime()
    texts = {"en": str(_text(text_en)), "es": str(_text(text_es))}
    for text in texts.values():
        check_draft_text(text)
    with held.db.transaction(durable=True) as tx:
        made = waves.launch_wave(tx, held, group_id(), campaign_id, who=who, texts=texts)
    _say(
        {"id": campaign_id, "wave": made.id, "number": made.number, "who": who},
        f"Text {made.number} of campaign {campaign_id} is launched.",
        as_json=as_json,
    )


@campaign.command()
@click.argument("campaign_id", type=DATABASE_ID)
@as_json
def pause(campaign_id: int, as_json: bool) -> None:
    """Send nothing more until it is resumed."""
    with runtime().db.transaction(durable=True) as tx:
        launch.pause_campaign(tx, group_id(), campaign_id)
    _say({"id": campaign_id, "state": "paused"}, f"Campaign {campaign_id} is paused.", as_json=as_json)


@campaign.command()
@click.argument("campaign_id", type=DATABASE_ID)
@as_json
def resume(campaign_id: int, as_json: bool) -> None:
    """Go on after a pause or a halt."""
    held = runtime()
    with held.db.transaction(durable=True) as tx:
        launch.resume_checked(tx, held, group_id(), campaign_id, by="command line", is_admin=True)
    _say({"id": campaign_id, "state": "launched"}, f"Campaign {campaign_id} goes on.", as_json=as_json)


@campaign.command()
@click.argument("campaign_id", type=DATABASE_ID)
@as_json
def cancel(campaign_id: int, as_json: bool) -> None:
    """Stop for good. What was sent already is still reported on."""
    canceled = launch.cancel_campaign(runtime(), group_id(), campaign_id)
    _say({"id": campaign_id, "canceled": canceled}, f"{canceled} texts were canceled.", as_json=as_json)


@campaign.command()
@click.argument("campaign_id", type=DATABASE_ID)
@as_json
def tally(campaign_id: int, as_json: bool) -> None:
    """The campaign's numbers, exact as of now."""
    held = runtime()
    with held.db.snapshot() as session:
        found = campaign_tally(session, group_id(), campaign_id, held.clock)
    if as_json:
        click.echo(json.dumps(found.as_json()))
        return
    table = Table(title=f"{found.name} ({found.state})")
    table.add_column("counter")
    table.add_column("people", justify="right")
    for name, count in {
        **found.states,
        "replies": found.replies,
        "opted out": found.opted_out,
        **found.reports,
        **({f"calls {name}": count for name, count in asdict(found.calls).items()} if found.calls else {}),
    }.items():
        table.add_row(name.replace("_", " "), str(count))
    Console().print(table)
