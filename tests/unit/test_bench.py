"""Rows, targets, timing and the command line of the measurements."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.bench import BenchError, webhook
from outreach.bench import __main__ as bench
from outreach.bench.heard_stops import Heard
from outreach.bench.rows import Row, Target, duration_row, rounded
from outreach.bench.soak import QUICK, Found, growth, rows_of
from outreach.bench.timing import interleaved

KEYS = ["name", "value", "unit", "ceiling", "ratio", "target", "ok", "conditions"]


@pytest.mark.parametrize(
    ("target", "value", "ratio", "ok"),
    [
        ("value<=20", 20.0, 0.0, True),
        ("value<=20", 20.01, 9.0, False),
        ("value<20", 20.0, 0.0, False),
        ("ratio>=0.9", 0.0, 0.9, True),
        ("ratio>=0.9", 1000.0, 0.8999, False),
        ("ratio>2.5", 1.0, 2.5, False),
        ("value>=45000", 45_000.0, 0.1, True),
    ],
)
def test_a_row_is_ok_when_its_figure_reaches_its_target(target: str, value: float, ratio: float, ok: bool) -> None:
    assert Row("some_row", value, "ms", 1.0, ratio, target).ok is ok


@pytest.mark.parametrize("text", ["", "20", "value", "value=20", "speed<=20", "value<=", "value<=20 ms", "value<=-1"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a target"):
        Target.parse(text)


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.sampled_from(["<=", ">=", "<", ">"]), st.integers(0, 10**6))
def test_a_reader_of_the_json_comes_to_the_same_verdict(
    value: float, ceiling: float, comparison: str, bound: int
) -> None:
    for figure in ("value", "ratio"):
        read = json.loads(json.dumps(duration_row("r", value, ceiling, f"{figure}{comparison}{bound}", {}).as_json()))
        assert read["ok"] is Target(figure, comparison, float(bound)).met(read["value"], read["ratio"])


def test_a_row_of_milliseconds_has_the_shape_of_the_contract() -> None:
    row = duration_row("tally_1m", 16.0, 4.0, "value<=20", {"messages": 5})
    assert list(row.as_json()) == KEYS
    assert row.as_json() == {
        "name": "tally_1m", "value": 16.0, "unit": "ms", "ceiling": 4.0, "ratio": 0.25, "target": "value<=20",
        "ok": True, "conditions": {"messages": 5},
    }  # fmt: skip


def test_figures_keep_four_digits() -> None:
    assert [rounded(number) for number in (123.456, 0.0123456, 1_234_567.0, 0.0)] == [123.5, 0.01235, 1_235_000.0, 0.0]


def test_work_is_timed_in_turn_and_the_warm_up_does_not_count() -> None:
    done: list[str] = []
    timings = interleaved({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, rounds=3, warm_up=2)
    assert done == ["a", "b"] * 5
    assert {name: len(timing.samples) for name, timing in timings.items()} == {"a": 3, "b": 3}
    assert all(0 <= timing.best <= timing.median <= timing.worst for timing in timings.values())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["everything"], "usage"),
        (["tally", "--database", "oracle"], "usage"),
        (["tally", "--fast"], "usage"),
        (["tally", "send"], "usage"),
    ],
)
def test_what_cannot_be_measured_is_a_usage_error(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    error = json.loads(out)["error"]
    assert error["code"] == code
    assert error["message"] in err.replace("\n", " ")
    with pytest.raises(SystemExit):
        bench.main(arguments)
    assert capsys.readouterr().out == ""


def test_every_measurement_is_one_of_the_contract_and_a_missing_one_says_so() -> None:
    assert "soak" in bench.MEASUREMENTS
    assert bench.options([]).name == "all"


def test_the_words_for_a_person_say_whether_the_target_was_met() -> None:
    assert "met" in bench.sentence(duration_row("tally_1m", 16.0, 4.0, "value<=20", {}))
    assert "MISSED" in bench.sentence(duration_row("tally_1m", 21.0, 4.0, "value<=20", {}))


def test_texts_are_held_against_what_their_database_can_do() -> None:
    lite = webhook.Found([400, 500, 450], [1000, 900, 1100], [], [20, 31, 25], [5, 6, 7])
    full = webhook.Found([300], [900], [1200], [28], [4])
    for kind, one, ratio, ok in (("sqlite", lite, 0.45, True), ("postgresql", full, 0.25, True)):
        row = webhook._rate_row(kind, one, webhook.QUICK, quick=True)
        assert (row.name, row.unit, row.ratio, row.ok) == (f"webhook_{kind}", "texts/s", ratio, ok)
    row = webhook._wait_row({"sqlite": lite, "postgresql": full}, webhook.QUICK, quick=True)
    assert (row.name, row.value, row.ceiling, row.target, row.ok) == ("webhook_p99", 28, 4, "value<=30", True)
    assert row.conditions["database"] == "postgresql"


def test_memory_grows_from_the_warm_up_on_and_a_spike_is_no_growth() -> None:
    looks = [(float(at), 50.0 + at if at < 120 else 200.0 + (99 if at == 300 else 0)) for at in range(600)]
    assert growth(looks, 120.0) == 0
    assert growth([(at, 100.0 + at / 10) for at, _ in looks], 120.0) > 30
    with pytest.raises(BenchError):
        growth(looks[:10], 8.0)


def test_every_kind_of_trouble_is_an_error_of_the_soak() -> None:
    load = {"asked": 4000, "refused": 2, "p50_ms": 5.0, "p99_ms": 40.0}
    heard = Heard(stops=[(0.0, 1.0, 200), (0.0, 1.0, 0)], pages=[(0.0, 1.0, 500)])
    found = Found(load=load, memory=[(float(at), 100.0) for at in range(20)], trouble=["web: x"], heard=heard, alarms=3)
    rows = {row.name: row for row in rows_of({"sqlite": found}, QUICK, quick=True)}
    assert (rows["soak_errors"].value, rows["soak_errors"].ok) == (8, False)
    assert (rows["soak_memory"].ok, rows["soak_p99"].value, rows["soak_p99"].ok) == (True, 40.0, True)
