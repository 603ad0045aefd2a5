"""Tokens of links: what was made is read again, and nothing else is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from outreach.core.short_tokens import LENGTH, NUMBER_BYTES, key_for, make_token, read_token

KEY = key_for("s" * 40, "one thing")
NUMBERS = st.integers(0, 2 ** (8 * NUMBER_BYTES) - 1)
CHARACTERS = st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_é\n ")


@limits(max_examples=150, deadline=None)
@given(number=NUMBERS, place=st.integers(0, LENGTH - 1), character=CHARACTERS)
def test_a_token_is_its_numbers_and_any_changed_character_makes_it_nobodys(
    number: int, place: int, character: str
) -> None:
    token = make_token(KEY, number)
    assert (len(token), token.isalnum(), token.isascii()) == (LENGTH, True, True)
    assert read_token(KEY, token) == number
    changed = token[:place] + character + token[place + 1 :]
    assert read_token(KEY, changed) == (number if changed == token else None)
    assert read_token(KEY, token + character) is read_token(KEY, token[1:]) is None
    assert read_token(key_for("s" * 40, "another"), token) is None
    assert read_token(key_for("t" * 40, "one thing"), token) is None


@limits(max_examples=100, deadline=None)
@given(text=st.text(max_size=40) | st.from_regex(r"[0-9A-Za-z]{23}", fullmatch=True))
def test_no_other_text_is_a_token(text: str) -> None:
    assert read_token(KEY, text) is None


def test_neighbours_have_nothing_in_common() -> None:
    tokens = [make_token(KEY, number) for number in range(200)]
    assert len({token[:4] for token in tokens}) > 190
    assert len({token[-4:] for token in tokens}) > 190
