"""Numbers, names and texts at rest: sealed documents, and a keyed blind index to look numbers up.

A sealed document is AES-256-GCM over JSON: ``key id length (1 byte) | key id | nonce (12) | ciphertext``.
The context (table and owner) is authenticated, so a stolen row cannot be moved to another place.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from outreach.core.errors import OutreachError

NONCE_BYTES = 12
HASH_BYTES = 16

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Vault:
    """Seals and opens documents, and computes blind indexes.

    ``field_keys`` maps key id -> 32 bytes, the first one (``key_id``) seals; ``index_key`` is 32 bytes of its own.
    What it seals begins with ``prefix``.
    """

    def __init__(self, field_keys: Mapping[str, bytes], index_key: bytes) -> None:
        if not field_keys:
            raise OutreachError("no_field_key")
        self._field_keys = dict(field_keys)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in field_keys.items()}
        self.key_id = next(iter(field_keys))
        self.prefix = prefix_of(self.key_id)
        self._index_key = index_key
        # HMAC by its definition (RFC 2104), begun once: the library's own call sets up its digest anew each time.
        block = index_key.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def __reduce__(self) -> tuple[Any, ...]:
        """For a process of our own that seals as we do: the keys go to it through a pipe, never to a disk."""
        return Vault, (self._field_keys, self._index_key)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The keys that it can open with."""
        return tuple(self._ciphers)

    def seal(self, document: Mapping[str, Any], context: str) -> bytes:
        """Encrypt a JSON-able mapping under the current key."""
        return self.seal_all([document], context)[0]

    def seal_all(self, documents: Sequence[Mapping[str, Any]], context: str) -> list[bytes]:
        """The same for many, each under a nonce of its own."""
        nonces, aad, encrypt = (
            os.urandom(NONCE_BYTES * len(documents)),
            context.encode(),
            self._ciphers[self.key_id].encrypt,
        )
        sealed = []
        for place, document in enumerate(documents):
            nonce = nonces[place * NONCE_BYTES : (place + 1) * NONCE_BYTES]
            plain = _as_json(document).encode("utf-8", "surrogatepass")
            sealed.append(self.prefix + nonce + encrypt(nonce, plain, aad))
        return sealed

    def open(self, sealed: bytes, context: str) -> dict[str, Any]:
        """Decrypt what ``seal`` made. Raises OutreachError for an unknown key or a changed document."""
        length = sealed[0]
        key_id = sealed[1 : 1 + length].decode("utf-8", "replace")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise OutreachError("field_key_unknown", key_id=key_id)
        nonce = sealed[1 + length : 1 + length + NONCE_BYTES]
        try:
            plain = cipher.decrypt(nonce, sealed[1 + length + NONCE_BYTES :], context.encode())
        except InvalidTag:
            raise OutreachError("sealed_document_damaged") from None
        opened: dict[str, Any] = json.loads(plain.decode("utf-8", "surrogatepass"))
        return opened

    def number_hash(self, e164: str) -> bytes:
        """The blind index of a phone number: HMAC-SHA256 cut to 128 bits. Equal numbers, equal hashes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(e164.encode())
        outer.update(inner.digest())
        return outer.digest()[:HASH_BYTES]

    def text_hash(self, text: str) -> bytes:
        """A keyed hash of a text without its trailing white space, as reconciliation compares bodies."""
        digest = hmac.digest(
            self._index_key, b"text\0" + text.rstrip().encode("utf-8", "surrogatepass"), hashlib.sha256
        )
        return digest[:HASH_BYTES]


def prefix_of(key_id: str) -> bytes:
    """What every document under this key begins with."""
    return bytes([len(key_id.encode())]) + key_id.encode()
