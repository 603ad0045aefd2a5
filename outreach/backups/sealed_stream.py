"""A backup's file: sealed frames under a key derived from a field key, so it has no secret of its own to be lost.

``magic | header length (4) | header JSON | frames``; a frame is ``length (4) | AES-256-GCM(packed piece)``. The nonce
counts the frames and marks the last one, and the header is authenticated with each: no frame can be changed, moved,
left out or cut off unnoticed. The last frame is the manifest. The key is HKDF-SHA256 of the field key that the header
names, with a salt of the file's own, so that nonces may count from 0.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from outreach.backups import BackupError

MAGIC: Final = b"outreach backup\n"
FORMAT: Final = 1
PIECE_BYTES: Final = 1024 * 1024
LARGEST_FRAME: Final = 2 * PIECE_BYTES
LARGEST_HEADER: Final = 4096
SALT_BYTES: Final = 32


class SealingWriter:
    """Writes one backup. ``finish`` adds the manifest; a file without it is refused as cut off."""

    def __init__(self, file: IO[bytes], field_keys: Mapping[str, bytes]) -> None:
        key_id, key = next(iter(field_keys.items()))
        salt = os.urandom(SALT_BYTES)
        self._header = json.dumps(
            {"format": FORMAT, "key_id": key_id, "salt": base64.b64encode(salt).decode()}
        ).encode()
        self._cipher = _cipher(key, salt)
        self._file = file
        self._held = bytearray()
        self._frames = 0
        self._sha256 = hashlib.sha256()
        self.size = 0
        file.write(MAGIC + struct.pack(">I", len(self._header)) + self._header)

    def write(self, data: bytes) -> None:
        """Take some of the content."""
        self._sha256.update(data)
        self.size += len(data)
        self._held += data
        while len(self._held) >= PIECE_BYTES:
            self._frame(bytes(self._held[:PIECE_BYTES]), last=False)
            del self._held[:PIECE_BYTES]

    def finish(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Write what is held, then the manifest with the content's size and digest; returns it."""
        if self._held:
            self._frame(bytes(self._held), last=False)
        whole = {**manifest, "bytes": self.size, "sha256": self._sha256.hexdigest()}
        self._frame(json.dumps(whole).encode(), last=True)
        return whole

    def _frame(self, piece: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._frames, last=last), zlib.compress(piece, 1), self._header)
        self._file.write(struct.pack(">I", len(sealed)) + sealed)
        self._frames += 1


class SealedBackup:
    """A backup to read. ``pieces`` may be walked several times; each walk proves the whole file anew."""

    def __init__(self, path: Path, field_keys: Mapping[str, bytes]) -> None:
        """Raises BackupError for a file that is no backup, or whose key is not among ``field_keys``."""
        self.path = path
        try:
            with path.open("rb") as file:
                self._header = _read_header(file, path)
        except OSError as error:
            raise BackupError("backup_not_read", path=path, reason=error.strerror) from None
        try:
            header = json.loads(self._header)
            found, key_id, salt = header["format"], header["key_id"], base64.b64decode(header["salt"])
        except (ValueError, KeyError, TypeError):
            raise BackupError("backup_damaged", path=path) from None
        if found != FORMAT:
            raise BackupError("backup_format", path=path)
        if key_id not in field_keys:
            raise BackupError("backup_key_unknown", key_id=key_id)
        self._cipher = _cipher(field_keys[key_id], salt)
        self._manifest: dict[str, Any] | None = None

    def manifest(self) -> dict[str, Any]:
        """What the backup says of itself, after every frame was opened and the digest compared. Raises BackupError."""
        if self._manifest is None:
            for _ in self.pieces():
                pass
        assert self._manifest is not None  # noqa: S101  a walk that ends has read it
        return self._manifest

    def pieces(self) -> Iterator[bytes]:
        """The content, a mebibyte at a time. Raises BackupError where the file is damaged or cut off."""
        digest, number = hashlib.sha256(), 0
        with self.path.open("rb") as file:
            _read_header(file, self.path)
            while True:
                sealed = self._next(file)
                piece = self._open(sealed, number, last=False)
                if piece is None:
                    break
                digest.update(piece)
                yield piece
                number += 1
            told = self._open(sealed, number, last=True)
            if told is None or file.read(1):
                raise BackupError("backup_damaged", path=self.path)
        manifest: dict[str, Any] = json.loads(told)
        if manifest["sha256"] != digest.hexdigest():
            raise BackupError("backup_damaged", path=self.path)
        self._manifest = manifest

    def _next(self, file: IO[bytes]) -> bytes:
        length = file.read(4)
        size = struct.unpack(">I", length)[0] if len(length) == 4 else LARGEST_FRAME + 1
        sealed = file.read(size) if size <= LARGEST_FRAME else b""
        if len(sealed) != size:
            raise BackupError("backup_damaged", path=self.path)
        return sealed

    def _open(self, sealed: bytes, number: int, *, last: bool) -> bytes | None:
        try:
            return zlib.decompress(self._cipher.decrypt(_nonce(number, last=last), sealed, self._header))
        except InvalidTag:
            return None


def _read_header(file: IO[bytes], path: Path) -> bytes:
    if file.read(len(MAGIC)) != MAGIC:
        raise BackupError("backup_unlike", path=path)
    length = file.read(4)
    size = struct.unpack(">I", length)[0] if len(length) == 4 else LARGEST_HEADER + 1
    if size > LARGEST_HEADER:
        raise BackupError("backup_damaged", path=path)
    return file.read(size)


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"outreach backup").derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
