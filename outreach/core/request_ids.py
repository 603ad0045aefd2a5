"""Ids that join a request's log lines: ours, or those of a proxy in front of us where they are nothing else."""

from __future__ import annotations

import re
import secrets
from typing import Final

from outreach.core.logs import NUMBER

HEADER: Final = "X-Request-ID"
SHAPE: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]{20}", re.ASCII)
"""What proxies write: 128 bits in hexadecimal digits, or a UUID. The last form is ours."""
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def new_request_id() -> str:
    """94 random bits as letters: without a digit nothing in it can be taken for a phone number and be masked."""
    return "".join(secrets.choice(_LETTERS) for _ in range(20))


def request_id_from(given: str | None) -> str:
    """The id that came with a request, or a new one where it is missing, of another shape, or could hold a number.

    Pure but for chance. About one in eight UUIDs has so many digits in a row that it could: such a request has our
    id, which the answer's header tells.
    """
    if given and SHAPE.fullmatch(given) and not NUMBER.search(given):
        return given
    return new_request_id()
