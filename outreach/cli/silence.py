"""Who was not texted, and why: ``campaign why`` and ``export silence``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from outreach.cli.context import group_id, runtime
from outreach.cli.ledger import export_stances
from outreach.cli.privacy import export_calls, export_people
from outreach.cli.promises import export_promises
from outreach.cli.tallies import export_tallies
from outreach.cli.trees import export_tree
from outreach.core.errors import BadInputError
from outreach.escalations.silence_people import Silent, every_silent, export_silence
from outreach.escalations.silence_reads import Account, Asked, account, find_wave
from outreach.escalations.silence_words import is_code, words_for

DATABASE_ID = click.IntRange(1, 2**63 - 1)
language_option = click.option("--language", type=click.Choice(["en", "es"]), default="en", show_default=True)
wave_option = click.option(
    "--wave", "number", type=click.IntRange(1, 1_000), help="Which of the campaign's texts, from 1; default the first."
)


@click.command()
@click.argument("campaign_id", type=DATABASE_ID)
@click.option("--reason", "code", help="Also list the people with this reason's code.")
@wave_option
@language_option
@click.option("--json", "as_json", is_flag=True, help="People one a line, then one object with the counts.")
def why(campaign_id: int, code: str | None, number: int | None, language: str, as_json: bool) -> None:
    """Why people were not texted: a count for each reason, and with --reason the people."""
    if code is not None and not is_code(code):
        raise BadInputError("silence_code_unknown", reason=code)
    held, group = runtime(), group_id()
    now = held.clock.now()
    with held.db.snapshot() as session:
        asked = find_wave(session, group, campaign_id, number)
        found = account(session, asked, now)
        if code is not None:
            for one in every_silent(session, held.vault, asked, found, now, code):
                click.echo(json.dumps(_person(one)) if as_json else _line(one))
    click.echo(json.dumps(_counts(asked, found, language)) if as_json else _table(asked, found, language))


def _person(one: Silent) -> dict[str, Any]:
    return {
        "person": one.person,
        "first_name": one.document.get("first_name"),
        "last_name": one.document.get("last_name"),
        "phone": one.masked,
        "reason": one.reason.code,
        "until": one.reason.until.isoformat() if one.reason.until else None,
    }


def _line(one: Silent) -> str:
    name = " ".join(str(one.document[key]) for key in ("first_name", "last_name") if one.document.get(key))
    return f"{one.person}  {one.masked}  {name}"


def _counts(asked: Asked, found: Account, language: str) -> dict[str, Any]:
    reasons = []
    for code, people, until in found.reasons():
        words = words_for(code, language)
        reasons.append(
            {"code": code, "people": people, "until": until.isoformat() if until else None, "why": words.sentence,
             "what_to_do": words.remedy}
        )  # fmt: skip
    return {
        "campaign_id": asked.campaign_id,
        "number": asked.number,
        "people": found.people,
        "recipients": found.recipients,
        "reached": found.reached,
        "reasons": reasons,
    }


def _table(asked: Asked, found: Account, language: str) -> str:
    lines = [f"{asked.name}: {found.people} people, {found.reached} reached, {found.people - found.reached} not."]
    for code, people, until in found.reasons():
        then = f" (the first from {until.isoformat(timespec='minutes')})" if until else ""
        lines.append(f"  {people:>8}  {code:<22} {words_for(code, language).sentence}{then}")
    return "\n".join(lines)


@click.group()
def export() -> None:
    """Files for other programs. Every export says why, and is noted."""


export.add_command(export_people)
export.add_command(export_calls)
export.add_command(export_tree)
export.add_command(export_stances)
export.add_command(export_promises)
export.add_command(export_tallies)


@export.command("silence")
@click.argument("campaign_id", type=DATABASE_ID)
@click.option("--reason-for-export", "because", required=True, help="Why you need the file; it is noted.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; default stdout.")
@click.option("--reason", "code", help="Only the people with this reason's code.")
@click.option("--by", "actor", default="command line", show_default=True, help="Who exports, for the book.")
@wave_option
@language_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line; needs --out.")
def silence(
    campaign_id: int, because: str, out: Path | None, code: str | None, actor: str, number: int | None, language: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Everybody who was not texted, and why, as CSV. Numbers are masked."""
    if as_json and out is None:
        raise click.UsageError("--json needs --out FILE: without it the CSV itself goes to stdout.")
    body = export_silence(
        runtime(), group_id(), campaign_id, because=because, actor=actor, language=language, number=number, code=code
    )
    if out is None:
        sys.stdout.buffer.write(body)
        return
    try:
        out.write_bytes(body)
    except OSError as error:
        raise BadInputError("export_not_written", path=out, reason=error.strerror) from None
    click.echo(json.dumps({"campaign_id": campaign_id, "file": str(out), "bytes": len(body)}) if as_json else str(out))
