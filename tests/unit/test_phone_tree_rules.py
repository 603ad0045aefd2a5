"""A branch's next move, and the shape of trees: pure, so every case can be tried."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.core.segments import measure
from outreach.messaging.render import fill
from outreach.phone_tree.branches import Candidate, Placed, problems_of, put_in_branches, top_down
from outreach.phone_tree.forecast import Foresight, foresee
from outreach.phone_tree.models import TreeStep
from outreach.phone_tree.reads import status_of
from outreach.phone_tree.rules import NEXT, Facts, Move, Waits, decide
from outreach.phone_tree.texting import wording
from outreach.web.tree_words import is_overdue

NOW = datetime(2026, 12, 1, 19, tzinfo=UTC)
WAITS = Waits(timedelta(minutes=15), timedelta(minutes=30))
MINUTE = timedelta(minutes=1)
ASKED = Facts("asked", NOW, ask="posted", posted_at=NOW - 15 * MINUTE, may_ask_backup=True)

times = st.integers(-120, 120).map(lambda minutes: NOW + minutes * MINUTE)
facts = st.builds(
    Facts,
    state=st.sampled_from(sorted(NEXT)),
    deadline_at=st.none() | times,
    ask=st.sampled_from(["under_way", "held", "posted", "failed", "lost"]),
    posted_at=st.none() | times,
    may_ask=st.booleans(),
    may_ask_backup=st.booleans(),
    opens_at=st.none() | st.integers(1, 900).map(lambda minutes: NOW + minutes * MINUTE),
    declined=st.booleans(),
    paused=st.booleans(),
    closed=st.booleans(),
)


@given(facts)
def test_a_step_moves_only_as_the_table_says_and_asks_nobody_who_cannot_be_asked(known: Facts) -> None:
    move = decide(known, WAITS, NOW)
    if move is None:
        return
    assert move.state == known.state or move.state in NEXT[known.state]
    assert (move.deadline_at is None) == (not NEXT[move.state])
    assert move.deadline_at is None or move.deadline_at > NOW
    assert move.act != "ask" or known.may_ask
    assert move.act != "ask_backup" or known.may_ask_backup
    assert (move.act == "release") == (move.state == "routed_direct")
    assert not (known.closed and move.state != "stopped")
    if known.paused and not known.declined and known.ask != "lost":
        assert move.act == "nothing"


@given(facts)
def test_left_alone_every_step_is_decided(known: Facts) -> None:
    """Whoever stays silent while their hours are open is passed over within so many looks."""
    now, seen = NOW, replace(known, paused=False, opens_at=None, declined=False)
    if seen.state == "waiting" and seen.deadline_at is None:
        return  # the branch above decides
    for _ in range(20):
        if not NEXT[seen.state]:
            return
        now = max(now, seen.deadline_at or now)
        move = decide(seen, WAITS, now)
        asks = move is not None and move.act in {"ask", "ask_backup"}
        posted_at = now if asks or seen.posted_at is None else seen.posted_at
        state = seen.state if move is None else move.state
        seen = replace(
            seen, state=state, deadline_at=move.deadline_at if move else now, ask="posted", posted_at=posted_at
        )
    raise AssertionError(seen)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (Facts("waiting", NOW), Move("asked", NOW + 15 * MINUTE, "ask")),
        (Facts("waiting", None), None),
        (Facts("waiting", NOW, may_ask=False), Move("routed_direct", None, "release", "lost")),
        (ASKED, Move("nudged", NOW + 15 * MINUTE, "nudge")),
        (replace(ASKED, posted_at=NOW - 10 * MINUTE), Move("asked", NOW + 5 * MINUTE)),
        (replace(ASKED, ask="under_way"), Move("asked", NOW + 2 * MINUTE)),
        (replace(ASKED, ask="failed", deadline_at=NOW + 9 * MINUTE), Move("asked", NOW + 15 * MINUTE, "ask")),
        (replace(ASKED, ask="failed", deadline_at=NOW + 9 * MINUTE, paused=True), None),
        (replace(ASKED, opens_at=NOW + 60 * MINUTE), Move("asked", NOW + 75 * MINUTE)),
        (replace(ASKED, ask="held"), Move("backup_asked", NOW + 15 * MINUTE, "ask_backup", "silent")),
        (replace(ASKED, ask="lost", deadline_at=None), Move("backup_asked", NOW + 15 * MINUTE, "ask_backup", "lost")),
        (replace(ASKED, declined=True), Move("backup_asked", NOW + 15 * MINUTE, "ask_backup", "declined")),
        (replace(ASKED, state="nudged"), Move("backup_asked", NOW + 15 * MINUTE, "ask_backup", "silent")),
        (replace(ASKED, state="nudged", may_ask_backup=False), Move("routed_direct", None, "release", "silent")),
        (replace(ASKED, state="backup_asked"), Move("routed_direct", None, "release", "silent")),
        (replace(ASKED, paused=True), Move("asked", NOW + 2 * MINUTE)),
        (replace(ASKED, closed=True), Move("stopped", None)),
        (replace(ASKED, state="confirmed", closed=True), None),
    ],
)
def test_what_is_next(known: Facts, expected: Move | None) -> None:
    assert decide(known, WAITS, NOW) == expected


@given(
    st.lists(st.tuples(st.sampled_from(["", "85001", "85002", "85281", "85301"]), st.integers(0, 7)), max_size=120),
    st.integers(5, 12),
)
def test_everybody_is_in_one_branch_that_is_neither_too_large_nor_needlessly_small(
    living: list[tuple[str, int]], size: int
) -> None:
    people = [Candidate(number, area, merit) for number, (area, merit) in enumerate(living)]
    branches = put_in_branches(people, size)
    placed = [one for branch in branches for one in (branch.captain, *branch.members)]
    assert sorted(placed) == list(range(len(people)))
    for branch in branches:
        assert len(branch.members) <= 12
        assert len(branch.members) >= min(5, len(people) - 1)
        merits = {person: merit for person, (_, merit) in enumerate(living)}
        assert all(merits[branch.captain] >= merits[one] for one in branch.members)
        assert branch.backup == (branch.members[0] if branch.members else None)


def test_a_wrong_tree_says_what_is_wrong() -> None:
    sound = [Placed(1, 11, None, 12, "85001"), Placed(2, 12, 1, None, None)]
    assert problems_of(sound) == []
    wrong = {
        "tree_empty": [],
        "tree_person_twice": [*sound, Placed(3, 12, 1, None, None)],
        "tree_branch_unreachable": [*sound, Placed(3, 13, 4, None, None), Placed(4, 14, 3, None, None)],
        "tree_captain_of_nobody": [*sound, Placed(3, 13, None, None, None)],
        "tree_branch_too_large": [sound[0], *(Placed(n, 100 + n, 1, None, None) for n in range(2, 15))],
        "tree_backup_is_captain": [Placed(1, 11, None, 11, None), sound[1]],
    }
    for code, nodes in wrong.items():
        assert code in {problem.code for problem in problems_of(nodes)}
    assert [[one.id for one in level] for level in top_down([*sound, Placed(3, 13, 2, None, None)])] == [[1], [2], [3]]


@pytest.mark.parametrize("language", ["en", "es"])
def test_captains_get_two_segments_at_most(language: str) -> None:
    words = table("phone_tree")
    said = {
        "group": "Derechos Humanos Tucson Volunteers", "official": "Sheriff Guadalupe Montenegro",
        "policy": table("policies")["policies"][0]["text_name"][language],
        "count": fill(words["people"]["many"][language], {"number": "12"}),
        "link": f"https://outreach.people-power-volunteers.example/t/{'x' * 23}",
    }  # fmt: skip
    for kind in ("ask", "nudge", "backup", "started", "joined", "page", "declined", "over"):
        counted = measure(fill(words[kind][language], said))
        assert (counted.encoding, counted.segments <= 2) == ("GSM-7", True), (kind, counted)
    for kind, others in words["others"].items():
        counted = measure(fill(others[language], said))
        assert (counted.encoding, counted.segments <= 2) == ("GSM-7", True), (kind, counted)
        assert wording(kind, "letters") == others != wording(kind, "calls") == words[kind]
        assert not re.search(r"\b(CALL|LLAMAR)\b", others[language])
    for kind in ("ask", "nudge", "backup", "page"):
        assert "STOP" in words[kind]["en"]
        assert "ALTO" in words[kind]["es"]


def test_how_somebody_stands() -> None:
    assert status_of(None, "in", answered=False) == "waiting"
    assert status_of(None, "opted_out", answered=False) == "excluded"
    assert status_of("suppressed", "opted_out", answered=False) == "excluded"
    assert status_of("held", "in", answered=False) == "waiting"
    assert status_of("sent", "opted_out", answered=False) == "sent"
    assert status_of("failed", "number_bad", answered=False) == "missed"
    assert status_of("undelivered", "in", answered=True) == "reached"


def foreseen(minutes: int, *, captain: bool = True, backup: bool = True, at: datetime = NOW) -> None:
    """A tree of two levels of which nobody answers is texted after so many minutes."""
    nodes = [Placed(1, 1, None, 3, None), Placed(2, 2, 1, None, None), Placed(3, 3, 1, None, None)]
    zones = dict.fromkeys((1, 2, 3), "America/Phoenix")
    for person, may in ((1, captain), (3, backup)):
        if not may:
            del zones[person]
    found = foresee(nodes, zones, WAITS, at)
    assert (found.captains, found.people) == (captain, len(zones))
    assert found.last_at == at + minutes * MINUTE


def test_how_long_a_tree_takes_in_silence_is_what_the_moves_say() -> None:
    foreseen(45)
    foreseen(30, backup=False)
    foreseen(15, captain=False)
    foreseen(0, captain=False, backup=False)
    evening = NOW + timedelta(hours=8, minutes=40)  # 20:40 in Phoenix: the nudge finds them asleep
    foreseen(12 * 60 + 20 + 45, at=evening)  # from nine in the morning on


def test_what_can_never_be_texted_has_no_end() -> None:
    never = "America/Phoenix,Pacific/Guam,America/New_York,Europe/Madrid,Asia/Kolkata"
    assert foresee([Placed(1, 1, None, None, None), Placed(2, 2, 1, None, None)], {1: never, 2: never}, WAITS,
                   NOW).last_at is None  # fmt: skip
    assert foresee([], {}, WAITS, NOW) == Foresight(0, 0, None)


def test_who_is_overdue_is_said_of_who_was_asked() -> None:
    step = TreeStep(state="asked", deadline_at=NOW + MINUTE)
    assert not is_overdue(step, NOW)
    assert is_overdue(step, NOW + 2 * MINUTE)
    assert is_overdue(TreeStep(state="nudged", deadline_at=NOW + MINUTE), NOW)
    assert not is_overdue(TreeStep(state="backup_asked", reason="declined"), NOW)
    assert not is_overdue(TreeStep(state="confirmed"), NOW)
