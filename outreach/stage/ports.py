"""Ports of this machine: find a free one, or say plainly that the wanted one is taken."""

from __future__ import annotations

import errno
import os
import socket

from outreach.stage import StageError

LOOPBACK = "127.0.0.1"


def free_port(host: str = LOOPBACK) -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int, host: str = LOOPBACK) -> int:
    """The port itself when a server could listen on it now. Raises StageError: taken, or not ours to use."""
    with socket.socket() as probe:
        # As servers do: a port whose old connections only linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except (OSError, OverflowError) as error:
            if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                raise StageError("stage_port_busy", port=port, host=host) from None
            number = error.errno if isinstance(error, OSError) else None
            reason = os.strerror(number).lower() if number else "it is not between 0 and 65535"
            raise StageError("stage_port_forbidden", port=port, host=host, reason=reason) from None
    return port
