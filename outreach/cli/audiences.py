"""Commands on saved segments: what there are, what they say, and who is in them now."""

from __future__ import annotations

import json

import click

from outreach.cli.context import group_id, runtime
from outreach.core.runtime import Runtime
from outreach.escalations.audience import count_audience
from outreach.escalations.segments import Saved, find_by_name, find_segment, frozen, segments_of
from outreach.people.facets import index_facets

DATABASE_ID_DIGITS = 18
as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")


@click.group()
def audiences() -> None:
    """Saved segments of the people on the lists."""


@audiences.command("list")
@as_json_option
def list_(as_json: bool) -> None:
    """The saved segments by name."""
    held, group = runtime(), group_id()
    with held.db.snapshot() as session:
        found = segments_of(session, held.vault, group)
    document = {"segments": [{"id": one.id, "name": one.name} for one in found]}
    click.echo(json.dumps(document) if as_json else "\n".join(f"{one.id:>6}  {one.name}" for one in found))


@audiences.command()
@click.argument("segment")
@as_json_option
def show(segment: str, as_json: bool) -> None:
    """What a segment says. SEGMENT is its number or its name."""
    found = _find(runtime(), group_id(), segment)
    document = {"id": found.id, "name": found.name, "expression": found.written}
    click.echo(json.dumps(document) if as_json else f"{found.name}: {json.dumps(found.written, ensure_ascii=False)}")


@audiences.command()
@click.argument("segment")
@as_json_option
def count(segment: str, as_json: bool) -> None:
    """How many people are in a segment now, how many may be texted, and why the others may not."""
    held, group = runtime(), group_id()
    found = _find(held, group, segment)
    with held.db.snapshot() as session:
        tree = frozen(session, group, found.stored)
        audience = count_audience(session, group, (), held.clock.now(), [tree])
    document = {
        "id": found.id,
        "name": found.name,
        "listed": audience.listed,
        "people": audience.people,
        "by_language": audience.by_language(),
        "out": dict(audience.out),
    }
    out = "".join(f"\n  {people:>8}  {why.replace('_', ' ')}" for why, people in audience.out.items())
    click.echo(
        json.dumps(document)
        if as_json
        else f"{found.name}: {audience.listed} people, {audience.people} of them may be texted. Not texted:{out}"
    )


@audiences.command()
@as_json_option
@click.pass_context
def reindex(ctx: click.Context, as_json: bool) -> None:
    """Make tags and cities of people findable who were stored before there were segments; in every group.

    May be stopped and run again. Exit code 1: somebody's document could not be opened.
    """
    done = index_facets(runtime())
    click.echo(json.dumps(done._asdict()) if as_json else f"{done.people} people indexed, {done.damaged} not opened.")
    ctx.exit(1 if done.damaged else 0)


def _find(held: Runtime, group: int, segment: str) -> Saved:
    """By its number where it is digits alone, by its name otherwise. Raises NotFoundError."""
    with held.db.snapshot() as session:
        if segment.isascii() and segment.isdecimal() and len(segment) <= DATABASE_ID_DIGITS:
            return find_segment(session, held.vault, group, int(segment))
        return find_by_name(session, held.vault, group, segment)
