"""Reports as the carrier sends them: in any order, over and over, between folds; and about somebody else's message."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import permutations

from sqlalchemy import func, select

from outreach.core.runtime import Runtime
from outreach.messaging import events
from outreach.messaging.claims import claim
from outreach.messaging.models import Event, Message, Tally
from outreach.messaging.reports import record_status
from outreach.messaging.slices import Post, slice_out
from outreach.tallies.reads import counters
from tests.factories import make_world, plan_messages
from tests.integration.test_sending import fold_all

ENDINGS = (
    (("accepted", "queued", "sending", "sent", "delivered"), None),
    (("queued", "sending", "sent", "delivered", "read"), None),
    (("queued", "sending", "sent", "accepted", "undelivered"), 30008),
    (("scheduled", "queued", "sending", "sent", "failed"), 30007),
)
"""Five reports on one message, the last of them its end, with the carrier's code."""
SLOTS = 6
"""So often is folded while the reports come in."""


def posted(runtime: Runtime, people: int) -> tuple[int, list[Post]]:
    """A gate, and that many messages whose POST has begun."""
    world = make_world(runtime, people)
    plan_messages(runtime, world)
    claimed, _ = claim(runtime, world.gate_id, "a", after=0, limit=people)
    posts = slice_out(runtime, claimed, "a")
    assert len(posts) == people
    return world.gate_id, posts


def sid_of(post: Post) -> str:
    return f"SM{post.message_id:032x}"


def hear(runtime: Runtime, post: Post, word: str, code: int | None, sid: str | None = None) -> None:
    """A report; ``answer`` is the POST's."""
    now, sid = runtime.clock.real_now(), sid or sid_of(post)
    if word == "answer":
        with runtime.db.transaction() as tx:
            events.append(tx, [events.result(post.attempt_id, "accepted", now, carrier_sid=sid)])
    else:
        record_status(runtime, post.attempt_id, sid, word, code if word in {"undelivered", "failed"} else None, now)


def spread(order: Sequence[str], dice: random.Random) -> list[tuple[int, str]]:
    """This order, some of it repeated later, the POST's answer anywhere in it: each with the slot in which it comes."""
    heard = list(order)
    for word in dice.sample(order, dice.randint(1, 5)):
        heard.insert(dice.randint(heard.index(word) + 1, len(heard)), word)
    heard.insert(dice.randint(0, len(heard)), "answer")
    return list(zip(sorted(dice.choices(range(SLOTS), k=len(heard))), heard, strict=True))


def test_every_order_of_five_reports_with_repeats_and_folds_between_has_one_end(runtime: Runtime) -> None:
    dice, orders = random.Random(5), list(permutations(range(5)))
    gate_id, posts = posted(runtime, len(orders))
    plans = []
    for post, order in zip(posts, orders, strict=True):
        words, code = ENDINGS[post.message_id % len(ENDINGS)]
        plans.append((post, code, words[4], spread([words[place] for place in order], dice)))
    for slot in range(SLOTS):
        for post, code, _, heard in plans:
            for word in (word for at, word in heard if at == slot):
                hear(runtime, post, word, code)
        fold_all(runtime)
    wanted = {post.message_id: "delivered" if end == "read" else end for post, _, end, _ in plans}
    with runtime.db.snapshot() as session:
        stored = session.execute(select(Message.id, Message.state, Message.carrier_sid, Message.error_code)).all()
        tally = {row[0]: row[1] for row in session.execute(select(Tally.name, Tally.count)) if row[1]}
        heard_at_all = session.execute(select(func.sum(Event.seen)).where(Event.kind == "status")).scalar_one()
        assert {name: n for name, n in counters(session, gate_id, runtime.clock).items() if n} == tally
    assert {row.id: row.state for row in stored} == wanted
    assert {row.id: row.carrier_sid for row in stored} == {post.message_id: sid_of(post) for post in posts}
    codes = Counter(f"error:{code}" for _, code, _, _ in plans if code)
    assert tally == Counter(wanted.values()) + codes
    assert {row.id: row.error_code for row in stored} == {post.message_id: code for post, code, _, _ in plans}
    assert heard_at_all == sum(word != "answer" for _, _, _, heard in plans for _, word in heard)


def test_a_report_with_another_messages_sid_moves_nobody(runtime: Runtime) -> None:
    gate_id, (mine, other, third) = posted(runtime, 3)
    hear(runtime, mine, "answer", None)
    fold_all(runtime)
    hear(runtime, other, "delivered", None, sid=sid_of(mine))  # bound before this fold
    hear(runtime, mine, "sent", None)
    hear(runtime, third, "sent", None, sid="SM" + "9" * 32)  # bound by it
    hear(runtime, other, "undelivered", None, sid="SM" + "9" * 32)
    fold_all(runtime)
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Message.id, Message.state, Message.carrier_sid)).all()
        found = {name: n for name, n in counters(session, gate_id, runtime.clock).items() if n}
    assert {row.id: (row.state, row.carrier_sid) for row in rows} == {
        mine.message_id: ("sent", sid_of(mine)),
        other.message_id: ("posting", None),
        third.message_id: ("sent", "SM" + "9" * 32),
    }
    assert found == {"sent": 2, "planned": 1}
    hear(runtime, other, "delivered", None)
    fold_all(runtime)
    with runtime.db.snapshot() as session:
        assert session.get_one(Message, other.message_id).state == "delivered"
