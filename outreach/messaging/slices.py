"""A slice: the short transaction whose commit is the instant "POST begun".

It locks its people across groups, looks again at everything that may have changed since planning, opens the
attempts of what passes and moves the rest to what stopped it. A STOP takes the same locks, so no slice commits
for a number whose STOP has committed.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import bindparam, select, union, update

from config import table
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.messaging.attempts import open_attempts
from outreach.messaging.booking import Found, book, found_texts, pick
from outreach.messaging.claims import Claimed
from outreach.messaging.events import append, delta
from outreach.messaging.follow_up_models import ASK, FOLLOW_UPS, PLEDGE
from outreach.messaging.following import gates_about, owed_by, put_back
from outreach.messaging.models import PARKED, Gate, Message, Reply
from outreach.messaging.purses import Paid, Purse
from outreach.messaging.reminder_models import REMINDER
from outreach.messaging.reminding import needless_reminders, wait_again
from outreach.messaging.spend_halts import halt_spent
from outreach.people.caps import WEEK, next_allowed
from outreach.people.consent import is_suppressed_clause, lock_people
from outreach.people.models import Constituent
from outreach.people.quiet_hours import window
from outreach.people.zones import fifty_states, parse_zones_key

MAX_VALIDITY = 36_000
ANSWER_WITHIN = timedelta(minutes=30)
"""An answer so soon after the person's text may go out at any hour (COMPLIANCE.md); later ones keep to the window."""
CAPTAIN, AGAIN = "captain", "captain_again"
"""A captain of a phone tree is asked, as their one text of a run; whatever else a run says to somebody comes again."""
THANKS = "thanks"
"""The one text to whoever took part in campaigns that were stood down."""
CAPPED = ("campaign", "reconfirm", CAPTAIN, THANKS, *FOLLOW_UPS, REMINDER)
"""Kinds of texts that we begin: the caps count them and hold them back."""
GO_BY_ANOTHER = (*FOLLOW_UPS, AGAIN)
"""Kinds that go out by a gate of the group's, while that of their campaign decides whether they may."""
PROMPTED = frozenset({ASK, PLEDGE})
"""Of these, those that the person's own text asks for: while it is fresh the cap of a day does not hold them back."""
FRESH = timedelta(hours=table("follow_ups")["prompted_hours"])
PAUSE_LOOK = timedelta(minutes=table("follow_ups")["pause_minutes"])
KEEPS_HOURS = frozenset({*CAPPED, AGAIN, "opt_in"})
"""Kinds that go out in the window only. The other ones answer a person who waits; ``opt_in`` asks a number that
somebody typed into a page, and that may be anybody's."""
OUR_OWN = frozenset({*CAPPED, AGAIN})
"""Kinds that a group's spend cap holds back. Whoever waits for a text, because they asked for it, gets it."""
ANSWERS = frozenset({"answer", "script"})
ANSWERED = frozenset({*ANSWERS, "confirmation"})
COUNTED_BY_CAPS = ("posting", "unknown", "needs_review", "accepted", "sent", "delivered")

_message: Any = Message.__table__
_OF_SLICE = Message.id.in_(bindparam("ids", expanding=True))
GATES = (
    select(Gate.id)
    .where(
        Gate.id.in_(
            union(
                select(Message.gate_id).where(_OF_SLICE),
                select(Message.about_gate_id).where(_OF_SLICE, Message.kind.in_(GO_BY_ANOTHER)),
            )
        )
    )
    .order_by(Gate.id)
    .with_for_update(read=True)
)
CLAIMED = (
    select(
        Message.id, Message.group_id, Message.gate_id, Message.number_hash, Message.kind, Message.asked_at,
        Gate.state.label("gate"), Gate.kind.label("gate_kind"), Gate.unless_replied, Gate.sends_until,
        Constituent.number_bad_at, Constituent.zones,
        is_suppressed_clause(Message.number_hash, Message.group_id).label("suppressed"),
    )
    .join(Gate, Gate.id == Message.gate_id)
    .outerjoin(Constituent, Constituent.id == Message.constituent_id)
    .where(Message.id.in_(bindparam("ids", expanding=True)))
    .where(Message.state == "claimed", Message.lease_token == bindparam("token"))
    .order_by(Message.id)  # whoever locks several messages does it in this order
    .with_for_update(of=_message)
)  # fmt: skip
LATELY = select(Message.number_hash, Message.posted_at).where(
    Message.number_hash.in_(bindparam("numbers", expanding=True)),
    Message.kind.in_(CAPPED),
    Message.state.in_(COUNTED_BY_CAPS),
    Message.posted_at > bindparam("since"),
)
"""Made once: to write such a statement down costs a slice more than to run it."""
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Post:
    """A POST that may begin. ``committed`` is CLOCK_BOOTTIME seconds; ``validity`` domain seconds."""

    attempt_id: int
    message_id: int
    gate_id: int
    number_hash: bytes
    to: str
    body: str
    validity: int
    committed: float
    paid: Paid


@dataclass(frozen=True, slots=True)
class Facts:
    """What a slice knows of one message when it decides."""

    gate: str
    kind: str
    suppressed: bool
    number_bad: bool
    body: str
    zones: tuple[str, ...]
    sent_at: tuple[datetime, ...]
    asked_at: datetime | None = None  # domain time of the text that this answers
    answered: bool = False  # replied already, where only the silent are to be reminded; or what it is about is settled
    expires_at: datetime | None = None  # domain time after which a follow-up makes no sense any more
    sends_until: datetime | None = None  # domain time at which a paced gate's texts stop: its office closes soon
    group_id: int = 0
    parts: int = 1
    gate_kind: str = "wave"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a message goes. ``validity`` (domain seconds) is for ``posting``, ``not_before`` for ``held``."""

    state: str
    not_before: datetime | None = None
    validity: int = MAX_VALIDITY


def judge(facts: Facts, now: datetime) -> Verdict:
    """Decide one message at a domain time. Pure; the order is the order of what must never be overridden."""
    if facts.gate == "closed":
        return Verdict("canceled")
    if facts.suppressed and facts.kind != "confirmation":
        return Verdict("suppressed")
    if facts.answered or (facts.expires_at is not None and now > facts.expires_at):
        return Verdict("canceled")
    if not facts.body or (facts.number_bad and facts.kind in CAPPED):
        return Verdict("failed")
    if facts.gate == "paused":
        return Verdict("held", now + PAUSE_LOOK) if facts.kind in GO_BY_ANOTHER else Verdict("planned")
    if facts.sends_until is not None and now >= facts.sends_until and facts.kind == "campaign":
        return Verdict("held", not_before=PARKED)
    if facts.kind not in KEEPS_HOURS and not _is_late(facts, now):  # the person asked: no window and no cap
        return Verdict("posting")
    is_prompted = facts.kind in PROMPTED and facts.asked_at is not None and now - facts.asked_at <= FRESH
    try:
        wait = next_allowed(facts.sent_at, () if is_prompted else facts.zones, now)
        hours = window(facts.zones, now)
    except ZoneInfoNotFoundError:  # a zone that this machine does not know: then it may be any
        wait = next_allowed(facts.sent_at, () if is_prompted else fifty_states(), now)
        hours = window(fifty_states(), now)
    if wait is not None and facts.kind in CAPPED:
        return Verdict("held", not_before=wait)
    if not hours.open or hours.closes_at is None:
        return Verdict("held", not_before=hours.opens_at or now + WEEK)
    return Verdict("posting", validity=min(MAX_VALIDITY, int((hours.closes_at - now).total_seconds())))


def _is_late(facts: Facts, now: datetime) -> bool:
    """Whether an answer comes so late that the person does not wait for it any more."""
    return facts.kind in ANSWERS and facts.asked_at is not None and now - facts.asked_at > ANSWER_WITHIN


def slice_out(runtime: Runtime, claimed: Sequence[Claimed], token: str, *, restored: bool = False) -> list[Post]:
    """Run one slice over claimed messages; returns the POSTs that may begin now.

    ``restored``: the carrier may have had some of these texts before a backup was restored (``booking``). Those that it
    lists are booked and not posted.
    """
    by_id = {one.message_id: one for one in claimed}
    with runtime.db.transaction(durable=True) as tx:
        lock_people(tx, [one.number_hash for one in claimed])
        _hold_gates(tx, list(by_id))
        now, begun_at = runtime.clock.now(), runtime.clock.real_now()
        facts = _facts(tx, by_id, token, now)
        if restored:
            facts = _booked(tx, runtime, facts, by_id)
        purse = Purse(tx, runtime, now)
        verdicts = _verdicts(facts, by_id, now, purse)
        posting = [message_id for message_id, verdict in verdicts.items() if verdict.state == "posting"]
        _put_back(tx, facts, verdicts)
        _stop(
            tx, {i: (facts[i][0], verdict) for i, verdict in verdicts.items() if verdict.state != "posting"}, begun_at
        )
        attempts = open_attempts(tx, [by_id[message_id] for message_id in posting], now, begun_at)
        purse.charge()
    committed = time.clock_gettime(CLOCK)
    for group_id in purse.empty:  # not before: slices hold the gates, and two of them could wait for each other
        halt_spent(runtime, group_id)
    return [
        Post(attempts[one.message_id], one.message_id, facts[one.message_id][0], one.number_hash, one.to, one.body,
             verdicts[one.message_id].validity, committed, _paid(facts[one.message_id][1], now))
        for one in (by_id[message_id] for message_id in posting)
    ]  # fmt: skip


def _booked(
    tx: Transaction, runtime: Runtime, facts: dict[int, tuple[int, Facts]], by_id: dict[int, Claimed]
) -> dict[int, tuple[int, Facts]]:
    """Book what the carrier has had already. Returns the facts of the others: found texts count for their caps."""
    found: dict[bytes, list[Found]] = found_texts(tx, [by_id[message_id].number_hash for message_id in facts])
    left: dict[int, tuple[int, Facts]] = {}
    for message_id, (gate_id, known) in facts.items():
        one = by_id[message_id]
        mine = (
            None if known.gate == "closed" or known.suppressed else pick(found.get(one.number_hash, []), one.body_hash)
        )
        if mine is not None:
            book(tx, runtime, one, mine)
            continue
        sent = tuple(runtime.clock.at(other.created_at.timestamp()) for other in found.get(one.number_hash, ()))
        left[message_id] = (gate_id, replace(known, sent_at=known.sent_at + sent) if sent else known)
    return left


def _verdicts(
    facts: dict[int, tuple[int, Facts]], by_id: dict[int, Claimed], now: datetime, purse: Purse
) -> dict[int, Verdict]:
    """Each message in turn: where a person is due two, as members may be, the caps of the second count the first."""
    verdicts: dict[int, Verdict] = {}
    begun: dict[bytes, tuple[datetime, ...]] = {}
    for message_id, (_, known) in facts.items():
        number_hash = by_id[message_id].number_hash
        before = begun.get(number_hash, ())
        verdict = judge(replace(known, sent_at=known.sent_at + before) if before else known, now)
        if verdict.state == "posting" and not purse.pays(_paid(known, now), capped=known.kind in OUR_OWN):
            # A campaign's gate is halted, and its texts wait behind it; the others come again by themselves.
            waits = known.gate_kind != "wave"
            verdict = Verdict("held", not_before=now + PAUSE_LOOK) if waits else Verdict("planned")
        if verdict.state == "posting" and known.kind in CAPPED:
            begun[number_hash] = (*before, now)
        verdicts[message_id] = verdict
    return verdicts


def _paid(known: Facts, now: datetime) -> Paid:
    return Paid(known.group_id, "answers" if known.kind in ANSWERED else "texts", known.parts, now)


def _hold_gates(tx: Transaction, message_ids: list[int]) -> None:
    """Nobody pauses or closes these gates until this slice has committed; whoever did before is seen by it."""
    if not tx.is_sqlite:
        tx.connection().execute(GATES, {"ids": message_ids}).all()


def _facts(tx: Transaction, by_id: dict[int, Claimed], token: str, now: datetime) -> dict[int, tuple[int, Facts]]:
    """Message id -> (gate id, facts), of those still ours. A later statement than the locks: a later snapshot."""
    rows = tx.connection().execute(CLAIMED, {"ids": list(by_id), "token": token}).all()
    sent = sent_lately(tx, [row.number_hash for row in rows], now)
    replied = _replied(tx, rows)
    owed = owed_by(tx, [row.id for row in rows if row.kind in FOLLOW_UPS])
    abouts = gates_about(tx, [row.id for row in rows if row.kind == AGAIN])
    needless = needless_reminders(tx, [row.id for row in rows if row.kind == REMINDER], now)
    return {
        row.id: (
            row.gate_id,
            Facts(
                gate=owed[row.id].gate if row.id in owed else abouts.get(row.id, row.gate),
                kind=row.kind,
                suppressed=bool(row.suppressed),
                number_bad=row.number_bad_at is not None,
                body=by_id[row.id].body,
                zones=parse_zones_key(row.zones or by_id[row.id].zones),
                sent_at=tuple(sent[row.number_hash]),
                asked_at=row.asked_at,
                answered=row.number_hash in replied
                or (row.id in owed and owed[row.id].has_reported)
                or row.id in needless,
                expires_at=owed[row.id].expires_at if row.id in owed else None,
                sends_until=row.sends_until,
                group_id=row.group_id,
                parts=by_id[row.id].parts,
                gate_kind=row.gate_kind,
            ),
        )
        for row in rows
    }


def _replied(tx: Transaction, rows: Sequence[Any]) -> set[bytes]:
    """Whose reply makes a reminder needless."""
    gates = {gate_id for row in rows for gate_id in row.unless_replied or ()}
    if not gates:
        return set()
    people = [row.number_hash for row in rows]
    return set(
        tx.execute(select(Reply.number_hash).where(Reply.number_hash.in_(people), Reply.gate_id.in_(gates))).scalars()
    )


def sent_lately(tx: Transaction, number_hashes: list[bytes], now: datetime) -> dict[bytes, list[datetime]]:
    """When each of these people was texted lately, as far as the caps count it (domain time)."""
    sent: dict[bytes, list[datetime]] = defaultdict(list)
    for row in tx.connection().execute(LATELY, {"numbers": number_hashes, "since": now - WEEK}):
        if row.posted_at is not None:
            sent[row.number_hash].append(row.posted_at)
    return sent


def _stop(tx: Transaction, stopped: dict[int, tuple[int, Verdict]], at: datetime) -> None:
    if not stopped:
        return
    table: Any = Message.__table__
    for state, not_before in {(verdict.state, verdict.not_before) for _, verdict in stopped.values()}:
        ids = [i for i, (_, verdict) in stopped.items() if (verdict.state, verdict.not_before) == (state, not_before)]
        values: dict[str, object] = {"state": state, "lease_token": None, "lease_until": None}
        if not_before is not None:
            values["not_before"] = not_before
        tx.execute(update(table).where(table.c.id.in_(ids)).values(values))
    moved = Counter((gate_id, verdict.state) for gate_id, verdict in stopped.values() if verdict.state != "planned")
    append(tx, [delta(gate_id, "planned", state, count, at) for (gate_id, state), count in moved.items()])


def _put_back(tx: Transaction, facts: dict[int, tuple[int, Facts]], verdicts: dict[int, Verdict]) -> None:
    """A follow-up or reminder that cannot go now waits as one, not as a text."""
    waits = {
        message_id: verdict.not_before
        for message_id, verdict in verdicts.items()
        if verdict.not_before is not None and facts[message_id][1].kind in (*FOLLOW_UPS, REMINDER)
    }
    put_back(tx, {i: at for i, at in waits.items() if facts[i][1].kind != REMINDER})
    wait_again(tx, {i: at for i, at in waits.items() if facts[i][1].kind == REMINDER})
    verdicts.update(dict.fromkeys(waits, Verdict("canceled")))
