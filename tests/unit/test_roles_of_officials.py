"""Roles in Spanish: known ones in all their spellings, seats with their numbers, unknown ones as written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.core.plain import plain_text
from outreach.core.segments import GSM_BASIC
from outreach.officials.openstates import parse_officials
from outreach.officials.roles import Spelling, official_in, role_beside, role_in

ROOT = Path(__file__).parents[2]
FACTS = ROOT.parent / "shared" / "data" / "officials"
DEMO = ROOT / "config" / "demo" / "officials.csv"
ROLES = table("roles")["roles"]
ENGLISH = [english for role in ROLES for english in role["en"]]
SPELLINGS: tuple[Spelling, ...] = ("name", "text_name")
TODAY = date(2026, 1, 1)


def plain_words(text: str) -> str:
    """Without case and signs: what the lookup sets aside."""
    return "".join(char for char in text.casefold() if char.isalnum())


@pytest.mark.parametrize(
    ("role", "spanish"),
    [
        ("Police Chief", "jefe/a de policía"),
        ("CHIEF OF POLICE", "jefe/a de policía"),
        (" police_chief ", "jefe/a de policía"),
        ("Sheriff", "alguacil"),
        ("Sheriff’s Office", "oficina del alguacil"),
        ("D.A.", "fiscal de distrito"),
        ("District Attorney", "fiscal de distrito"),
        ("Councilwoman", "concejal"),
        ("State Senator, District 8", "senador/a estatal, distrito 8"),
        ("State Rep. (LD-8a)", "representante estatal, distrito 8A"),
        ("U.S. Representative, Congressional District 07", "congresista, distrito 07"),
        ("Council Member Ward 2", "concejal, distrito 2"),
        ("Ward 2 Council-Member", "concejal, distrito 2"),
        ("City Council Member, District A", "concejal, distrito A"),
        ("3rd District Supervisor", "supervisor/a, distrito 3"),
        ("Councilmember, Seat No. 3", "concejal, puesto 3"),
        ("At-Large Council Member", "concejal, sin distrito"),
        ("County Supervisor at Large", "supervisor/a del condado, sin distrito"),
        ("Interim Police Chief", "jefe/a de policía interino/a"),
        ("Acting Constable, Precinct 4", "condestable interino/a, precinto 4"),
    ],
)
def test_a_role_in_spanish(role: str, spanish: str) -> None:
    assert role_in(role, "es") == spanish
    assert role_in(role, "es", "text_name") == plain_text(spanish)
    assert role_in(role, "en") == role


@pytest.mark.parametrize(
    "role",
    ["", " ", "Dog Catcher", "District 8", "Ward 2", "Interim", "Acting Dog Catcher", "Dog Catcher, District 8",
     "At Large", "Mayor of Mesa", "Alcalde", "Mayor, District", "Police Chiefs", "State Senator, Districts 8 and 9"],
)  # fmt: skip
def test_an_unknown_role_stays_as_written(role: str) -> None:
    assert role_in(role, "es") == role


def test_english_writes_a_role_in_front_and_spanish_behind() -> None:
    assert official_in("Ana Ruiz", "Police Chief", "en") == "Police Chief Ana Ruiz"
    assert official_in("Ana Ruiz", "Police Chief", "es") == "Ana Ruiz (jefe/a de policía)"
    assert official_in("Ana Ruiz", "Police Chief", "es", "text_name") == "Ana Ruiz (jefe/a de policia)"
    assert [official_in("Ana Ruiz", "", language) for language in ("en", "es")] == ["Ana Ruiz", "Ana Ruiz"]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("City Council of Dry Wash", "City Council"),
        ("Dry Wash CITY COUNCIL", "City Council"),
        ("The City Council", "city  council"),
        ("Councilmember Ana Ruiz", "Council Member"),
        ("Council-Member Ana Ruiz", "Councilmember"),
        ("Sheriff's Office of Pima", "Sheriff’s Office"),
        ("Dog Catcher Ana Ruiz", "Dog Catcher"),
        ("Sindico Ana Ruiz", "Síndico"),
        ("SÍNDICO Ana Ruiz", "Sindico"),
    ],
)
def test_a_name_that_says_the_role_gets_no_other(name: str, role: str) -> None:
    assert official_in(name, role, "en") == name
    assert role_beside(name, role, "en") == ""
    if role_in(role, "es") == role:
        assert official_in(name, role, "es") == name


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Concejo Municipal de Mesa", "City Council"),
        ("Jefa de Policia Ana Ruiz", "Police Chief"),
        ("jefe de policía Luis Ruiz", "Chief of Police"),
        ("Alcaldesa Ana Ruiz", "Mayor"),
        ("Alcalde Luis Ruiz", "Mayor"),
        ("Senadora Estatal Ana Ruiz", "State Senator"),
    ],
)
def test_a_spanish_name_says_its_role_in_either_gender(name: str, role: str) -> None:
    for spelling in SPELLINGS:
        assert official_in(name, role, "es", spelling) == name
    assert official_in(name, role, "en") == f"{role} {name}"


def test_only_whole_words_say_a_role_and_only_in_the_language_that_is_spoken() -> None:
    assert official_in("Police Chiefs' Union", "Police Chief", "en") == "Police Chief Police Chiefs' Union"
    assert official_in("Ana Mayorga", "Mayor", "en") == "Mayor Ana Mayorga"
    assert (
        official_in("City Council of Dry Wash", "City Council", "es") == "City Council of Dry Wash (concejo municipal)"
    )


@given(
    role=st.sampled_from(ENGLISH),
    before=st.sampled_from(["", "The ", "Mesa, "]),
    after=st.sampled_from(["", " of Mesa", ", Ana Ruiz", " (Mesa)"]),
    change=st.sampled_from([str.upper, str.lower, str.title, lambda text: text.replace("e", "é")]),
)
def test_no_role_stands_twice_however_the_name_spells_it(
    role: str, before: str, after: str, change: Callable[[str], str]
) -> None:
    name = f"{before}{change(role)}{after}"
    assert official_in(name, role, "en") == name
    assert official_in("Xochitl", role, "en") == f"{role} Xochitl"


@given(name=st.text(max_size=60), role=st.text(max_size=40), language=st.sampled_from(["en", "es"]))
def test_a_role_is_said_whole_or_not_at_all(name: str, role: str, language: str) -> None:
    assert role_beside(name, role, language) in {"", role_in(role, language)}
    assert name.strip() in official_in(name, role, language)


def test_no_spelling_stands_twice_in_the_table() -> None:
    again = [words for words, times in Counter(map(plain_words, ENGLISH)).items() if times > 1]
    assert again == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role["en"][0])
def test_the_table_spells_spanish_for_pages_and_in_plain_letters_for_texts(role: dict[str, str]) -> None:
    assert role["es"] == role["es"].lower()
    assert role.get("text_es", role["es"]) == plain_text(role["es"])
    assert "text_es" not in role or role["text_es"] != role["es"]  # only where it differs


def test_every_word_that_may_come_with_a_role_is_plain() -> None:
    for part in ("places", "modifiers", "at_large"):
        assert all(GSM_BASIC.issuperset(spanish) for spanish in table("roles")[part].values())


@given(role=st.text(max_size=120), language=st.sampled_from(["en", "es", "fr"]))
def test_any_text_is_a_role(role: str, language: str) -> None:
    known = {plain_words(english) for english in ENGLISH}
    said = role_in(role, language)
    if not any(words in plain_words(role) for words in known):
        assert said == role
    assert official_in("Ana", role, language)


@given(
    role=st.sampled_from(ENGLISH),
    place=st.sampled_from(sorted(table("roles")["places"])),
    number=st.integers(min_value=1, max_value=9999),
    between=st.sampled_from([" ", ", ", " - ", " (", "_"]),
    upper=st.booleans(),
)
def test_a_seat_keeps_its_number_in_every_way_to_write_it(
    role: str, place: str, number: int, between: str, upper: bool
) -> None:
    alone, spanish = role_in(role, "es", "text_name"), table("roles")["places"][place]
    for written in (f"{role}{between}{place} {number}", f"{place} {number}{between}{role}"):
        said = role_in(written.upper() if upper else written, "es", "text_name")
        assert said == f"{alone}, {spanish} {number}"
        assert GSM_BASIC.issuperset(said)


def test_every_role_of_the_demo_is_known() -> None:
    roles = {official.role for official in parse_officials(DEMO, TODAY)}
    assert roles >= {"Police Chief", "Sheriff", "Mayor", "City Council", "State Senator", "State Representative"}
    assert [role for role in roles if role_in(role, "es") == role] == []


@pytest.mark.skipif(not FACTS.is_dir(), reason="the public lists of officials are not here")
@pytest.mark.parametrize(
    "name", ["openstates-az-legislators.csv", "openstates-people-az", "openstates-us-municipal-officials.csv"]
)
def test_every_role_of_the_public_lists_is_known(name: str) -> None:
    fit = [official.role for official in parse_officials(FACTS / name, TODAY) if official.problem is None]
    assert len(fit) >= 90
    assert {role for role in fit if role_in(role, "es") == role} == set()
