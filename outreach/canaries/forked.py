"""The ``outreach`` command in a process of its own, forked from one that has imported everything: as people type it,
without the second and a half that every start takes to import."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from pkgutil import iter_modules

from outreach import cli
from outreach.stage.processes import ROOT


def type_command(env: Mapping[str, str], words: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Exit code and output of ``outreach`` with these words in this environment and no other. Raises TimeoutExpired."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([__name__, *(f"{cli.__name__}.{one.name}" for one in iter_modules(cli.__path__))])
    with tempfile.TemporaryDirectory() as directory:
        out, err = (Path(directory) / name for name in ("out", "err"))
        process = forks.Process(target=_type, args=(dict(env), list(words), str(out), str(err)))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["outreach", *words], seconds)
        said, complained = (path.read_text(encoding="utf-8") if path.exists() else "" for path in (out, err))
        return subprocess.CompletedProcess(["outreach", *words], process.exitcode, said, complained)


def _type(env: dict[str, str], words: list[str], out: str, err: str) -> None:
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        os.dup2(os.open(path, flags | os.O_CREAT, 0o600), number)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None  # found anew, in this environment
    os.chdir(ROOT)
    sys.argv = ["outreach", *words]
    try:
        cli.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
