"""A call from the first ring to the last word, by every key: it ends, and dials only who may be dialled."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.calls.flow import (
    ANSWER_KEYS,
    AT_GREETING,
    OUTCOME_KEYS,
    TO_OFFICES,
    Facts,
    Greeting,
    Heard,
    Line,
    Note,
    Place,
    Turn,
    take,
)
from outreach.calls.subject import facts_of_test
from outreach.calls.twiml import RING_SECONDS, TIME_LIMIT, document, send_digits

SAID = {
    "group": "Testers", "official": {"en": "Chief Dana", "es": "la jefa"}, "policy": {"en": "Rule", "es": "Regla"},
    "script": {"en": "My name is Ana.", "es": "Me llamo Ana."},
}  # fmt: skip
ANSWERED = Heard("answered")
OURS = "+16025550100"
KEYS = st.sampled_from(["", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "12", "x"])
ENDS = st.sampled_from(["completed", "answered", "busy", "no-answer", "failed", "canceled", "", "strange"])
STATUSES = st.sampled_from(["open", "closed", "all_busy", "gone"])


def office(number: int, status: str = "open", extension: str | None = None) -> Line:
    return Line(number, f"Office {number}", f"+1602555010{number}", extension, status, "Monday at 8")  # type: ignore[arg-type]


def facts(*lines: Line, greeting: Greeting = "greeting", test: bool = False) -> Facts:
    said = {"en": "My name is Ana.", "es": "Me llamo Ana."}
    return Facts(
        "Testers",
        "Chief Dana",
        {"en": "Rule", "es": "Regla"},
        said,
        lines,
        greeting,
        test,
        {"en": "8 people", "es": "8 personas"},
    )


def heard(keys: str) -> Heard:
    return Heard("keys", keys=keys)


def left(status: str) -> Heard:
    return Heard("dialed", status=status, seconds=20)


def play(about: Facts, *told: Heard) -> Turn:
    turn = take(Place(), ANSWERED, about)
    for one in told:
        turn = take(turn.place, one, about)
    return turn


def phrases(turn: Turn) -> list[str]:
    return [say.phrase for say in turn.says]


def xml(turn: Turn, about: Facts) -> ElementTree.Element:
    said = document(turn, about, action="https://x/next", caller_id=OURS, status_callback="https://x/leg")
    return ElementTree.fromstring(said)  # noqa: S314  our own words


def test_the_whole_way() -> None:
    about = facts(office(1, extension="7"))
    assert phrases(play(about)) == ["greeting"]
    assert phrases(play(about, heard("1"))) == ["script"]
    turn = play(about, heard("1"), heard(""))
    assert turn.dial is not None
    assert turn.dial.line.office_id == 1
    assert turn.notes == (Note("dialed"),)
    asked = play(about, heard("1"), heard("1"), left("completed"))
    assert (phrases(asked), asked.notes) == (["how_was_it"], (Note("ended", "completed"),))
    spoke = play(about, heard("1"), heard("1"), left("completed"), heard("1"))
    assert (phrases(spoke), spoke.notes) == (["what_did_they_say"], (Note("reported", "spoke"),))
    done = play(about, heard("1"), heard("1"), left("completed"), heard("1"), heard("2"))
    assert (phrases(done), done.notes, done.place.stage) == (["thanks"], (Note("answered", "no"),), "over")


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_an_office_that_does_not_pick_up_is_followed_by_the_next(status: str) -> None:
    turn = play(facts(office(1), office(2, "closed"), office(3)), heard("1"), heard("1"), left(status))
    assert turn.dial is not None
    assert turn.dial.line.office_id == 3
    assert turn.notes == (Note("ended", status), Note("dialed"))
    alone = play(facts(office(1)), heard("1"), heard("1"), left(status))
    assert (phrases(alone), alone.dial) == (["could_not_connect", "thanks"], None)


@pytest.mark.parametrize(("key", "again"), [("2", False), ("3", True), ("4", True), ("5", False)])
def test_a_full_mailbox_is_followed_by_the_next_office_too(key: str, again: bool) -> None:
    turn = play(facts(office(1), office(2)), heard("1"), heard("1"), left("completed"), heard(key))
    assert (turn.dial is not None) == again
    assert Note("reported", OUTCOME_KEYS[key]) in turn.notes


def test_nine_opts_out_wherever_it_is_pressed() -> None:
    about = facts(office(1))
    for way in ([], ["1"], ["1", "1", "|"], ["1", "1", "|", "1"]):
        told = [left("completed") if key == "|" else heard(key) for key in way]
        turn = play(about, *told, heard("9"))
        assert (turn.notes, turn.place.stage, turn.dial) == ((Note("opt_out"),), "over", None)


def test_a_machine_presses_nothing_and_is_left_alone() -> None:
    turn = play(facts(office(1)), heard(""), heard(""), heard(""))
    assert (phrases(turn), turn.dial) == (["nobody_there"], None)


def test_a_closed_office_can_be_called_for_a_message_or_later() -> None:
    about = facts(office(1, "closed"))
    assert phrases(play(about, heard("1"))) == ["closed"]
    assert play(about, heard("1"), heard("1")).dial is not None
    assert play(about, heard("1"), heard("2")).notes == (Note("call_later", "closed"),)
    full = facts(office(1, "closed"), office(2, "all_busy"))
    assert phrases(play(full, heard("1"))) == ["all_busy"]
    assert play(full, heard("1"), heard("1")).dial is None  # nobody is put on a line that has none left
    assert phrases(play(facts(office(1, "gone")), heard("1"))) == ["over"]
    assert phrases(play(facts(), heard("1"))) == ["over"]


def test_an_office_removed_during_the_script_is_not_dialled() -> None:
    turn = play(facts(office(1)), heard("1"))
    gone = take(turn.place, heard("1"), facts(office(1, "gone")))
    assert (phrases(gone), gone.dial) == (["over"], None)


def test_spanish_throughout() -> None:
    about = facts(office(1))
    turn = play(about, heard("2"))
    assert turn.notes == (Note("language", "es"),)
    for way in ([], ["1"], ["1", "1", "|"], ["1", "1", "|", "1"], ["1", "1", "|", "2"]):
        told = [left("completed") if key == "|" else heard(key) for key in way]
        said = xml(play(about, heard("2"), *told), about)
        assert {say.get("language") for say in said.iter("Say")} == {"es-MX"}


def test_a_test_is_put_through_to_nobody_and_asks_its_questions() -> None:
    about = facts_of_test(SAID, [1, 2], "en")
    assert phrases(play(about, heard("1"))) == ["script"]
    turn = play(about, heard("1"), heard("1"))
    assert (phrases(turn), turn.asks, turn.dial) == (["test_office", "how_was_it"], True, None)
    assert "Here we would connect the caller to the office of Chief Dana." in "".join(xml(turn, about).itertext())
    assert phrases(play(about, heard("1"), heard(""), heard("1"))) == ["what_did_they_say"]
    another = play(about, heard("1"), heard(""), heard("3"))
    assert (phrases(another), another.place.line) == (["next_office", "test_office", "how_was_it"], 1)
    done = play(about, heard("1"), heard(""), heard("1"), heard("3"))
    assert (phrases(done), done.place.stage) == (["thanks"], "over")
    spanish = facts_of_test(SAID, [1], "es")
    words = "".join(xml(play(spanish, heard("2"), heard("1"), heard("1")), spanish).itertext())
    assert "Aquí comunicaríamos a la persona con la oficina de la jefa." in words


@given(
    st.lists(STATUSES, max_size=4), st.lists(st.one_of(KEYS.map(heard), ENDS.map(left)), max_size=40),
    st.sampled_from(sorted(AT_GREETING)), st.booleans(),
)  # fmt: skip
def test_every_way_through_a_call(statuses: list[str], told: Iterable[Heard], greeting: Greeting, test: bool) -> None:
    test = test and greeting in TO_OFFICES
    about = facts(*(office(number, status) for number, status in enumerate(statuses)), greeting=greeting, test=test)
    turn = take(Place(), ANSWERED, about)
    dialed: list[int] = []
    for one in told:
        was, turn = turn, take(turn.place, one, about)
        assert not (test and turn.dial)
        if greeting not in TO_OFFICES:
            assert turn.place.stage in {"greeting", "office", "over"}
            assert not {note.what for note in turn.notes} & {"reported", "answered", "call_later"}
            assert not turn.dial or (greeting == "member" and turn.dial.line == about.lines[0])
        if turn.dial:
            assert turn.dial.line.status in {"open", "closed"}
            assert turn.dial.line.status == "open" or (was.place.stage == "closed" and one.keys == "1")
            dialed.append(turn.dial.line.office_id)
        root = xml(turn, about)
        last = list(root)[-1]
        assert {child.tag for child in root} <= {"Say", "Gather", "Dial", "Hangup"}
        assert last.tag == ("Gather" if turn.asks else "Dial" if turn.dial else "Hangup")
        for dial in root.iter("Dial"):
            assert (dial.get("callerId"), dial.get("timeLimit")) == (OURS, str(TIME_LIMIT))
            assert (dial.get("action"), dial.get("record")) == ("https://x/next", "do-not-record")
            assert dial.get("timeout") == str(RING_SECONDS)
        for gather in root.iter("Gather"):
            assert gather.get("actionOnEmptyResult") == "true"
        assert all((say.text or "").strip() for say in root.iter("Say"))
        assert not root.findall(".//Record")
    if turn.place.stage == "over":
        assert not turn.asks


@given(st.lists(STATUSES, max_size=3))
def test_whoever_presses_nothing_gets_to_the_end(statuses: list[str]) -> None:
    about = facts(*(office(number, status) for number, status in enumerate(statuses)))
    for keys in ("", "1", "0", "2", "3", "7"):
        turn = take(Place(), ANSWERED, about)
        for _ in range(60):
            if turn.place.stage == "over":
                break
            turn = take(turn.place, left("no-answer") if turn.dial else heard(keys), about)
        assert (
            turn.place.stage == "over" or keys == "2"
        )  # who changes the language for ever hears the greeting for ever


def test_a_captain_leads_or_not_and_is_put_through_to_nobody() -> None:
    about = facts(greeting="captain")
    said = "".join(xml(play(about), about).itertext())
    assert "Chief Dana and the Rule" in said
    assert "captain for 8 people" in said
    leads, cannot = play(about, heard("1")), play(about, heard("2"), heard("3"))
    assert (phrases(leads), leads.notes) == (["captain_started"], (Note("leads", "confirm"),))
    assert (phrases(cannot), cannot.notes, cannot.place.language) == (
        ["captain_declined"], (Note("leads", "refuse"),), "es",
    )  # fmt: skip
    assert phrases(play(about, heard(""), heard(""), heard(""))) == ["captain_silent"]
    assert play(about, heard("9")).notes == (Note("opt_out"),)


@pytest.mark.parametrize(
    ("status", "words"), [("closed", "member_asleep"), ("all_busy", "member_often"), ("gone", "member_gone")]
)
def test_a_captain_is_put_through_to_one_of_theirs_unless_that_one_is_not_to_be_called(status: str, words: str) -> None:
    about = facts(office(1), greeting="member")
    dialed = play(about, heard("1"))
    assert (phrases(dialed), dialed.dial is not None, dialed.notes) == (["connecting"], True, (Note("dialed"),))
    over = play(about, heard("1"), left("completed"))
    assert (phrases(over), over.notes, over.asks) == (["member_thanks"], (Note("ended", "completed"),), False)
    assert phrases(play(about, heard("1"), left("no-answer"))) == ["member_silent"]
    unable = play(facts(office(1, status), greeting="member"), heard("1"))
    assert (phrases(unable), unable.dial, unable.place.stage) == ([words], None, "over")


def test_an_extension_is_dialled_after_a_pause() -> None:
    assert send_digits("7") == "wwww7"
    assert send_digits("ext. 12#") == "wwww12#"
    assert send_digits(None) is None
    assert send_digits("front desk") is None
    about = facts(office(1, extension="7"))
    dial = xml(play(about, heard("1"), heard("1")), about).find("Dial")
    assert dial is not None
    number = dial.find("Number")
    assert number is not None
    assert (number.text, number.get("sendDigits")) == ("+16025550101", "wwww7")


def test_the_keys_are_those_that_are_read_out() -> None:
    assert set(OUTCOME_KEYS) == set("12345")
    assert set(ANSWER_KEYS) == set("123")


@given(st.lists(st.builds(Heard, st.just("keys"), KEYS) | st.builds(Heard, st.just("dialed"), st.just(""), ENDS)))
def test_once_the_official_has_committed_nobody_new_is_put_through_and_who_talks_goes_on(told: list[Heard]) -> None:
    """Wherever a call is when the stand-down comes, and for each of its greetings."""
    for greeting in AT_GREETING:
        for stage in ("greeting", "script", "closed", "all_busy"):
            won = facts(office(1), office(2), greeting=greeting)._replace(won=True)
            turn = take(Place(stage), heard("1"), won)
            assert [say.phrase for say in turn.says] == ["stood_down"]
            assert turn.dial is None
            assert take(Place(stage), heard("9"), won).notes == (Note("opt_out"),)
    before = play(facts(office(1)), heard("1"), heard("1"))
    assert before.dial is not None
    lost = facts(office(1, "gone"))._replace(won=True)
    after = take(before.place, left("completed"), lost)
    assert [say.phrase for say in after.says] == ["how_was_it"]
    place = after.place
    for one in told:
        turn = take(place, one, lost)
        assert turn.dial is None
        place = turn.place
