"""Runs the tests, after setting up what they need; arguments go to pytest, its exit code comes back."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bootstrap import ROOT, become, bootstrap, fail, say

BROWSER_TESTS = ROOT / "tests" / "browser"
DEFAULTS = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")  # one more than processors: journeys mostly wait


class SystemPackage(NamedTuple):
    """Something that no Python package brings: programs or shared libraries (any will do), and how to get one."""

    name: str
    programs: tuple[str, ...]
    libraries: tuple[str, ...]
    apt: str
    otherwise: str


CHROMIUM = SystemPackage(
    name="Chromium, for the browser tests",
    programs=("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    libraries=(),
    apt="chromium",
    otherwise="Debian: apt-get install chromium. macOS: brew install --cask chromium. Others: your system's package.",
)

LIBATOMIC = SystemPackage(
    name="libatomic, for the driver of the browser tests",
    programs=(),
    libraries=("libatomic.so.1",),
    apt="libatomic1",
    otherwise="Debian: apt-get install libatomic1. Others: it comes with the C compiler's runtime.",
)


def needed(arguments: list[str]) -> list[SystemPackage]:
    """What the tests chosen by these pytest arguments need from the machine."""
    paths = [Path(word.split("::")[0]).absolute() for word in arguments if Path(word.split("::")[0]).exists()]
    has_browser_tests = any(BROWSER_TESTS.glob("**/test_*.py"))
    family = {BROWSER_TESTS, *BROWSER_TESTS.parents}
    chosen = not paths or any(path in family or BROWSER_TESTS in path.parents for path in paths)
    return [CHROMIUM, *([LIBATOMIC] if sys.platform == "linux" else [])] if has_browser_tests and chosen else []


def provide(package: SystemPackage) -> bool:
    """Whether the machine has it, installed now if we may: as root, where there is apt-get."""
    if is_there(package):
        return True
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say(f"Installing {package.name} with apt-get.")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", package.apt]):
        done = subprocess.run(["apt-get", *step], env=quiet, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            return False
    return is_there(package)


def is_there(package: SystemPackage) -> bool:
    """Whether the machine has one of the package's programs or libraries."""
    return any(shutil.which(program) for program in package.programs) or any(map(loads, package.libraries))


def loads(library: str) -> bool:
    """Whether a shared library can be loaded."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def pytest_arguments(given: list[str]) -> list[str]:
    """So many workers unless the caller chose; tests of one group share a worker."""
    chosen = any(word.startswith(("-n", "--numprocesses", "--dist", "--pdb")) for word in given)
    return given if chosen or any(word.endswith("no:xdist") for word in given) else [*DEFAULTS, *given]


def main(given: list[str]) -> None:
    """Set up, check the machine, and become pytest."""
    python = bootstrap("requirements-dev.lock")
    os.chdir(ROOT)
    missing = [package for package in needed(given) if not provide(package)]
    if missing:
        fail("system_package_missing", "\n".join(f"Missing: {each.name}. {each.otherwise}" for each in missing))
    become(python, ["-m", "pytest", *pytest_arguments(given)])


if __name__ == "__main__":
    main(sys.argv[1:])
