"""The stage with real processes: started, killed, restarted, and never left behind."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.settings import Settings
from outreach.core.errors import SettingsError
from outreach.stage import StageError, commands
from outreach.stage.keys import FILE_NAME, ensure_env
from outreach.stage.ports import free_port, require_free
from outreach.stage.postgres import ROLE, create_database, drop_database, start_postgres
from outreach.stage.processes import Processes, Program
from outreach.stage.readiness import answers_http
from outreach.stage.redis import start_redis
from outreach.stage.watchdog import members

ROOT = Path(__file__).parents[2]
SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
# A worker whose child leaves its group, as a queue worker's does, and outlives a kill of its parent.
PARENT = (
    sys.executable,
    "-c",
    "import os, time\nif os.fork() == 0:\n os.setpgid(0, 0)\nprint(os.getpid(), flush=True)\ntime.sleep(600)",
)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Processes(tmp_path) as running:
        yield running


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def logged_numbers(processes: Processes, name: str) -> list[int]:
    return [int(line) for line in processes.log(name).read_text().split()] if processes.log(name).exists() else []


def run_supervisor(tmp_path: Path) -> tuple[subprocess.Popen[str], list[int], str]:
    """A supervisor in its own process, with a worker that has a child: it, their sessions, its private directory."""
    script = f"""
import json, signal, sys, threading
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests in the background ignores it
from outreach.stage.processes import Processes, Program
with Processes(Path({str(tmp_path)!r})) as running:
    programs = [Program("worker", {PARENT!r}), Program("sleeper", {SLEEPER!r})]
    thread = threading.Thread(target=running.start, args=programs)  # a thread that ends must not end its children
    thread.start()
    thread.join()
    directory = running.private_directory("test")
    print(json.dumps([[running.pid("worker"), running.pid("sleeper")], str(directory)]), flush=True)
    threading.Event().wait()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    sessions, directory = json.loads(supervisor.stdout.readline())
    assert eventually(lambda: [len(members(session)) for session in sessions] == [2, 1])
    return supervisor, sessions, directory


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_outlives_its_supervisor(tmp_path: Path, number: signal.Signals) -> None:
    supervisor, sessions, directory = run_supervisor(tmp_path)
    supervisor.send_signal(number)
    supervisor.communicate(timeout=60)
    assert eventually(lambda: not any(members(session) for session in sessions))
    assert eventually(lambda: not Path(directory).exists())
    if number in {signal.SIGTERM, signal.SIGHUP}:
        assert supervisor.returncode == 128 + number


def test_a_killed_worker_leaves_its_child_until_the_end(tmp_path: Path) -> None:
    with Processes(tmp_path) as running:
        running.start(Program("worker", PARENT))
        assert eventually(lambda: len(members(running.pid("worker"))) == 2)
        first = running.pid("worker")
        assert running.kill("worker") == first
        assert not running.alive("worker")
        assert len(members(first)) == 1
        running.restart("worker")
        second = running.pid("worker")
        assert len(members(first)) == 1
        assert running.alive("worker")
    assert members(first) == members(second) == []


def test_an_early_death_carries_the_end_of_the_log(processes: Processes) -> None:
    dying = Program("dying", (sys.executable, "-c", "raise SystemExit('no such table')"), ready=lambda: False)
    with pytest.raises(StageError) as died:
        processes.start(dying)
    assert died.value.code == "stage_died"
    assert "no such table" in str(died.value)
    assert str(processes.log("dying")) in str(died.value)


def test_a_death_later_is_found_by_check(processes: Processes) -> None:
    processes.start(Program("sleeper", SLEEPER))
    processes.check()
    processes.kill("sleeper")
    with pytest.raises(StageError, match="sleeper ended"):
        processes.check()


def test_a_missing_program_is_an_early_death(processes: Processes) -> None:
    with pytest.raises(StageError, match="/no/such/program: No such file"):
        processes.start(Program("absent", ("/no/such/program",), ready=lambda: False))


def test_a_program_that_is_never_ready_is_ended(processes: Processes) -> None:
    with pytest.raises(StageError) as late:
        processes.start(Program("late", SLEEPER, ready=lambda: False, ready_within=0.5))
    assert late.value.code == "stage_not_ready"
    with pytest.raises(StageError, match="No process named late"):
        processes.pid("late")


def test_a_name_runs_once(processes: Processes) -> None:
    processes.start(Program("sleeper", SLEEPER))
    with pytest.raises(StageError, match="running already"):
        processes.start(Program("sleeper", SLEEPER))


def test_a_stubborn_program_is_killed_after_its_grace(processes: Processes) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    processes.start(Program("deaf", (sys.executable, "-c", deaf), grace=0.3))
    assert eventually(lambda: logged_numbers(processes, "deaf") == [1])
    session = processes.pid("deaf")
    processes.stop("deaf")
    assert members(session) == []


def test_logs_are_private_and_env_is_passed(processes: Processes) -> None:
    shell = Program("shell", ("/bin/sh", "-c", 'echo "$WORD"; exec sleep 600'), env={"WORD": "hello"})
    processes.start(shell)
    assert eventually(lambda: processes.log("shell").read_text() == "hello\n")
    assert stat.S_IMODE(processes.log("shell").stat().st_mode) == 0o600
    assert stat.S_IMODE(processes.logs.stat().st_mode) == 0o700


def test_readiness_over_http(processes: Processes, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "healthz").write_text("ok")
    server = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path))
    ready = answers_http(f"http://127.0.0.1:{port}/healthz")
    assert not ready()
    processes.start(Program("web", server, ready=ready))
    assert ready()
    assert not answers_http(f"http://127.0.0.1:{port}/absent")()
    with pytest.raises(StageError, match=f"Port {port} of 127.0.0.1 is taken"):
        require_free(port)
    processes.stop("web")
    assert require_free(port) == port


def test_ports_that_cannot_be_used() -> None:
    with pytest.raises(StageError, match="not between 0 and 65535"):
        require_free(70_000)


def test_redis_keeps_its_data_over_a_kill_and_opens_no_port(processes: Processes, tmp_path: Path) -> None:
    directory = tmp_path / ("long " * 12 + "'quoted'") / ("d" * 200)
    url = start_redis(directory, processes)
    with redis.Redis.from_url(url) as client:
        assert client.config_get("port")["port"] == "0"
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        client.set("word", "kept")
        assert client.execute_command("WAITAOF", 1, 0, 5000)[0] == 1
    path = Path(url.removeprefix("unix://"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    processes.kill("redis")
    processes.restart("redis")
    with redis.Redis.from_url(url) as client:
        assert client.get("word") == b"kept"


def test_postgres_survives_a_kill_and_opens_no_port(processes: Processes, tmp_path: Path) -> None:
    url = start_postgres(tmp_path / ("d" * 200), processes, name="database")
    with psycopg.connect(plain(url)) as connection:
        assert connection.execute("SELECT current_database(), current_setting('listen_addresses'), 1").fetchone() == (
            ROLE, "", 1,
        )  # fmt: skip
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        connection.execute("CREATE TABLE kept (word text)")
    # A backend that computes does not notice that its parent is dead: the next start has to wait for it.
    busy = threading.Thread(target=compute, args=(url,))
    busy.start()
    assert eventually(lambda: count_of(url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%of_busy%'") == 2)
    processes.kill("database")
    processes.restart("database")
    busy.join()
    assert "pre-existing shared memory" in processes.log("database").read_text()
    assert count_of(url, "SELECT count(*) FROM kept") == 0


def test_postgres_databases_are_made_and_dropped(processes: Processes, tmp_path: Path) -> None:
    url = start_postgres(tmp_path / "postgres", processes, durable=False)
    assert count_of(url, "SELECT count(*) FROM pg_settings WHERE name = 'fsync' AND setting = 'off'") == 1
    first = create_database(url, "first")
    assert create_database(url, "first") == first
    assert count_of(first, "SELECT count(*) FROM pg_class WHERE relname = 'absent'") == 0
    with pytest.raises(StageError, match="not a database name"):
        create_database(url, 'first"; DROP')
    drop_database(url, "first")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(plain(first))


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def count_of(url: str, query: str) -> int:
    with psycopg.connect(plain(url)) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


def compute(url: str) -> None:
    query = "SELECT count(*) AS of_busy FROM generate_series(1, 4000) a, generate_series(1, 4000) b"
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(plain(url)) as connection:
        connection.execute(query)


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    directory = tmp_path / "var"
    first = ensure_env(directory)
    assert ensure_env(directory) == first
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / FILE_NAME).stat().st_mode) == 0o600
    assert ensure_env(tmp_path / "other") != first
    assert sorted(path.name for path in directory.iterdir()) == [FILE_NAME]


def test_the_keys_serve_a_rehearsal_and_no_production(tmp_path: Path) -> None:
    values = {**ensure_env(tmp_path), "DATABASE_URL": "sqlite:////tmp/x.db", "REDIS_URL": "unix:///tmp/x.sock"}
    local = {"PUBLIC_BASE_URL": "http://127.0.0.1:8000", "TWILIO_BASE_URL": "http://127.0.0.1:9000"}
    settings = Settings.from_mapping({**values, **local, "OUTREACH_MODE": "rehearsal"})
    assert list(settings.field_keys) == ["rehearsal-1"]
    with pytest.raises(SettingsError) as refused:
        Settings.from_mapping({**values, "PUBLIC_BASE_URL": "https://campaign.example.org"})
    assert str(refused.value).count("was made for a rehearsal") == 3


def test_two_first_runs_agree(tmp_path: Path) -> None:
    found: list[dict[str, str]] = []
    threads = [threading.Thread(target=lambda: found.append(ensure_env(tmp_path / "var"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(values == found[0] for values in found)


@pytest.mark.parametrize("damage", ["SECRET_KEY=x\n", "", "SECRET_KEY", "\0\0\0\n", "OTHER=1\n"])
def test_damaged_keys_are_never_replaced(tmp_path: Path, damage: str) -> None:
    ensure_env(tmp_path)
    (tmp_path / FILE_NAME).write_text(damage)
    with pytest.raises(StageError, match="is damaged"):
        ensure_env(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == damage


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(StageError, match="cannot be used"):
        ensure_env(tmp_path / "var")


def test_the_procfile_names_the_same_processes() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    env = {"PORT": "8000", "WEB_CONCURRENCY": "2"}
    ours = [commands.web(8000, env), commands.worker(env), commands.importer(env), commands.upkeep(env)]
    assert lines.pop("release") == "outreach db upgrade"
    assert sorted(lines) == sorted(program.name for program in ours)
    for program in ours:
        words = shlex.split(re.sub(r"\$\{\w+:-([\w.]+)\}", r"\1", lines[program.name]))  # as nothing is set
        expected = list(program.argv[1:])
        if program.name == "web":  # on this machine only: whoever comes past the proxy could write its headers
            words = ["-m", *words]
        else:
            words = words[1:]
            expected = expected[: len(words)]  # the rehearsal's tuning options stay its own
        assert words == expected


def test_granian_serves_and_leaves_nothing(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(
        "def app(environ, start_response):\n start_response('200 OK', [])\n return [b'ok']\n"
    )
    port = free_port()
    web = commands.web(port, {"PYTHONPATH": str(tmp_path)})
    processes.start(Program("web", (*web.argv[:-1], "tiny:app"), web.env, web.ready))
    session = processes.pid("web")
    assert eventually(lambda: len(members(session)) >= 3)
    processes.stop("web")
    assert members(session) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
