"""Child processes under names: started, watched, killed and restarted on request, and never left behind.

Each child has a session of its own, so a terminal's Ctrl-C reaches only the supervisor, which ends the children in
reverse order. A watchdog process ends them when the supervisor itself is killed (see ``watchdog.py``). Why not
``PR_SET_PDEATHSIG``: it fires when the starting *thread* ends, and spares grandchildren.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from outreach.stage import StageError
from outreach.stage.watchdog import members, signal_all

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ASK_EVERY_SECONDS = 0.02
RESTART_PATIENCE_SECONDS = 10.0
TAIL_LINES = 15
TAIL_BYTES = 16_384
ORDERLY_ENDS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Program:
    """What to run. ``env`` is added to ours; ``ready`` is asked until it says yes; times in real seconds."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    ready: Callable[[], bool] | None = None
    ready_within: float = 30.0
    user: str | None = None
    stop_signal: int = signal.SIGTERM
    grace: float = 10.0


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    log_start: int


class Processes:
    """The processes of one run; a context manager whose end is theirs. Safe to use from several threads.

    Logs are appended to ``<data_dir>/logs/<name>.log``, mode 0600. Within the ``with`` block SIGTERM and SIGHUP end
    the run as Ctrl-C does (SystemExit, code 128 + signal), when entered in the main thread.
    """

    def __init__(self, data_dir: Path) -> None:
        self.logs = data_dir.absolute() / "logs"
        self._children: dict[str, _Child] = {}
        self._leftovers: list[int] = []
        self._directories: list[Path] = []
        self._lock = threading.RLock()
        self._old_handlers: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._pipe = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in ORDERLY_ENDS:
                self._old_handlers[number] = signal.signal(number, _leave)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.stop_all()
        finally:
            for number, handler in self._old_handlers.items():
                signal.signal(number, handler)

    def start(self, *programs: Program) -> None:
        """Start these, then wait until each is ready. Raises StageError with the log's end when one dies or is late."""
        for program in programs:
            self._launch(program)
        for program in programs:
            self._wait_until_ready(program)

    def restart(self, name: str) -> None:
        """Start the same program again, ended in order first if it still runs; what it left behind goes on living.

        A server may refuse to start while its killed predecessor's children are still ending: it is tried for a while.
        """
        child = self._child(name)
        self._end_leader(child)
        deadline = time.monotonic() + RESTART_PATIENCE_SECONDS
        while True:
            try:
                return self.start(child.program)
            except StageError as error:
                if error.code != "stage_died" or time.monotonic() > deadline:
                    raise
            time.sleep(10 * ASK_EVERY_SECONDS)

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Signal the process itself, not its children, as a crash or the kernel would. Returns its process id."""
        process = self._child(name).process
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()
        return process.pid

    def stop(self, name: str) -> None:
        """End one program and everything in its session, and forget it."""
        with self._lock:
            child = self._child(name)
            del self._children[name]
        self._end_leader(child)
        self._end_session(child.process.pid)

    def stop_all(self) -> None:
        """End all, last started first, with whatever they have left behind; then remove the private directories."""
        while self._children:
            self.stop(next(reversed(self._children)))
        while self._leftovers:
            self._end_session(self._leftovers.pop())
        for directory in self._directories:
            shutil.rmtree(directory, ignore_errors=True)
        self._directories.clear()
        self._dismiss_watchdog()

    def alive(self, name: str) -> bool:
        """Whether the process runs now."""
        return self._child(name).process.poll() is None

    def wait(self, name: str, seconds: float) -> int:
        """Wait for a process that ends by itself; its exit code. Raises subprocess.TimeoutExpired."""
        return self._child(name).process.wait(seconds)

    def pid(self, name: str) -> int:
        """The process id; also the id of its session."""
        return self._child(name).process.pid

    def check(self) -> None:
        """Raise StageError for the first process that has ended by itself."""
        for child in list(self._children.values()):
            if child.process.poll() is not None:
                raise self._died(child)

    def ended(self) -> list[str]:
        """The names of processes that have ended by themselves."""
        with self._lock:
            return [name for name, child in self._children.items() if child.process.poll() is not None]

    def private_directory(self, purpose: str) -> Path:
        """A new directory of mode 0700 with a short path, for sockets (108 bytes at most); removed at the end."""
        directory = Path(tempfile.mkdtemp(prefix=f"outreach-{purpose}-"))
        with self._lock:
            self._directories.append(directory)
        os.write(self._watchdog_pipe(), f"directory {directory}\n".encode())
        return directory

    def log(self, name: str) -> Path:
        """Where a process of this name writes."""
        return self.logs / f"{name}.log"

    def _launch(self, program: Program) -> None:
        with self._lock:
            old = self._children.get(program.name)
            if old is not None and old.process.poll() is None:
                raise StageError("stage_running", name=program.name)
            if old is not None:
                self._forget_leader(old)
            log, size = self._open_log(program.name)
            pipe = self._watchdog_pipe()
            starter = [sys.executable, "-I", "-S", str(HERE / "child.py"), str(pipe), program.user or "-"]
            try:
                process = subprocess.Popen(
                    [*starter, *program.argv],
                    env={**os.environ, **program.env},
                    cwd="/" if program.user else ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(pipe,),
                    start_new_session=True,
                    umask=0o077,
                )
            finally:
                os.close(log)
            self._children.pop(program.name, None)
            self._children[program.name] = _Child(program, process, size)

    def _open_log(self, name: str) -> tuple[int, int]:
        """A descriptor to append to, and how long the log is already."""
        try:
            self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
            log = os.open(self.log(name), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StageError("stage_directory", path=self.logs, reason=error.strerror) from None
        return log, os.fstat(log).st_size

    def _wait_until_ready(self, program: Program) -> None:
        child = self._child(program.name)
        deadline = time.monotonic() + program.ready_within
        while program.ready is not None and not program.ready():
            try:
                child.process.wait(ASK_EVERY_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline:
                    continue
                details = self._log_details(child)
                self.stop(program.name)
                raise StageError("stage_not_ready", seconds=program.ready_within, **details) from None
            raise self._died(child)

    def _died(self, child: _Child) -> StageError:
        return StageError("stage_died", status=child.process.returncode, **self._log_details(child))

    def _log_details(self, child: _Child) -> dict[str, object]:
        log = self.log(child.program.name)
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(child.log_start, size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        return {"name": child.program.name, "log": log, "tail": "\n".join(lines[-TAIL_LINES:])}

    def _child(self, name: str) -> _Child:
        with self._lock:
            if name not in self._children:
                raise StageError("stage_unknown", name=name)
            return self._children[name]

    def _end_leader(self, child: _Child) -> None:
        if child.process.poll() is None:
            child.process.send_signal(child.program.stop_signal)
            try:
                child.process.wait(child.program.grace)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def _forget_leader(self, child: _Child) -> None:
        """A killed worker's child may live on: keep its session to end it at last. An empty one's number is free."""
        if members(child.process.pid):
            self._leftovers.append(child.process.pid)
        else:
            self._report_end(child.process.pid)

    def _end_session(self, session: int) -> None:
        signal_all(members(session), signal.SIGTERM)
        deadline = time.monotonic() + 1.0
        while (left := members(session)) and time.monotonic() < deadline:
            time.sleep(ASK_EVERY_SECONDS)
        while left:
            signal_all(left, signal.SIGKILL)
            time.sleep(ASK_EVERY_SECONDS)
            left = members(session)
        self._report_end(session)

    def _watchdog_pipe(self) -> int:
        with self._lock:
            if self._watchdog is None:
                reader, self._pipe = os.pipe()
                self._watchdog = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(HERE / "watchdog.py")],
                    stdin=reader,
                    stdout=subprocess.DEVNULL,  # ours may be a pipe that a reader waits to see closed
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    start_new_session=True,
                )
                os.close(reader)
            return self._pipe

    def _report_end(self, session: int) -> None:
        os.write(self._watchdog_pipe(), f"end {session}\n".encode())

    def _dismiss_watchdog(self) -> None:
        with self._lock:
            if self._watchdog is not None:
                os.close(self._pipe)
                self._watchdog.wait()
                self._watchdog = None


def _leave(number: int, frame: FrameType | None) -> None:
    """Turn a polite end into an exception, so that ``with`` blocks end what they started."""
    raise SystemExit(128 + number)
