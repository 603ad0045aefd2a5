"""Ends what a dead supervisor has left: a process beside it that waits for its pipe to close.

The pipe closes however the supervisor dies, kill -9 included. Lines on it: ``start <session>``, ``end <session>``,
``directory <path>`` (a private directory to remove). A session, not a process group, because a queue worker's
child leaves its parent's group and outlives it. Standard library only; run by path.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

GRACE_SECONDS = 3.0
POLL_SECONDS = 0.02


def members(session: int) -> list[int]:
    """The living processes of a session; those that have ended and only wait to be collected do not count."""
    return [pid for pid, state, of_session in _processes() if of_session == session and state not in "ZX"]


def signal_all(pids: list[int], number: int) -> None:
    """Send one signal to each process that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _processes() -> list[tuple[int, str, int]]:
    proc = Path("/proc/self/stat")
    if not proc.exists():
        return _processes_by_ps()
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names only, thousands of times
        if name.isdigit():
            try:
                stat = Path("/proc", name, "stat").read_bytes()
            except OSError:
                continue
            state, _parent, _group, session = stat[stat.rindex(b")") + 2 :].split(maxsplit=4)[:4]
            found.append((int(name), state.decode(), int(session)))
    return found


def _processes_by_ps() -> list[tuple[int, str, int]]:
    """Where there is no /proc; ``ps`` has no portable session column, so the system is asked for each process."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    found = []
    for line in listed.splitlines():
        pid, state = line.split()
        try:
            found.append((int(pid), state[0], os.getsid(int(pid))))
        except OSError:
            continue
    return found


def main() -> None:
    """Read until the supervisor is gone, then end its sessions (last started first) and remove its directories."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sessions: dict[int, None] = {}
    directories: list[str] = []
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "start":
            sessions[int(rest)] = None
        elif word == "end":
            sessions.pop(int(rest), None)
        elif word == "directory":
            directories.append(rest)
    _end(list(reversed(sessions)))
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


def _end(sessions: list[int]) -> None:
    for session in sessions:
        signal_all(members(session), signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(members(session) for session in sessions):
        time.sleep(POLL_SECONDS)
    for session in sessions:
        signal_all(members(session), signal.SIGKILL)


if __name__ == "__main__":
    main()
