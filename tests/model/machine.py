"""Every interleaving of what can happen to a text: claim, slice, POST, answer, crash, callback, fold, sweep, STOP, ...

The code is the real one on a real database. The model plays senders (two, killed at any step or stalled past their
lease), the carrier (``carrier.CarrierModel``), two upkeep processes, the people and the organizer, and its clock moves
only when it says so. After every step the checks of ``check`` hold; at the end everything must come to rest.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import select

from outreach.core.errors import ConflictError
from outreach.core.leases import acquire
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.escalations.stand_down import stand_down, undo_stand_down, usual_thanks
from outreach.messaging.gates import STAND_DOWN, cancel_messages, close_gate, gate_state, pause_gate, resume_gate
from outreach.messaging.inbound import InboundText, receive_reply, take_in
from outreach.messaging.models import Gate
from outreach.messaging.reconcile import LOOK_BACK, Doubt, due_doubts, reconcile, settle
from outreach.messaging.recover import fetch_silent
from outreach.messaging.reports import record_status
from outreach.messaging.retries import retry_reported
from outreach.messaging.review import decide_message
from outreach.messaging.states import TERMINAL
from outreach.messaging.sweep import release_held, sweep_claims, sweep_closed, sweep_posts
from outreach.tallies.fold import LEASE, LeaseLost, fold
from outreach.tallies.participants import end_stand_downs
from tests.factories import number
from tests.model.carrier import ENDS, OUTCOMES
from tests.model.senders import PEOPLE, PICK, SendingMachine

LEASE_SECONDS = 10.0
WAITS = (0.1, 0.2, 0.3, 5.0, 31.0, 61.0, 125.0, 480.0, 1_210.0, 3_700.0, 86_400.0)
NEXT = (("sent", None), *ENDS, ENDS[0])
NEVER = frozenset({"two_sids_for_one_attempt", "sid_bound_twice", "accepted_after_refusal", "unknown_attempt"})
"""Alarms that no behaviour of this carrier may raise."""
SWEEPS: tuple[Callable[[Runtime], int], ...] = (
    sweep_claims, sweep_posts, sweep_posts, release_held, retry_reported, end_stand_downs, sweep_closed,
)  # fmt: skip


class MessageMachine(SendingMachine):
    """Everybody else: the carrier, upkeep, people, organizers; and what must hold."""

    @initialize(
        begun=st.lists(
            st.tuples(st.integers(0, 1), st.sampled_from(OUTCOMES), st.booleans()), min_size=1, max_size=PEOPLE + 1
        ),
        stops=st.sampled_from((None, None, 0, 1)),
    )
    def plan(self, begun: list[tuple[int, str, bool]], stops: int | None) -> None:
        """A planned wave, some of it posted, and perhaps a STOP at once: what is interesting comes after that."""
        self.begin()
        for which, outcome, is_recorded in begun:
            self.sends(which, outcome, is_recorded)
        if stops is not None:
            self.says(stops, "STOP")

    # ---- carrier

    @precondition(lambda self: self.carrier.creates or self.carrier.on_the_way)
    @rule(
        step=st.sampled_from(("report", "report", "go on", "arrive")), pick=PICK, which=PICK, end=st.sampled_from(NEXT)
    )
    def carrier_goes_a_step(self, step: str, pick: int, which: int, end: tuple[str, int | None]) -> None:
        if step == "arrive":
            self.carrier.arrive()
        elif step == "go on":
            self.carrier.go_on(pick, end)
        elif self.carrier.creates:
            self.calls_back(pick, which)

    def calls_back(self, pick: int, which: int) -> None:
        """Any report so far: late, doubled, early, out of order."""
        told = self.carrier.creates[-1 - pick % len(self.carrier.creates)]
        status, code = told.reports[-1 - which % len(told.reports)]
        record_status(self.runtime, told.attempt_id, told.sid, status, code, self.clock.real_now())

    # ---- upkeep

    @rule(seconds=st.sampled_from((1.0, 31.0, 31.0, 650.0)), sweeps_too=st.booleans())
    def upkeep_has_a_turn(self, seconds: float, sweeps_too: bool = True) -> None:
        """After some time a fold, perhaps every sweep, and a fold."""
        self.clock.advance(seconds)
        self.leads(self.holder or "upkeep-1")
        self.folds()
        for sweep in SWEEPS if sweeps_too else ():
            sweep(self.runtime)
        self.folds()

    @rule(step=st.sampled_from(("lead", "fold", "inquire", "look up", "settle", *SWEEPS)), lists=st.booleans())
    def upkeep_goes_a_step(self, step: str | Callable[[Runtime], int], lists: bool) -> None:
        """Any part of it. A look-up may be settled much later than the carrier was asked."""
        if step == "lead":
            self.leads("upkeep-2" if self.holder == "upkeep-1" else "upkeep-1")
        elif step == "fold":
            self.folds()
        elif step == "inquire":
            self.inquires(lists=lists)
        elif step == "look up":
            self.looked += [(doubt, self.looks_up(doubt)) for doubt in due_doubts(self.runtime)]
        elif step == "settle":
            self.settles()
        elif callable(step):
            step(self.runtime)

    @rule()
    def nobody_finds_out(self) -> None:
        """The whole time of the look-ups passes, so that what is still unknown goes to a person."""
        for seconds in (125.0, 490.0, 1_210.0):
            self.upkeep_has_a_turn(seconds)
            self.inquires(lists=True)
        self.folds()

    def leads(self, which: str) -> None:
        if acquire(self.db, LEASE, which, self.clock.real_now(), LEASE_SECONDS):
            self.holder = which

    def folds(self) -> None:
        if self.holder is None:
            self.leads("upkeep-1")
        assert self.holder is not None
        with pytest.raises(LeaseLost):
            fold(self.db, self.clock, "upkeep-2" if self.holder == "upkeep-1" else "upkeep-1")
        before = self._read()
        fold(self.db, self.clock, self.holder)
        after = self._read()
        assert before.counted == after.counted == after.by_state, "the counters are not the rows"

    def inquires(self, lists: bool) -> None:
        """What upkeep asks the carrier, which may refuse to list."""
        self.carrier.lists = lists
        reconcile(self.runtime, self.carrier)
        fetch_silent(self.runtime, self.carrier)
        self.carrier.lists = True

    def looks_up(self, doubt: Doubt) -> list[str]:
        to = self.runtime.vault.open(doubt.sealed or b"\0", "message")["to"]
        return [one.sid for one in self.carrier.list_to(to, doubt.begun_at - LOOK_BACK)]

    def settles(self) -> None:
        while self.looked:
            doubt, sids = self.looked.pop(0)
            same = [self.carrier.fetch_message(sid) for sid in sids]
            with self.db.transaction() as tx:
                settle(tx, self.runtime, doubt, same)

    # ---- people and organizers

    @rule(who=st.integers(0, PEOPLE - 1), body=st.sampled_from(("STOP", "STOP", "ya no me escriban", "START")))
    def says(self, who: int, body: str) -> None:
        self.inbound += 1
        at, sid = self.clock.real_now(), f"SM{self.inbound:032d}"
        for _ in range(2):  # the carrier brings it twice
            with self.db.transaction(durable=True) as tx:
                text = InboundText(sid, number(who), "+14805550199", body, at)
                receive_reply(tx, self.runtime, take_in(self.runtime, text))
        number_hash = self.runtime.vault.number_hash(number(who))
        (self.words[number_hash].starts if body == "START" else self.words[number_hash].stops).append(at)
        self._stopped(number_hash)

    @rule(wanted=st.sampled_from(("resume", "resume", "resume", "pause", "resume", "close")), at_once=st.booleans())
    def organizer_acts(self, wanted: str, at_once: bool) -> None:
        with self.db.transaction() as tx:
            if wanted == "pause":
                pause_gate(tx, self.gate, "organizer")
            elif wanted == "close":
                close_gate(tx, self.gate, "organizer")
                self.closed = True
            elif gate_state(tx, self.gate) == "paused":
                with pytest.raises(ConflictError) if self.is_down() else nullcontext():
                    resume_gate(tx, self.gate)
        if self.closed and at_once:
            cancel_messages(self.db, self.gate, self.clock)

    @rule(wanted=st.sampled_from(("stand down", "stand down", "undo", "undo", "finish")))
    def official_commits(self, wanted: str) -> None:
        """Everything stops; it is taken back within its minute, or becomes final after it."""
        if wanted == "finish":
            self.clock.advance(61.0)
            self.upkeep_has_a_turn(1.0)
        elif wanted == "undo":
            self.undoes()
        elif self.stood is None and self.standing() == "launched":
            self.before = self.gate_as_it_is()
            with self.db.transaction(durable=True) as tx:
                self.stood = stand_down(
                    tx, self.runtime, self.world.group_id, self.official, by="somebody", why="yes", texts=usual_thanks()
                ).id
            self.stood_at = self.clock.hands[0]

    def undoes(self) -> None:
        if self.stood is None:
            return
        is_over = self.clock.hands[0] >= self.stood_at + 60
        with pytest.raises(ConflictError) if is_over else nullcontext(), self.db.transaction(durable=True) as tx:
            undo_stand_down(tx, self.runtime, self.world.group_id, self.stood, by="somebody")
        if not is_over:
            self.stood = None
            assert self.standing() == "launched"
            assert self.closed or self.gate_as_it_is() == self.before, "undo did not put the gate back"
            assert self.closed or not any(row.state == "canceled" for row in self._read().rows)

    def standing(self) -> str:
        """The campaign's state."""
        with self.db.snapshot() as session:
            return session.execute(select(Campaign.state).where(Campaign.id == self.campaign)).scalar_one()

    def gate_as_it_is(self) -> tuple[object, ...]:
        with self.db.snapshot() as session:
            gate = session.get_one(Gate, self.gate)
            return gate.state, gate.reason, gate.baseline

    def is_down(self) -> bool:
        return self.gate_as_it_is()[:2] == ("paused", STAND_DOWN)

    @precondition(lambda self: any(row.state == "needs_review" for row in self.last.rows))
    @rule(pick=PICK, choice=st.sampled_from(("again", "again", "sent", "left")))
    def decides(self, pick: int, choice: str) -> None:
        waiting = [row for row in self._read().rows if row.state == "needs_review"]
        row = waiting[pick % len(waiting)]
        try:
            with self.db.transaction(durable=True) as tx:
                decide_message(tx, self.runtime, self.who, row.id, choice)
        except ConflictError:
            return
        assert row.id not in self.decided
        self.decided.add(row.id)
        self.again[row.number_hash] += choice == "again"

    @rule(seconds=st.sampled_from(WAITS))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # ---- what must hold

    @invariant()
    def check(self) -> None:
        if not hasattr(self, "gate"):
            return
        now = self.last = self._read()
        excess = Counter(self.runtime.vault.number_hash(one.to) for one in self.carrier.excess)
        assert excess <= self.again, "texted twice without a person's decision"
        for number_hash, count in self.attempts_at_stop.items():
            assert now.attempts[number_hash] == count, "a slice committed after a STOP"
        assert sum(now.counted.values()) == PEOPLE
        assert min(now.counted.values()) >= 0
        assert now.unfolded or now.counted == now.by_state, "the counters are not the rows"
        assert max(now.open_attempts.values(), default=0) <= 1
        for row in now.rows:
            undecided = row.state in {"posting", "unknown", "needs_review", "accepted"} and row.id not in self.decided
            assert now.open_attempts.get(row.id, 0) == 1 or not undecided
            assert now.open_attempts.get(row.id, 0) == 0 or row.state not in {"planned", "claimed", "held"}
            before = self.ended.get(row.id, row.state)
            sent_again = row.state == "superseded" and any(other.retry_of == row.id for other in now.rows)
            assert before == row.state or sent_again, f"{before} became {row.state}"
            if row.state in TERMINAL:
                self.ended[row.id] = row.state
        alarms = {str(entry.get("alarm")) for entry in self.logs}
        assert not alarms & NEVER, alarms
        assert self.decided or "accepted_after_not_sent" not in alarms

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None and hasattr(self, "gate"):
                self.come_to_rest()
        finally:
            self.stack.close()

    def come_to_rest(self) -> None:
        """The senders die, the carrier finishes, and upkeep alone brings everybody where they belong."""
        self.senders = []
        for told in self.carrier.creates:
            if not told.ended:
                told.reports.append(ENDS[0])
            for status, code in told.reports:
                record_status(self.runtime, told.attempt_id, told.sid, status, code, self.clock.real_now())
        for minutes in (3, 9, 21):
            self.clock.advance(60 * minutes)
            self.upkeep_has_a_turn(1.0)
            self.inquires(lists=True)
        self.folds()
        self.check()
        now = self._read()
        assert not {"claimed", "posting", "unknown"} & {row.state for row in now.rows}
        is_closed = self.closed or self.stood is not None
        assert not (is_closed and {"planned", "held"} & {row.state for row in now.rows})
        bound = {row.carrier_sid: row for row in now.rows if row.carrier_sid}
        for told in self.carrier.creates:
            row = bound.get(told.sid)
            if row is None:
                assert self.decided, "the carrier accepted what no row knows"
            elif row.id not in self.decided and row.state != "superseded":
                assert row.state == told.reports[-1][0]
