"""What the carrier knows: every message it took, and a ledger of everything that was asked of it. In memory."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

NOT_RECEIVED = frozenset((30001, 30003, 30036))
"""Codes that prove that the text never arrived: the same text may then be sent again."""
FINAL = frozenset(("delivered", "undelivered", "failed", "canceled", "received"))


@dataclass(slots=True, eq=False)
class Message:
    """A Message resource; times are real, in seconds since 1970."""

    sid: str
    index: int
    """Position in the order of creation."""
    direction: str
    to: str
    sender: str | None
    """None until the Messaging Service has chosen one."""
    body: str
    service_sid: str | None
    status: str
    created: float
    updated: float
    callback: str | None = None
    """StatusCallback, verbatim: it is signed as it was given."""
    sent: float | None = None
    error_code: int | None = None
    expires: float | None = None
    """Domain time (seconds since 1970) after which it is not sent any more."""
    begun: float = 0.0
    """When its sending began: its creation, or its time when it was scheduled."""
    due: float | None = None
    """When it is to leave; the steps until then are filled in when somebody looks."""
    segments: int | None = None
    """None until counted; stays unknown as long as no sender is chosen."""

    @property
    def listed_at(self) -> float | None:
        """The time that a list is filtered by."""
        return self.sent

    def look(self, now: float, sender: str) -> None:
        """Bring ``queued`` and ``sending``, which no callback tells, up to date for a reader."""
        if self.status not in ("accepted", "queued") or self.due is None:
            return
        third = (self.due - self.begun) / 3
        if now >= self.begun + 2 * third:
            self.advance("sending", self.begun + 2 * third, sender)
        elif self.status == "accepted" and now >= self.begun + third:
            self.advance("queued", self.begun + third, sender)

    def advance(self, status: str, now: float, sender: str | None = None) -> None:
        self.status = status
        self.updated = now
        if sender is not None:
            self.sender = self.sender or sender


@dataclass(slots=True, eq=False)
class Row:
    """A line of the ledger."""

    seq: int
    kind: str
    """create, answer, inbound, carrier_reply or refused."""
    received_at: float
    to: str | None
    sender: str | None
    body_sha256: str | None
    message: Message | None = None
    error_code: int | None = None
    acknowledged: bool = False
    duplicate: bool = False
    answered_at: float | None = None
    """Inbound only: when the webhook's 2xx came."""
    in_reply_to: str | None = None
    """Answers, and answers refused: the inbound message."""

    def as_json(self) -> dict[str, Any]:
        message = self.message
        return {
            "seq": self.seq,
            "sid": message.sid if message else None,
            "kind": self.kind,
            "to": self.to,
            "from": message.sender if message else self.sender,
            "body_sha256": self.body_sha256,
            "status": message.status if message else ("refused" if self.kind == "refused" else "delivered"),
            "error_code": self.error_code or (message.error_code if message else None),
            "received_at": self.received_at,
            "acknowledged": self.acknowledged,
            "duplicate": self.duplicate,
            "answered_at": self.answered_at,
            "in_reply_to": self.in_reply_to,
        }


def digest(body: str | None) -> str | None:
    """SHA-256 of the text in UTF-8, hex."""
    return None if body is None else hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


class Ledger:
    """Holds messages and rows, with the indexes that listing needs."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.messages: list[Message] = []
        self.by_sid: dict[str, Message] = {}
        self.by_to: defaultdict[str, list[Message]] = defaultdict(list)
        self._creates: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        self._recipients: set[str] = set()
        self._counts = dict.fromkeys(("create", "answer", "inbound", "carrier_reply", "refused"), 0)
        self._duplicates = 0

    @property
    def everything(self) -> list[Message]:
        return self.messages

    def add_message(self, *, direction: str, to: str, body: str, status: str, now: float, **more: Any) -> Message:
        """Store a new message; ``more`` are other fields of Message."""
        message = Message(
            sid=f"SM{uuid.uuid4().hex}",
            index=len(self.messages),
            direction=direction,
            to=to,
            sender=more.pop("sender", None),
            body=body,
            service_sid=more.pop("service_sid", None),
            status=status,
            created=now,
            updated=now,
            begun=now,
            **more,
        )
        self.messages.append(message)
        self.by_sid[message.sid] = message
        self.by_to[to].append(message)
        return message

    def record(self, kind: str, message: Message, received_at: float, *, in_reply_to: str | None = None) -> Row:
        """The row of a message that exists."""
        row = self._row(kind, received_at, message.to, message.sender, message.body)
        row.message = message
        row.in_reply_to = in_reply_to
        if kind == "create":
            self._recipients.add(message.to)
            earlier = self._creates[message.to, row.body_sha256 or ""]
            row.duplicate = any(not _never_arrived(each) for each in earlier)
            self._duplicates += row.duplicate
            earlier.append(message)
        return row

    def refuse(self, received_at: float, code: int, *, to: str | None, sender: str | None, body: str | None) -> Row:
        """The row of something asked for that became no message."""
        row = self._row("refused", received_at, to, sender, body)
        row.error_code = code
        return row

    def carrier_reply(self, now: float, *, to: str, sender: str, body: str) -> Row:
        """The row of the carrier's own confirmation, which is no message of ours."""
        row = self._row("carrier_reply", now, to, sender, body)
        row.acknowledged = True
        return row

    def summary(self) -> dict[str, int]:
        return {
            "messages": self._counts["create"],
            "answers": self._counts["answer"],
            "distinct_recipients": len(self._recipients),
            "duplicates": self._duplicates,
            "inbound": self._counts["inbound"],
        }

    def _row(self, kind: str, received_at: float, to: str | None, sender: str | None, body: str | None) -> Row:
        row = Row(len(self.rows) + 1, kind, received_at, to, sender, digest(body))
        self.rows.append(row)
        self._counts[kind] += 1
        return row


def _never_arrived(message: Message) -> bool:
    return message.status in ("undelivered", "failed") and message.error_code in NOT_RECEIVED
