"""Questions to a server that has just been started: are you ready?"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE_SECONDS = 2.0


def answers_http(url: str) -> Callable[[], bool]:
    """Whether a GET of this plain http address is answered with 200."""
    address = urlsplit(url)

    def ask() -> bool:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", address.path or "/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def answers_ping(path: Path) -> Callable[[], bool]:
    """Whether the Redis behind this unix socket says PONG, which it does once its data is loaded."""

    def ask() -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_SECONDS)
            try:
                connection.connect(str(path))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    return ask
