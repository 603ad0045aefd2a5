"""The stateful model of one message, on both databases.

The short form runs with the suite. The long one: ``MODEL_EXAMPLES=2000 MODEL_STEPS=40`` in the environment of
``scripts/test.py tests/integration/test_message_model.py``; PostgreSQL runs a fifth of the examples.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from config.settings import Settings
from outreach.core.db import Job
from outreach.core.runtime import Runtime, open_runtime
from outreach.escalations import stand_down
from outreach.messaging import events, optout, slices, states, sweep
from outreach.tallies import fold
from tests.model.carrier import ModelClock
from tests.model.machine import MessageMachine

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "20"))
STEPS = int(os.environ.get("MODEL_STEPS", "40"))
SLOWER = 5
"""How many times fewer examples PostgreSQL gets."""


class NoQueue:
    """Nobody is woken: the model says who does what, and when."""

    def enqueue(self, job: Job) -> None:
        """Upkeep would find the same work in the database."""


@pytest.fixture
def clock() -> ModelClock:
    """The clock that the model moves."""
    return ModelClock()


@pytest.fixture
def standing(settings: Settings, clock: ModelClock) -> Iterator[Runtime]:
    """A runtime on the test's database under that clock."""
    opened = open_runtime(settings, NoQueue())
    yield replace(opened, clock=clock)
    opened.db.dispose()


def test_whatever_happens_nobody_is_texted_twice_and_nobody_is_lost(standing: Runtime, clock: ModelClock) -> None:
    class Here(MessageMachine):
        """The machine on this test's database."""

        def __init__(self) -> None:
            super().__init__(standing, clock)

    profile = hypothesis_settings(
        max_examples=EXAMPLES if standing.db.is_sqlite else max(1, EXAMPLES // SLOWER),
        stateful_step_count=STEPS,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        print_blob=True,
    )
    run_state_machine_as_test(Here, settings=profile)


class Planted(NamedTuple):
    """A fault, the steps after which it shows, and what is said then."""

    fault: Callable[[pytest.MonkeyPatch], None]
    steps: Callable[[MessageMachine], None]
    found: str


def slices_forget_stops(patch: pytest.MonkeyPatch) -> None:
    judge = slices.judge
    patch.setattr(slices, "judge", lambda facts, now: judge(replace(facts, suppressed=False), now))


def a_stop_before_a_second_try(machine: MessageMachine) -> None:
    machine.plan([(0, "throttled", False)], 0)
    machine.sends(0, "accepted", True)
    machine.upkeep_has_a_turn(31.0)
    machine.sends(0, "accepted", True)


def unclear_posts_are_not_sent(patch: pytest.MonkeyPatch) -> None:
    def result(attempt_id: int, key: str, received_at: datetime) -> events.EventRow:
        return events.result(attempt_id, "not_sent", received_at)

    patch.setattr(sweep, "events", SimpleNamespace(append=events.append, delta=events.delta, result=result))


def a_sender_dies_before_it_tells(machine: MessageMachine) -> None:
    machine.plan([(0, "accepted", False)], None)
    machine.sender_goes_a_step("die", 0, 1, "accepted")
    machine.upkeep_has_a_turn(31.0)
    machine.upkeep_has_a_turn(1.0)
    machine.sends(1, "accepted", True)


def stops_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(optout, "append", lambda tx, rows: None)


def only_a_stop(machine: MessageMachine) -> None:
    machine.begin()
    machine.says(0, "STOP")
    machine.folds()


def the_end_is_not_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(states.TRANSITIONS, "delivered", {"sent": "sent"})


def reports_out_of_order(machine: MessageMachine) -> None:
    machine.plan([(0, "accepted", True)], None)
    machine.carrier.go_on(0, ("sent", None))
    machine.carrier.go_on(0, ("delivered", None))
    for which in (0, 1):
        machine.calls_back(0, which)
        machine.folds()
        machine.check()


def anybody_folds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fold, "hold", lambda tx, name, token: True)


def stand_downs_stop_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stand_down, "stand_gates_down", lambda tx, gate_ids: {})


def a_text_after_a_stand_down(machine: MessageMachine) -> None:
    machine.begin()
    machine.claims(0, 2)
    machine.official_commits("stand down")
    machine.sends(0, "accepted", True)


PLANTED = (
    Planted(stand_downs_stop_nothing, a_text_after_a_stand_down, "a slice committed after a stand-down"),
    Planted(slices_forget_stops, a_stop_before_a_second_try, "a slice committed after a STOP"),
    Planted(unclear_posts_are_not_sent, a_sender_dies_before_it_tells, "texted twice"),
    Planted(stops_are_not_counted, only_a_stop, "counters"),
    Planted(the_end_is_not_the_end, reports_out_of_order, "delivered became sent"),
    Planted(anybody_folds, only_a_stop, "DID NOT RAISE"),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.fault.__name__)
def test_the_model_finds_a_planted_fault(
    planted: Planted, standing: Runtime, clock: ModelClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same steps pass without the fault: what is found is the fault."""
    for is_there in (False, True):
        machine = MessageMachine(standing, clock)
        with machine.stack:
            if not is_there:
                planted.steps(machine)
                machine.check()
                continue
            planted.fault(monkeypatch)
            with pytest.raises((AssertionError, pytest.fail.Exception), match=planted.found):
                planted.steps(machine)
                machine.check()
