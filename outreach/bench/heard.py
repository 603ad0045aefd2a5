"""What was heard about a big campaign: attempts and folded events by set, and a tail that nobody has folded yet."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Text, cast, func, insert, literal, select
from sqlalchemy.orm import Session

from outreach.bench.big_campaign import POSTED, TAKEN, Written, carrier_sid
from outreach.core.clock import Clock
from outreach.core.db import Database, UtcDateTime
from outreach.messaging.events import EventRow, append, delta, result, status
from outreach.messaging.models import Event, Message, MessageAttempt

TAIL = 1000
"""About what one second of a blast adds: 500 texts, two reports each."""
HEARD_WORDS = {"sent": ("sent", "delivered", "undelivered"), "delivered": ("delivered",),
               "undelivered": ("undelivered",)}  # fmt: skip
"""The carrier's words, and the states of the messages that have heard them."""


def write_history(db: Database, written: Written, clock: Clock) -> None:
    """An attempt for every text that was posted, with its number, and every event that brought it where it is."""
    now = clock.real_now()
    ours = (Message.id >= written.first, Message.id <= written.last)
    long_ago = literal(now - timedelta(minutes=5), UtcDateTime())
    attempts = select(Message.id, Message.id, long_ago, Message.number_hash).where(*ours, Message.state.in_(POSTED))
    with db.transaction() as tx:
        tx.execute(insert(MessageAttempt).from_select(["id", "message_id", "begun_at", "body_hash"], attempts))
    columns = ["kind", "sid", "key", "attempt_id", "carrier_sid", "received_at", "folded_at"]
    heard = [("result", "accepted", TAKEN), *(("status", word, states) for word, states in HEARD_WORDS.items())]
    for kind, key, states in heard:
        sid = cast(Message.id, Text) if kind == "result" else Message.carrier_sid
        rows = select(
            literal(kind, Text), sid, literal(key, Text), Message.id, Message.carrier_sid, long_ago, long_ago
        ).where(*ours, Message.state.in_(states))
        with db.transaction() as tx:
            tx.execute(insert(Event).from_select(columns, rows))


def write_tail(db: Database, ours: Written, theirs: Written, clock: Clock) -> int:
    """Append TAIL events in the shares of a blast, a tenth of them about the other campaign; how many there are.

    Few messages may have fewer in the states that the events are about; then the tail is shorter.
    """
    with db.transaction() as tx:
        append(tx, [*_news(tx, ours, TAIL * 9 // 10, clock), *_news(tx, theirs, TAIL // 10, clock)])
        return tx.execute(select(func.count()).select_from(Event).where(Event.folded_at.is_(None))).scalar_one()


def _news(session: Session, written: Written, wanted: int, clock: Clock) -> list[EventRow]:
    """Of ten events four are deliveries, three say that a text is on its way, two are results, and one is a reply."""
    now = clock.real_now()
    on_the_way, arrived, results = wanted * 3 // 10, wanted * 4 // 10, wanted * 2 // 10
    rows = [status(each, sid, "delivered", None, now) for each, sid in _some(session, written, "sent", arrived)]
    rows += [status(each, sid, "sent", None, now) for each, sid in _some(session, written, "accepted", on_the_way)]
    posting = _some(session, written, "posting", results)
    rows += [result(each, "accepted", now, carrier_sid=sid) for each, sid in posting]
    gate, replies = written.gate_id, wanted - arrived - on_the_way - results
    kinds = ("replies", "replies", "report:spoke", "replies", "opted_out")
    rows += [delta(gate, None, kinds[n % len(kinds)], 1, now, f"SM{gate:08x}{n:024x}") for n in range(replies)]
    return rows


def _some(session: Session, written: Written, state: str, most: int) -> list[tuple[int, str]]:
    """Attempt and carrier's id of some messages in this state."""
    sid = func.coalesce(Message.carrier_sid, carrier_sid(cast(Message.id, Text)))
    chosen = select(Message.id, sid).where(Message.gate_id == written.gate_id, Message.state == state)
    return [(row[0], row[1]) for row in session.execute(chosen.order_by(Message.id).limit(most))]
