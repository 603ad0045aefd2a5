"""What replies mean: a corpus in two languages, precedence, real ham, and hostile text."""

from __future__ import annotations

import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.messaging.classify import ASKED, CLASSIFIER_VERSION, classify
from outreach.messaging.phrases import parse_phrase, rows
from outreach.messaging.reading import read

HERE = Path(__file__).parent
GROUPS: list[dict[str, Any]] = tomllib.loads((HERE / "classify_corpus.toml").read_text(encoding="utf-8"))["group"]
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
    for intent in INTENTS:
        for lang in ("en", "es"):
            assert lines[intent, lang] >= 15, (intent, lang)


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
        ("not interested", "pledge", "decline", None),
        ("listo", "captain", "confirm", None),
        ("listo", "call_report", "report", "done"),
        ("Don't call me", None, "opt_out", None),
        ("don't stop texting me", None, "other", None),
        ("They told me to stop calling", "call_report", "other", None),
        ("stop calling", "call_report", "opt_out", None),
        ("I called and asked the sheriff to stop working with ICE", None, "report", "done"),
        ("Left a message asking him to stop", None, "report", "voicemail"),
        ("he won't stop texting me", None, "other", None),
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
    assert opt_out_rates(SMALL_TALK.strip().splitlines()) == (0, 0)


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
        assert set(rule) <= known | {"not_after", "unless"}, rule["id"]
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


def test_a_phrase_needs_a_word_to_begin_with() -> None:
    for bad in ("* stop", ".. stop", "~a stop", "a?"):
        with pytest.raises(ValueError, match="begins with a word"):
            parse_phrase(bad)
