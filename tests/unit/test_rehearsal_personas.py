"""Personas: repeatable, in the promised shares, with words the carrier and the application must understand."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.messaging.breakers import too_many_opt_outs
from outreach.people.invented import people_csv
from outreach.rehearsal import optouts
from outreach.rehearsal.draws import between, fraction, pick, shuffled
from outreach.rehearsal.ledger import Ledger, Message
from outreach.rehearsal.personas import BY_NAME, DEFAULT, choose, default_weights, read_weights, reply_of, report_of
from outreach.rehearsal.phones import Phones
from outreach.story.play import SEED

NUMBERS = [f"+1{area}555{line:04d}" for area in (480, 520, 602, 702, 801) for line in range(100, 200)]


@given(st.integers(), st.text())
def test_draws_are_repeatable_fractions(seed: int, subject: str) -> None:
    drawn = fraction(seed, subject)
    assert 0 <= drawn < 1
    assert drawn == fraction(seed, subject)
    assert 2 <= between((2, 5), drawn) < 5
    assert pick("abc", seed, subject) in "abc"


@given(st.integers(), st.lists(st.integers()))
def test_shuffling_keeps_every_item(seed: int, items: list[int]) -> None:
    assert sorted(shuffled(items, seed, "x")) == sorted(items)


def test_draws_differ_by_seed_and_subject() -> None:
    assert len({fraction(seed, subject) for seed in range(50) for subject in range(50)}) == 2500


def test_default_weights_are_shares_per_thousand() -> None:
    weights = default_weights()
    assert sum(weights.values()) == 1000
    assert weights["stop"] == 27
    assert weights["report_digit"] + weights["report_words"] == 120
    assert weights["refused_21610"] + weights["refused_21614"] == 10


def test_a_thousand_numbers_bring_the_promised_replies() -> None:
    numbers = [f"+1{area}555{line:04d}" for area in (480, 520) for line in range(500)]
    for seed in range(1, 6):
        drawn = [choose(seed, number, default_weights()).name for number in numbers]
        assert drawn == [choose(seed, number, default_weights()).name for number in numbers]
        assert drawn.count("stop") >= 20
        assert drawn.count("report_digit") + drawn.count("report_words") >= 50
        assert set(drawn) >= {one.name for one in DEFAULT if one.weight} - {
            "undelivered_30007"
        }  # one in a thousand: not in every thousand


def test_seed_moves_the_personas() -> None:
    one, two = ([choose(seed, number, default_weights()).name for number in NUMBERS] for seed in (1, 2))
    assert one != two


@given(st.dictionaries(st.sampled_from(sorted(BY_NAME)), st.floats(0, 1000), min_size=1), st.sampled_from(NUMBERS))
def test_a_persona_without_weight_is_never_chosen(weights: dict[str, float], number: str) -> None:
    if sum(weights.values()) > 0:
        assert weights.get(choose(3, number, weights).name, 0) > 0


def test_words_are_as_their_persona_says() -> None:
    stops = BY_NAME["stop"].replies
    assert {optouts.keyword(word) for word in stops} == {"STOP", None}
    for name, kinds in {"report_digit": {None}, "free_text": {None}, "help": {"HELP", None}, "spanish": {None}}.items():
        assert {optouts.keyword(word) for word in BY_NAME[name].replies} == kinds
    assert "We must STOP this bill!" in BY_NAME["free_text"].replies


def test_replies_and_reports_are_repeatable() -> None:
    for persona in DEFAULT:
        reply, report = reply_of(persona, 5, NUMBERS[0]), report_of(persona, 5, NUMBERS[0])
        assert (reply in persona.replies) if persona.replies else reply is None
        assert (report in persona.reports) if persona.reports else report is None
        assert reply == reply_of(persona, 5, NUMBERS[0])


@pytest.mark.parametrize("given_weights", [{"nobody": 1}, {"stop": -1}, {"stop": "5"}, {"stop": True}, {"stop": 0}, {}])
def test_weights_that_make_no_sense_are_refused(given_weights: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"persona|weight"):
        read_weights(given_weights)


@pytest.mark.parametrize(
    ("text", "kind"), [(" stop ", "STOP"), ("OptOut", "STOP"), ("yes", "START"), ("Info\n", "HELP")]
)
def test_carrier_words_alone_count(text: str, kind: str) -> None:
    assert optouts.keyword(text) == kind
    assert optouts.keyword(f"please {text}") is None


def outbound(ledger: Ledger, number: str, now: float, direction: str = "outbound-api") -> Message:
    return ledger.add_message(direction=direction, to=number, body="x", status="delivered", now=now)


def test_owner_replies_once_and_reports_when_the_answer_has_come() -> None:
    ledger, phones, number = Ledger(), Phones(1, {"script": 1}), NUMBERS[0]
    first = outbound(ledger, number, 10)
    assert phones.owner_reaction(first, 11) in BY_NAME["script"].replies
    assert phones.owner_reaction(outbound(ledger, number, 10.5), 12) is None, "it was on its way before the reply"
    assert phones.owner_reaction(outbound(ledger, number, 13, "outbound-reply"), 14) in BY_NAME["script"].reports
    assert phones.owner_reaction(outbound(ledger, number, 15), 16) is None


@pytest.mark.parametrize("name", ["script_asked", "pledge"])
def test_who_waits_to_be_asked_reports_to_the_question_and_once(name: str) -> None:
    ledger, phones, number = Ledger(), Phones(1, {name: 1}), NUMBERS[0]
    assert phones.owner_reaction(outbound(ledger, number, 10), 11) in BY_NAME[name].replies
    assert phones.owner_reaction(outbound(ledger, number, 12, "outbound-reply"), 13) is None, "our answer asks nothing"
    assert phones.owner_reaction(outbound(ledger, number, 1900), 1901) in BY_NAME[name].reports
    assert phones.owner_reaction(outbound(ledger, number, 9000), 9001) is None


def test_owner_does_not_react_to_an_answer_first() -> None:
    phones = Phones(1, {"stop": 1})
    assert phones.owner_reaction(outbound(Ledger(), NUMBERS[0], 1, "outbound-reply"), 2) is None


def test_opt_out_follows_the_persona_until_the_owner_decides() -> None:
    phones = Phones(1, {"delivered": 1})
    phones.change(None, {NUMBERS[0]: "refused_21610", NUMBERS[1]: "refused_21614"})
    assert phones.get(NUMBERS[0]).refusal == 21610
    assert phones.get(NUMBERS[1]).refusal == 21614
    assert phones.obey(NUMBERS[0], "START") == "START"
    assert phones.get(NUMBERS[0]).refusal is None
    phones.obey(NUMBERS[2], "stop")
    assert phones.get(NUMBERS[2]).opted_out
    phones.change({"stop": 1}, {})
    assert phones.get(NUMBERS[2]).persona.name == "stop"
    assert phones.get(NUMBERS[2]).opted_out


def test_of_the_storys_people_never_so_many_opt_out_that_it_halts() -> None:
    people = csv.DictReader(people_csv(5000, SEED).decode("utf-8-sig").splitlines())
    opted_out, weights = 0, default_weights()
    for texted, row in enumerate(people, start=1):
        number = "+1" + "".join(filter(str.isdigit, row["Mobile Phone"]))[-10:]
        opted_out += choose(SEED, number, weights).name == "stop"
        assert not too_many_opt_outs(texted, opted_out + 2), texted  # two: words that are held, the order of answers
        assert texted != 1000 or opted_out >= 20
