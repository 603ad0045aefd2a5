"""Promises and reminders as a state machine: whatever people do in whatever order, and whenever a process dies.

Nobody is reminded twice of one thing, of nothing that is settled or not theirs, and never outside their window.
"""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, update

from outreach.core.clock import PHOENIX
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging.claims import Claimed, claim
from outreach.messaging.models import Gate, Message
from outreach.messaging.optout import obey_opt_out
from outreach.messaging.reminders import plan_reminders
from outreach.messaging.slices import slice_out
from outreach.messaging.sweep import sweep_claims
from outreach.officials.imports import add_official
from outreach.officials.meetings import Promised, record_meeting
from outreach.officials.models import Promise
from outreach.officials.promise_rules import WAITED_FOR
from outreach.officials.promises import Heard, due_of, hear, history, standing_of, undo
from outreach.people.members import mark_members
from outreach.people.models import ListMembership
from outreach.people.quiet_hours import window
from tests.factories import make_person, make_world, number
from tests.model.carrier import START, ModelClock

EXAMPLES = {True: 12, False: 3}
"""By whether it is SQLite, which has no round trips."""
TWO = st.integers(0, 1)


def test_whatever_happens_a_member_is_reminded_once_and_only_of_what_is_theirs(
    clocked: Runtime, clock: ModelClock
) -> None:
    class Here(PromiseMachine):
        """The machine on this test's database."""

        runtime, hands = clocked, clock

    profile = hypothesis_settings(
        max_examples=EXAMPLES[clocked.db.is_sqlite], stateful_step_count=20, deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], print_blob=True,
    )  # fmt: skip
    run_state_machine_as_test(Here, settings=profile)


class PromiseMachine(RuleBasedStateMachine):
    """A group with two members and two promises; an organizer, upkeep and a sender."""

    runtime: Runtime
    hands: ModelClock
    made = 0

    @initialize(days=st.lists(st.integers(-1, 4), min_size=2, max_size=2))
    def begin(self, days: list[int]) -> None:
        """Two promises, due soon or just overdue, each watched by a member."""
        type(self).made += 1
        self.hands.hands[0] = START
        name = f"Group {self.made}"
        self.world = make_world(self.runtime, 0, name=name)
        self.told: set[tuple[str, str]] = set()
        self.stopped: set[str] = set()
        self.claimed: list[Claimed] = []
        self.numbers = [number(3 * self.made), number(3 * self.made + 1)]
        self.people = make_members(self.runtime, self.world.group_id, self.world.list_id, self.numbers)
        with self.runtime.db.transaction() as tx:
            group_id = self.world.group_id
            mark_members(tx, self.runtime, group_id, self.world.list_id, is_members=True, actor="bo")
            official = add_official(tx, self.runtime, group_id, name="Ana Diaz", role="Mayor").id
            meeting = record_meeting(
                tx, self.runtime, group_id, official_id=official, held_on=self.today - timedelta(days=5),
                outcome="committed", recorded_by="bo",
                promises=[Promised(f"Thing {name} {n}", self.today + timedelta(days=left)) for n, left in
                          enumerate(days)],
            )  # fmt: skip
            rows = tx.execute(select(Promise).where(Promise.meeting_id == meeting.id).order_by(Promise.id)).scalars()
            self.promises = []
            for promise, person in zip(rows, self.people, strict=True):
                promise.watcher_id = person
                self.promises.append(promise.id)

    @property
    def today(self) -> date:
        return self.runtime.clock.now().astimezone(PHOENIX).date()

    @rule()
    def a_day_goes_by(self) -> None:
        """On which nothing happens but what upkeep and a sender do."""
        self.a_reminder_goes_its_way(0, "", next_day=True)

    @rule(which=TWO, kind=st.sampled_from(["kept", "broken", "extended", "undone"]), days=st.integers(-1, 5))
    def something_is_heard(self, which: int, kind: str, days: int) -> None:
        promise_id, group_id = self.promises[which], self.world.group_id
        with self.runtime.db.snapshot() as session:
            seen = max((entry.id for entry in history(session, promise_id)), default=0)
        new_day = self.today + timedelta(days=days) if kind == "extended" else None
        try:
            with self.runtime.db.transaction() as tx:
                if kind == "undone":
                    undo(tx, self.runtime, group_id, promise_id, seen=seen, by="bo")
                else:
                    said = Heard(kind, self.today, words="x", new_day=new_day)
                    hear(tx, self.runtime, group_id, promise_id, said, seen=seen, by="bo")
        except OutreachError:
            pass
        with self.runtime.db.snapshot() as session:
            promise = session.get_one(Promise, promise_id)
            stands = standing_of(promise, history(session, promise_id))
        assert (promise.state, due_of(promise)) == (stands.state, stands.due_on)

    @rule(which=TWO, who=TWO)
    def somebody_else_watches(self, which: int, who: int) -> None:
        with self.runtime.db.transaction() as tx:
            tx.get_one(Promise, self.promises[which]).watcher_id = self.people[who]

    def the_list_is_marked(self, is_members: bool) -> None:
        with self.runtime.db.transaction() as tx:
            mark_members(tx, self.runtime, self.world.group_id, self.world.list_id, is_members=is_members, actor="bo")
        self.members = is_members

    members = True

    @rule(hours=st.sampled_from([1, 9, 15, 24]))
    def time_passes(self, hours: int) -> None:
        self.hands.advance(hours * 3_600.0)

    @precondition(lambda self: len(self.told) > 1)
    @rule(who=TWO)
    def somebody_says_stop(self, who: int) -> None:
        with self.runtime.db.transaction(durable=True) as tx:
            obey_opt_out(
                tx, self.runtime.vault, group_id=self.world.group_id, wording="STOP", source="person",
                number_hash=self.runtime.vault.number_hash(self.numbers[who]), at=self.hands.real_now(),
            )  # fmt: skip
        self.stopped.add(self.numbers[who])

    def upkeep_plans(self) -> None:
        plan_reminders(self.runtime)

    @rule(
        which=TWO,
        between=st.sampled_from(["", "", "", "kept", "extended", "watcher", "members", "night", "dies"]),
        next_day=st.booleans(),
    )
    def a_reminder_goes_its_way(self, which: int, between: str, next_day: bool) -> None:
        """Planned, claimed and posted, with something in between: what is most likely to go wrong."""
        self.the_list_is_marked(is_members=True)
        self.time_passes(24 if next_day else 0)
        self.upkeep_plans()
        if between in {"kept", "extended"}:
            self.something_is_heard(which, between, 5)
        elif between == "watcher":
            self.somebody_else_watches(which, 1 - which)
        elif between == "members":
            self.the_list_is_marked(is_members=False)
        elif between == "night":
            self.time_passes(9)
        self.a_sender_claims(dies=between == "dies")
        self.a_sender_claims(dies=False)
        self.a_sender_posts()

    @rule(dies=st.booleans())
    def a_sender_claims(self, dies: bool) -> None:
        """One that dies leaves its claims to the sweep."""
        with self.runtime.db.snapshot() as session:
            gate_id = session.execute(
                select(Gate.id).where(Gate.kind == "reminder", Gate.group_id == self.world.group_id)
            ).scalar()
        if gate_id is None:
            return
        claimed, _ = claim(self.runtime, gate_id, "dead" if dies else "alive", after=0, limit=10)
        self.claimed += [] if dies else claimed
        self.hands.advance(31.0 if dies else 0.0)
        if dies:
            sweep_claims(self.runtime)

    @rule()
    def a_sender_posts(self) -> None:
        posts = slice_out(self.runtime, self.claimed, "alive") if self.claimed else []
        self.claimed = []
        with self.runtime.db.snapshot() as session:
            promises = [session.get_one(Promise, promise_id) for promise_id in self.promises]
        now = self.runtime.clock.now()
        for post in posts:
            day = (
                f" {self.today}" if "due today" in post.body else ""
            )  # of a promise that was put off, once for each day
            assert (post.to, post.body + day) not in self.told, "twice"
            self.told.add((post.to, post.body + day))
            assert post.to not in self.stopped
            assert self.members
            assert window(("America/Phoenix",), now).open
            (promise,) = [one for one in promises if one.text in post.body]
            assert promise.watcher_id == self.people[self.numbers.index(post.to)]
            due_on = due_of(promise)
            assert promise.state in WAITED_FOR
            assert due_on is not None
            assert -3 <= (due_on - self.today).days <= 3

    def teardown(self) -> None:
        """Nothing of this example is left to do for the next one."""
        with self.runtime.db.transaction() as tx:
            tx.execute(update(Promise).values(watcher_id=None))
            tx.execute(update(Message).where(Message.state.in_(("planned", "claimed"))).values(state="canceled"))


def make_members(runtime: Runtime, group_id: int, list_id: int, numbers: list[str]) -> list[int]:
    """People in a list, in Phoenix."""
    people = [make_person(runtime, group_id, phone, zones="America/Phoenix") for phone in numbers]
    with runtime.db.transaction() as tx:
        tx.add_all([ListMembership(list_id=list_id, constituent_id=person) for person in people])
    return people
