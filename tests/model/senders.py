"""The half of the model that sends: a planned wave, and two senders that may be killed or stall at any step."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from structlog.testing import capture_logs

from outreach.carrier.base import OPTED_OUT
from outreach.core.runtime import Runtime
from outreach.messaging.claims import claim, release
from outreach.messaging.reconcile import Doubt
from outreach.messaging.record import record
from outreach.messaging.send import Sender
from outreach.messaging.slices import CLOCK, slice_out
from outreach.messaging.threads import Actor
from tests.factories import make_world, plan_messages
from tests.model.carrier import OUTCOMES, START, CarrierModel, ModelClock
from tests.model.world import Reading, SenderModel, Words, campaign_of, read, wipe

PEOPLE = 2
PICK = st.integers(0, 11)
WHICH = st.integers(0, 1)


class SendingMachine(RuleBasedStateMachine):
    """One wave to PEOPLE people."""

    def __init__(self, runtime: Runtime, clock: ModelClock) -> None:
        super().__init__()
        self.runtime, self.clock, self.db = runtime, clock, runtime.db
        clock.hands[0] = START
        self.carrier = CarrierModel(clock)
        self.stack = ExitStack()
        self.logs = self.stack.enter_context(capture_logs())
        self.hands = Sender(runtime, self.carrier, 1)  # its answers to what the carrier says, without its threads
        self.stack.callback(self.hands.close)
        self.tokens = 0
        self.senders = [self._new_sender(), self._new_sender()]
        self.holder: str | None = None
        self.words: dict[bytes, Words] = defaultdict(Words)
        self.attempts_at_stop: dict[bytes, int] = {}
        self.again: Counter[bytes] = Counter()
        self.decided: set[int] = set()
        self.looked: list[tuple[Doubt, list[str]]] = []
        self.ended: dict[int, str] = {}
        self.inbound = 0
        self.closed = False
        self.stood: int | None = None
        """A stand-down that was neither undone nor made final yet."""

    def _new_sender(self) -> SenderModel:
        self.tokens += 1
        return SenderModel(f"sender-{self.tokens}")

    def begin(self) -> None:
        """A planned wave in an empty database."""
        wipe(self.db)
        self.world = make_world(self.runtime, PEOPLE)
        self.gate = self.world.gate_id
        plan_messages(self.runtime, self.world)
        self.who = Actor(1, self.world.group_id, "somebody")
        self.official, self.campaign = campaign_of(self.runtime, self.world)

    @rule(which=WHICH, outcome=st.sampled_from(OUTCOMES), is_recorded=st.booleans())
    def sends(self, which: int, outcome: str, is_recorded: bool) -> None:
        """The usual way at one go, so that an example gets far: what was heard is recorded, then the next text goes."""
        self.records(which)
        before = len(self.senders[which].begun)
        self.claims(which, 1)
        self.slices(which, 1)
        if len(self.senders[which].begun) > before:
            self.posts(which, outcome)
        if is_recorded:
            self.records(which)

    @rule(
        step=st.sampled_from(("claim", "slice", "post", "post", "record", "record", "again", "release", "die")),
        which=WHICH,
        size=st.integers(1, PEOPLE),
        outcome=st.sampled_from(OUTCOMES),
    )
    def sender_goes_a_step(self, step: str, which: int, size: int, outcome: str) -> None:
        """Any part of it, in any order, and none of what follows if the sender dies."""
        if step == "claim":
            self.claims(which, size)
        elif step == "slice":
            self.slices(which, size)
        elif step == "post":
            self.posts(which, outcome)
        elif step == "record":
            self.records(which)
        elif step == "again":  # the commit went through, its acknowledgement was lost: the recorder tries once more
            record(self.runtime, self.senders[which].recorded)
        elif step == "release":
            release(self.db, self.senders[which].token)
        else:
            self.senders[which] = self._new_sender()

    def claims(self, which: int, limit: int) -> None:
        sender = self.senders[which]
        sender.claimed += claim(self.runtime, self.gate, sender.token, after=0, limit=limit)[0]

    def slices(self, which: int, size: int) -> None:
        sender = self.senders[which]
        if not sender.claimed:
            return
        posts = slice_out(self.runtime, sender.claimed[:size], sender.token)
        del sender.claimed[:size]
        sender.begun += [(post, self.clock.hands[0]) for post in posts]
        assert self.stood is None or not posts, "a slice committed after a stand-down"
        for post in posts:
            assert not self.words[post.number_hash].stopped, "a slice committed after a STOP"

    def posts(self, which: int, outcome: str) -> None:
        sender = self.senders[which]
        if not sender.begun:
            return
        post, committed = sender.begun.pop(0)
        self.carrier.next = outcome
        age = self.clock.hands[0] - committed
        sender.answers.append(self.hands._try(replace(post, committed=time.clock_gettime(CLOCK) - age)))

    def records(self, which: int) -> None:
        sender = self.senders[which]
        if not sender.answers:
            return
        sender.recorded, sender.answers = sender.answers, []
        record(self.runtime, sender.recorded)
        for outcome in sender.recorded:
            if outcome.event["error_code"] == OPTED_OUT:
                self._stopped(outcome.post.number_hash, carrier=True)

    def _read(self) -> Reading:
        return read(self.db, self.gate, self.clock)

    def _stopped(self, number_hash: bytes, *, carrier: bool = False) -> None:
        """Note how many attempts there were when an opt-out came into force; forget it once it is lifted."""
        words = self.words[number_hash]
        words.carrier_stop |= carrier
        if not words.stopped:
            self.attempts_at_stop.pop(number_hash, None)
        elif number_hash not in self.attempts_at_stop:
            self.attempts_at_stop[number_hash] = self._read().attempts[number_hash]
