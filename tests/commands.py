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

ROOT = Path(__file__).parents[1]
PATH = str(Path(sys.executable).parent)
SECONDS = 120


def outreach_command(env: Mapping[str, str], words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Exit code and output of ``outreach`` with these words in this environment and no other."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(
        ["tests.commands", *(f"outreach.cli.{one.name}" for one in iter_modules(cli.__path__))]
    )
    with tempfile.TemporaryDirectory() as directory:
        out, err = (Path(directory) / name for name in ("out", "err"))
        process = forks.Process(target=_type, args=({"PATH": PATH, **env}, list(words), str(out), str(err)))
        process.start()
        process.join(SECONDS)
        assert process.exitcode is not None, f"outreach {words[0]} hangs"
        return subprocess.CompletedProcess(
            ["outreach", *words], process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
        )


def _type(env: dict[str, str], words: list[str], out: str, err: str) -> None:
    for number, path in ((1, out), (2, err)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, number)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    sys.argv = ["outreach", *words]
    try:
        cli.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
