"""Sockets for requests that no HTTP library would write, and requests that are no HTTP any more."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

from outreach.bench.wire import Wire
from tests.oracles.webhook_parents import Parent, Sent

PATIENCE = 10.0
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back. ``status`` is 0 where the server hung up without a word."""

    status: int
    body: bytes = b""

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


class Line(Wire):
    """A kept-alive connection to the site; a context manager."""

    def __init__(self, url: str) -> None:
        super().__init__(url, PATIENCE)

    def hear(self, sent: Sent) -> Heard:
        """One request and its answer; a connection that had been closed meanwhile is opened anew."""
        if sent.raw is not None:
            return self._blurt(sent.raw)
        for last in (False, True):
            try:
                status, head, body = self.exchange(sent.wire(), has_body=sent.method != "HEAD")
            except OSError:
                self.hang_up()
                if last:
                    return Heard(0)
            else:
                if b"\r\nconnection: close" in head.lower() or len(sent.body) > 500_000:
                    self.hang_up()
                return Heard(status, body)
        raise AssertionError("unreachable")

    def _blurt(self, raw: bytes) -> Heard:
        """Say it on a connection of its own, say that no more comes, and hear the worst that is answered."""
        answered = b""
        with socket.create_connection(self.address, PATIENCE) as once:
            try:
                once.sendall(raw)
                once.shutdown(socket.SHUT_WR)
                while part := once.recv(65_536):
                    answered += part
            except OSError:
                pass
        statuses = [int(each) for each in STATUS_LINE.findall(answered)]
        good = [each for each in statuses if 200 <= each < 300]
        return Heard((good or [max(statuses, default=0)])[0], answered)


def no_http(parent: Parent, dice: random.Random) -> Iterator[Sent]:
    """Lengths that lie, parts that break off, two framings at once, bytes of other protocols."""
    plain = parent.sent()
    whole, body = plain.wire(), plain.body
    head = whole[: -len(body)]
    honest = f"Content-Length: {len(body)}\r\n".encode()

    def framed(framing: bytes, content: bytes) -> bytes:
        return head.replace(honest, framing) + content

    chunked, other = b"Transfer-Encoding: chunked\r\n", body.replace(b"SM", b"MM")
    for length in (0, 1, len(body) - 1, len(body) // 2):
        yield replace(plain, raw=framed(f"Content-Length: {length}\r\n".encode(), body))
    for length in (len(body) + 1, 10**6, 10**20, -1):
        yield replace(plain, raw=framed(f"Content-Length: {length}\r\n".encode(), body))
    for framing in (b"Content-Length: x\r\n", b"Content-Length: +1\r\n", honest + b"Content-Length: 1\r\n", b""):
        yield replace(plain, raw=framed(framing, body))
    for pieces in (b"zz\r\n" + body, b"%x\r\n" % (len(body) + 9) + body, b"-1\r\n" + body, body, b"0\r\n\r\n",
                   b"%x\r\n" % len(other) + other + b"x\r\n0\r\n\r\n"):  # fmt: skip
        yield replace(plain, raw=framed(chunked, pieces))
    yield replace(plain, raw=framed(honest + chunked, b"0\r\n\r\n" + body))
    yield replace(plain, raw=framed(b"Transfer-Encoding: x\r\n", body))
    yield replace(plain, raw=b"\r\n\r\n\x16\x03\x01\x02\x00" + whole[:60])
    yield replace(plain, raw=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + dice.randbytes(60))
    yield replace(plain, raw=whole.replace(b"HTTP/1.1", b"HTTP/9.9", 1))
    yield replace(plain, raw=whole.replace(b" HTTP/1.1", b"", 1))
    yield replace(plain, raw=whole.replace(b"POST ", b"PO\x00ST ", 1))
    yield replace(plain, raw=whole.replace(b"X-Twilio-Signature", b"X-Twilio-Signature ", 1))
    yield replace(plain, raw=whole.replace(b"Host: ", b"Host: " + b"h" * 70_000, 1))
    yield replace(plain, raw=whole.replace(b"\r\nContent-Type", b"\r\nX: \x00\r\nContent-Type", 1))
    for _ in range(12):
        yield replace(plain, raw=whole[: dice.randrange(len(whole) - 1)])
        at = dice.randrange(head.index(b"\r\n"))
        yield replace(plain, raw=whole[:at] + bytes([dice.randrange(128, 256)]) + whole[at + 1 :])
        yield replace(plain, raw=dice.randbytes(dice.randrange(1, 200)) + b"\r\n\r\n")
