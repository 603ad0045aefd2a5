"""Reads requests to the controls, and answers them. Errors are JSON with a code and a sentence."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any

from aiohttp import web

from outreach.rehearsal.account import E164
from outreach.rehearsal.personas import read_weights

ROWS_A_CHUNK = 1000


def e164(request: web.Request) -> str:
    """The number in the path. Raises HTTPBadRequest."""
    number = request.match_info["number"]
    if not E164.fullmatch(number):
        raise bad_request("the number must be in E.164")
    return number


def whole_number(request: web.Request, name: str, default: int) -> int:
    """A whole number of the query. Raises HTTPBadRequest."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise bad_request(f"{name} must be a whole number, 0 or more")
    return int(text)


async def json_object(request: web.Request) -> Mapping[str, Any]:
    """The body. Raises HTTPBadRequest unless it is a JSON object."""
    try:
        given = json.loads(await request.read())
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise bad_request("the body must be a JSON object")
    return given


async def json_lines(request: web.Request, rows: Iterable[Mapping[str, Any]]) -> web.StreamResponse:
    """Answer with one line a row, in chunks."""
    answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await answer.prepare(request)
    left = iter(rows)
    while chunk := list(islice(left, ROWS_A_CHUNK)):
        await answer.write("".join(json.dumps(row) + "\n" for row in chunk).encode())
    await answer.write_eof()
    return answer


def weights_of(given: object, names: Collection[str]) -> dict[str, float] | None:
    """Shares of personas out of JSON; None stays None. Raises HTTPBadRequest."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise bad_request("weights must be an object of persona and share")
    try:
        return read_weights(given, names)
    except ValueError as problem:
        raise bad_request(str(problem)) from None


def pins_of(given: object, names: Collection[str]) -> dict[str, str]:
    """Personas pinned to numbers, out of JSON. Raises HTTPBadRequest."""
    if not isinstance(given, Mapping):
        raise bad_request("numbers must be an object of number and persona")
    for number, name in given.items():
        if not E164.fullmatch(number) or not isinstance(name, str) or name not in names:
            raise bad_request(f"numbers must pair numbers in E.164 with {', '.join(names)}")
    return dict(given)


def bad_request(sentence: str) -> web.HTTPBadRequest:
    text = json.dumps({"error": {"code": "bad_request", "message": sentence}})
    return web.HTTPBadRequest(text=text, content_type="application/json")


def conflict(sentence: str) -> web.HTTPConflict:
    text = json.dumps({"error": {"code": "conflict", "message": sentence}})
    return web.HTTPConflict(text=text, content_type="application/json")
