"""What tags and cities are found by: keyed hashes, bound to the group, so that the same tag of two groups has two.

Apart from the database, for processes that only read files.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from outreach.core.crypto import Vault

NO_CITY: Final = b""
"""The city hash of somebody of whom no city is known."""
NAMES_KEPT: Final = 10_000
LONGEST_KEPT: Final = 200
"""A longer name is no city's and no tag's: a cell of 100 kilobytes is not kept for the process."""


def folded(text: str) -> str:
    """A name as it is compared: case, width and white space make no difference."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def tag_hash(vault: Vault, group_id: int, name: str) -> bytes:
    """What a tag of a group is found by, 16 bytes. Kept for the process, as cities are."""
    return (_kept_tag_hash if len(name) <= LONGEST_KEPT else _tag_hash)(vault, group_id, name)


def city_hash(vault: Vault, group_id: int, city: str) -> bytes:
    """What people of a city are found by, 16 bytes; NO_CITY for an empty one. Accents make no difference: Penasco.

    Kept for the process: the people of a file live in few cities.
    """
    return (_kept_city_hash if len(city) <= LONGEST_KEPT else _city_hash)(vault, group_id, city)


def _tag_hash(vault: Vault, group_id: int, name: str) -> bytes:
    return vault.text_hash(f"tag\0{group_id}\0{folded(name)}")


def _city_hash(vault: Vault, group_id: int, city: str) -> bytes:
    letters = unicodedata.normalize("NFKD", folded(city))
    plain = folded("".join(letter for letter in letters if not unicodedata.combining(letter)))
    return vault.text_hash(f"city\0{group_id}\0{plain}") if plain else NO_CITY


_kept_tag_hash = lru_cache(maxsize=NAMES_KEPT)(_tag_hash)
_kept_city_hash = lru_cache(maxsize=NAMES_KEPT)(_city_hash)
