"""Every default draft, in every combination: what it costs, what it says, and that the lint lets it pass."""

from __future__ import annotations

import re

import pytest

from config import table
from outreach.core.segments import GSM_BASIC, measure
from outreach.escalations.drafts import policy_name
from outreach.escalations.lint import lint
from outreach.escalations.spoken import check_spoken, seconds_to_hear, usual_words
from outreach.messaging.page_links import with_link
from outreach.messaging.render import fill, render
from outreach.officials.roles import official_in, role_in

GROUP = "People Power of Northern Maricopa Valley"
NAME, ROLE = "Maximiliana Featherstone-Oliveros", "County Supervisor at Large"
OFFICIAL = {language: official_in(NAME, ROLE, language, "text_name") for language in ("en", "es")}
FIRST_NAME = "Maximilianna"
OUTCOMES = ("declined", "evaded", "no_meeting", "unreasonable_conditions")
POLICIES = tuple(range(1, 10))
LANGUAGES = ("en", "es")
ACTIONS = {"en": ("CALL", "SCRIPT", "STOP"), "es": ("LLAMAR", "GUION", "ALTO")}


def values(policy: int, language: str) -> dict[str, str]:
    return {
        "group": GROUP,
        "official": OFFICIAL[language],
        "role": role_in(ROLE, language, "text_name"),
        "policy": policy_name(policy, language, "text_name"),
        "office_phone": "(602) 555-0142 ext 12345",
    }


def filled(template: str, policy: int, language: str, kind: str = "text") -> str:
    person = {"first_name": FIRST_NAME, "city": "Lake Havasu City", "zip": "86403"}
    return render(template, values(policy, language), person, language, kind=kind)


def test_the_longest_names_are_as_long_as_they_claim() -> None:
    assert (len(GROUP), len(OFFICIAL["en"]), len(OFFICIAL["es"]), len(FIRST_NAME)) == (40, 60, 74, 12)


def test_the_outcomes_are_those_of_the_file() -> None:
    assert set(table("message_templates/calls")) == {*OUTCOMES, "script"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_draft_is_two_plain_parts_at_most_and_says_what_a_first_text_must(
    outcome: str, policy: int, language: str
) -> None:
    body = filled(table("message_templates/calls")[outcome][language], policy, language)
    cost = measure(body)
    assert (cost.encoding, cost.segments <= 2) == ("GSM-7", True), (cost, body)
    found = lint(body, "text", language, values(policy, language))
    assert [one.code for one in found if one.code != "reading"] == []  # long names alone make a text hard
    for words in (
        FIRST_NAME,
        GROUP,
        OFFICIAL[language],
        policy_name(policy, language, "text_name"),
        *ACTIONS[language],
    ):
        assert words in body
    assert body.count("?") == 1  # one ask
    assert re.search(r"\b(volunteer|voluntari)", body)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("policy", POLICIES)
def test_a_script_is_in_plain_characters(policy: int, language: str) -> None:
    body = filled(table("message_templates/calls")["script"][language], policy, language, "script")
    cost = measure(body)
    assert (cost.encoding, cost.segments <= 3) == ("GSM-7", True), (cost, body)
    assert lint(body, "script", language, values(policy, language)) == ()
    link = f"https://outreach.people-power.example.org/s/{'x' * 23}"
    longer = with_link(body, link, language)
    assert longer.endswith(link)
    assert measure(longer)[:2] == ("GSM-7", 3), longer
    for length in (459, 1_590):  # a fourth part, or more than a text may hold
        assert with_link("x" * length, link, language) == "x" * length


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("policy", POLICIES)
def test_what_a_caller_hears_is_short_and_passes(policy: int, language: str) -> None:
    template = usual_words(f"spoken_{language}")
    check_spoken(template)
    body = filled(template, policy, language, "script")
    assert lint(body, "spoken", language, values(policy, language)) == ()
    assert seconds_to_hear(body) <= 20, body


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policys_name_for_texts_is_short_plain_and_its_own(policy: int) -> None:
    for language in LANGUAGES:
        name = policy_name(policy, language, "text_name")
        assert GSM_BASIC.issuperset(name)
        assert len(name) <= 45
        assert [policy_name(other, language, "text_name") for other in POLICIES].count(name) == 1
    assert policy_name(policy, "en", "text_name").endswith("Rule")
    assert policy_name(policy, "es", "text_name").startswith("Regla ")


@pytest.mark.parametrize("role", [english for role in table("roles")["roles"] for english in role["en"]])
def test_a_spanish_draft_is_two_plain_parts_for_whoever_holds_the_office(role: str) -> None:
    name, calls = "Esperanza Gutierrez-Lopez", table("message_templates/calls")
    for policy in POLICIES:
        spoken = {**values(policy, "es"), "official": official_in(name, role, "es", "text_name")}
        for outcome in (*OUTCOMES, "script"):
            kind = "script" if outcome == "script" else "text"
            person = {"first_name": FIRST_NAME, "city": "Lake Havasu City", "zip": "86403"}
            body = render(calls[outcome]["es"], spoken, person, "es", kind=kind)
            cost = measure(body)
            assert (cost.encoding, cost.segments <= (3 if kind == "script" else 2)) == ("GSM-7", True), (cost, body)
            assert [one.code for one in lint(body, "text", "es", spoken) if one.code == "official_named"] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", table("message_templates/answers"))
def test_a_fixed_answer_is_one_plain_part(kind: str, language: str) -> None:
    body = fill(
        table("message_templates/answers")[kind][language], {
            "group": GROUP, "number": "(480) 555-0100", "most": "3",
            "when": {"en": "Wednesday at 10:00 AM MST", "es": "el miércoles a las 10:00 a. m. MST"}[language],
        },
    )  # fmt: skip
    cost = measure(body)
    assert (cost.encoding, cost.segments) == ("GSM-7", 1), (cost, body)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tactic", table("tactics"))
def test_what_a_tactic_says_is_plain_short_and_says_how_to_stop(tactic: str, language: str) -> None:
    row = table("tactics")[tactic]
    bodies = {kind: fill(row[kind][language], values(5, language)) for kind in ("ask", "remind", "pledge")}
    assert len(set(bodies.values())) == 3  # the same words twice would be a doubled text
    for body in bodies.values():
        assert (measure(body).encoding, measure(body).segments <= 2) == ("GSM-7", True), (measure(body), body)
        assert GROUP in body
        assert OFFICIAL[language] in body
        assert re.search(r"\b(volunteer|Voluntari)", body)
        assert {"en": "STOP", "es": "ALTO"}[language] in body
    for kind in ("ask", "remind"):
        assert set(re.findall(r"\b[1-9]\b", bodies[kind])) == set(row["digits"]), bodies[kind]
    thanks = fill(row["thanks"][language], {"group": GROUP, "number": "12345"})
    assert measure(thanks)[:2] == ("GSM-7", 1), thanks


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", table("message_templates/canned"))
def test_an_answer_to_start_from_is_one_plain_part(key: str, language: str) -> None:
    body = table("message_templates/canned")[key]["text"][language]
    assert measure(body)[:2] == ("GSM-7", 1), body


def test_spanish_texts_say_texto_and_open_what_they_close() -> None:
    answers = [row["es"] for row in table("message_templates/answers").values()]
    canned = [row["text"]["es"] for row in table("message_templates/canned").values()]
    calls = [row["es"] for row in table("message_templates/calls").values()]
    for body in (*answers, *canned, *calls):
        assert body.count("!") == body.count("¡")
        assert body.count("?") == body.count("¿")
        assert not re.search(r"\b(sms|operadora|telefono|mas)\b", body, re.IGNORECASE)
