"""The keys and Twilio values of a rehearsal: made once per data directory, kept in a file only its owner can read.

They are marked (``rehearsal...``), and production refuses them. The Twilio values only look like Twilio's.
"""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from pathlib import Path

from outreach.stage import StageError

ROOT = Path(__file__).parent.parent.parent
DEFAULT_DATA_DIR = ROOT / "var"
FILE_NAME = "rehearsal.env"
MARK = "rehearsal"
KEY_BYTES = 32
FROM_NUMBER = "+14805550100"
NAMES = (
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "BLIND_INDEX_KEY",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_MESSAGING_SERVICE_SID",
    "TWILIO_FROM_NUMBER",
)


def ensure_env(data_dir: Path = DEFAULT_DATA_DIR) -> dict[str, str]:
    """The rehearsal's settings by name: read from ``<data_dir>/rehearsal.env``, which the first run makes.

    Two first runs at once agree on one file. Raises StageError when the directory cannot be used or the file is
    damaged: it is never replaced, for the database cannot be read without its keys.
    """
    path = data_dir / FILE_NAME
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, _new_values())
        return _read(path)
    except OSError as error:
        raise StageError("stage_directory", path=error.filename or path, reason=error.strerror) from None


def _new_values() -> dict[str, str]:
    blind_index_key = MARK.encode() + secrets.token_bytes(KEY_BYTES - len(MARK))
    return {
        "SECRET_KEY": f"{MARK}-{secrets.token_urlsafe(48)}",
        "FIELD_ENCRYPTION_KEYS": f"{MARK}-1:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}",
        "BLIND_INDEX_KEY": base64.b64encode(blind_index_key).decode(),
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "TWILIO_MESSAGING_SERVICE_SID": f"MG{secrets.token_hex(16)}",
        "TWILIO_FROM_NUMBER": FROM_NUMBER,
    }


def _write_once(path: Path, values: dict[str, str]) -> None:
    """Write whole and durable, or not at all; a file that another run has made meanwhile stays."""
    descriptor, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=path.parent)  # mkstemp: mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(
                "# Keys of a rehearsal. Keep this file with the database beside it; never use it in production.\n"
            )
            file.writelines(f"{key}={value}\n" for key, value in values.items())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            return
    finally:
        Path(name).unlink()


def _read(path: Path) -> dict[str, str]:
    path.chmod(0o600)  # a copy or an archive may have opened it up
    values: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or name not in NAMES or not value.isascii() or not value.isprintable() or not value:
            raise StageError("stage_keys_damaged", path=path, reason=f"line {number} is not NAME=value")
        values[name] = value
    missing = [name for name in NAMES if name not in values]
    if missing:
        raise StageError("stage_keys_damaged", path=path, reason=f"{', '.join(missing)} missing")
    return values
