"""The pure rules at the command line: ``segments``, ``phones`` and ``classify``.

JSON lines in, JSON lines out: one answer for each line, in order, as it comes. A line that cannot be used is answered
with ``{"id"?, "error": {"code", "message"}}``, and the exit code is then 1. No settings, keys or database are needed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from outreach.core.errors import BadInputError, OutreachError
from outreach.core.phone import Kind, check_phone
from outreach.core.segments import measure
from outreach.messaging.classify import ASKED
from outreach.messaging.classify import classify as classify_text
from outreach.people.zones import zones_for

Answer = dict[str, Any]


@click.command()
def segments() -> None:
    """What texts cost: {"id","text"} -> {"id","encoding","segments","units"}, one JSON object a line."""
    _answer_lines(_segments_of)


@click.command()
@click.option(
    "--kind",
    type=click.Choice(["constituent", "office"]),
    default="constituent",
    show_default=True,
    help="An office may be toll-free.",
)
def phones(kind: Kind) -> None:
    """Judge phone numbers: {"input","zip"?} -> {"input","valid","e164","extension","reason","zones","region"}."""
    _answer_lines(lambda row: _phone_of(row, kind))


@click.command()
def classify() -> None:
    """What replies mean: {"id","text","asked"?} -> {"id","intent","outcome","lang","confidence","rule"}."""
    _answer_lines(_meaning_of)


def _segments_of(row: Answer) -> Answer:
    found = measure(_text(row, "text"))
    return {"id": _id(row), "encoding": found.encoding, "segments": found.segments, "units": found.units}


def _phone_of(row: Answer, kind: Kind) -> Answer:
    verdict = check_phone(_text(row, "input"), kind)
    zip_code = _optional_text(row, "zip")
    return {
        "input": verdict.input,
        "valid": verdict.valid,
        "e164": verdict.e164,
        "extension": verdict.extension,
        "reason": verdict.reason,
        "zones": list(zones_for(verdict.e164, zip_code)) if verdict.e164 else [],
        "region": verdict.region,
    }


def _meaning_of(row: Answer) -> Answer:
    text, asked = _text(row, "text"), _optional_text(row, "asked")
    if asked not in ASKED:
        raise BadInputError("unknown_asked", allowed=", ".join(sorted(name for name in ASKED if name)))
    return {"id": _id(row), **classify_text(text, asked)._asdict()}


def _id(row: Answer) -> object:
    if "id" not in row:
        raise BadInputError("missing_field", field="id")
    return row["id"]


def _text(row: Answer, field: str) -> str:
    if field not in row:
        raise BadInputError("missing_field", field=field)
    value = row[field]
    if not isinstance(value, str):
        raise BadInputError("not_a_string", field=field)
    return value


def _optional_text(row: Answer, field: str) -> str | None:
    return _text(row, field) if row.get(field) is not None else None


def _answer_lines(answer: Callable[[Answer], Answer]) -> None:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    failed = False
    for line in source:
        reply = _answer(line, answer)
        failed = failed or "error" in reply
        sink.write(json.dumps(reply, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n")
        sink.flush()  # whoever writes the lines may wait for this answer before the next one
    if failed:
        raise SystemExit(1)


def _answer(line: bytes, answer: Callable[[Answer], Answer]) -> Answer:
    known: Answer = {}
    try:
        row = _parse(line)
        if "id" in row:
            known["id"] = row["id"]
        return answer(row)
    except OutreachError as error:
        return {**known, "error": {"code": error.code, "message": str(error)}}


def _parse(line: bytes) -> Answer:
    """One line's object. Raises BadInputError for anything else, numbers that JSON cannot hold included."""
    try:
        row = json.loads(line.decode("utf-8-sig"))
        json.dumps(row, allow_nan=False)
    except UnicodeDecodeError:
        raise BadInputError("not_utf8") from None
    except (ValueError, RecursionError):
        raise BadInputError("not_json") from None
    if not isinstance(row, dict):
        raise BadInputError("not_an_object")
    return row
