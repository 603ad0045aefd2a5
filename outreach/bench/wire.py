"""A kept-alive connection for requests that were made beforehand: the load itself should cost next to nothing."""

from __future__ import annotations

import re
import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

PATIENCE_SECONDS = 30.0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
NO_BODY = frozenset({204, 304})


class Wire:
    """One connection to a server on this machine; a context manager."""

    def __init__(self, url: str, patience: float = PATIENCE_SECONDS) -> None:
        where = urlsplit(url)
        self.address = (where.hostname or "", where.port or 80)
        self._patience = patience
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection; the next request opens one."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def ask(self, request: bytes) -> int:
        """Send one request and read its whole answer; the status. Raises OSError."""
        return self.exchange(request)[0]

    def exchange(self, request: bytes, *, has_body: bool = True) -> tuple[int, bytes, bytes]:
        """The same: status, head and body. ``has_body``: False for HEAD. Raises OSError."""
        if self._socket is None:
            self._socket = socket.create_connection(self.address, self._patience)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        heard = b""
        while (end := heard.find(b"\r\n\r\n")) < 0:
            heard += self._more()
        status = int(heard[9:12])
        length = LENGTH.search(heard, 0, end)
        expected = 0
        if has_body and status not in NO_BODY:
            if length is None:
                raise OSError(f"an answer of unknown length, status {status}")
            expected = int(length[1])
        while len(heard) < end + 4 + expected:
            heard += self._more()
        return status, heard[:end], heard[end + 4 :]

    def _more(self) -> bytes:
        assert self._socket is not None  # noqa: S101  exchange() has opened it
        part = self._socket.recv(65_536)
        if not part:
            raise OSError("the server hung up in the middle of an answer")
        return part
