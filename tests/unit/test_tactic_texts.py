"""Every tactic's words in every tone, outcome, policy and language: what they cost, and that the lint passes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import product

import pytest

from config import table
from outreach.core.segments import measure
from outreach.escalations.lint import lint
from outreach.escalations.occasion import occasion_values
from outreach.escalations.spoken import check_spoken
from outreach.escalations.waves import WHO
from outreach.escalations.wording import (
    LANGUAGES,
    TACTICS,
    TONES,
    again_text,
    edited_fields,
    sample,
    subject,
    words_for,
)
from outreach.messaging.render import check_template, render
from tests.unit.test_default_drafts import FIRST_NAME, GROUP, OFFICIAL, OUTCOMES, POLICIES, values

KNOWN = {
    "event_at": datetime(2026, 12, 31, 1, 30, tzinfo=UTC).isoformat(), "event_zone": "America/Phoenix",
    "event_place": "Lake Havasu City Hall, 2330 McCulloch Blvd N", "event_link": "https://example.org/speak",
    "office_address": "County Hall, 301 W Jefferson St, Phoenix AZ 85003", "office_email": "supervisor@example.org",
    "newspaper": "Northern Maricopa Valley News", "newspaper_address": "letters@example.org", "word_limit": 200,
}  # fmt: skip
PERSON = {"first_name": FIRST_NAME, "city": "Lake Havasu City", "zip": "86403"}


def known(policy: int, language: str) -> dict[str, str]:
    return {**occasion_values(KNOWN, language), **values(policy, language)}


def test_every_list_of_tactics_names_the_same_ones() -> None:
    rules = table("ladder")
    assert set(TACTICS) == set(table("tactics")) == set(table("tactic_words")) - {"tone"}
    assert all(set(order) == set(TACTICS) for order in rules["orders"].values())
    assert set(rules["orders"]) == set(OUTCOMES)
    events = {tactic for tactic in TACTICS if "after_event_minutes" in table("tactics")[tactic]}
    assert events == {tactic for tactic in TACTICS if rules["tactics"][tactic]["event"]}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("tactic", TACTICS)
def test_a_tactics_words_are_plain_short_and_pass_the_lint(tactic: str, tone: str, language: str) -> None:
    assert known(1, language)["event_day"] == {"en": "Wed, Dec 30, 6:30 PM", "es": "mié, 30 dic, 6:30 p. m."}[language]
    for outcome, policy in product(OUTCOMES, POLICIES):
        said, words = known(policy, language), words_for(tactic, tone, outcome)
        text = render(words[f"text_{language}"] or "", said, PERSON, language)
        assert (measure(text).encoding, measure(text).segments <= 2) == ("GSM-7", True), (measure(text), text)
        found = lint(text, "text", language, said, tactic)
        assert [one.code for one in found if one.code != "reading"] == [], text
        assert text.count("?") == 1, text  # one ask
        for part in (GROUP, OFFICIAL[language], said["policy"], {"en": "SCRIPT", "es": "GUION"}[language]):
            assert part in text
        told = render(words[f"script_{language}"] or "", said, PERSON, language, kind="script")
        assert (measure(told).encoding, measure(told).segments <= 3) == ("GSM-7", True), (measure(told), told)
        assert lint(told, "script", language, said, tactic) == (), told
        assert "{" not in text + told
        if heard := words[f"spoken_{language}"]:
            check_spoken(heard)
            assert lint(render(heard, said, PERSON, language, kind="script"), "spoken", language, said, tactic) == ()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tactic", TACTICS)
def test_tones_differ_and_samples_can_be_filled(tactic: str, language: str) -> None:
    texts = {tone: words_for(tactic, tone, "declined") for tone in TONES}
    for field in (f"text_{language}", f"script_{language}"):
        assert len({words[field] for words in texts.values()}) == len(TONES)
    for tone in TONES:
        shown = f"{sample(tactic, tone, language)} {subject(tactic, language)}"
        check_template(shown)
        assert bool(shown.strip()) == (tactic != "calls")
        assert not re.search(r"(?<!\{)\{(?!\{)", shown)
    paper = render(sample("letters_to_editor", "ally", language), known(2, language), PERSON, language, kind="script")
    assert len(paper.split()) <= 150  # the shortest limit of a paper


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("tactic", TACTICS)
def test_a_further_text_of_a_tactic_passes(tactic: str, who: str, language: str) -> None:
    for policy in POLICIES:
        text = render(again_text(tactic, who, language), known(policy, language), PERSON, language)
        assert (measure(text).encoding, measure(text).segments <= 2) == ("GSM-7", True), (measure(text), text)
        found = lint(text, "text", language, known(policy, language), tactic)
        assert [one.code for one in found if one.code != "reading"] == [], text


def test_only_words_that_somebody_has_written_count_as_edited() -> None:
    words = words_for("letters", "ally", "evaded")
    assert edited_fields(words, "letters", "ally", "evaded") == ()
    assert edited_fields({**words, "text_es": "Hola"}, "letters", "ally", "evaded") == ("text_es",)
    assert edited_fields({**words, "spoken_en": None}, "letters", "ally", "evaded") == ()
    as_forms_send = {field: f"{text}\r\n" if text else text for field, text in words.items()}
    assert edited_fields(as_forms_send, "letters", "ally", "evaded") == ()


def test_a_call_says_the_tone_where_the_plain_one_stands() -> None:
    for tone, language in product(TONES, LANGUAGES):
        said = table("message_templates/tones")["of"][tone][language]
        words = words_for("calls", tone, "evaded")
        assert said in (words[f"script_{language}"] or "")
        assert said in (words[f"spoken_{language}"] or "")
