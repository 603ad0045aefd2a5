"""Commands on what a group may spend, and on a second person for its launches."""

from __future__ import annotations

import json
from typing import Any

import click

from outreach.accounts.members import organizers_of
from outreach.accounts.safety import needs_two
from outreach.approvals.deciding import open_requests, switch_off_alone, switch_on
from outreach.cli.context import group_id, runtime
from outreach.messaging.spend_halts import halted_by_cap, resume_spent
from outreach.spending.caps import set_caps, units
from outreach.spending.ledger import by_kind, caps_of, spent
from outreach.spending.prices import Caps, amount

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
by_option = click.option("--by", "actor", default="command line", show_default=True, help="Who decides, for the book.")


def _say(document: dict[str, Any], text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(document) if as_json else text)


@click.group()
def spend() -> None:
    """What texts and calls cost a group, and how much they may."""


@spend.command()
@as_json
def show(as_json: bool) -> None:
    """What was spent today and this month, the caps, and how many campaigns they have halted."""
    held, group = runtime(), group_id()
    now = held.clock.now()
    with held.db.snapshot() as session:
        so_far, caps = spent(session, group, now), caps_of(session, held, group)
        kinds = by_kind(session, group, now)
        halted = len(halted_by_cap(session, group))
    document = {
        "day": {"spent": units(so_far.day), "cap": units(caps.day)},
        "month": {"spent": units(so_far.month), "cap": units(caps.month)},
        "today": {what: units(one.day) for what, one in sorted(kinds.items())},
        "halted": halted,
    }
    lines = [f"{period}: {document[period]['spent']:.2f} of {_or_none(document[period]['cap'])}"  # type: ignore[index]
             for period in ("day", "month")]  # fmt: skip
    _say(document, "\n".join([*lines, f"Campaigns halted by a cap: {halted}"]), as_json=as_json)


def _or_none(cap: float | None) -> str:
    return "no cap" if cap is None else f"{cap:.2f}"


@spend.command("set")
@click.option("--day", help="At most on one day, such as 250; none: no cap. Left out: as it is.")
@click.option("--month", help="At most in one month.")
@by_option
@as_json
def set_(day: str | None, month: str | None, actor: str, as_json: bool) -> None:
    """Set what the group may spend, in US dollars. What a cap has halted stays halted until somebody resumes it."""
    held, group = runtime(), group_id()
    with held.db.transaction() as tx:
        before = caps_of(tx, held, group)
        caps = Caps(before.day if day is None else amount(day), before.month if month is None else amount(month))
        set_caps(tx, held, group, caps, by=actor)
    document = {"day": units(caps.day), "month": units(caps.month)}
    _say(document, f"A day: {_or_none(units(caps.day))}. A month: {_or_none(units(caps.month))}.", as_json=as_json)


@spend.command()
@by_option
@as_json
def resume(actor: str, as_json: bool) -> None:
    """Let everything go on that a cap has halted, where there is room again."""
    held, group = runtime(), group_id()
    with held.db.transaction(durable=True) as tx:
        resumed = resume_spent(tx, held, group, by=actor)
    _say({"resumed": resumed}, f"{resumed} campaigns go on.", as_json=as_json)


@click.group()
def approval() -> None:
    """A second person who approves each launch of a group. Requests are made and decided on the site's pages."""


@approval.command()
@as_json
def status(as_json: bool) -> None:
    """Whether it is on, who may approve, and what waits."""
    held, group = runtime(), group_id()
    with held.db.snapshot() as session:
        document = {
            "on": needs_two(session, group),
            "approvers": len(organizers_of(session, group)),
            "waiting": [
                {"id": one.id, "kind": one.kind, "campaign": one.campaign_id, "people": one.people}
                for one, _ in open_requests(session, group, held.clock.real_now())
            ],
        }
    state = "on" if document["on"] else "off"
    _say(document, f"It is {state}; {len(document['waiting'])} requests wait.", as_json=as_json)  # type: ignore[arg-type]


@approval.command()
@by_option
@as_json
def on(actor: str, as_json: bool) -> None:
    """From now on each launch of the group needs a second person."""
    held = runtime()
    with held.db.transaction() as tx:
        switch_on(tx, held, group_id(), by=actor)
    _say({"on": True}, "From now on a second person approves each launch.", as_json=as_json)


@approval.command()
@by_option
@as_json
def off(actor: str, as_json: bool) -> None:
    """Only where fewer than two people are left who may approve; else the group asks for it on its own pages."""
    held = runtime()
    with held.db.transaction() as tx:
        switch_off_alone(tx, held, group_id(), by=actor)
    _say({"on": False}, "One person alone can launch again.", as_json=as_json)
