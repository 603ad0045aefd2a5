"""The rehearsal carrier's own books, read over HTTP, and our database held against them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import requests
from sqlalchemy import select

from outreach.core.runtime import Runtime
from outreach.escalations.models import Recipient, Wave
from outreach.messaging.gates import TAKEN
from outreach.messaging.models import Message, Reply
from outreach.messaging.states import HEARD_STATUS
from outreach.tallies.figures import flat
from outreach.tallies.sheets import count_sheet

SECONDS = 30


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the carrier's ledger."""

    sid: str | None
    kind: str
    to: str
    status: str
    sender: str
    duplicate: bool


class CarrierControl:
    """The rehearsal carrier's control API."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_rehearsal"
        self._http = requests.Session()
        self._http.trust_env = False  # it is on this machine: no proxy has a part in it

    def idle(self) -> bool:
        """Whether nothing is scheduled or under way at the carrier."""
        return bool(self._get("idle").json()["idle"])

    def inbound(self) -> int:
        """How many texts people have sent."""
        return int(self._get("idle").json()["inbound"])

    def summary(self) -> dict[str, int]:
        """The counts of ``carrier`` in the story's last line."""
        found: dict[str, Any] = self._get("idle").json()
        return {name: int(found[name]) for name in ("messages", "answers", "distinct_recipients", "duplicates")}

    def ledger(self) -> list[Row]:
        """Every row, oldest first."""
        lines = self._get("ledger").text.splitlines()
        rows = (json.loads(line) for line in lines)
        return [
            Row(row["sid"], row["kind"], row["to"], row["status"], row["from"] or "", bool(row.get("duplicate")))
            for row in rows
        ]

    def _get(self, path: str) -> requests.Response:
        answer = self._http.get(f"{self._url}/{path}", timeout=SECONDS)
        answer.raise_for_status()
        return answer


def differences(runtime: Runtime, wave_id: int, ledger: list[Row]) -> Counter[str]:
    """How our rows differ from the carrier's, by kind of difference; empty when they reconcile.

    state: a recipient's state is not the carrier's. unbound: the carrier accepted a text for a recipient who has no
    sid (``needs_review`` excepted); a text that another row of ours holds, such as an answer, is not theirs.
    replies: a reply that only one side has. duplicates: the carrier's own count. tally: a figure of the tallies that is
    not what the ledger comes to (``told_by``).
    """
    with runtime.db.snapshot() as session:
        ours = session.execute(
            select(Message.number_hash, Message.carrier_sid, Message.state)
            .join(Recipient, Recipient.id == Message.recipient_id)
            .where(Recipient.wave_id == wave_id, Message.state != "superseded")
        ).all()
        bound = set(session.execute(select(Message.carrier_sid).where(Message.carrier_sid.is_not(None))).scalars())
        replies = set(session.execute(select(Reply.carrier_sid).where(Reply.channel == "text")).scalars())
    by_sid = {row.sid: row for row in ledger if row.sid}
    unbound = (row for row in ledger if row.kind == "create" and row.sid not in bound)
    accepted_to = {runtime.vault.number_hash(row.to) for row in unbound}
    found: Counter[str] = Counter()
    for number_hash, sid, state in ours:
        if sid is None:
            found["unbound"] += state != "needs_review" and number_hash in accepted_to
        else:
            found["state"] += sid not in by_sid or HEARD_STATUS.get(by_sid[sid].status) != state
    sent = {row.sid for row in ledger if row.kind == "inbound" and row.sid}
    found["replies"] += len(sent - replies)
    found["duplicates"] += sum(row.duplicate for row in ledger)
    found["tally"] += len(_tally_differences(runtime, wave_id, ledger))
    return +found


def _tally_differences(runtime: Runtime, wave_id: int, ledger: list[Row]) -> list[str]:
    """The figures of the wave's row in the tallies that the ledger tells otherwise."""
    with runtime.db.snapshot() as session:
        wave = session.get_one(Wave, wave_id)
        sheet = count_sheet(session, wave.group_id, "wave", None, runtime.clock)
        ours = (
            select(Message.carrier_sid)
            .join(Recipient, Recipient.id == Message.recipient_id)
            .where(Recipient.wave_id == wave_id, Message.state != "superseded", Message.carrier_sid.is_not(None))
        )
        sent = {str(sid) for sid in session.execute(ours).scalars()}
        heard = select(Reply.carrier_sid).where(Reply.gate_id == wave.gate_id, Reply.channel == "text")
        received = set(session.execute(heard).scalars())
    shown = next(flat(row.figures) for row in sheet.rows if row.key == str(wave_id))
    return [name for name, count in told_by(ledger, sent, received).items() if shown[name] != count]


def told_by(ledger: list[Row], sent: set[str], received: set[str]) -> dict[str, int]:
    """What the carrier's ledger tells of the figures of the tallies: ``sent`` are the sids of a campaign's texts,
    ``received`` those of the texts that answer it. Pure.
    """
    texts = [(row.to, HEARD_STATUS.get(row.status)) for row in ledger if row.sid in sent]
    taken = [(to, state) for to, state in texts if state in TAKEN]
    answers = [row.sender for row in ledger if row.kind == "inbound" and row.sid in received]
    return {
        "texts_sent": len(taken),
        "people_asked": len({to for to, _ in taken}),
        "texts_delivered": sum(state == "delivered" for _, state in taken),
        "people_reached": len({to for to, state in taken if state == "delivered"}),
        "replies": len(answers),
        "people_replied": len(set(answers)),
    }
