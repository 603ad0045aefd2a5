"""What we owe somebody after their text: to ask how it went, or to remind them of what they promised.

It is noted in the transaction that stores the text, and worked off by upkeep (``coming_back``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from config import table
from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.messaging.dropped import drop_of_campaign
from outreach.messaging.follow_up_models import ASK, PLEDGE, REMIND, FollowUp
from outreach.messaging.inbound import Received
from outreach.messaging.models import Gate
from outreach.messaging.promised import remind_at
from outreach.messaging.tactics import tactic_row
from outreach.people.quiet_hours import window_anywhere
from outreach.people.zones import parse_zones_key

_owed: Any = FollowUp.__table__
PROMISED = Hot(select(FollowUp.id).where(
    FollowUp.gate_id == bindparam("gate"), FollowUp.number_hash == bindparam("number"), FollowUp.kind == PLEDGE,
    FollowUp.state == "waiting",
))  # fmt: skip

EVENT = Hot(select(Gate.event_at).where(Gate.id == bindparam("gate")))

ASKED = Hot(
    select(FollowUp.id).where(
        FollowUp.gate_id == bindparam("gate"), FollowUp.number_hash == bindparam("number"), FollowUp.kind == ASK,
        FollowUp.state == "waiting",
    )
)  # fmt: skip


class Asker(Protocol):
    """Whoever wants to act, by a text or on a script's page. ``asked_at``: domain time; ``zones``: a key."""

    @property
    def group_id(self) -> int: ...
    @property
    def gate_id(self) -> int | None: ...
    @property
    def constituent_id(self) -> int | None: ...
    @property
    def number_hash(self) -> bytes: ...
    @property
    def asked_at(self) -> datetime: ...
    @property
    def zones(self) -> str: ...
    @property
    def tactic(self) -> str | None: ...


def ask_later(tx: Transaction, received: Asker) -> None:
    """Somebody got the script: ask once how it went, unless they have told by then, or promised a time."""
    asked = {"gate": received.gate_id, "number": received.number_hash}
    if PROMISED.first(tx, asked):
        return
    wait = timedelta(minutes=tactic_row(received.tactic)["ask_after_minutes"])
    at = _after_event(tx, received.gate_id, received.tactic, received.asked_at) or received.asked_at + wait
    due_at = window_anywhere(parse_zones_key(received.zones), at).opens_at
    if due_at is not None:
        owe(tx, _of(received), ASK, due_at)


def ask_no_sooner(tx: Transaction, received: Asker) -> None:
    """Somebody who got the script wants to be called as well: a question that waits begins to wait anew."""
    asked = {"gate": received.gate_id, "number": received.number_hash}
    if ASKED.first(tx, asked):
        ask_later(tx, received)


def remember_promise(tx: Transaction, received: Received, at: datetime) -> None:
    """Somebody promised a time: remind them then, and ask nothing before. A later promise takes the place of an
    earlier one that still waits. ``at``: real time."""
    if received.gate_id is None:
        return
    zones = parse_zones_key(received.zones)
    begins = event_of(tx, received.gate_id, received.tactic)
    if begins is None:
        due_at = remind_at(received.body, zones, received.asked_at)
    else:
        due_at = before_event(begins, zones, received.asked_at)
        if due_at is None:
            ask_later(tx, received)
            return
    drop_of_campaign(tx, received.number_hash, received.gate_id, "promised", at)
    if due_at is not None:
        owe(tx, _of(received), PLEDGE, due_at)


def remind_later(tx: Transaction, owed: Any, zones: tuple[str, ...], now: datetime) -> None:
    """The question goes out now: ask once more the next day. ``owed``: its row, with the columns of ``_of``."""
    later = now + timedelta(hours=table("follow_ups")["remind_after_hours"])
    over = _after_event(tx, owed.gate_id, owed.tactic, now) if owed.kind == PLEDGE else None
    due_at = window_anywhere(zones, max(later, over) if over else later).opens_at
    if due_at is not None:
        who = {name: getattr(owed, name) for name in ("group_id", "gate_id", "number_hash", "constituent_id")}
        owe(tx, {**who, "asked_at": owed.asked_at}, REMIND, due_at)


def event_of(tx: Transaction, gate_id: int | None, tactic: str | None) -> datetime | None:
    """When the event of a campaign begins (domain time); None for one that asks for no event."""
    if gate_id is None or "after_event_minutes" not in tactic_row(tactic):
        return None
    begins: datetime | None = EVENT.value(tx, {"gate": gate_id})
    return begins


def before_event(begins: datetime, zones: tuple[str, ...], asked_at: datetime) -> datetime | None:
    """When to remind somebody of an event: so soon before it that they are on their way, in their hours; None where
    no such time is left. Pure."""
    for hours in table("follow_ups")["before_event_hours"]:
        at = begins - timedelta(hours=hours)
        if at > asked_at and window_anywhere(zones, at).opens_at == at:
            return at
    return None


def _after_event(tx: Transaction, gate_id: int | None, tactic: str | None, now: datetime) -> datetime | None:
    """When somebody may be asked how it went who acts now; None where it is no event."""
    begins = event_of(tx, gate_id, tactic)
    if begins is None:
        return None
    return max(begins, now) + timedelta(minutes=tactic_row(tactic)["after_event_minutes"])


def owe(tx: Transaction, who: dict[str, Any], kind: str, due_at: datetime) -> None:
    """Note a follow-up. Of each kind there is one, ever, for a number in a campaign; while it waits it may move."""
    late = timedelta(hours=table("follow_ups")["late_hours"][kind])
    row = {**who, "kind": kind, "state": "waiting", "due_at": due_at, "expires_at": due_at + late}
    _owing(tx.is_sqlite, again=kind == PLEDGE).run(tx, row)


@cache
def _owing(sqlites: bool, *, again: bool) -> Hot:
    """The INSERT of a follow-up. ``again``: one that a later promise has set aside waits once more."""
    insert: Any = (sqlite if sqlites else postgresql).insert(_owed)
    new = insert.excluded
    unsent = _owed.c.state == "waiting"
    if again:
        unsent |= (_owed.c.state == "dropped") & (_owed.c.reason == "promised")
    return Hot(
        insert.on_conflict_do_update(
            index_elements=["gate_id", "number_hash", "kind"],
            set_={"due_at": new.due_at, "expires_at": new.expires_at, "asked_at": new.asked_at, "state": "waiting",
                  "reason": None},
            where=unsent,
        )
    )  # fmt: skip


def _of(received: Asker) -> dict[str, Any]:
    return {
        "group_id": received.group_id,
        "gate_id": received.gate_id,
        "number_hash": received.number_hash,
        "constituent_id": received.constituent_id,
        "asked_at": received.asked_at,
    }
