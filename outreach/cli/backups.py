"""Backups for whoever runs the site: made beside live traffic, and brought back so that nobody is texted twice."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import click

from outreach.backups.backup import forget_old, make_backup
from outreach.backups.catching_up import CaughtUp
from outreach.backups.catching_up import catch_up as catch_up_with
from outreach.backups.replaced import list_replaced, remove_replaced
from outreach.backups.restore import Restored
from outreach.backups.restore import restore as restore_file
from outreach.carrier.base import CarrierError
from outreach.carrier.twilio import TwilioCarrier
from outreach.cli.context import runtime
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.replies import answer_found, obey_found

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
IN_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
ONLY_CARRIER = (
    "Opt-outs by a page, by a key in a call or by staff, and erasures, that came after the backup are NOT known here: "
    "enter them again. With --protections FILE they would have been."
)


@click.command()
@click.argument("target", metavar="FILE-or-directory", type=click.Path(path_type=Path))
@click.option("--protections", is_flag=True, help="Only who must not be texted and who was erased: small, for often.")
@click.option(
    "--keep-days", type=click.IntRange(1), help="Then remove older ones of ours, of the same kind, from the directory."
)
@json_option
def backup(target: Path, protections: bool, keep_days: int | None, as_json: bool) -> None:
    """Copy the database, sealed under the first of FIELD_ENCRYPTION_KEYS, while everything runs.

    A directory gets a file with the time in its name. Without the keys nobody can read it, and neither can you: keep
    FIELD_ENCRYPTION_KEYS and BLIND_INDEX_KEY elsewhere.
    """
    held = runtime()
    if keep_days is not None and not target.is_dir():
        raise BadInputError("backup_keep_where")
    made = make_backup(held, target, only_protections=protections)
    removed = forget_old(target, made["kind"], keep_days, held.clock.real_now()) if keep_days is not None else 0
    if as_json:
        click.echo(json.dumps({**made, "removed": removed}))
        return
    click.echo(f"{made['file']}: {made['bytes']:,} bytes of {made['made_at']}.")
    if removed:
        click.echo(f"{removed} older ones removed.")


@click.command()
@click.argument("file", type=IN_FILE)
@click.option("--replace", is_flag=True, help="Put aside the database that is there.")
@click.option("--protections", type=IN_FILE, help="The newest file of `backup --protections`.")
@json_option
@click.pass_context
def restore(ctx: click.Context, file: Path, replace: bool, protections: Path | None, as_json: bool) -> None:
    """Bring a backup back, then catch up with the carrier's list. Stop web, workers and upkeep first.

    Nothing is sent before it has caught up, and no campaign goes on before somebody resumes it. Exit code 1: restored,
    but the carrier could not be asked yet: `outreach catch-up`, or upkeep, does it as soon as it can.
    """
    # A container that is stopped is told so: what was begun is then taken back, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    held = runtime()
    done = restore_file(held.settings, file, replace=replace, protections=protections)
    caught_up, problem = _catch_up(held)
    if as_json:
        click.echo(json.dumps({**_restored(done), "caught_up": asdict(caught_up) if caught_up else None}))
    else:
        _tell(done, caught_up, problem)
    ctx.exit(0 if caught_up else 1)


@click.command("catch-up")
@json_option
@click.pass_context
def catch_up(ctx: click.Context, as_json: bool) -> None:
    """Ask the carrier what happened since the restored backup was made. Exit code 1: it could not be asked."""
    caught_up, problem = _catch_up(runtime())
    if as_json:
        click.echo(json.dumps({"caught_up": asdict(caught_up) if caught_up else None, "problem": problem}))
    else:
        click.echo(_found(caught_up) if caught_up else problem or "There is nothing to catch up with.")
    ctx.exit(1 if problem else 0)


@click.group()
def replaced() -> None:
    """What restores have put aside: the database that was there before."""


@replaced.command()
@json_option
def show(as_json: bool) -> None:
    """List it, oldest first, with the room that it takes."""
    found = list_replaced(runtime().db)
    if as_json:
        click.echo(json.dumps({"replaced": [one._asdict() for one in found]}))
        return
    for one in found:
        click.echo(f"{one.bytes:>16,}  {one.name}")
    if not found:
        click.echo("No restore has put anything aside.")


@replaced.command()
@click.option("--yes", is_flag=True, help="Remove it: nothing can bring it back.")
@json_option
def remove(yes: bool, as_json: bool) -> None:
    """Remove all of it for good: every database that restores have put aside, and nothing else."""
    held = runtime()
    if not yes:
        raise BadInputError("replaced_needs_yes", names=", ".join(one.name for one in list_replaced(held.db)) or "-")
    found = remove_replaced(held)
    if as_json:
        click.echo(json.dumps({"removed": [one._asdict() for one in found]}))
    else:
        click.echo(f"{len(found)} removed, {sum(one.bytes for one in found):,} bytes.")


def _catch_up(held: Runtime) -> tuple[CaughtUp | None, str | None]:
    try:
        return catch_up_with(held, TwilioCarrier(held.settings), obey=obey_found, answer=answer_found), None
    except CarrierError as error:
        why = f"{type(error).__name__} {error.code or ''}".strip()
        return None, f"The carrier could not be asked ({why}). Nothing is sent until it has been."


def _restored(done: Restored) -> dict[str, object]:
    told = {**done._asdict(), **done.safe._asdict(), "made_at": done.made_at.isoformat()}
    return {name: value for name, value in told.items() if name != "safe"}


def _tell(done: Restored, caught_up: CaughtUp | None, problem: str | None) -> None:
    click.echo(f"Restored as of {done.made_at:%Y-%m-%d %H:%M:%S} UTC. What was done after that on pages is lost.")
    if done.aside:
        click.echo(
            f"What was there before stands in {done.aside}: `outreach replaced remove --yes`, when you are sure."
        )
    click.echo(
        f"{done.safe.paused} gates paused, {done.safe.unscheduled} scheduled launches taken back, "
        f"{done.safe.calls} waiting calls called off."
    )
    if done.protections == "backup":
        click.echo(ONLY_CARRIER, err=True)
    click.echo(_found(caught_up) if caught_up else str(problem))
    click.echo("Next: start web, workers and upkeep; look at each campaign; resume it when its numbers are right.")
    click.echo(
        "Everybody signs in again, open invitations are void, and who was deactivated since is active: look at who is."
    )


def _found(found: CaughtUp) -> str:
    return (
        f"The carrier lists {found.listed} messages: {found.booked} texts booked that had gone out since, "
        f"{found.unmatched} of rows that are lost, {found.in_doubt} for a person to decide; {found.replies} texts from "
        f"people heard, {found.opted_out} further opt-outs and {found.erased} erasures carried out."
    )
