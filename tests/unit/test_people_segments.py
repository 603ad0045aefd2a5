"""Segments as JSON: what is read, what is refused, what is walked; and the ZIPs of a district."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core.crypto import Vault
from outreach.core.errors import BadInputError
from outreach.people.districts import zips_in
from outreach.people.facet_hashes import NO_CITY, city_hash, tag_hash
from outreach.people.segments import (
    MOST_DEPTH,
    MOST_RULES,
    MOST_ZIPS,
    anchors,
    fold,
    read,
    rewritten,
    rules,
    values_of,
)

VAULT = Vault({"k": b"1" * 32}, b"2" * 32)
LEAVES = st.one_of(
    st.builds(lambda name: {"tag": name}, st.sampled_from(["DACA", "block captain"])),
    st.builds(lambda zips: {"zip": zips}, st.lists(st.sampled_from(["850", "8528", "85003"]), min_size=1, max_size=3)),
    st.builds(lambda one: {"list": one}, st.integers(1, 9)),
    st.sampled_from([{"city": "Tempe"}, {"language": "es"}, {"did": "called"}, {"district": 4}]),
)
TREES = st.recursive(
    LEAVES,
    lambda part: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(part, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(part, min_size=1, max_size=3)),
        st.builds(lambda one: {"not": one}, part),
    ),
    max_leaves=8,
)


def depth(tree: dict[str, Any]) -> int:
    return fold(tree, lambda _kind, _value: 1, lambda parts: 1 + max(parts), lambda parts: 1 + max(parts),
                lambda part: 1 + part)  # fmt: skip


@given(TREES)
def test_what_is_read_is_read_again_as_the_same(tree: dict[str, Any]) -> None:
    if depth(tree) > MOST_DEPTH:
        with pytest.raises(BadInputError) as refused:
            read(tree)
        assert refused.value.code == "segment_deep"
        return
    once = read(tree)
    assert read(once) == once
    assert rewritten(once, lambda kind, value: {kind: value}) == once
    assert [kind for kind, _ in rules(once)] == [kind for kind, _ in rules(tree)]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "segment_form"),
        ([], "segment_form"),
        ({}, "segment_form"),
        ({"tag": "a", "zip": "850"}, "segment_form"),
        ({"all": {"tag": "a"}}, "segment_form"),
        ({"any": []}, "segment_blank"),
        ({"not": {"all": []}}, "segment_blank"),
        ({"not": []}, "segment_form"),
        ({"all": [{"tag": "a"}] * (MOST_RULES + 1)}, "segment_rules"),
        ({"all": [{"any": [{"tag": "a"}] * 26}] * 2}, "segment_rules"),
        ({"shoe": "38"}, "segment_rule_unknown"),
        ({"tag_id": 1}, "segment_rule_unknown"),
        ({"tag": " "}, "segment_words"),
        ({"tag": 7}, "segment_words"),
        ({"city": "x" * 1001}, "segment_words"),
        ({"city": "Te\0mpe"}, "segment_words"),
        ({"zip": []}, "segment_zips"),
        ({"zip": ["850"] * (MOST_ZIPS + 1)}, "segment_zips"),
        ({"zip": "85"}, "segment_zip"),
        ({"zip": "850034"}, "segment_zip"),
        ({"zip": ["850", 850]}, "segment_zip"),
        ({"zip": "85O"}, "segment_zip"),
        ({"zip": "٨٥٠"}, "segment_zip"),
        ({"district": "4"}, "segment_id"),
        ({"district": True}, "segment_id"),
        ({"list": 0}, "segment_id"),
        ({"list": 2**63}, "segment_id"),
        ({"language": "fr"}, "segment_choice"),
        ({"language": ["en"]}, "segment_choice"),
        ({"did": "voted"}, "segment_choice"),
    ],
)
def test_what_cannot_be_a_segment_is_refused_in_words(given: object, code: str) -> None:
    with pytest.raises(BadInputError) as refused:
        read(given)
    assert refused.value.code == code
    assert not str(refused.value).startswith(code)


def test_a_tree_of_any_depth_is_refused_without_being_walked() -> None:
    tree: dict[str, Any] = {"tag": "a"}
    for _ in range(100_000):
        tree = {"not": tree}
    with pytest.raises(BadInputError, match="levels"):
        read(tree)


def test_zips_and_words_come_into_one_form() -> None:
    assert read({"zip": "850"}) == {"zip": ["850"]}
    assert read({"zip": ["852", "850", "852"]}) == {"zip": ["850", "852"]}
    assert read({"tag": "  block\tcaptain "}) == {"tag": "block captain"}
    tree = read({"any": [{"tag": "a"}, {"not": {"tag": "b"}}, {"tag": "a"}]})
    assert values_of(tree, "tag") == ["a", "b"]


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        ({"list": 3}, [("list", 3)]),
        ({"language": "es"}, None),
        ({"not": {"list": 3}}, None),
        ({"all": [{"language": "es"}, {"tag_id": 5}]}, [("tag_id", 5)]),
        ({"all": [{"any": [{"list": 1}, {"list": 2}]}, {"tag_id": 5}]}, [("tag_id", 5)]),
        ({"any": [{"list": 1}, {"tag_id": 5}]}, [("list", 1), ("tag_id", 5)]),
        ({"any": [{"list": 1}, {"language": "es"}]}, None),
    ],
)
def test_where_the_people_of_a_segment_are_found(tree: dict[str, Any], found: object) -> None:
    assert anchors(tree, {"list", "tag_id"}) == found


def test_names_are_hashed_for_their_group_alone() -> None:
    assert tag_hash(VAULT, 1, " Block  captain") == tag_hash(VAULT, 1, "block CAPTAIN ")
    assert (
        len({tag_hash(VAULT, 1, "a"), tag_hash(VAULT, 2, "a"), tag_hash(VAULT, 1, "b"), city_hash(VAULT, 1, "a")}) == 4
    )
    assert city_hash(VAULT, 1, "Puerto Peñasco") == city_hash(VAULT, 1, "PUERTO  PENASCO ")
    assert city_hash(VAULT, 1, " ") == NO_CITY
    assert len(city_hash(VAULT, 1, "Tempe")) == 16


def test_the_zips_of_a_district_are_pasted_from_anywhere() -> None:
    assert zips_in("ZIP\n85003\r\n85281-1234\n\n85003\t86503") == ["85003", "85281", "86503"]
    assert zips_in("'85003', \"85281\"; 85301|85302") == ["85003", "85281", "85301", "85302"]
    for text, code in (("", "district_no_zips"), ("zip", "district_no_zips"), ("85003 850", "district_zip"),
                       ("85003 zip", "district_zip"), ("8500٣", "district_zip"),
                       (" ".join(f"{one:05}" for one in range(MOST_ZIPS + 1)), "segment_zips")):  # fmt: skip
        with pytest.raises(BadInputError) as refused:
            zips_in(text)
        assert refused.value.code == code
        assert not str(refused.value).startswith(code)


@given(st.text(max_size=60))
def test_any_text_gives_zips_or_is_refused(text: str) -> None:
    try:
        found = zips_in(text)
    except BadInputError:
        return
    assert found == sorted({one for one in found if len(one) == 5 and one.isascii() and one.isdecimal()})
