"""Rows in the order of their hashes, whatever did not fit into memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outreach.people.hash_order import HashOrder

HASHES = st.integers(0, 40).map(lambda number: (number * 7 % 256).to_bytes(1, "big") + b"\0" * 15)


@given(st.lists(HASHES), st.integers(1, 7), st.integers(1, 9))
def test_each_number_once_by_hash_with_its_rows_in_order(hashes: list[bytes], most: int, block: int) -> None:
    rows = [(number_hash, row, f"cell {row}") for row, number_hash in enumerate(hashes)]
    with HashOrder(most) as order:
        for begin in range(0, len(rows), block):
            order.add(rows[begin : begin + block])
        for _ in range(2):
            numbers = list(order.numbers())
            assert [same[0][0] for same in numbers] == sorted(set(hashes))
            assert [row for same in numbers for row in same] == sorted(rows)
