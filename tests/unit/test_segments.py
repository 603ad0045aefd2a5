"""The cost of a text, against hand-made vectors and a slow oracle that packs one character after another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core.segments import Measure, measure

# Written out once more, from the tables of GSM 03.38, so that a slip in the module's own set shows.
ORACLE_BASIC = {
    *"@£$¥èéùìòÇ\nØø\rÅå",
    *"Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ",
    *(chr(code) for code in range(0x20, 0x40) if chr(code) != "$"),
    *"¤¡ÄÖÑÜ§¿äöñüà",
    *(chr(code) for code in range(0x41, 0x5B)),
    *(chr(code) for code in range(0x61, 0x7B)),
}
ORACLE_EXTENSION = {"\f", "^", "{", "}", "\\", "[", "~", "]", "|", "€"}


def oracle(text: str) -> Measure:
    """Packs greedily, one character at a time; a surrogate pair written as two code points counts as one."""
    chars = list(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass"))
    gsm = all(char in ORACLE_BASIC or char in ORACLE_EXTENSION for char in chars)
    costs = [1 + (char in ORACLE_EXTENSION if gsm else ord(char) > 0xFFFF) for char in chars]
    alone, part = (160, 153) if gsm else (70, 67)
    units = sum(costs)
    if units <= alone:
        return Measure("GSM-7" if gsm else "UCS-2", int(bool(units)), units)
    parts, room = 1, part
    for cost in costs:
        if cost > room:
            parts, room = parts + 1, part
        room -= cost
    return Measure("GSM-7" if gsm else "UCS-2", parts, units)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("GSM-7", 0, 0)),
        ("a", ("GSM-7", 1, 1)),
        ("a" * 160, ("GSM-7", 1, 160)),
        ("a" * 161, ("GSM-7", 2, 161)),
        ("a" * 306, ("GSM-7", 2, 306)),
        ("a" * 307, ("GSM-7", 3, 307)),
        ("€" * 80, ("GSM-7", 1, 160)),
        ("€" * 81, ("GSM-7", 2, 162)),
        ("€" * 153, ("GSM-7", 3, 306)),  # 76 pairs fit into a part, one septet stays empty
        ("a" * 152 + "€" + "b" * 152, ("GSM-7", 3, 306)),
        ("\f", ("GSM-7", 1, 2)),
        ("\x1b", ("UCS-2", 1, 1)),
        ("\t", ("UCS-2", 1, 1)),
        ("`", ("UCS-2", 1, 1)),
        ("ñ¿¡éÉ", ("GSM-7", 1, 5)),
        ("á", ("UCS-2", 1, 1)),
        ("ç", ("UCS-2", 1, 1)),
        ("’" + "a" * 69, ("UCS-2", 1, 70)),
        ("’" + "a" * 70, ("UCS-2", 2, 71)),
        ("é’" + "a" * 132, ("UCS-2", 2, 134)),
        ("é’" + "a" * 133, ("UCS-2", 3, 135)),
        ("😀" * 35, ("UCS-2", 1, 70)),
        ("😀" * 36, ("UCS-2", 2, 72)),
        ("😀" * 67, ("UCS-2", 3, 134)),  # 33 pairs fit into a part
        ("\ud83d", ("UCS-2", 1, 1)),
        ("a" * 66 + "\ud83d\ude00" + "b" * 66, ("UCS-2", 3, 134)),
        ("a" * 66 + "\ud83d" + "b" * 67, ("UCS-2", 2, 134)),
    ],
)
def test_vectors(text: str, expected: tuple[str, int, int]) -> None:
    assert measure(text) == expected


GSM_TEXT = st.text(st.sampled_from("ab €~[é\n"), max_size=700)
UCS_TEXT = st.text(st.sampled_from("ab€’á😀\ud83d\ude00"), max_size=400)


@given(st.one_of(GSM_TEXT, UCS_TEXT, st.text(st.characters(codec=None), max_size=300)))
def test_agrees_with_the_oracle(text: str) -> None:
    assert measure(text) == oracle(text)


@given(GSM_TEXT, st.integers(min_value=140, max_value=170))
def test_pairs_near_a_border_agree_with_the_oracle(text: str, pad: int) -> None:
    padded = "x" * pad + "€" + text
    assert measure(padded) == oracle(padded)


@given(UCS_TEXT, st.integers(min_value=60, max_value=72))
def test_surrogates_near_a_border_agree_with_the_oracle(text: str, pad: int) -> None:
    padded = "á" * pad + "😀" + text
    assert measure(padded) == oracle(padded)


def test_every_single_character_has_the_tables_encoding() -> None:
    for code in range(0x3000):
        char = chr(code)
        assert (measure(char).encoding == "GSM-7") == (char in ORACLE_BASIC or char in ORACLE_EXTENSION), char
