"""The circuit breakers' rules: at which counts a campaign halts, and at which it does not yet."""

from __future__ import annotations

import pytest

from config import table
from outreach.messaging.breakers import is_filtered, pair_fails, too_many_opt_outs

PAIR, FILTERED = 21612, 30007


@pytest.mark.parametrize(
    ("codes", "halts"),
    [
        ([], False),
        ([PAIR] * 4, False),
        ([PAIR] * 5, True),
        ([None] + [PAIR] * 4 + [None] * 95, False),  # four of a hundred
        ([None] + [PAIR] * 5 + [None] * 94, False),  # five of a hundred are 5 %, not more
        (([None] * 10 + [PAIR]) * 6, True),  # six of a hundred
        ([None] * 100 + [PAIR] * 50, False),  # older than the last hundred
        ([PAIR] * 2 + [21211] + [PAIR] * 2, False),
    ],
)
def test_a_sender_that_cannot_text(codes: list[int | None], halts: bool) -> None:
    assert pair_fails(codes) is halts


@pytest.mark.parametrize(
    ("codes", "halts"),
    [
        ([FILTERED] * 4 + [None] * 196, False),  # 2 %, not more
        ([FILTERED] * 5 + [None] * 195, True),
        ([None] * 200 + [FILTERED] * 50, False),
        ([30003] * 200, False),
        ([FILTERED] * 5, True),
    ],
)
def test_a_filtered_text(codes: list[int | None], halts: bool) -> None:
    assert is_filtered(codes) is halts


def test_opt_outs_halt_when_clearly_above_the_share_and_enough_were_texted() -> None:
    assert not too_many_opt_outs(199, 199)  # too few to say
    assert not too_many_opt_outs(200, 13)
    assert too_many_opt_outs(200, 14)
    assert not too_many_opt_outs(100_000, 3_000)
    assert not too_many_opt_outs(100_000, 3_164)
    assert too_many_opt_outs(100_000, 3_165)


def test_each_rule_stands_in_the_table_with_a_share() -> None:
    assert set(table("breakers")) == {"pair", "filtered", "opt_outs"}
    assert all(0 < row["share"] < 1 for row in table("breakers").values())
