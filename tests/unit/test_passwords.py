"""Which passwords are taken: long ones, of which more than somebody's name is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.accounts.passwords import SHORTEST, check_password, without_names
from outreach.core.errors import BadInputError

NAMES = ("walkadmin", "Dana Whitfield")
WORDS = st.lists(
    st.sampled_from(["correct", "horse", "battery", "staple", "purple"]), min_size=3, max_size=6, unique=True
)


def refused(password: str, *names: str | None) -> str:
    try:
        check_password(password, *names)
    except BadInputError as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_short"),
        ("password1234", "password_common"),
        ("Dana Whitfield", "password_is_name"),
        ("walkadmin password", "password_mostly_name"),
        ("WalkAdmin-Password-1", "password_mostly_name"),
        ("walkadminwalkadmin", "password_mostly_name"),
        ("danawhitfield2026", "password_mostly_name"),
        ("dana_password_whitfield", "password_mostly_name"),
        ("walkadmin Password1234", "password_common"),
        ("whitfield, welcome-2026 12345", ""),
        ("walkadmin likes green tea", ""),
        ("four words in a row", ""),
    ],
)
def test_a_name_in_a_password_counts_for_nothing(password: str, code: str) -> None:
    assert refused(password, *NAMES, None) == code


def test_two_letters_are_no_name_and_other_peoples_names_are_words() -> None:
    assert refused("jo majors joke", "jo", "Jo") == ""
    assert refused("walkadmin password", "rosa", "Rosa Paz") == ""
    assert without_names("four words in a row", "rosa") is None


@given(
    WORDS, st.sampled_from(["walkadmin", "dana", "Whitfield", "DANA WHITFIELD"]), st.sampled_from(["", " ", "-", "_"])
)
def test_a_name_makes_no_password_better_or_worse(words: list[str], name: str, between: str) -> None:
    without = "".join(words)
    said = between.join([*words, name])
    assert without_names(said, *NAMES) == without
    assert (refused(said, *NAMES) == "") == (len(without) >= SHORTEST and not refused(without))
