"""A contact file kept as sealed parts: it stands on no disk and in no table in plain, whatever its size.

A part is a mebibyte of the file, packed, sealed. Reading opens one part at a time.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from outreach.core.crypto import Vault

PART_BYTES: Final = 1024 * 1024
CONTEXT: Final = "upload"


def seal_part(vault: Vault, data: bytes) -> bytes:
    """Packed first: a contact file shrinks to a quarter."""
    return vault.seal({"part": base64.b64encode(zlib.compress(data, 1)).decode()}, CONTEXT)


def open_part(vault: Vault, sealed: bytes) -> bytes:
    """What ``seal_part`` was given."""
    return zlib.decompress(base64.b64decode(vault.open(sealed, CONTEXT)["part"]))


class SealedFile(io.RawIOBase):
    """A file of ``size`` bytes out of parts, for reading. ``part``: number, from 0 -> sealed part."""

    def __init__(self, vault: Vault, size: int, part: Callable[[int], bytes]) -> None:
        super().__init__()
        self._vault = vault
        self.size = size
        self._part = part
        self._place = 0
        self._open: tuple[int, bytes] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer unless the file ends."""
        filled = 0
        while filled < len(buffer) and self._place < self.size:
            number, offset = divmod(self._place, PART_BYTES)
            if self._open is None or self._open[0] != number:
                self._open = (number, self._opened(number))
            data = self._open[1][offset : offset + len(buffer) - filled]
            buffer[filled : filled + len(data)] = data
            self._place += len(data)
            filled += len(data)
        return filled

    def _opened(self, number: int) -> bytes:
        return open_part(self._vault, self._part(number))


class SealedSpool(SealedFile):
    """What comes in from outside: sealed part by part, as it comes, into a temporary file, and read from there."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault, 0, self._kept)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with this
        self._places: list[tuple[int, int]] = []
        self._tail = bytearray()
        self._sha256 = hashlib.sha256()

    @property
    def digest(self) -> bytes:
        """A keyed hash of all that was written."""
        return self._vault.text_hash(self._sha256.hexdigest())

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._sha256.update(data)
        self._tail += data
        self.size += len(data)
        while len(self._tail) >= PART_BYTES:
            self._keep(bytes(self._tail[:PART_BYTES]))
            del self._tail[:PART_BYTES]
        self._open = None
        return len(data)

    def parts(self) -> Iterator[bytes]:
        """The sealed parts, in order."""
        for number in range(len(self._places)):
            yield self._kept(number)
        if self._tail:
            yield seal_part(self._vault, bytes(self._tail))

    def close(self) -> None:
        self._file.close()
        super().close()

    def _keep(self, data: bytes) -> None:
        sealed = seal_part(self._vault, data)
        self._file.seek(0, io.SEEK_END)
        self._places.append((self._file.tell(), len(sealed)))
        self._file.write(sealed)

    def _kept(self, number: int) -> bytes:
        place, size = self._places[number]
        self._file.seek(place)
        return self._file.read(size)

    def _opened(self, number: int) -> bytes:
        return bytes(self._tail) if number >= len(self._places) else super()._opened(number)
