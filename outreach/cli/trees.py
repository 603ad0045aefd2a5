"""Commands on phone trees: making one, starting it for a campaign, watching and stopping it; its people as a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from outreach.cli.context import group_id, runtime
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.people.lists import list_ids
from outreach.phone_tree.branches import Placed, indented, problems_of
from outreach.phone_tree.editing import grow_tree, make_tree, nodes_of
from outreach.phone_tree.forecast import foresee
from outreach.phone_tree.listing import RunRow, TreeRow, find_tree, people_in, runs_of_tree, trees_of, zones_of
from outreach.phone_tree.models import PhoneTree
from outreach.phone_tree.reads import Level, view_run
from outreach.phone_tree.roster import export_run
from outreach.phone_tree.running import default_waits, get_run, pause_run, resume_run, start_run, stop_run

DATABASE_ID = click.IntRange(1, 2**63 - 1)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
by_option = click.option("--by", "actor", default="command line", show_default=True, help="Who does it, for the book.")


@click.group()
def tree() -> None:
    """Phone trees: captains are asked, their people texted, whoever stays silent is routed around."""


def _say(document: dict[str, Any], text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(document) if as_json else text)


@tree.command("list")
@json_option
def list_(as_json: bool) -> None:
    """The group's trees by name, each with its last run."""
    with runtime().db.snapshot() as session:
        rows = trees_of(session, group_id())
    text = "\n".join(_tree_line(row) for row in rows) or "None yet."
    _say({"trees": [_tree_json(row) for row in rows]}, text, as_json=as_json)


def _tree_line(row: TreeRow) -> str:
    last = f"  last run {row.last.id}: {row.last.state}" if row.last else ""
    return f"{row.id:>6}  {row.name}: {row.people} people in {row.branches} branches{last}"


def _tree_json(row: TreeRow) -> dict[str, Any]:
    last = _run_json(row.last) if row.last else None
    return {"id": row.id, "name": row.name, "people": row.people, "branches": row.branches, "last_run": last}


def _run_json(run: RunRow) -> dict[str, Any]:
    finished = run.finished_at.isoformat() if run.finished_at else None
    return {**run._asdict(), "started_at": run.started_at.isoformat(), "finished_at": finished}


@tree.command()
@click.argument("name")
@click.option("--list", "lists", multiple=True, help="Everybody in this list; several may be given. None: empty.")
@click.option("--area", type=click.Choice(["zip", "city"]), default="zip", show_default=True, help="Neighbours by.")
@click.option("--size", type=int, help="People in a branch, 5 to 12.")
@by_option
@json_option
def make(name: str, lists: tuple[str, ...], area: Any, size: int | None, actor: str, as_json: bool) -> None:
    """Make a tree of the people in lists, or an empty one."""
    held, group = runtime(), group_id()
    with held.db.transaction() as tx:
        if lists:
            ids = list_ids(tx, group, lists)
            made = grow_tree(tx, held, group, name, lists=ids, area=area, size=size, by=actor)
        else:
            made = make_tree(tx, held, group, name, by=actor)
        people = len(nodes_of(tx, made.id))
        document = {"id": made.id, "name": made.name, "people": people}
    _say(document, f"Tree {document['id']} is made: {people} people.", as_json=as_json)


@tree.command()
@click.argument("which", metavar="TREE")
@json_option
def show(which: str, as_json: bool) -> None:
    """A tree's branches by the ids of people, what is wrong with it, its runs, and how long it would take in silence.

    TREE is its number or its name.
    """
    held, group = runtime(), group_id()
    now = held.clock.now()
    with held.db.snapshot() as session:
        found = find_tree(session, group, which)
        nodes, people = nodes_of(session, found.id), people_in(session, group, found.id, now)
        runs = runs_of_tree(session, group, found.id)
    foreseen = foresee(nodes, zones_of(list(people.values())), default_waits(), now)
    document = {
        "id": found.id,
        "name": found.name,
        "version": found.version,
        "people": len(nodes),
        "textable": foreseen.people,
        "all_texted_at": foreseen.last_at.isoformat() if foreseen.last_at else None,
        "problems": [{"code": one.code, "node": one.node_id} for one in problems_of(nodes)],
        "nodes": [{**node._asdict(), "why": people[node.person].why} for node in nodes],
        "runs": [_run_json(run) for run in runs],
    }
    _say(document, _shown(found, nodes, document), as_json=as_json)


def _shown(found: PhoneTree, nodes: list[Placed], document: dict[str, Any]) -> str:
    lines = [f"{found.name}: {len(nodes)} people, {document['textable']} of them may be texted."]
    for level, node in indented(nodes):
        told = f" {node.area}" if node.area else ""
        told += f", backup {node.backup}" if node.backup else ""
        lines.append(f"{'  ' * (level + 1)}{node.person}{told}")
    return "\n".join([*lines, *(f"  wrong: {one['code']} (node {one['node']})" for one in document["problems"])])


@tree.command()
@click.argument("which", metavar="TREE")
@click.argument("campaign_id", type=DATABASE_ID)
@click.option("--nudge", type=int, help="Minutes of silence after which a captain is asked again.")
@click.option("--backup", type=int, help="Minutes of silence after which the backup is asked.")
@click.option(
    "--channel", type=click.Choice(["text", "call"]), default="text", show_default=True, help="How captains are asked."
)
@by_option
@json_option
def start(
    which: str, campaign_id: int, nudge: int | None, backup: int | None, channel: Literal["text", "call"], actor: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Ask the captains of a tree for a campaign; a draft is launched by it. TREE is its number or its name."""
    held, group = runtime(), group_id()
    with held.db.transaction(durable=True) as tx:
        found = find_tree(tx, group, which)
        run = start_run(
            tx, held, group, found.id, campaign_id, by=actor, nudge_minutes=nudge, backup_minutes=backup,
            channel=channel,
        )  # fmt: skip
        document = {"run_id": run.id, "tree_id": found.id, "campaign_id": campaign_id, "state": "running"}
    _say(document, f"Run {document['run_id']} is started.", as_json=as_json)


@tree.command()
@click.argument("run_id", type=DATABASE_ID)
@json_option
def status(run_id: int, as_json: bool) -> None:
    """A run's numbers by level, and how each branch stands."""
    held = runtime()
    with held.db.snapshot() as session:
        view = view_run(session, get_run(session, group_id(), run_id), held.clock.now())
    document = view.as_json()
    lines = [f"{view.tree}: {view.state}", *(_level_line(one) for one in (*view.levels, view.total))]
    lines += [
        f"  branch {one['seat_id']}: {one['state']}, {one['reached']} of {one['people']} reached"
        for one in document["branches"]
    ]
    _say(document, "\n".join(lines), as_json=as_json)


def _level_line(one: Level) -> str:
    name = f"level {one.level + 1}" if one.level >= 0 else "all"
    told = f"{one.people} people, {one.reached} reached, {one.answered} answered, {one.waiting} waiting"
    return f"  {name}: {told}, {one.sent} on their way, {one.missed} missed, {one.excluded} excluded"


@tree.command()
@click.argument("run_id", type=DATABASE_ID)
@json_option
def pause(run_id: int, as_json: bool) -> None:
    """Ask and text nobody until it is resumed."""
    _pull(pause_run, run_id)
    _say({"run_id": run_id, "state": "paused"}, f"Run {run_id} is paused.", as_json=as_json)


@tree.command()
@click.argument("run_id", type=DATABASE_ID)
@json_option
def resume(run_id: int, as_json: bool) -> None:
    """Go on after a pause or a halt."""
    held = runtime()
    with held.db.transaction(durable=True) as tx:
        resume_run(tx, held, group_id(), run_id)
    _say({"run_id": run_id, "state": "running"}, f"Run {run_id} goes on.", as_json=as_json)


def _pull(lever: Callable[[Transaction, int, int], None], run_id: int) -> None:
    with runtime().db.transaction(durable=True) as tx:
        lever(tx, group_id(), run_id)


@tree.command()
@click.argument("run_id", type=DATABASE_ID)
@json_option
def stop(run_id: int, as_json: bool) -> None:
    """Stop a run for good. What was sent already is still reported on."""
    canceled = stop_run(runtime(), group_id(), run_id)
    document = {"run_id": run_id, "state": "stopped", "canceled": canceled}
    _say(document, f"Run {run_id} is stopped, {canceled} texts were canceled.", as_json=as_json)


@click.command("tree")
@click.argument("run_id", type=DATABASE_ID)
@click.option("--reason-for-export", "because", required=True, help="Why you need the file; it is noted.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; default stdout.")
@click.option("--language", type=click.Choice(["en", "es"]), default="en", show_default=True)
@by_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line; needs --out.")
def export_tree(run_id: int, because: str, out: Path | None, language: str, actor: str, as_json: bool) -> None:
    """Everybody of a tree's run as CSV: branch, role, first name, masked number, status, times."""
    if as_json and out is None:
        raise click.UsageError("--json needs --out FILE: without it the CSV itself goes to stdout.")
    held: Runtime = runtime()
    body = export_run(held, group_id(), run_id, because=because, actor=actor, language=language)
    if out is None:
        sys.stdout.buffer.write(body)
        return
    try:
        out.write_bytes(body)
    except OSError as error:
        raise BadInputError("export_not_written", path=out, reason=error.strerror) from None
    click.echo(json.dumps({"run_id": run_id, "file": str(out), "bytes": len(body)}) if as_json else str(out))
