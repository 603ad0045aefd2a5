"""What a person may ask of a group, as commands: everything it keeps about them, or to be forgotten. Lists as files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from outreach.cli.context import group_id, runtime
from outreach.core.errors import BadInputError
from outreach.core.phone import check_phone
from outreach.core.runtime import Runtime
from outreach.core.xlsx_out import to_xlsx
from outreach.privacy import erasure
from outreach.privacy.call_files import HEADER as CALL_HEADER
from outreach.privacy.call_files import SHEET, call_file
from outreach.privacy.disclosure import disclose
from outreach.privacy.people_files import HEADER, people_file

ID_DIGITS = 6
"""A longer id could be meant as a number without its area code, so it needs a ``#``."""
reason_option = click.option("--reason", required=True, help="Why; it is noted, numbers in it masked.")
by_option = click.option("--by", "actor", default="command line", show_default=True, help="Who asks, for the book.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")


@click.command()
@click.argument("who", metavar="NUMBER-or-id")
@reason_option
@by_option
@json_option
def show(who: str, reason: str, actor: str, as_json: bool) -> None:
    """Everything that is kept about one number, for the person whose it is: with the number, and in plain.

    An id of more than six digits is written with a # before it.
    """
    held, group = runtime(), group_id()
    found = disclose(held, group, _hash_of(held, group, who) or b"", reason=reason, actor=actor)
    click.echo(json.dumps(found) if as_json else json.dumps(found, indent=2, ensure_ascii=False))


@click.command()
@click.argument("who", metavar="NUMBER-or-id")
@reason_option
@by_option
@json_option
def erase(who: str, reason: str, actor: str, as_json: bool) -> None:
    """Forget a person: their data, the words of their texts, their lists. An opt-out of theirs stays in force.

    It cannot be undone. Again, it changes nothing.
    """
    held, group = runtime(), group_id()
    erased = erasure.erase_number(held, group, _hash_of(held, group, who), reason=reason, actor=actor)
    text = (
        f"{erased.people} people erased, {erased.canceled} waiting texts canceled, "
        f"the words of {erased.texts} texts and {erased.replies} replies emptied."
    )
    if erased.in_doubt:
        text += f" {erased.in_doubt} texts keep their words until it is known whether they went."
    click.echo(json.dumps(erased._asdict()) if as_json else text)


def _hash_of(held: Runtime, group: int, who: str) -> bytes | None:
    """The hash that a number or an id leads to; None for somebody who was erased.

    Raises NotFoundError for an id that the group does not have, BadInputError for what is neither.
    """
    plain = who.removeprefix("#")
    if plain.isascii() and plain.isdecimal() and (plain != who or len(plain) <= ID_DIGITS):
        return erasure.number_of_person(held, group, min(int(plain), 2**63 - 1))
    verdict = check_phone(who)
    if verdict.e164 is None:
        raise BadInputError("number_or_id", reason=verdict.reason)
    return held.vault.number_hash(verdict.e164)


@click.command("constituents")
@click.option("--list", "list_name", help="The people of this list; default everybody.")
@click.option("--reason", required=True, help="Why you need the file; it is noted, numbers in it masked.")
@click.option("--numbers", "with_numbers", is_flag=True, help="With phone numbers and e-mail addresses in plain.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A .csv or .xlsx file.")
@by_option
@json_option
def export_people(list_name: str | None, reason: str, with_numbers: bool, out: Path, actor: str, as_json: bool) -> None:
    """People as CSV or, by the file's name, XLSX. Numbers are masked and e-mail left out unless you ask for them."""
    held = runtime()
    file = people_file(held, group_id(), list_name=list_name, reason=reason, actor=actor, with_numbers=with_numbers)
    xlsx = out.suffix.lower() == ".xlsx"
    size = write_file(out, to_xlsx(HEADER, file.rows()) if xlsx else file.as_csv())
    found = {"file": str(out), "people": file.people, "numbers": with_numbers, "bytes": size}
    click.echo(json.dumps(found) if as_json else f"{file.people} people: {out}")


@click.command("calls")
@click.argument("campaign_id", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", required=True, help="Why you need the file; it is noted, numbers in it masked.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A .csv or .xlsx file.")
@by_option
@json_option
def export_calls(campaign_id: int, reason: str, out: Path, actor: str, as_json: bool) -> None:
    """The offices that a campaign's callers were put through to, as CSV or, by the file's name, XLSX. No caller."""
    file = call_file(runtime(), group_id(), campaign_id, reason=reason, actor=actor)
    xlsx = out.suffix.lower() == ".xlsx"
    size = write_file(out, to_xlsx(CALL_HEADER, file.rows(), SHEET) if xlsx else [file.as_csv()])
    found = {"campaign_id": campaign_id, "file": str(out), "calls": len(file.ids), "bytes": size}
    click.echo(json.dumps(found) if as_json else f"{len(file.ids)} calls: {out}")


def write_file(out: Path, pieces: Iterable[bytes]) -> int:
    """Write a file that only its owner can read, whole or not at all; its size. Raises BadInputError."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)  # mode 0600
    except OSError as error:
        raise BadInputError("export_not_written", path=out, reason=error.strerror) from None
    made = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = sum(file.write(piece) for piece in pieces)
        made.replace(out)
    except OSError as error:
        raise BadInputError("export_not_written", path=out, reason=error.strerror) from None
    finally:
        made.unlink(missing_ok=True)
    return size
