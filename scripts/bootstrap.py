"""Makes `.venv` from a hashed lock, once; afterwards it only compares a stamp and is instant.

Standard library only, Python 3.11 or newer. Older ones (from 3.6) read it as far as the line that says so,
hence no ``from __future__ import annotations``. Progress goes to stderr: stdout belongs to the command that follows.
"""

import errno
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import NoReturn


def fail(code: str, message: str) -> NoReturn:
    """End with code 2: the message on stderr and, for a caller that reads JSON, as the last line of stdout."""
    sys.stderr.write(message + "\n")
    if "--json" in sys.argv[1:]:
        print(json.dumps({"error": {"code": code, "message": message}}))
    sys.exit(2)


if sys.version_info < (3, 11):  # noqa: UP036 - an older Python must be told
    fail("python_too_old", f"outreach needs Python 3.11 or newer; this is Python {sys.version.split()[0]}.")

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PYTHON_VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"

NETWORK_SIGNS = (
    "name resolution",
    "nodename nor servname",
    "newconnectionerror",
    "max retries exceeded",
    "connection refused",
    "network is unreachable",
    "dns error",
    "failed to fetch",
    "connection broken",
    "timed out",
    "no matching distribution found",
)
UNWANTED = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME", "PYTHONPATH"}
DISK_SIGNS = ("no space left on device", "disk quota exceeded")


class SetupError(Exception):
    """What a person has to mend before the set-up can go on; the message says how."""


def say(text: str) -> None:
    """Progress, for the person who waits."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def bootstrap(lock: str, root: Path = ROOT) -> Path:
    """The Python of ``root/.venv`` with this lock installed; ends the process with code 2 and a message otherwise."""
    try:
        return set_up(lock, root)
    except SetupError as error:
        problem = str(error)
    except OSError as error:
        problem = explain_os_error(error, root)
    except KeyboardInterrupt:
        problem = "interrupted; the next start begins afresh."
    fail("setup_failed", f"Set-up failed: {problem}")


def set_up(lock: str, root: Path) -> Path:
    """Install unless the stamp says that exactly this is installed. One set-up at a time; the others wait."""
    venv = root / ".venv"
    if is_current(venv, lock, root):
        return venv / "bin" / "python"
    import fcntl  # noqa: PLC0415 - a current environment needs none of these

    # Locking the checkout itself leaves no file behind. Installers inherit the lock: one that outlives us keeps it.
    directory = os.open(root, os.O_RDONLY)
    os.set_inheritable(directory, True)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up of this checkout is running; waiting for it.")
            fcntl.flock(directory, fcntl.LOCK_EX)
        if not is_current(venv, lock, root):
            install(venv, lock, root)
    finally:
        os.close(directory)
    return venv / "bin" / "python"


def digest(lock: str, root: Path) -> str:
    """What one installation is made of, as one number."""
    parts = [(root / lock).read_bytes(), (root / "pyproject.toml").read_bytes(), PYTHON_VERSION.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def stamp_of(venv: Path) -> dict[str, str]:
    """Lock name -> digest of what is installed, with the checkout's place and Python; empty when unknown."""
    try:
        stamp = json.loads((venv / "outreach-stamp.json").read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_current(venv: Path, lock: str, root: Path) -> bool:
    """Whether this lock is installed here, whole and by this Python version."""
    stamp = stamp_of(venv)
    return (
        stamp.get("root") == str(root)
        and stamp.get(lock) == digest(lock, root)
        and os.access(venv / "bin" / "python", os.X_OK)
    )


def install(venv: Path, lock: str, root: Path) -> None:
    """Make or mend the environment, install the lock and the project, and stamp it."""
    import time  # noqa: PLC0415

    began = time.monotonic()
    fetch_installer()
    unfinished = venv / "outreach-unfinished"
    if not is_usable(venv, root):
        say(f"Making .venv with Python {PYTHON_VERSION}.")
        make_venv(venv)
    unfinished.touch()
    (venv / "outreach-stamp.json").unlink(missing_ok=True)
    installer = installer_for(venv)
    say(f"Installing {len(pins(root / lock))} packages (once; a minute or so).")
    run([*installer, "--require-hashes", "--no-deps", "-r", str(root / lock)], root)
    run([*installer, "--no-deps", "--no-build-isolation", "-e", str(root)], root)
    stamp = {"root": str(root), "python": PYTHON_VERSION}
    stamp.update({other: digest(other, root) for other in LOCKS if covers(root / lock, root / other)})
    draft = venv / "outreach-stamp.json.new"
    draft.write_text(json.dumps(stamp))
    draft.replace(venv / "outreach-stamp.json")
    unfinished.unlink()
    say(f"Set-up done in {time.monotonic() - began:.0f} s.")


def covers(lock: Path, other: Path) -> bool:
    """Whether installing ``lock`` has installed every pinned version of ``other`` too."""
    return pins(other) <= pins(lock)


def pins(lock: Path) -> set[str]:
    """``name==version`` of each package of a lock, markers left out."""
    return {line.split()[0] for line in lock.read_text().splitlines() if "==" in line and not line[0].isspace()}


def is_usable(venv: Path, root: Path) -> bool:
    """Whether an environment can be added to: whole, of this Python version, and not moved here from elsewhere."""
    if (venv / "outreach-unfinished").exists():
        say("The last set-up was interrupted; starting afresh.")
        return False
    stamp = stamp_of(venv)
    if stamp and (stamp.get("python") != PYTHON_VERSION or stamp.get("root") != str(root)):
        return False
    import subprocess  # noqa: PLC0415

    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([venv / "bin" / "python", "-c", question], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == PYTHON_VERSION


def make_venv(venv: Path) -> None:
    """An empty environment in place of whatever is there. Raises SetupError naming the package that is missing."""
    import importlib.util  # noqa: PLC0415
    import shutil  # noqa: PLC0415

    if importlib.util.find_spec("venv") is None:
        raise SetupError(no_venv_message("its module venv"))
    if venv.is_symlink() or venv.is_file():
        venv.unlink()
    elif venv.exists():
        shutil.rmtree(venv)
    venv.mkdir()
    (venv / "outreach-unfinished").touch()
    with_pip = not shutil.which("uv") and importlib.util.find_spec("ensurepip") is not None
    # The base interpreter: an environment made from within another one would die with it.
    base = getattr(sys, "_base_executable", None) or sys.executable
    run([base, "-m", "venv", *([] if with_pip else ["--without-pip"]), str(venv)], venv.parent)


def fetch_installer() -> None:
    """Debian ships a Python that can install nothing; where we may, fetch what its own package brings."""
    import importlib.util  # noqa: PLC0415
    import shutil  # noqa: PLC0415

    if shutil.which("uv") or any(importlib.util.find_spec(name) for name in ("ensurepip", "pip")):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return  # make_venv or installer_for says what is missing
    say("Installing python3-venv with apt-get.")
    run(["apt-get", "update", "-qq"], ROOT)
    run(["apt-get", "install", "-y", "-qq", f"python{PYTHON_VERSION}-venv"], ROOT)
    importlib.invalidate_caches()


def installer_for(venv: Path) -> list[str]:
    """The command that installs into the environment: uv, its own pip, or this Python's pip."""
    import importlib.util  # noqa: PLC0415
    import shutil  # noqa: PLC0415

    python = str(venv / "bin" / "python")
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", python]
    options = ["install", "--quiet", "--disable-pip-version-check", "--no-input"]
    if list(venv.glob("lib/python*/site-packages/pip")):
        return [python, "-m", "pip", *options]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--python", python, *options]
    raise SetupError(no_venv_message("its module ensurepip (and neither uv nor pip is there)"))


def no_venv_message(what: str) -> str:
    return (
        f"this Python ({sys.executable}) lacks {what}. On Debian and Ubuntu: apt-get install python3-venv; "
        "on others install Python from python.org or with uv."
    )


def run(command: list[str], directory: Path) -> None:
    """Run one step quietly; raises SetupError that says what went wrong, in words where we know them."""
    import subprocess  # noqa: PLC0415

    # pip's own cache and settings stay; a user-site or target setting would install elsewhere.
    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    done = subprocess.run(
        command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", check=False, close_fds=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SetupError(explain(done.stdout, " ".join(command)))


def explain(output: str, command: str) -> str:
    """The reason behind a failed step's output, for a person; the output's end when it is none that we know."""
    lowered = output.lower()
    tail = "\n".join(output.strip().splitlines()[-3:])
    if any(sign in lowered for sign in DISK_SIGNS):
        return "the disk is full. Free about 1 GB (packages are unpacked in the temporary directory first)."
    if any(sign in lowered for sign in NETWORK_SIGNS):
        return "packages could not be fetched. Is there a network, or a proxy to be set (HTTPS_PROXY)?\n" + tail
    if "ensurepip" in lowered:
        return no_venv_message("its module ensurepip")
    if "do not match the hashes" in lowered:
        return "a package is not the one that the lock names, so nothing of it was installed.\n" + tail
    return f"this step failed: {command}\n{tail}"


def explain_os_error(error: OSError, root: Path) -> str:
    """The same for what the system refuses us."""
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return f"{root} is not writable. Use a checkout of your own: the packages go into its .venv."
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return explain(DISK_SIGNS[0], "")
    return f"{error.filename or root}: {error.strerror}"


def become(python: Path, arguments: list[str]) -> None:
    """Go on as the environment's Python; does not return."""
    os.execv(python, [str(python), *arguments])  # noqa: S606 - replacing this process is the point
