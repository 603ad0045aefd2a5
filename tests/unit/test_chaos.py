"""The chaos run's schedule, and what it counts from the carrier's books and our rows."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.chaos import __main__ as chaos
from outreach.chaos import schedule, verdict
from outreach.chaos.books import Entry, Ours, Standing, entry

ANA, BEA, CARLOS, DANA = "+16025550101", "+16025550102", "+16025550103", "+16025550104"
counts = st.integers(1, 60)
seeds = st.integers(-5, 10**6)


@given(counts, st.sampled_from(["sqlite", "postgresql"]), seeds)
def test_kills_fall_on_every_target_alike_and_over_the_whole_blast(count: int, database: str, seed: int) -> None:
    kills = schedule.draw_kills(count, database, seed)
    by_target = Counter(kill.target for kill in kills)
    targets = schedule.targets_of(database)
    assert len(kills) == count
    assert set(by_target) <= set(targets)
    assert max(by_target.values()) - min(by_target[target] for target in targets) <= 1
    for n, kill in enumerate(kills):
        assert schedule.LAST_KILL * n / count <= kill.at <= schedule.LAST_KILL * (n + 1) / count
    assert kills == schedule.draw_kills(count, database, seed)


def test_only_a_database_that_is_a_process_is_killed() -> None:
    assert "database" not in schedule.targets_of("sqlite")
    assert "database" in schedule.targets_of("postgresql")
    assert schedule.draw_kills(20, "sqlite", 1) != schedule.draw_kills(20, "sqlite", 2)


@given(st.integers(20, 10_000), seeds)
def test_early_stops_come_before_the_turn_of_those_who_text_them(recipients: int, seed: int) -> None:
    early = schedule.draw_stops(recipients, seed)
    assert len(early) >= recipients * schedule.STOPS_A_THOUSAND // 1000
    assert [stop.at for stop in early] == sorted(stop.at for stop in early)
    assert all(0 <= stop.at <= stop.place <= 1 for stop in early)


@given(counts, st.integers(20, 100_000))
def test_the_carrier_is_slow_enough_for_all_kills_within_bounds(kills: int, recipients: int) -> None:
    latency = schedule.latency_ms(kills, recipients)
    assert schedule.FASTEST_MS <= latency <= schedule.SLOWEST_MS
    assert schedule.latency_ms(kills + 1, recipients) >= latency


def test_fifty_kills_of_five_thousand_end_well_within_a_quarter_of_an_hour() -> None:
    assert schedule.patience_seconds(50, 5000) < 900


def create(who: str, at: float, sid: str | None = None, *, duplicate: bool = False) -> Entry:
    return Entry(sid or f"SM{who}{at}", "create", who, None, at, duplicate)


def text(who: str, at: float, answered_at: float | None, sid: str | None = None) -> Entry:
    return Entry(sid or f"IN{who}{at}", "inbound", who, None, at, False, answered_at)


def refused(who: str, at: float, code: int, in_reply_to: str | None = None) -> Entry:
    return Entry(None, "refused", who, code, at, False, None, in_reply_to)


def ours(*standings: Standing, sids: set[str] | None = None, replies: set[str] | None = None, **more: Any) -> Ours:
    known = sids if sids is not None else {sid for standing in standings for sid in standing.sids}
    expected = more.pop("expected", len(standings))
    return Ours(expected, standings, frozenset(known), frozenset(replies or ()), more.pop("begun_at", {}))


def stands(who: str, state: str | None, *sids: str) -> Standing:
    return Standing(who, state, frozenset(sids))


def test_a_clean_blast_has_nothing_to_blame() -> None:
    books = [create(ANA, 1.0, "SM1"), create(BEA, 2.0, "SM2"), text(ANA, 3.0, 3.1, "IN1")]
    rows = ours(stands(ANA, "delivered", "SM1"), stands(BEA, "sent", "SM2"), replies={"IN1"})
    counted = verdict.count(books, rows, set(), set())
    assert counted == {
        "recipients": 2, "duplicates": 0, "lost": 0, "accepted": 2, "unknown": 0, "needs_review": 0,
        "posts_after_stop": 0, "stops": 0, "reachable": 2, "reached": 2,
    }  # fmt: skip


def test_everything_that_nobody_accounts_for_is_lost() -> None:
    books = [create(ANA, 1.0, "SM1"), create(BEA, 2.0, "SM2"), text(ANA, 3.0, None, "IN1"), text(BEA, 4.0, 4.1, "IN2")]
    rows = ours(
        stands(ANA, "delivered", "SM1"), stands(BEA, None), stands(CARLOS, "nowhere"), replies={"IN2"}, expected=5
    )
    assert verdict.losses(books, rows) == {
        "not_planned": 2,
        "without_state": 2,
        "creates_unknown_to_us": 1,
        "texts_without_reply_row": 1,
    }
    assert verdict.count(books, rows, set(), set())["lost"] == 6


def test_duplicates_are_the_carriers_count() -> None:
    books = [create(ANA, 1.0, "SM1"), create(ANA, 2.0, "SM2", duplicate=True)]
    assert verdict.count(books, ours(stands(ANA, "sent", "SM1")), set(), set())["duplicates"] == 1


@pytest.mark.parametrize(
    ("later", "found"),
    [
        (create(ANA, 11.2), 1),
        (create(ANA, 11.05), 0),  # on its way within the second after our 200 at 10.1
        (create(ANA, 9.0), 0),
        (create(BEA, 50.0), 0),
        (refused(ANA, 11.2, 21610), 1),  # the carrier knows the word too, and hides nothing
        (refused(ANA, 11.2, 20429), 1),
        (refused(ANA, 11.2, 21610, in_reply_to="IN9"), 0),  # an answer in TwiML is no create
    ],
)
def test_a_create_over_a_second_after_our_200_is_after_the_stop(later: Entry, found: int) -> None:
    opted_out = verdict.stops([text(ANA, 10.0, 10.1)], {ANA}, set())
    assert verdict.posts_after_stop([later], opted_out) == found


def test_the_first_stop_that_we_answered_counts_and_one_that_we_never_heard_does_not() -> None:
    books = [text(ANA, 10.0, None, "IN1"), text(ANA, 20.0, 20.1, "IN2"), text(ANA, 30.0, 30.1, "IN3")]
    opted_out = verdict.stops(books, {ANA}, set())
    assert verdict.posts_after_stop([create(ANA, 15.0)], opted_out) == 0
    assert verdict.posts_after_stop([create(ANA, 22.0)], opted_out) == 1
    assert verdict.posts_after_stop([create(BEA, 15.0)], verdict.stops([text(BEA, 1.0, None)], {BEA}, set())) == 0


def test_stops_are_known_by_who_texts_or_by_which_text() -> None:
    books = [text(ANA, 1.0, 1.1, "IN1"), text(BEA, 2.0, 2.1, "IN2"), text(CARLOS, 3.0, 3.1, "IN3")]
    assert set(verdict.stops(books, {ANA}, {"IN2"})) == {ANA, BEA}


def test_reachable_leaves_out_the_suppressed_the_refused_and_the_early_stops() -> None:
    books = [
        refused(BEA, 1.0, 21614),
        refused(CARLOS, 1.0, 20429),  # throttled first, taken later
        create(CARLOS, 2.0, "SM3"),
        text(DANA, 3.0, 3.1),
        create(DANA, 3.05, "SM4"),
    ]
    rows = ours(
        stands(ANA, "suppressed"),
        stands(BEA, "failed"),
        stands(CARLOS, "delivered", "SM3"),
        stands(DANA, "delivered", "SM4"),
    )
    opted_out = verdict.stops(books, {DANA}, set())
    assert verdict.reachable(books, rows, opted_out) == {CARLOS}
    assert verdict.count(books, rows, {DANA}, set())["reached"] == 1


def test_delays_run_from_the_slice_to_the_carriers_receipt() -> None:
    books = [create(ANA, 10.5, "SM1"), create(BEA, 11.25, "SM2"), create(CARLOS, 12.0, "SM3")]
    waits = verdict.delays(books, ours(begun_at={"SM1": 10.0, "SM2": 11.0}))
    assert waits == [0.25, 0.5]
    assert verdict.percentile(waits, 0.99) == 0.5
    assert verdict.percentile([], 0.99) is None
    assert verdict.percentile([float(n) for n in range(1, 201)], 0.99) == 198.0


def test_silences_are_measured_between_creates() -> None:
    assert verdict.longest_silence([1.0, 2.0, 5.5, 6.0]) == 3.5
    assert verdict.longest_silence([]) == 0.0
    assert verdict.next_after(2.5, [1.0, 2.0, 5.5]) == 3.0
    assert verdict.next_after(6.0, [1.0, 2.0, 5.5]) is None


def a_report(**changes: Any) -> dict[str, Any]:
    good = {
        "kills": {"worker": 3, "web": 2}, "recipients": 1000, "duplicates": 0, "lost": 0, "needs_review": 10,
        "posts_after_stop": 0, "reconciles": True, "conditions": {"reachable": 900, "reached": 855},
    }  # fmt: skip
    return {**good, **changes}


def test_a_good_report_has_no_faults() -> None:
    assert verdict.faults_of(a_report(), 5) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"duplicates": 1},
        {"lost": 1},
        {"posts_after_stop": 1},
        {"reconciles": False},
        {"needs_review": 11},
        {"kills": {"worker": 4}},
        {"conditions": {"reachable": 900, "reached": 854}},
    ],
)
def test_each_promise_that_is_broken_is_named(changes: dict[str, Any]) -> None:
    assert len(verdict.faults_of(a_report(**changes), 5)) == 1


def test_a_ledger_row_is_read_with_the_number_at_the_other_end() -> None:
    row = {
        "seq": 1, "sid": "SM1", "kind": "inbound", "to": "+14805550100", "from": ANA, "body_sha256": "x",
        "status": "received", "error_code": None, "received_at": 1.5, "acknowledged": True, "duplicate": False,
        "answered_at": 1.75, "in_reply_to": None,
    }  # fmt: skip
    assert entry(row) == Entry("SM1", "inbound", ANA, None, 1.5, False, 1.75, None)
    assert entry({**row, "kind": "create", "to": BEA, "from": None}).who == BEA


@pytest.mark.parametrize(
    "arguments",
    [["--kills", "0"], ["--kills", "x"], ["--recipients", "-1"], ["--database", "mysql"], ["--speed", "0"],
     ["--kills", "10", "--recipients", "199"], ["--nonsense"]],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        chaos.main([*arguments, "--json"])
    assert ended.value.code == 2
    assert set(json.loads(capsys.readouterr().out)["error"]) == {"code", "message"}
