"""Files to try an import with: invented officials and invented people. In a rehearsal only."""

from __future__ import annotations

from typing import Final

from flask import Response, abort

from config import HERE
from outreach.people.invented import people_csv
from outreach.serving import runtime

PEOPLE: Final = 24
SKIPPED: Final = 970
"""The story begins with the first of the thousand reserved numbers, so a newcomer's sample takes the last ones."""
SEED: Final = 1


def officials_file() -> Response:
    """The demo's officials as a download; 404 outside a rehearsal."""
    _rehearsal_only()
    return as_download((HERE / "demo" / "officials.csv").read_bytes(), "sample-officials.csv")


def people_file() -> Response:
    """Invented people, made anew each time and always the same; 404 outside a rehearsal."""
    _rehearsal_only()
    people = people_csv(PEOPLE, SEED, skip=SKIPPED, ours=runtime().settings.twilio_from_number)
    return as_download(people, "sample-people.csv")


def as_download(csv: bytes, name: str) -> Response:
    """A CSV that the browser saves under this name. The mark at its start tells spreadsheets that it is UTF-8."""
    answer = Response("\ufeff".encode() + csv.removeprefix("\ufeff".encode()), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _rehearsal_only() -> None:
    if runtime().settings.mode != "rehearsal":
        abort(404)
