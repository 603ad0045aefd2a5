"""What cities and tags are found by, and what a process keeps of them."""

from __future__ import annotations

import tracemalloc

from outreach.core.crypto import Vault
from outreach.people.facet_hashes import NO_CITY, city_hash, tag_hash


def test_hashes_are_bound_to_the_group_and_blind_to_case_whatever_their_length() -> None:
    vault = Vault({"key": b"k" * 32}, b"i" * 32)
    for name in ("Peñasco", "Peñasco " * 100):
        assert city_hash(vault, 1, name) == city_hash(vault, 1, name.replace("ñ", "n").upper())
        assert city_hash(vault, 1, name) != city_hash(vault, 2, name)
        assert tag_hash(vault, 1, name) == tag_hash(vault, 1, name.upper()) != city_hash(vault, 1, name)
    assert city_hash(vault, 1, " ") == NO_CITY


def test_a_process_does_not_keep_cells_that_are_no_names() -> None:
    vault = Vault({"key": b"k" * 32}, b"i" * 32)
    tracemalloc.start()
    try:
        for number in range(200):
            city_hash(vault, 1, f"{number}" + "x" * 20_000)
            tag_hash(vault, 1, f"{number}" + "x" * 20_000)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
