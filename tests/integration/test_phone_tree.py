"""Phone trees on both databases: asked, nudged, routed around, healed; nobody is texted twice for one thing."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Literal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.launch import cancel_campaign
from outreach.escalations.models import Campaign, Recipient, Wave
from outreach.messaging.claims import claim
from outreach.messaging.conversations import DONE
from outreach.messaging.events import append, result, status
from outreach.messaging.models import Conversation, Message
from outreach.messaging.slices import slice_out
from outreach.people.consent import suppress
from outreach.people.models import Constituent
from outreach.phone_tree.cascade import sweep_trees, tick
from outreach.phone_tree.editing import (
    add_person,
    candidates_of,
    delete_tree,
    edit,
    get_tree,
    grow_tree,
    make_tree,
    move_node,
    nodes_of,
    remove_node,
    set_backup,
)
from outreach.phone_tree.models import TreeRun, TreeStep
from outreach.phone_tree.reads import RunView, view_run
from outreach.phone_tree.running import get_run, pause_run, resume_run, start_run, stop_run
from outreach.privacy.disclosure import disclose
from outreach.privacy.erasure import erase_number
from outreach.tallies.campaign import campaign_tally
from outreach.web.app import create_app
from tests.factories import World, make_person, make_world, number
from tests.integration.test_launch import draft
from tests.integration.test_sending import fold_all
from tests.integration.test_webhooks import say
from tests.model.carrier import ModelClock

MINUTE = 60


@pytest.fixture
def runtime(clocked: Runtime) -> Runtime:
    return clocked


@pytest.fixture
def world(runtime: Runtime) -> World:
    """Thirteen people: 0 and 1 lead, 2 to 6 and 7 to 11 are theirs, 12 is in no branch."""
    return make_world(runtime, 13)


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime.settings, runtime).test_client()


def plant(runtime: Runtime, world: World, *, backups: tuple[int, int] = (2, 7), name: str = "City") -> int:
    people = world.people
    with runtime.db.transaction() as tx:
        tree = make_tree(tx, runtime, world.group_id, name, by="tester")
        for captain, backup, members in ((0, backups[0], range(2, 7)), (1, backups[1], range(7, 12))):
            node = add_person(tx, runtime, tree, people[captain], None, "85001")
            for member in members:
                add_person(tx, runtime, tree, people[member], node.id)
            set_backup(tx, runtime, tree, node.id, people[backup])
        return tree.id


def start(runtime: Runtime, world: World, tree_id: int, channel: Literal["text", "call"] = "text") -> TreeRun:
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        return start_run(tx, runtime, world.group_id, tree_id, campaign_id, by="tester", channel=channel)


def turn(runtime: Runtime, *, lost: tuple[str, ...] = (), undelivered: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Move what is due and send what is planned, until nothing is; (to, kind) of what went out."""
    sent: list[tuple[str, str]] = []
    while True:
        tick(runtime, 30)  # all that is due, however slow the machine is
        sweep_trees(runtime)
        with runtime.db.snapshot() as session:
            due = (Message.state == "planned") & (Message.not_before <= runtime.clock.now())
            gates = session.execute(select(Message.gate_id).where(due).distinct()).scalars().all()
        posts = []
        for gate_id in gates:
            claimed, _ = claim(runtime, gate_id, "t", after=0, limit=200)
            posts += slice_out(runtime, claimed, "t")
        if not posts:
            return sent
        at, events = runtime.clock.real_now(), []
        with runtime.db.transaction() as tx:
            for one in posts:
                sid = f"SM{secrets.token_hex(16)}"
                word, code = ("undelivered", 30005) if one.to in undelivered else ("delivered", None)
                events.append(result(one.attempt_id, "accepted", at, carrier_sid=sid))
                if one.to not in lost:
                    events.append(status(one.attempt_id, sid, word, code, at))
                kind = tx.execute(select(Message.kind).where(Message.id == one.message_id)).scalar_one()
                sent.append((one.to, kind))
            append(tx, events)
        fold_all(runtime)


def view(runtime: Runtime, run: TreeRun) -> RunView:
    with runtime.db.snapshot() as session:
        return view_run(session, session.get_one(TreeRun, run.id), runtime.clock.now())


def steps(runtime: Runtime, run: TreeRun) -> list[TreeStep]:
    with runtime.db.snapshot() as session:
        found = session.execute(select(TreeStep).where(TreeStep.run_id == run.id).order_by(TreeStep.id))
        return list(found.scalars())


def to(*people: int, kind: str) -> list[tuple[str, str]]:
    return sorted((number(person), kind) for person in people)


def test_a_captains_word_texts_their_branch_and_silence_goes_round_them(
    runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient
) -> None:
    run = start(runtime, world, plant(runtime, world))
    assert sorted(turn(runtime)) == to(0, 1, kind="captain")
    answer = say(client, runtime, 0, "1")
    assert answer and "5 people" in answer
    assert sorted(turn(runtime)) == to(2, 3, 4, 5, 6, kind="campaign")
    again = say(client, runtime, 0, "yes!")
    assert again and "5 people" in again
    assert turn(runtime) == []
    clock.advance(14 * MINUTE)
    assert turn(runtime) == []
    clock.advance(MINUTE)
    assert turn(runtime) == to(1, kind="captain_again")
    clock.advance(15 * MINUTE)
    assert turn(runtime) == to(7, kind="captain")
    clock.advance(15 * MINUTE)
    assert sorted(turn(runtime)) == to(8, 9, 10, 11, kind="campaign")
    late = say(client, runtime, 1, "OK")
    assert late and "already" in late
    clock.advance(60 * MINUTE)
    assert turn(runtime) == []
    found = view(runtime, run)
    assert (found.state, found.total.people, found.total.reached, found.total.answered) == ("done", 12, 12, 2)
    assert [(one.state, one.reason, one.confirmed_by, one.joined_at is not None) for one in steps(runtime, run)] == [
        ("confirmed", None, "captain", False), ("routed_direct", "silent", None, True),
    ]  # fmt: skip
    assert [(one.people, one.captains, one.routed_around) for one in found.levels] == [(2, 2, 1), (10, 0, 0)]
    with runtime.db.snapshot() as session:
        tally = campaign_tally(session, world.group_id, run.campaign_id, runtime.clock)
        texted = Counter(session.execute(select(Message.number_hash).where(Message.recipient_id > 0)).scalars())
        assert set(session.execute(select(Conversation.rank)).scalars()) == {DONE}  # nobody has to read their words
    assert tally.recipients == tally.states["delivered"] == 12
    assert set(texted.values()) == {1}


def test_a_backup_stands_in_and_whoever_cannot_says_so(
    runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient
) -> None:
    run = start(runtime, world, plant(runtime, world, backups=(12, 0)))
    turn(runtime)
    answer = say(client, runtime, 1, "sorry, I can't")
    assert answer and "Somebody else" in answer
    assert turn(runtime) == to(0, kind="captain_again")  # as a captain they had their text
    assert say(client, runtime, 0, "si") is not None  # a yes is for both branches that wait for it
    assert sorted(turn(runtime)) == to(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, kind="campaign")
    assert [(one.state, one.confirmed_by) for one in steps(runtime, run)] == [
        ("confirmed", "captain"), ("confirmed", "backup"),
    ]  # fmt: skip


def test_stop_anywhere_heals_the_tree(runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient) -> None:
    tree_id = plant(runtime, world)
    with runtime.db.transaction() as tx:  # between the making and the start
        suppress(tx, runtime.vault.number_hash(number(3)), source="staff", at=runtime.clock.real_now())
        tx.execute(update(Constituent).where(Constituent.id == world.people[4]).values(consented_at=None))
    run = start(runtime, world, tree_id)
    turn(runtime)
    say(client, runtime, 0, "STOP")
    assert turn(runtime) == to(2, kind="captain")
    say(client, runtime, 2, "alto")
    assert sorted(turn(runtime)) == to(5, 6, kind="campaign")
    say(client, runtime, 1, "1")
    say(client, runtime, 8, "STOP")  # before their text goes out
    assert sorted(turn(runtime)) == to(7, 9, 10, 11, kind="campaign")
    found = view(runtime, run)
    assert found.total.people == 12
    assert found.total.reasons == {"opted_out": 2, "no_consent": 1}
    assert found.total.answered == 1
    assert found.total.reached + found.total.excluded == 12
    assert [one.reason for one in steps(runtime, run)] == ["lost", None]


def test_a_text_that_does_not_arrive_is_no_silence(runtime: Runtime, clock: ModelClock, world: World) -> None:
    start(runtime, world, plant(runtime, world))
    first = turn(runtime, undelivered=(number(1),))
    assert sorted(first) == sorted([*to(0, 1, kind="captain"), *to(7, kind="captain")])


def test_nobody_is_passed_over_for_being_asleep(runtime: Runtime, clock: ModelClock, world: World) -> None:
    clock.advance(7.5 * 3600)  # 19:30 in Phoenix
    run = start(runtime, world, plant(runtime, world))
    assert sorted(turn(runtime)) == to(0, 1, kind="captain")
    for _ in range(50):
        clock.advance(15 * MINUTE)  # until 8:00
        sent = turn(runtime)
        assert all(kind == "captain_again" for _, kind in sent)
    assert {one.state for one in steps(runtime, run)} == {"nudged"}
    clock.advance(90 * MINUTE)
    assert sorted(turn(runtime)) == to(2, 7, kind="captain")


def test_a_captain_who_had_a_text_today_is_passed_over(
    runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient
) -> None:
    with runtime.db.transaction() as tx:
        hashed = runtime.vault.number_hash(number(1))
        now = runtime.clock.now()
        tx.add(
            Message(group_id=world.group_id, gate_id=world.gate_id, number_hash=hashed, kind="campaign",
                    state="delivered", language="en", not_before=now, posted_at=now)
        )  # fmt: skip
    start(runtime, world, plant(runtime, world))
    assert turn(runtime) == to(0, kind="captain")
    clock.advance(15 * MINUTE)
    assert sorted(turn(runtime)) == sorted([*to(0, kind="captain_again"), *to(7, kind="captain")])


def test_pause_resume_and_stop(runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient) -> None:
    run = start(runtime, world, plant(runtime, world))
    turn(runtime)
    with runtime.db.transaction() as tx:
        pause_run(tx, world.group_id, run.id)
    assert view(runtime, run).state == "paused"
    assert say(client, runtime, 0, "1") is not None
    clock.advance(60 * MINUTE)
    assert turn(runtime) == []
    with runtime.db.transaction() as tx:
        resume_run(tx, runtime, world.group_id, run.id)
    assert sorted(turn(runtime)) == to(2, 3, 4, 5, 6, kind="campaign")
    clock.advance(2 * MINUTE)
    assert turn(runtime) == to(1, kind="captain_again")
    stop_run(runtime, world.group_id, run.id)
    clock.advance(60 * MINUTE)
    assert turn(runtime) == []
    over = say(client, runtime, 1, "1")
    assert over and "ended" in over
    assert [one.state for one in steps(runtime, run)] == ["confirmed", "stopped"]
    with pytest.raises(ConflictError):
        stop_run(runtime, world.group_id, run.id)
    with pytest.raises(NotFoundError), runtime.db.transaction() as tx:
        get_run(tx, world.group_id + 1, run.id)


def test_a_canceled_campaign_stops_its_tree(runtime: Runtime, clock: ModelClock, world: World) -> None:
    run = start(runtime, world, plant(runtime, world))
    turn(runtime)
    cancel_campaign(runtime, world.group_id, run.campaign_id)
    clock.advance(30 * MINUTE)
    assert turn(runtime) == []
    assert {one.state for one in steps(runtime, run)} == {"stopped"}


def test_levels_go_down_one_after_the_other_and_each_move_is_made_once(
    runtime: Runtime, clock: ModelClock, world: World, client: FlaskClient
) -> None:
    people = world.people
    with runtime.db.transaction() as tx:
        tree = make_tree(tx, runtime, world.group_id, "Deep", by="tester")
        top = add_person(tx, runtime, tree, people[0], None)
        below = add_person(tx, runtime, tree, people[1], top.id)
        for member in (2, 3):
            add_person(tx, runtime, tree, people[member], below.id)
        add_person(tx, runtime, tree, people[4], top.id)
    run = start(runtime, world, tree.id)
    assert turn(runtime) == to(0, kind="captain")
    say(client, runtime, 0, "1")
    assert sorted(turn(runtime)) == sorted([*to(1, kind="captain"), *to(4, kind="campaign")])
    with runtime.db.transaction() as tx:
        tree = edit(tx, world.group_id, tree.id, 1)
        remove_node(tx, tree, below.id)  # under way, the run keeps what it began with
    for _ in range(3):
        assert tick(runtime, 5) == 0
    clock.advance(30 * MINUTE)
    turn(runtime)
    clock.advance(15 * MINUTE)
    assert sorted(turn(runtime)) == to(2, 3, kind="campaign")
    assert [one.level for one in view(runtime, run).people] == [0, 1, 2, 2, 1]
    with runtime.db.snapshot() as session:
        assert len(session.execute(select(Recipient.id)).all()) == 5


def test_of_many_starts_one_wins_and_a_wrong_tree_does_not_start(runtime: Runtime, world: World) -> None:
    tree_id = plant(runtime, world)
    run = start(runtime, world, tree_id)
    with pytest.raises(ConflictError, match="running already"):
        start(runtime, world, tree_id)
    with runtime.db.snapshot() as session:
        assert session.get_one(Campaign, run.campaign_id).state == "launched"
        drafts = session.execute(select(Campaign.state).where(Campaign.id != run.campaign_id)).scalars().all()
        assert drafts == ["draft"]
        assert len(session.execute(select(Wave.id)).all()) == 1
    with runtime.db.transaction() as tx:
        empty = make_tree(tx, runtime, world.group_id, "Empty", by="tester")
    with pytest.raises(BadInputError):
        start(runtime, world, empty.id)


def test_a_tree_grows_from_a_list_and_is_changed_by_hand(runtime: Runtime, world: World) -> None:
    for index in range(13, 33):
        make_person(runtime, world.group_id, number(index), zip_code=f"8500{index % 2}")
    with runtime.db.transaction() as tx:
        suppress(tx, runtime.vault.number_hash(number(5)), source="staff", at=runtime.clock.real_now())
        tree = grow_tree(tx, runtime, world.group_id, "All", lists=[world.list_id], size=5, by="tester")
    with runtime.db.transaction() as tx:
        nodes = nodes_of(tx, tree.id)
        assert len(nodes) == 12
        assert world.people[5] not in {node.person for node in nodes}
        captains = [node for node in nodes if node.parent is None]
        assert [sum(one.parent == captain.id for one in nodes) for captain in captains] == [5, 5]
        first, second = captains
        tree = edit(tx, world.group_id, tree.id, 1)
        with pytest.raises(BadInputError, match="below"):
            move_node(tx, tree, first.id, next(one.id for one in nodes if one.parent == first.id))
        with pytest.raises(BadInputError, match="already"):
            add_person(tx, runtime, tree, first.person, None)
        with pytest.raises(BadInputError, match="opted out"):
            add_person(tx, runtime, tree, world.people[5], first.id)
        with pytest.raises(BadInputError, match="own backup"):
            set_backup(tx, runtime, tree, first.id, first.person)
        remove_node(tx, tree, first.id)
        left = {node.id: node for node in nodes_of(tx, tree.id)}
        heir = next(node for node in left.values() if node.person == first.backup)
        assert (heir.parent, len(left)) == (None, 11)
        move_node(tx, tree, heir.id, second.id)
    with pytest.raises(ConflictError, match="meanwhile"), runtime.db.transaction() as tx:
        edit(tx, world.group_id, tree.id, 1)
    with pytest.raises(NotFoundError), runtime.db.transaction() as tx:
        get_tree(tx, world.group_id + 1, tree.id)
    with runtime.db.transaction() as tx:
        delete_tree(tx, world.group_id, tree.id)
        assert nodes_of(tx, tree.id) == []


def test_an_erased_person_leaves_the_tree_and_its_run_goes_round_them(
    runtime: Runtime, clock: ModelClock, world: World
) -> None:
    tree_id, hashed = plant(runtime, world), [runtime.vault.number_hash(number(index)) for index in (0, 7)]
    run = start(runtime, world, tree_id)
    told = [disclose(runtime, world.group_id, one, reason="asked", actor="t")["phone_trees"] for one in hashed]
    assert [[(one["tree"], one["as"], "run_id" in one) for one in each] for each in told] == [
        [("City", "captain", False), ("City", "captain", True)],
        [("City", "member", False), ("City", "backup", False), ("City", "member", True), ("City", "backup", True)],
    ]  # fmt: skip
    turn(runtime)
    for one in hashed:
        assert erase_number(runtime, world.group_id, one, reason="asked", actor="t").people == 1
    with runtime.db.snapshot() as session:
        nodes = nodes_of(session, tree_id)
        assert get_tree(session, world.group_id, tree_id).version == 3  # whoever has it open must look again
    assert {(one.person, one.backup) for one in nodes if one.parent is None} == {
        (world.people[2], world.people[3]), (world.people[1], None),
    }  # fmt: skip
    assert not {world.people[0], world.people[7]} & {one.person for one in nodes}
    clock.advance(15 * MINUTE)
    assert sorted(turn(runtime)) == sorted([*to(2, kind="captain"), *to(1, kind="captain_again")])
    assert [one.reason for one in steps(runtime, run)] == ["lost", None]
    clock.advance(30 * MINUTE)
    assert sorted(turn(runtime)) == to(3, 4, 5, 6, 8, 9, 10, 11, kind="campaign")
    found = view(runtime, run)
    assert (found.total.people, found.total.reasons) == (12, {"no_consent": 1})  # 0 had their text


def test_who_led_for_another_group_is_not_favoured(runtime: Runtime, clock: ModelClock, world: World) -> None:
    other = make_world(runtime, 8, name="Others")
    led = [other.people[5], other.people[6]]
    with runtime.db.transaction() as tx:
        tree = make_tree(tx, runtime, other.group_id, "Theirs", by="tester")
        for captain, member in zip(led, other.people[:2], strict=True):
            add_person(tx, runtime, tree, member, add_person(tx, runtime, tree, captain, None).id)
    run = start(runtime, other, tree.id)
    with runtime.db.transaction() as tx:
        tx.execute(update(TreeStep).where(TreeStep.run_id == run.id).values(confirmed_by="captain"))
        merits = {
            world_.group_id: {one.person for one in candidates_of(tx, runtime, world_.group_id, [world_.list_id], "zip")
                              if one.merit}
            for world_ in (world, other)
        }  # fmt: skip
    assert merits == {world.group_id: set(), other.group_id: set(led)}
