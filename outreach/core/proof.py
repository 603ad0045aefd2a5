"""Shows that an answer came from this very deployment, without showing any of its secrets."""

from __future__ import annotations

import hmac
import re

NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)
"""What is proved anew each time: 128 random bits in hex, chosen by whoever asks."""


def proof(secret_key: str, nonce: str) -> str:
    """What only a process with this SECRET_KEY can answer to a nonce: an HMAC-SHA256 in hex."""
    return hmac.digest(secret_key.encode(), b"outreach: it is me: " + nonce.encode(), "sha256").hex()
