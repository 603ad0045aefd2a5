"""One instance on this machine: its data directory, and the settings with which its processes run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from outreach.stage.keys import DEFAULT_DATA_DIR, ensure_env

__all__ = ["DEFAULT_DATA_DIR", "database_url", "read_instance", "write_instance"]

FILE_NAME = "instance.env"
DATABASE = "outreach.db"
NO_REDIS = "unix:///nonexistent/outreach-redis.sock"
"""Where jobs go when no instance runs: nowhere. The next run finds the same work in the database."""


def database_url(data_dir: Path) -> str:
    """The embedded database of a data directory."""
    return f"sqlite:///{data_dir.absolute() / DATABASE}"


def write_instance(data_dir: Path, values: Mapping[str, str]) -> None:
    """Leave the running instance's addresses for commands in other terminals; the keys stay where they are."""
    path = data_dir / FILE_NAME
    path.touch(mode=0o600)
    kept = ("OUTREACH_MODE", "DATABASE_URL", "REDIS_URL", "PUBLIC_BASE_URL", "TWILIO_BASE_URL", "REHEARSAL_CLOCK")
    path.write_text("".join(f"{name}={values[name]}\n" for name in kept if name in values), encoding="utf-8")


def read_instance(data_dir: Path) -> dict[str, str] | None:
    """Settings for a command on this data directory; None when no instance was ever started there."""
    path = data_dir / FILE_NAME
    if not path.exists():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    return {**ensure_env(data_dir), "REDIS_URL": NO_REDIS, **dict(line.split("=", 1) for line in lines if "=" in line)}
