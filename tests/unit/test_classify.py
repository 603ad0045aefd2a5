"""What replies mean: a corpus in two languages, precedence, real ham, and hostile text."""

from __future__ import annotations

import random
import time
import tomllib
import unicodedata
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import table
from outreach.messaging.classify import ASKED, CLASSIFIER_VERSION, classify
from outreach.messaging.leanings import marks, shares
from outreach.messaging.phrases import parse_phrase, rows
from outreach.messaging.reading import read
from tests.oracles.leanings import learn, meaning, seen_in
from tests.oracles.replies import GOALS, Line, Miss, lines_of, misses_of, rates_of, reaches

HERE = Path(__file__).parent
GROUPS: list[dict[str, Any]] = tomllib.loads((HERE / "classify_corpus.toml").read_text(encoding="utf-8"))["group"]
FIRST = {"first_a": 15, "first_b": 30, "first_e": 50, "second": 60, "third": 51}
"""Corpora of writers who had not seen the rules, which were then made with them, and how many lines are still misread.

third has taught nothing yet; its first score stands in ADR 15. first_e is of opt-outs, traps and the intents that were
read worst, so not of all intents.

A ceiling: lower it when the rules get better.
"""
HAM = HERE.parents[1].parent / "shared" / "data" / "sms" / "SMSSpamCollection-dev-half.tsv"
INTENTS = frozenset(
    {"opt_out", "possible_opt_out", "opt_in", "help", "call", "script", "report", "pledge", "decline", "wrong_number"}
    | {"question", "language", "confirm", "deny", "other"}
)
OUTCOMES = frozenset({None, "spoke", "voicemail", "mailbox_full", "no_answer", "busy", "refused", "done"})

# Small talk of our own that must never be taken for an opt-out, for when the public corpus is not at hand.
SMALL_TALK = """
See you at the bus stop at five
I'm at the gas station, last stop before home
We can stop by the store after work
My phone will not stop ringing today lol
I had to quit my job last week
The weekend was great, we ended up at the lake
They canceled the game because of the rain
Can you remove the cake from the oven in ten minutes?
No more coffee for me thanks, I have had three
I left you a message yesterday about the picnic
Don't text and drive!
Send me the new number of the school
That movie never ends
He finally stopped snoring
What time does the party end?
Take off your shoes at the door
Stop being so funny
I can't stop laughing
Don't cancel on me again lol
Alto ahí, casi se me olvida el pastel
Para mí con leche, por favor
La parada del autobús está cerrada
Ya no hay más tamales
No me acuerdo a qué hora salimos
"""


@pytest.mark.parametrize(
    "group", GROUPS, ids=lambda g: f"{g['intent']}-{g['lang']}-{g.get('asked')}-{g.get('outcome')}"
)
def test_corpus(group: dict[str, Any]) -> None:
    wrong = []
    for text in group["texts"]:
        verdict = classify(text, group.get("asked"))
        right = (group["intent"], group.get("outcome"))
        wrong_lang = group["lang"] not in ("any", verdict.lang) and verdict.lang != "und"
        if (verdict.intent, verdict.outcome) != right or wrong_lang:
            wrong.append((text, verdict))
    assert not wrong


def test_the_corpus_is_large_enough() -> None:
    lines: Counter[tuple[str, str]] = Counter()
    for group in GROUPS:
        lines[group["intent"], group["lang"]] += len(group["texts"])
    first = {name: Counter((line.intent, line.lang) for line in first_corpus(name)) for name in FIRST}
    for intent in INTENTS:
        for lang in ("en", "es"):
            assert lines[intent, lang] >= 15, (intent, lang)
            assert all(first[name][intent, lang] >= 40 for name in FIRST if name != "first_e"), (intent, lang)


def first_corpus(name: str) -> list[Line]:
    return list(lines_of([HERE / "corpus" / f"{name}.toml"]))


@pytest.mark.parametrize("name", FIRST)
def test_other_peoples_lines_are_read_well(name: str) -> None:
    lines = first_corpus(name)
    misses = misses_of(lines)
    rates = rates_of(lines, misses)
    assert set(rates) == set(GOALS)
    assert reaches(rates), rates
    assert len(misses) <= FIRST[name], misses


def test_a_wrong_verdict_costs_its_rates() -> None:
    said = [Line("remove me please", None, "opt_out", None, "en"), Line("stop", None, "opt_out", None, "en")]
    other = [Line("thanks", None, "other", None, "en"), Line("busy", "call_report", "report", "busy", "en")]
    held = Miss(said[0], "possible_opt_out", None, "x")
    rates = rates_of(said + other, [held, Miss(said[1], "other", None, "x"), Miss(other[0], "opt_out", None, "x")])
    assert rates == {
        "words_obeyed": 0, "phrases_obeyed": 0, "phrases_obeyed_or_held": 1, "false_opt_outs": 0.5, "false_holds": 0,
        "intents": 0.25, "outcomes": 1,
    }  # fmt: skip
    assert not reaches(rates)


OPT_OUTS = """
please take me off this list
remove my number from your list
stop texting me
I no longer want to get these texts
do not contact this number again
no more messages from you
how do I unsubscribe
I want to opt out
ya no me manden mensajes
quítenme de la lista por favor
no quiero recibir más textos
dejen de escribirme
borren mi número
quiero darme de baja
""".strip().splitlines()
TRAPS = """
We must stop this bill
stop by my office any time
I won't stop calling until he signs
Can we cancel the sheriff's contract
When does it end
Take him off the ballot
no más deportaciones
alto a la migra
voy a salir tarde del trabajo
no dejen de luchar
""".strip().splitlines()
OPENINGS = ["", "Hi, ", "Please ", "ok ", "I am 80 years old and ", "My husband passed away, ", "Hola, ", "Disculpe, "]
CLOSINGS = ["", ".", "!!", " thanks", " gracias", " 🙏", ". God bless", " lol"]


def worn(text: str, dice: random.Random) -> str:
    """As a hurried thumb may send it: in capitals, without accents or marks, or with a long word's letters swapped."""
    kind = dice.randrange(5)
    if kind == 0:
        return text.upper()
    if kind == 1:
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        return plain.replace("'", "").replace(",", "")
    if kind == 2 and (long := [word for word in text.split() if len(word) >= 6 and word.isalpha()]):
        word = dice.choice(long)
        place = dice.randrange(1, len(word) - 2)
        return text.replace(word, word[:place] + word[place + 1] + word[place] + word[place + 2 :], 1)
    return text


@pytest.mark.parametrize("texts", [OPT_OUTS, TRAPS], ids=["opt-outs", "traps"])
def test_dress_changes_no_verdict(texts: list[str]) -> None:
    dice = random.Random(7)
    wrong = []
    for text, opening, closing in product(texts, OPENINGS, CLOSINGS):
        said = opening + worn(text, dice) + closing
        if (classify(said).intent == "opt_out") != (texts is OPT_OUTS):
            wrong.append(said)
    assert not wrong


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("STOP", "en"),
        ("ya no me escriban", "es"),
        ("please ya no me escriban mas", "es"),
        ("We will be at the meeting with our neighbors", "en"),
        ("vamos a estar en la reunión con los vecinos", "es"),
        ("1", "und"),
        ("2", "und"),
        ("👍", "und"),
        ("no", "und"),
        ("ok", "und"),
        ("", "und"),
    ],
)
def test_language(text: str, lang: str) -> None:
    assert classify(text).lang == lang


@pytest.mark.parametrize(
    ("text", "asked", "intent", "outcome"),
    [
        ("wrong number, left a voicemail, stop texting me", None, "opt_out", "voicemail"),
        ("no answer and this is spam", None, "possible_opt_out", "no_answer"),
        ("Wrong number. I left a message.", None, "wrong_number", None),
        ("yes, I left a voicemail", "pledge", "report", "voicemail"),
        ("STOP", "call_report", "opt_out", None),
        ("no, stop", "captain", "opt_out", None),
        ("YES", None, "opt_in", None),
        ("YES", "captain", "confirm", None),
        ("YES", "pledge", "pledge", None),
        ("YES", "opt_in", "opt_in", None),
        ("1", "captain", "confirm", None),
        ("1", None, "other", None),
        ("not interested", None, "possible_opt_out", None),
        ("not interested", "pledge", "possible_opt_out", None),
        ("listo", "captain", "confirm", None),
        ("listo", "call_report", "report", "done"),
        ("Don't call me", None, "opt_out", None),
        ("don't stop texting me", None, "other", None),
        ("They told me to stop calling", "call_report", "other", None),
        ("stop calling", "call_report", "opt_out", None),
        ("I called and asked the sheriff to stop working with ICE", None, "report", "done"),
        ("Left a message asking him to stop", None, "report", "voicemail"),
        ("he won't stop texting me", None, "other", None),
        ("wrong number STOP", None, "opt_out", None),
        ("take my # off", None, "opt_out", None),
        ("I will call in 3 weeks", None, "pledge", None),
        ("I will call in 3 weeks", "pledge", "pledge", None),
        ("¿Puedo llamar por la tarde?", None, "question", None),
        ("¿Puedo llamar por la tarde?", "pledge", "question", None),
        ("Can I call in the afternoon?", None, "question", None),
        ("please text me again", None, "opt_in", None),
        ("start texting me again", None, "opt_in", None),
        ("if you text me again I'll sue", None, "opt_out", None),
    ],
)
def test_precedence_and_questions(text: str, asked: str | None, intent: str, outcome: str | None) -> None:
    verdict = classify(text, asked)
    assert (verdict.intent, verdict.outcome) == (intent, outcome)


PER_SE = [
    "stop",
    "quit",
    "end",
    "revoke",
    "opt out",
    "cancel",
    "unsubscribe",
    "stopall",
    "optout",
    "alto",
    "parar",
    "basta",
    "no mas",
]
AROUND = st.sampled_from(
    [
        "{}",
        "{}.",
        "{}!!!",
        " {} ",
        "“{}”",
        "please {}",
        "{} por favor",
        "{} thanks",
        "{} {}",
        "{} 🙏",
        "({})",
        "\n{}\n",
        "ok {}",
    ]
)
CASES = st.sampled_from([str.lower, str.upper, str.title])


@given(st.sampled_from(PER_SE), AROUND, CASES, st.sampled_from(sorted(ASKED, key=str)))
def test_words_that_opt_out_per_se_always_do(word: str, around: str, case: Any, asked: str | None) -> None:
    assert classify(around.replace("{}", case(word)), asked).intent == "opt_out"


def test_an_unknown_question_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown question"):
        classify("1", "weather")


def opt_out_rates(texts: list[str]) -> tuple[float, float]:
    """Shares taken for an opt-out and for a possible one."""
    intents = Counter(classify(text).intent for text in texts)
    return intents["opt_out"] / len(texts), intents["possible_opt_out"] / len(texts)


def test_small_talk_is_not_taken_for_an_opt_out() -> None:
    traps = (HERE / "classify_traps.txt").read_text(encoding="utf-8").splitlines()
    assert opt_out_rates([*SMALL_TALK.strip().splitlines(), *traps]) == (0, 0)


def test_public_ham_is_hardly_ever_taken_for_an_opt_out() -> None:
    if HAM.exists():
        lines = [line.split("\t", 1) for line in HAM.read_text(encoding="utf-8").splitlines()]
        texts = [text for kind, text in lines if kind == "ham"]
    else:
        texts = SMALL_TALK.strip().splitlines()
    certain, possible = opt_out_rates(texts)
    assert certain < 0.005
    assert possible <= 0.02


HOSTILE = st.one_of(
    st.text(st.characters(), max_size=1600),
    st.lists(
        st.sampled_from(
            [
                "stop",
                "no",
                "me",
                "the",
                "texts",
                "left",
                "a",
                ".",
                ",",
                "don't",
                "ya",
                "escriban",
                "1",
                "?",
                "🛑",
                "\x00",
                "\ud800",
                "\u202e",
                "\u0301",
            ]
        ),
        max_size=800,
    )
    .map(" ".join)
    .map(lambda text: text[:1600]),
)


@settings(deadline=None)
@given(HOSTILE, st.sampled_from(sorted(ASKED, key=str)))
def test_hostile_text_is_classified_in_no_time(text: str, asked: str | None) -> None:
    started = time.process_time()
    verdict = classify(text, asked)
    assert time.process_time() - started < 1.0  # some 20 ms at worst on an idle machine
    assert verdict.intent in INTENTS
    assert verdict.outcome in OUTCOMES
    assert verdict.outcome is None or verdict.intent in ("report", "opt_out", "possible_opt_out")
    assert verdict.lang in ("en", "es", "und")
    assert 0 <= verdict.confidence <= 1


@pytest.mark.parametrize(
    "unit",
    ["no me ", "don't want to receive ", "stop ", "a", "?", "S.", "\u0301", "take me off of the ", "left him a "],
)
def test_long_repeats_take_time_in_proportion(unit: str) -> None:
    started = time.process_time()
    classify((unit * 1600)[:1600])
    classify(unit * 100_000)
    assert time.process_time() - started < 2.0


def test_a_typical_text_takes_microseconds() -> None:
    texts = [text for group in GROUPS for text in group["texts"]]
    started = time.process_time()
    for text in texts:
        classify(text)
    assert (time.process_time() - started) / len(texts) < 1e-3  # 30 to 60 us on an idle machine


@pytest.mark.parametrize(
    "text", ["ST\x00OP", "\u202eSTOP\u202c", "s\u200bt\u200co\u200dp", "st\u0301op", "ＳＴＯＰ", "‘stop’", "Stóp"]
)
def test_invisible_characters_hide_nothing(text: str) -> None:
    assert classify(text).intent == "opt_out"


def test_the_table_is_sound() -> None:
    rules = rows()
    known = {"id", "intent", "lang", "confidence", "outcome", "asked", "becomes", "clause", "alone", "words", "phrases"}
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) <= known | {"not_after", "unless", "without", "asking", "final"}, rule["id"]
        assert {rule["intent"], *rule.get("becomes", {}).values()} <= INTENTS
        assert rule.get("outcome") in OUTCOMES
        assert (rule.get("outcome") is not None) == (rule["intent"] == "report")
        assert {
            None if name == "null" else name for name in [*rule.get("asked", ()), *rule.get("becomes", ())]
        } <= ASKED
        for words in rule.get("words", ()):
            assert read(words).words == words.split(), f"{words!r} is not in normal form"
        for phrase in rule.get("phrases", ()):
            parse_phrase(phrase)
    assert CLASSIFIER_VERSION


def test_the_leanings_are_sound() -> None:
    written = table("leanings")
    intents = {each.partition(" ")[0] for each in written["meanings"]}
    outcomes = {each.partition(" ")[2] or None for each in written["meanings"]}
    assert intents == INTENTS
    assert outcomes == OUTCOMES
    told = shares(marks(read("llámele usted por mí al jefe").words, None, asking=False))
    assert max(told, key=told.__getitem__) == "call"
    assert sum(told.values()) == pytest.approx(1)


def test_leanings_are_learned_from_lines() -> None:
    lines = [Line(f"{word} {name}", None, intent, None, "en") for word, intent in (("zip", "help"), ("zap", "call"))
             for name in ("ann", "bob", "cat", "dan")]  # fmt: skip
    meanings, weights = learn(lines, others=[])
    assert meanings == sorted({meaning(line) for line in lines})
    place = meanings.index("help")
    assert weights["zip"][place] > 0 > weights["zap"][place]
    assert {"zip", "^ zip", "asked nothing", "long 1", "any"} <= seen_in(lines[0])


def test_the_table_is_in_normal_form() -> None:
    """A word of a phrase in another spelling would never be met: each is what a text with it is read as."""
    used = {word for rule in rows() for key in ("unless", "without", "not_after") for word in rule.get(key, ())}
    for rule in rows():
        for phrase in rule.get("phrases", ()):
            used.update(word for step in parse_phrase(phrase).steps for word in step.words or ())
    wrong = {word for word in used if not word.startswith("<") and read(word).words != [word]}
    assert not wrong


def test_a_phrase_needs_a_word_to_begin_with() -> None:
    for bad in ("* stop", ".. stop", "~a stop", "a?"):
        with pytest.raises(ValueError, match="begins with a word"):
            parse_phrase(bad)
