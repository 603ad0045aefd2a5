"""Both sides' books after the blast: the carrier's ledger, read over HTTP, and our rows, read from the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from sqlalchemy import func, select

from outreach.core.runtime import Runtime
from outreach.escalations.models import Recipient
from outreach.messaging.models import Message, MessageAttempt, Reply

SECONDS = 60
STOPPER = "stop"
"""The carrier's persona whose only text is an opt-out in one wording or another."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the carrier's ledger; times in seconds since 1970. ``who`` is the number at the other end."""

    sid: str | None
    kind: str
    who: str
    error_code: int | None
    received_at: float
    duplicate: bool = False
    answered_at: float | None = None
    """Inbound only: when the webhook's 2xx had come."""
    in_reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a recipient stands by the newest of their messages; ``state`` is None when they have none."""

    who: str
    state: str | None
    sids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ours:
    """Our rows. ``begun_at``: sid -> the instant of its slice, seconds since 1970."""

    expected: int
    standings: tuple[Standing, ...]
    message_sids: frozenset[str]
    reply_sids: frozenset[str]
    begun_at: dict[str, float]


class Carrier:
    """The rehearsal carrier's control API, as far as the books need it."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_rehearsal"
        self._http = requests.Session()
        self._http.trust_env = False  # it is on this machine: no proxy has a part in it

    def prepare(self, latency_ms: float, hangs_a_thousand: int, people: Mapping[str, float]) -> None:
        """Make it slow, let some creates hang, and set how many in 1,000 of its people do what; the rest stays."""
        self._put("faults", {"latency_ms": latency_ms, "jitter_ms": latency_ms / 2})
        self._put("faults", {"per_thousand": {"hang": hangs_a_thousand}})
        weights: dict[str, float] = self._get("personas").json()["weights"]
        others = sum(weights[name] - share for name, share in people.items())
        self._put("personas", {"weights": {**weights, **people, "delivered": weights["delivered"] + others}})

    def entries(self) -> list[Entry]:
        """The ledger, oldest first."""
        return [entry(json.loads(line)) for line in self._get("ledger").text.splitlines()]

    def stoppers(self) -> set[str]:
        """The numbers whose owners' only text is an opt-out."""
        phones = self._get("phones", limit=1_000_000).json()["phones"]
        return {phone["number"] for phone in phones if phone["persona"] == STOPPER}

    def _get(self, path: str, **query: int) -> requests.Response:
        answer = self._http.get(f"{self._url}/{path}", params=query, timeout=SECONDS)
        answer.raise_for_status()
        return answer

    def _put(self, path: str, content: dict[str, Any]) -> None:
        self._http.put(f"{self._url}/{path}", json=content, timeout=SECONDS).raise_for_status()


def entry(row: dict[str, Any]) -> Entry:
    """A ledger row out of its JSON."""
    other = row["from"] if row["kind"] == "inbound" else row["to"]
    return Entry(
        row["sid"],
        row["kind"],
        other or "",
        row["error_code"],
        row["received_at"],
        bool(row["duplicate"]),
        row["answered_at"],
        row["in_reply_to"],
    )


def read_ours(runtime: Runtime, wave_id: int, numbers: Iterable[str]) -> Ours:
    """Our side, in one snapshot. ``numbers`` are those of everybody who was to be in the wave."""
    by_hash = {runtime.vault.number_hash(number): number for number in numbers}
    with runtime.db.snapshot() as session:
        people = session.execute(select(Recipient.id, Recipient.number_hash).where(Recipient.wave_id == wave_id)).all()
        messages = session.execute(
            select(Recipient.id, Message.state, Message.carrier_sid)
            .join(Message, Message.recipient_id == Recipient.id)
            .where(Recipient.wave_id == wave_id)
            .order_by(Message.id)
        ).all()
        attempts = session.execute(
            select(Message.carrier_sid, func.max(MessageAttempt.begun_at))
            .join(MessageAttempt, MessageAttempt.message_id == Message.id)
            .where(Message.carrier_sid.is_not(None), MessageAttempt.closed.is_(False))
            .group_by(Message.carrier_sid)
        ).all()
        message_sids = session.execute(select(Message.carrier_sid).where(Message.carrier_sid.is_not(None))).scalars()
        replies = session.execute(select(Reply.carrier_sid).where(Reply.channel == "text")).scalars()
        known, answered = frozenset(sid for sid in message_sids if sid), frozenset(replies)
    states: dict[int, str] = {}
    sids: dict[int, set[str]] = {}
    for recipient_id, state, sid in messages:
        states[recipient_id] = state
        sids.setdefault(recipient_id, set()).update({sid} if sid else ())
    standings = tuple(
        Standing(
            by_hash.get(row.number_hash, row.number_hash.hex()), states.get(row.id), frozenset(sids.get(row.id, ()))
        )
        for row in people
    )
    begun = {sid: at.timestamp() for sid, at in attempts if sid}
    return Ours(len(by_hash), standings, known, answered, begun)
