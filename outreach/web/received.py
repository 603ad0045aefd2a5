"""Files that come in: sealed as they arrive, so that none stands on the server's disk in plain."""

from __future__ import annotations

from typing import IO, Any, cast

from flask import Request, current_app

from outreach.people.sealed_files import SealedSpool


class SealingRequest(Request):
    """A request whose files are sealed while they are received."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        spool: Any = SealedSpool(current_app.extensions["outreach"].vault)
        return cast("IO[bytes]", spool)
