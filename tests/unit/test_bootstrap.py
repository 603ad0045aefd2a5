"""Set-up on a small checkout of our own; a stand-in for uv on the PATH installs nothing and writes down its orders."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
SET_UP = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv.pop(1))
from bootstrap import bootstrap
print(bootstrap(sys.argv[1], Path(sys.argv[2])))
"""


def load(script: str, name: str) -> ModuleType:
    """A script as a module; the scripts are not a package, for they run before anything is installed."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


bootstrap = load("bootstrap.py", "bootstrap")
run_tests = load("test.py", "outreach_test_script")


class Checkout:
    """A project with two locks, and the installer's orders."""

    def __init__(self, place: Path) -> None:
        self.root = place / "checkout"
        self.root.mkdir()
        (self.root / "pyproject.toml").write_text("[project]\n")
        (self.root / "requirements.lock").write_text("alpha==1 \\\n    --hash=sha256:00\n")
        (self.root / "requirements-dev.lock").write_text("alpha==1\nbeta==2\n")
        self.bin = place / "bin"
        self.bin.mkdir()
        self.orders = place / "orders"
        self.installer('echo "$@" >> "$ORDERS"')

    def installer(self, script: str) -> None:
        """Let uv be this shell script."""
        path = self.bin / "uv"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def begin(self, lock: str = "requirements.lock", *options: str) -> subprocess.Popen[str]:
        env = {**os.environ, "PATH": f"{self.bin}:/usr/bin:/bin", "ORDERS": str(self.orders)}
        command = [sys.executable, "-c", SET_UP, str(SCRIPTS), lock, str(self.root), *options]
        return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def set_up(self, lock: str = "requirements.lock", *options: str) -> tuple[int, str, str]:
        running = self.begin(lock, *options)
        out, err = running.communicate(timeout=60)
        return running.returncode, out, err

    def installed(self) -> list[str]:
        """The locks that were installed, in order."""
        lines = self.orders.read_text().splitlines() if self.orders.exists() else []
        return [Path(line.split()[-1]).name for line in lines if "--require-hashes" in line]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_it_installs_once_and_then_compares_a_stamp(checkout: Checkout) -> None:
    code, out, err = checkout.set_up()
    assert (code, out) == (0, f"{checkout.root}/.venv/bin/python\n")
    assert "Making .venv" in err
    assert checkout.orders.read_text().splitlines()[1].endswith(f"--no-deps --no-build-isolation -e {checkout.root}")
    assert checkout.set_up() == (0, out, "")
    assert checkout.installed() == ["requirements.lock"]


def test_a_changed_lock_or_project_is_installed_again(checkout: Checkout) -> None:
    checkout.set_up()
    (checkout.root / "requirements.lock").write_text("alpha==2\n")
    assert "Making .venv" not in checkout.set_up()[2]
    (checkout.root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    checkout.set_up()
    assert checkout.installed() == ["requirements.lock"] * 3


def test_the_development_lock_brings_the_other_one_along(checkout: Checkout) -> None:
    checkout.set_up("requirements-dev.lock")
    assert checkout.set_up("requirements.lock")[2] == ""
    assert checkout.installed() == ["requirements-dev.lock"]


def test_another_python_or_place_makes_it_anew(checkout: Checkout) -> None:
    checkout.set_up()
    stamp = checkout.root / ".venv" / "outreach-stamp.json"
    for change in ({"python": "3.9"}, {"root": "/elsewhere"}):
        stamp.write_text(json.dumps({**json.loads(stamp.read_text()), **change, "requirements.lock": ""}))
        (checkout.root / ".venv" / "old").touch()
        assert "Making .venv" in checkout.set_up()[2]
        assert not (checkout.root / ".venv" / "old").exists()


@pytest.mark.parametrize("damage", ["unlink", "empty", "not executable"])
def test_a_broken_interpreter_is_replaced(checkout: Checkout, damage: str) -> None:
    checkout.set_up()
    python = checkout.root / ".venv" / "bin" / "python"
    python.unlink()
    if damage != "unlink":
        python.write_text("")
        python.chmod(0o644)
    assert checkout.set_up()[0] == 0
    assert python.resolve() == Path(sys.executable).resolve()


def test_an_interrupted_set_up_starts_afresh(checkout: Checkout) -> None:
    checkout.installer('kill -9 "$PPID"')
    assert checkout.set_up()[0] == -9
    checkout.installer('echo "$@" >> "$ORDERS"')
    code, _, err = checkout.set_up()
    assert code == 0
    assert "interrupted; starting afresh" in err
    assert checkout.set_up()[2] == ""


def test_two_at_once_install_once_even_when_the_first_is_killed(checkout: Checkout, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    checkout.installer(f'echo "$@" >> "$ORDERS"; while [ ! -e {gate} ]; do sleep 0.02; done')
    first = checkout.begin()
    deadline = time.monotonic() + 30
    while not checkout.orders.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    second = checkout.begin()
    assert second.stderr is not None
    assert "waiting for it" in second.stderr.readline()
    first.kill()
    first.communicate()
    assert checkout.installed() == ["requirements.lock"]  # the killed one's installer still holds the lock
    gate.touch()
    assert second.communicate(timeout=60)[0] == f"{checkout.root}/.venv/bin/python\n"
    assert checkout.installed() == ["requirements.lock"] * 2


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("error: Failed to fetch: dns error", "Is there a network"),
        ("NewConnectionError: Temporary failure in name resolution", "Is there a network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that the lock names"),
        ("something new", "something new"),
    ],
)
def test_a_failure_is_told_plainly_and_as_json(checkout: Checkout, says: str, told: str) -> None:
    checkout.installer(f"echo '{says}' >&2; exit 1")
    code, out, err = checkout.set_up("requirements.lock", "--json")
    assert code == 2
    assert told in err
    assert "Traceback" not in err
    error = json.loads(out.splitlines()[-1])["error"]
    assert error["code"] == "setup_failed"
    assert told in error["message"]
    assert checkout.set_up()[1] == ""


def test_what_the_system_refuses_is_told(tmp_path: Path) -> None:
    assert "not writable" in bootstrap.explain_os_error(PermissionError(13, "Permission denied"), tmp_path)
    assert "not writable" in bootstrap.explain_os_error(OSError(30, "Read-only file system"), tmp_path)
    assert "disk is full" in bootstrap.explain_os_error(OSError(28, "No space left on device"), tmp_path)


def test_the_locks_agree_and_carry_hashes() -> None:
    assert bootstrap.covers(ROOT / "requirements-dev.lock", ROOT / "requirements.lock")
    for lock in bootstrap.LOCKS:
        text = (ROOT / lock).read_text()
        assert text.count("--hash=sha256:") >= len(bootstrap.pins(ROOT / lock)) > 0
        assert "://" not in text
        assert any(pin.startswith("setuptools==") for pin in bootstrap.pins(ROOT / lock))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]),
        (["tests/unit", "-q"], ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "tests/unit", "-q"]),
        (["-n0"], ["-n0"]),
        (["-n", "2"], ["-n", "2"]),
        (["-p", "no:xdist"], ["-p", "no:xdist"]),
        (["--pdb"], ["--pdb"]),
    ],
)
def test_three_workers_unless_the_caller_chose(given: list[str], expected: list[str]) -> None:
    assert run_tests.pytest_arguments(given) == expected


def test_the_browser_is_needed_by_browser_tests_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, unit = tmp_path / "tests" / "browser", tmp_path / "tests" / "unit"
    browser.mkdir(parents=True)
    unit.mkdir()
    monkeypatch.setattr(run_tests, "BROWSER_TESTS", browser)
    assert run_tests.needed([]) == []
    (browser / "test_page.py").touch()
    for arguments in ([], ["-q"], [str(browser)], [str(tmp_path / "tests")], [f"{browser / 'test_page.py'}::test_x"]):
        assert run_tests.needed(arguments)[0] == run_tests.CHROMIUM
    assert run_tests.needed([str(unit)]) == []


def test_a_missing_package_is_missing_where_we_may_not_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not run_tests.provide(run_tests.CHROMIUM)
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert run_tests.provide(run_tests.CHROMIUM)
    assert run_tests.loads("libc.so.6") == (sys.platform == "linux")
    assert not run_tests.loads("libnothing.so.9")


def test_a_python_that_can_install_nothing_fetches_what_it_lacks_where_it_may(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "run", lambda command, _directory: steps.append(command))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    apt = tmp_path / "apt-get"
    apt.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    bootstrap.fetch_installer()
    assert steps == []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    bootstrap.fetch_installer()
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert [step[:2] for step in steps] == [["apt-get", "update"], ["apt-get", "install"]]
    assert steps[1][-1] == f"python{version}-venv"
