"""A file out of sealed parts reads like the file."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.crypto import Vault
from outreach.people import sealed_files
from outreach.people.sealed_files import SealedFile, SealedSpool, open_part

VAULT = Vault({"a": bytes(32)}, b"i" * 32)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_files, "PART_BYTES", 7)


@settings(max_examples=60)
@given(
    st.binary(max_size=40), st.lists(st.integers(1, 12)), st.lists(st.tuples(st.integers(0, 45), st.integers(0, 20)))
)
def test_it_reads_like_the_file(content: bytes, cuts: list[int], reads: list[tuple[int, int]]) -> None:
    with SealedSpool(VAULT) as spool:
        rest = content
        for cut in [*cuts, len(content)]:
            spool.write(rest[:cut])
            rest = rest[cut:]
        parts = list(spool.parts())
        kept = SealedFile(VAULT, spool.size, parts.__getitem__)
        plain = io.BytesIO(content)
        for file in (spool, kept):
            for place, count in reads:
                assert (file.seek(place), file.read(count)) == (plain.seek(place), plain.read(count))
            assert (file.seek(0), file.read()) == (0, content)
            assert file.seek(-3, io.SEEK_END) == max(0, len(content) - 3)
    assert b"".join(open_part(VAULT, part) for part in parts) == content


def test_nothing_of_it_is_written_in_plain() -> None:
    with SealedSpool(VAULT) as spool:
        spool.write(b"+14805550101 " * 20)
        spool._file.seek(0)
        assert b"0101" not in spool._file.read()
        again = SealedSpool(VAULT)
        with again:
            again.write(b"+14805550101 " * 20)
            assert again.digest == spool.digest
            again.write(b"!")
            assert again.digest != spool.digest
