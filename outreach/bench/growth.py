"""``growth_*``: rates in a database of 1,000,000 messages against those in one of 10,000, in turn.

Each round takes new people in both: plans them, claims and slices them, takes their callbacks, folds, and takes their
own texts, in this process and one thread, with no carrier: what is compared is what the database takes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from sqlalchemy import String, cast, insert, literal, select

from outreach.bench import BenchError
from outreach.bench.big_campaign import Written, write_campaign
from outreach.bench.crowd import BEGINS, Crowd, number
from outreach.bench.databases import settle
from outreach.bench.ground import Ground, bare_ground, machine
from outreach.bench.heard import write_history
from outreach.bench.rows import Row, rounded
from outreach.bench.scene import Scene, fold_all, launch, set_scene
from outreach.bench.texter import WORDS
from outreach.core.leases import acquire
from outreach.escalations.models import Recipient, Wave
from outreach.escalations.planning import plan_wave
from outreach.messaging.claims import CLAIM_LIMIT, claim
from outreach.messaging.events import append, result, status
from outreach.messaging.inbound import InboundText
from outreach.messaging.models import Reply
from outreach.messaging.reports import record_status
from outreach.messaging.slices import Post, slice_out
from outreach.people.models import Constituent
from outreach.replies import answer_text
from outreach.stage.processes import Processes
from outreach.tallies.fold import LEASE

NAMES = {
    "growth_plan": "people/s",
    "growth_claim": "texts/s",
    "growth_callbacks": "callbacks/s",
    "growth_fold": "events/s",
    "growth_texts": "texts/s",
}
SLICE = 32
OURS = "+16025550100"
LEASE_SECONDS = 7_200.0
TARGET = "ratio>=0.8"


@dataclass(frozen=True, slots=True)
class Size:
    """Messages in the large and the small database, rounds (one more to warm up), and people in each."""

    large: int
    small: int
    rounds: int
    people: int


FULL, QUICK = Size(1_000_000, 10_000, 5, 2_000), Size(5_000, 500, 1, 200)


@dataclass(slots=True)
class Measured:
    """Rates a second of one database, by row."""

    rates: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in NAMES})


@dataclass(frozen=True, slots=True)
class Filled:
    """A database with its campaign of old, and people who are still to be texted."""

    at: Ground
    scene: Scene
    crowd: Crowd
    people: int
    measured: Measured


def measure_growth(
    processes: Processes, kinds: Sequence[str], say: Callable[[str], None], *, quick: bool = False
) -> list[Row]:
    """A row a rate: the database that loses most, with both in the conditions. Raises BenchError, StageError."""
    size = QUICK if quick else FULL
    found: dict[str, dict[str, Measured]] = {}
    for kind in kinds:
        with ExitStack() as stack:
            say(f"growth: writing {size.small:,} and {size.large:,} messages on {kind} ...")
            small = stack.enter_context(filled(kind, processes, size.small))
            large = stack.enter_context(filled(kind, processes, size.large))
            say(f"growth: {size.rounds} rounds of {size.people:,} people on {kind} ...")
            for turn in range(size.rounds + 1):
                for one in (small, large):
                    _round(one, turn, size.people, counts=turn > 0)
            found[kind] = {"small": small.measured, "large": large.measured}
    return [_row(name, unit, found, size, quick=quick) for name, unit in NAMES.items()]


@contextmanager
def filled(kind: str, processes: Processes, messages: int) -> Iterator[Filled]:
    """A database of so many people, messages, attempts and folded events."""
    with bare_ground(kind, processes, name=f"postgres-{messages}") as at:
        clock = at.alone.clock
        scene = set_scene(at.alone)
        crowd = Crowd(at.alone, scene.group_id)
        crowd.gather(messages, "Those of old")
        written = write_campaign(at.alone.db, "Of old", 1, messages, clock)
        _write_recipients(at, written)
        write_history(at.alone.db, written, clock)
        if not at.alone.db.is_sqlite:
            _go_on_counting(at)
        if not acquire(at.alone.db, LEASE, "bench", clock.real_now(), LEASE_SECONDS):
            raise BenchError("bench_not_alone")
        settle(at.alone.db)
        yield Filled(at, scene, crowd, messages, Measured())


def _write_recipients(at: Ground, written: Written) -> None:
    """The recipients of the campaign of old, whose messages know them by number: the crowd, in its order."""
    with at.alone.db.transaction() as tx:
        wave_id = tx.execute(select(Wave.id).where(Wave.campaign_id == written.campaign_id)).scalar_one()
        columns = ["group_id", "wave_id", "constituent_id", "number_hash"]
        people = select(literal(written.group_id), literal(wave_id), Constituent.id, Constituent.number_hash)
        tx.execute(insert(Recipient).from_select(columns, people.order_by(Constituent.id)))


def _go_on_counting(at: Ground) -> None:
    """The campaign of old came with ids of its own: PostgreSQL's sequences do not know of them."""
    with at.alone.db.transaction() as tx:
        for table in ("message", "message_attempt"):
            tx.connection().exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"  # noqa: S608
            )


def _round(one: Filled, turn: int, people: int, *, counts: bool) -> None:
    runtime, name = one.at.alone, f"Round {turn}"
    one.crowd.gather(people, name)
    launched = launch(runtime, one.scene, name)
    took: dict[str, float] = {}
    began = time.perf_counter()
    plan_wave(runtime, launched.wave_id, LEASE_SECONDS)
    took["growth_plan"] = people / (time.perf_counter() - began)
    fold_all(runtime, "bench")
    began = time.perf_counter()
    posts = _claim_all(one, launched.gate_id)
    took["growth_claim"] = len(posts) / (time.perf_counter() - began)
    if len(posts) != people:
        raise BenchError("bench_not_all_sent", sent=len(posts), wanted=people, states={})
    sids = {post.attempt_id: f"SM{launched.gate_id:08x}{post.attempt_id:024x}" for post in posts}
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        append(tx, [result(attempt, "accepted", now, carrier_sid=sid) for attempt, sid in sids.items()])
    asked = list(sids.items())[: people // 4]
    began = time.perf_counter()
    for attempt, sid in asked:
        record_status(runtime, attempt, sid, "sent", None, now)
    took["growth_callbacks"] = len(asked) / (time.perf_counter() - began)
    with runtime.db.transaction() as tx:
        append(tx, [status(attempt, sid, "delivered", None, now) for attempt, sid in sids.items()])
    began = time.perf_counter()
    took["growth_fold"] = fold_all(runtime, "bench") / (time.perf_counter() - began)
    took["growth_texts"] = _text_in(one, launched.gate_id, people)
    if counts:
        for row, rate in took.items():
            one.measured.rates[row].append(rate)


def _text_in(one: Filled, gate_id: int, people: int) -> float:
    """A quarter of the newest people text, after a tenth of those of old have: texts a second."""
    runtime, dice = one.at.alone, random.Random(gate_id)  # noqa: S311  no secret is made of it
    _write_replies(one, gate_id)
    words = dice.choices(list(WORDS), weights=list(WORDS.values()), k=people // 4)
    texts = [
        InboundText(f"SM{gate_id:08x}{index:024x}", number(one.crowd.made - people + index), OURS, word, BEGINS)
        for index, word in enumerate(words)
    ]
    began = time.perf_counter()
    for text in texts:
        answer_text(runtime, replace(text, received_at=runtime.clock.real_now()))
    rate = len(texts) / (time.perf_counter() - began)
    fold_all(runtime, "bench")
    return rate


def _write_replies(one: Filled, gate_id: int) -> None:
    """Reports of those of old, made by set, in the campaign that is texted now."""
    sid = literal(f"SO{gate_id}-") + cast(Constituent.id, String)
    old = select(
        Constituent.group_id, sid, Constituent.number_hash, literal(gate_id), literal("report"), literal("calls"),
        literal("spoke"), literal("en"), literal(1.0), literal("bench"), literal("0"),
        literal(one.at.alone.clock.real_now()),
    ).where(Constituent.id % 10 == 0, Constituent.id <= one.people)  # fmt: skip
    columns = ["group_id", "carrier_sid", "number_hash", "gate_id", "intent", "tactic", "outcome", "language",
               "confidence", "rule", "classifier", "received_at"]  # fmt: skip
    with one.at.alone.db.transaction() as tx:
        tx.execute(insert(Reply).from_select(columns, old))


def _claim_all(one: Filled, gate_id: int) -> list[Post]:
    posts: list[Post] = []
    after = 0
    while True:
        claimed, after = claim(one.at.alone, gate_id, "bench", after=after, limit=CLAIM_LIMIT)
        if not claimed:
            return posts
        for first in range(0, len(claimed), SLICE):
            posts += slice_out(one.at.alone, claimed[first : first + SLICE], "bench")


def _row(name: str, unit: str, found: Mapping[str, Mapping[str, Measured]], size: Size, *, quick: bool) -> Row:
    rates = {
        kind: {which: rounded(median(measured.rates[name])) for which, measured in pair.items()}
        for kind, pair in found.items()
    }
    worse = min(rates, key=lambda kind: rates[kind]["large"] / rates[kind]["small"])
    conditions: dict[str, Any] = {
        **machine(),
        "quick": quick,
        "database": worse,
        "rounds": size.rounds,
        "messages": size.large,
        "messages_of_ceiling": size.small,
        "people_a_round": size.people,
        "processes": 1,
        "threads": 1,
        "ceiling": f"the same in a database of {size.small:,} messages, in turn",
        "databases": {
            kind: {
                **{which: [rounded(rate) for rate in measured.rates[name]] for which, measured in pair.items()},
                "ratio": rounded(rates[kind]["large"] / rates[kind]["small"]),
            }
            for kind, pair in found.items()
        },
    }
    value, ceiling = rates[worse]["large"], rates[worse]["small"]
    return Row(name, value, unit, ceiling, rounded(value / ceiling), TARGET, conditions)
