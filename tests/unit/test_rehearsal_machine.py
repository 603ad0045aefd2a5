"""The call machine: what each verb does, and what holds in every order of keys, hang-ups, timers and requests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.rehearsal.voice import events, states
from outreach.rehearsal.voice.machine import APOLOGY, step
from outreach.rehearsal.voice.states import LIMIT, PARENT, CallState, Source
from outreach.rehearsal.voice.verbs import (
    EVENTS,
    Dial,
    Document,
    Gather,
    Hangup,
    Number,
    Pause,
    Redirect,
    Reject,
    Say,
    Verb,
)

URL = "https://example.org/twilio/voice/7/1"
OURS, PERSON, OFFICE = "+14805550100", "+16025550110", "+16025550190"
SPEECH = Say("x" * 30)
"""Two seconds."""


class World:
    """A call with its timers and requests, played by hand."""

    def __init__(self, first: Source | Document | int | None = None, **more: object) -> None:
        source = first if isinstance(first, Source) else Source(URL, document=first)
        self.state = replace(CallState(source, caller_ids=frozenset((OURS, PERSON))), **more)  # type: ignore[arg-type]
        self.now = 100.0
        self.waits: dict[int, float] = {}
        """Turn -> when it is over."""
        self.fetches: dict[int, events.Fetch] = {}
        self.heard: list[str] = []
        self.faults: list[int] = []
        self.asked = 0
        self.moves: dict[int, list[str]] = {}
        self.feed(events.Began(self.now))

    def feed(self, event: events.Event) -> tuple[events.Effect, ...]:
        before = self.state
        self.state, effects = step(before, event)
        for effect in effects:
            match effect:
                case events.Wait(turn, seconds):
                    self.waits[turn] = self.now + seconds
                case events.Fetch(turn=turn):
                    self.fetches[turn] = effect
                case events.Tell(say):
                    self.heard.append(say.words)
                case events.Fault(code):
                    self.faults.append(code)
                case events.Moved(leg, event_name):
                    self.moves.setdefault(leg, []).append(event_name)
                case events.Listen():
                    self.asked += 1
        return effects

    def pick_up(self, leg: int = PARENT) -> World:
        self.feed(events.Rang(self.now, leg))
        self.feed(events.PickedUp(self.now, leg))
        return self

    def press(self, keys: str) -> World:
        self.feed(events.Pressed(self.now, keys))
        return self

    def wait(self) -> World:
        """Until the next timer that still means something."""
        turn = min((turn for turn in self.waits if turn in (LIMIT, self.state.turn)), key=lambda turn: self.waits[turn])
        self.now = max(self.now, self.waits.pop(turn))
        self.feed(events.Elapsed(self.now, turn))
        return self

    def fetched(self, document: Document | int) -> World:
        fetch = self.fetches.pop(self.state.turn)
        self.feed(events.Fetched(self.now, fetch.turn, fetch.url, document))
        return self

    @property
    def asked_for(self) -> events.Fetch:
        return self.fetches[self.state.turn]

    @property
    def status(self) -> str:
        return self.state.leg(PARENT).status


def test_a_call_rings_is_answered_speaks_and_ends() -> None:
    world = World((SPEECH, Pause(3)))
    assert world.status == "initiated"
    world.pick_up()
    assert (world.status, world.heard) == ("in-progress", [SPEECH.words])
    world.wait()
    assert world.now == 102
    world.wait()
    assert (world.now, world.status, world.state.leg(PARENT).seconds) == (105, "completed", 5)
    assert world.moves == {PARENT: ["initiated", "ringing", "answered", "completed"]}


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (events.Declined(101, PARENT, "busy"), "busy"),
        (events.Declined(101, PARENT, "failed"), "failed"),
        (events.HungUp(101), "busy"),
        (events.Stopped(101, PARENT, "canceled"), "canceled"),
        (events.Stopped(101, PARENT, "completed"), "canceled"),
    ],
)
def test_calls_that_nobody_answers(event: events.Event, status: str) -> None:
    world = World()
    world.feed(event)
    assert (world.status, world.state.over, world.fetches) == (status, True, {})
    assert world.moves[PARENT] == ["initiated", "completed"]


def test_it_rings_as_long_as_it_was_told() -> None:
    world = World(ring_for=25.0)
    world.feed(events.Rang(101))
    world.wait()
    assert (world.now, world.status) == (125, "no-answer")


def test_a_document_is_fetched_after_the_answer_and_after_detection() -> None:
    world = World()
    world.feed(events.PickedUp(101, detection=4.0))
    assert world.fetches == {}
    world.wait()
    assert (world.now, world.asked_for.url, world.asked_for.method) == (104, URL, "POST")


@pytest.mark.parametrize(
    ("gather", "keys", "digits"),
    [
        (Gather(num_digits=1), "1", "1"),
        (Gather(num_digits=2), "123", "12"),
        (Gather(), "12#3", "12"),
        (Gather(finish_on_key="*"), "1#*", "1#"),
        (Gather(finish_on_key="", num_digits=3), "1#*", "1#*"),
        (Gather(action_on_empty_result=True), "#", ""),
    ],
)
def test_keys_are_gathered(gather: Gather, keys: str, digits: str) -> None:
    world = World((replace(gather, prompts=(SPEECH, SPEECH), action="/next?a=1", method="GET"),)).pick_up().press(keys)
    assert (world.asked_for.url, world.asked_for.method) == ("https://example.org/next?a=1", "GET")
    assert world.asked_for.digits == digits
    assert len(world.heard) == 1, "a key ends the prompts"


def test_keys_one_by_one_wait_for_each_other() -> None:
    world = World((Gather(timeout=7),)).pick_up().press("1")
    world.now = 105.0
    world.press("2").wait()
    assert (world.now, world.asked_for.digits, world.asked_for.url) == (112, "12", URL)


def test_no_keys_fall_through_or_are_told() -> None:
    prompts = (SPEECH, Pause(1))
    world = World((Gather(prompts, timeout=4), Say("Goodbye"))).pick_up().wait().wait().wait()
    assert (world.now, world.heard[-1], world.fetches) == (107, "Goodbye", {})
    asking = World((Gather(prompts, timeout=4, action_on_empty_result=True), Hangup())).pick_up().wait().wait().wait()
    assert (asking.now, asking.asked_for.digits) == (107, "")


def test_keys_that_nobody_asked_for_are_lost() -> None:
    world = World((SPEECH, Gather(num_digits=1))).pick_up().press("1").wait()
    assert (world.fetches, world.asked) == ({}, 1)


def dialling(**more: object) -> World:
    dial = replace(Dial(Number(OFFICE), caller_id=OURS, timeout=20, time_limit=900, action="/after"), **more)  # type: ignore[arg-type]
    return World((dial, Say("Thanks"))).pick_up()


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (events.Declined(101, 1, "busy"), "busy"),
        (events.Declined(101, 1, "failed"), "failed"),
        (events.HungUp(101, 1), "busy"),
        (events.Stopped(101, 1, "completed"), "canceled"),
        (None, "no-answer"),
    ],
)
def test_a_dialled_party_that_does_not_answer(event: events.Event | None, status: str) -> None:
    for action in ("/after", None):
        world = dialling(action=action)
        if event is None:
            world.wait()
            assert world.now == 120
        else:
            world.feed(event)
        assert (world.state.leg(1).status, world.status) == (status, "in-progress")
        if action:
            assert (world.asked_for.url, world.asked_for.child) == ("https://example.org/after", 1)
        else:
            assert world.heard == ["Thanks"]


def test_an_answered_party_hangs_up_or_runs_out_of_time_or_is_left_by_star() -> None:
    hung_up = dialling().pick_up(1)
    hung_up.feed(events.HungUp(130, 1))
    timed_out = dialling().pick_up(1).wait()
    assert timed_out.now == 1000
    starred = dialling(hangup_on_star=True).pick_up(1).press("*")
    for world in (hung_up, timed_out, starred):
        assert (world.state.leg(1).status, world.asked_for.child) == ("completed", 1)
        assert world.moves[1] == ["initiated", "ringing", "answered", "completed"]
    for world in (dialling().pick_up(1).press("*"), dialling(hangup_on_star=True).press("*")):
        assert world.state.leg(1).live, "the star is for those who have said so, and are talking"


def test_hanging_up_ends_the_dialled_leg_and_is_told() -> None:
    for answered, status in ((True, "completed"), (False, "canceled")):
        world = dialling()
        if answered:
            world.pick_up(1)
        world.feed(events.HungUp(140))
        assert (world.status, world.state.leg(1).status, world.state.over) == ("completed", status, True)
        (fetch,) = world.fetches.values()
        assert (fetch.url, fetch.child) == ("https://example.org/after", 1)
        assert step(world.state, events.Fetched(141, fetch.turn, fetch.url, (SPEECH,))) == (world.state, ())


def test_only_numbers_of_ours_and_of_the_person_can_be_shown() -> None:
    world = dialling(caller_id="+15205550177")
    assert (world.faults, world.heard, len(world.state.legs)) == ([13214], [APOLOGY.words], 1)
    assert len(dialling(caller_id=PERSON).state.legs) == 2


@pytest.mark.parametrize("code", [11200, 11205, 12100, 12200])
def test_a_document_that_cannot_be_had_ends_the_call_with_an_apology(code: int) -> None:
    world = World().pick_up().fetched(code)
    assert (world.faults, world.heard) == ([code], [APOLOGY.words])
    world.wait()
    assert (world.status, world.now) == ("completed", 100 + len(APOLOGY.words) / 15)


@pytest.mark.parametrize("address", ["/relative", "mailto:a@example.org"])
def test_an_address_that_leads_nowhere(address: str) -> None:
    world = World(Source(document=(Redirect(address),))).pick_up()
    assert world.faults == [11100]


def test_redirects_go_on_from_where_they_lead() -> None:
    world = World().pick_up().fetched((Redirect("../8/2", "GET"), Say("never")))
    assert (world.asked_for.url, world.asked_for.method) == ("https://example.org/twilio/voice/8/2", "GET")
    world.fetched((Gather(num_digits=1),)).press("1")
    assert world.asked_for.url == "https://example.org/twilio/voice/8/2"
    assert world.heard == []


@pytest.mark.parametrize(
    ("document", "status", "answered"),
    [
        ((Reject(),), "no-answer", False),
        ((Reject("busy"),), "busy", False),
        ((Pause(2), Reject()), "no-answer", False),
        ((Hangup(),), "completed", True),
        ((), "completed", True),
        ((SPEECH, Hangup()), "completed", True),
    ],
)
def test_calls_to_us_are_answered_by_what_is_said(document: Document, status: str, answered: bool) -> None:
    world = World(inbound=True)
    assert (world.status, world.asked_for.url) == ("ringing", URL)
    world.fetched(document)
    while not world.state.over:
        world.wait()
    assert (world.status, world.state.leg(PARENT).answered) == (status, answered)


def test_a_call_to_us_can_wait_for_the_one_it_is_passed_to() -> None:
    world = World(inbound=True).fetched((Dial(Number(OFFICE), answer_on_bridge=True), Say("Thanks")))
    assert world.status == "ringing"
    unanswered = replace(world.state)
    world.pick_up(1)
    assert (world.status, world.state.leg(1).status) == ("in-progress", "in-progress")
    gone, _ = step(unanswered, events.HungUp(101))
    assert [leg.status for leg in gone.legs] == ["canceled", "canceled"]


def test_a_live_call_can_be_sent_elsewhere() -> None:
    world = dialling().pick_up(1)
    world.feed(events.Redirected(150, Source("https://example.org/else", "GET")))
    assert (world.state.leg(1).status, world.asked_for.url) == ("completed", "https://example.org/else")
    assert len(world.fetches) == 1, "the action of a <Dial> that was cut off is not asked for"
    ringing = World()
    assert ringing.feed(events.Redirected(101, Source("https://example.org/else"))) == ()


def test_what_comes_late_changes_nothing() -> None:
    world = dialling(action=None)
    world.feed(events.Declined(101, 1, "busy"))
    world.feed(events.Redirected(102, Source(URL, document=(Dial(Number(OFFICE)),))))
    for late in (
        events.HungUp(103, 1),
        events.PickedUp(103, 1),
        events.Rang(103, 1),
        events.Stopped(103, 1, "completed"),
    ):
        assert world.feed(late) == ()
    assert [leg.status for leg in world.state.legs] == ["in-progress", "busy", "initiated"]
    moved = World().pick_up()
    asked = moved.asked_for
    moved.feed(events.Redirected(104, Source("https://example.org/else")))
    assert moved.feed(events.Fetched(105, asked.turn, asked.url, (SPEECH,))) == ()
    assert moved.asked_for.url == "https://example.org/else"


def test_the_whole_call_has_its_limit() -> None:
    world = World((Say("x", loop=0),), time_limit=60.0).pick_up().wait()
    assert (world.now, world.status) == (160, "completed")


def document_of(verbs: list[Verb]) -> Document:
    return tuple(verbs)


VERBS: st.SearchStrategy[Verb] = st.sampled_from(
    [
        SPEECH,
        Say("On and on", loop=0),
        Pause(1),
        Gather((SPEECH, Pause(1)), num_digits=1, action="/keys"),
        Gather((Say("On and on", loop=0),), action_on_empty_result=True),
        Gather(finish_on_key=""),
        Dial(Number(OFFICE)),
        Dial(Number(OFFICE), timeout=600),
        Dial(Number(OFFICE), caller_id=OURS, hangup_on_star=True, action="/after", answer_on_bridge=True),
        Dial(Number(OFFICE), caller_id="+15205550177"),
        Redirect("/else"),
        Redirect("mailto:a@example.org"),
        Hangup(),
        Reject(),
    ]
)
WRITTEN = st.lists(VERBS, max_size=3).map(document_of) | st.sampled_from([11200, 12100])
LEGS = st.integers(0, 2)
NOW = st.just(0.0)
"""Replaced when it happens."""
UNCALLED_FOR = st.one_of(
    st.builds(events.Rang, NOW, LEGS),
    st.builds(events.PickedUp, NOW, LEGS, st.sampled_from([0.0, 4.0])),
    st.builds(events.Declined, NOW, LEGS, st.sampled_from(["busy", "failed"])),
    st.builds(events.HungUp, NOW, LEGS),
    st.builds(events.Pressed, NOW, st.text("01*#", max_size=3)),
    st.builds(events.Redirected, NOW, st.builds(Source, st.just(URL), document=st.none() | WRITTEN)),
    st.builds(events.Stopped, NOW, LEGS, st.sampled_from(["completed", "canceled"])),
)


def check(world: World, before: CallState) -> None:
    """What holds after every step."""
    state = world.state
    live = [number for number, leg in enumerate(state.legs) if leg.live]
    children = [number for number in live if number != PARENT]
    assert len(children) <= 1
    assert children == ([state.doing.leg] if isinstance(state.doing, states.Dialling) else [])
    assert state.over is (PARENT not in live)
    for number, leg in enumerate(state.legs):
        moves = world.moves[number]
        assert moves == sorted(set(moves), key=EVENTS.index), "no event comes twice or too late"
        assert (moves[-1] == "completed") is not leg.live
        assert ("answered" in moves) is leg.answered
        assert leg.live or (leg.status == "completed") is leg.answered
        assert leg.live or leg.ended_at is not None
        if number < len(before.legs) and not before.legs[number].live:
            assert leg == before.legs[number], "what has ended stays as it ended"
    if before.over:
        assert state == before
    if not state.over:
        endless = LIMIT in world.waits and world.heard[-1:] == ["On and on"]
        assert state.turn in world.waits or state.turn in world.fetches or endless, "what moves it on must be to come"


def come(world: World, document: Document | int) -> None:
    """Let come what is due next: a document, or the end of a wait."""
    if world.state.over:
        return
    if world.state.turn in world.fetches:
        world.fetched(document)
    else:
        world.wait()


def come_late(world: World) -> None:
    """Let come what nobody waits for any more."""
    late: list[events.Event] = [
        events.Elapsed(world.now, turn) for turn in world.waits if turn not in (LIMIT, world.state.turn)
    ]
    late += [events.Fetched(world.now, turn, URL, (Hangup(),)) for turn in world.fetches if turn != world.state.turn]
    assert [world.feed(event) for event in late] == [()] * len(late)


@settings(max_examples=200, deadline=None)
@given(st.none() | WRITTEN, st.booleans(), st.data())
def test_whatever_happens_in_whatever_order(first: Document | int | None, inbound: bool, data: st.DataObject) -> None:
    world = World(first, inbound=inbound)
    check(world, world.state)
    for _ in range(data.draw(st.integers(0, 30))):
        before = world.state
        match data.draw(st.sampled_from(["next", "next", "answer", "late", "uncalled for", "uncalled for"])):
            case "next":
                come(world, data.draw(WRITTEN))
            case "answer":
                world.pick_up(len(world.state.legs) - 1)
            case "late":
                come_late(world)
            case _:
                world.feed(replace(data.draw(UNCALLED_FOR), at=world.now))
        check(world, before)
    for _ in range(100):
        if world.state.over:
            break
        before = world.state
        come(world, 11200)
        check(world, before)
    assert world.state.over, "left alone, every call comes to its end"
