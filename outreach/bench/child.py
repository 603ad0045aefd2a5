"""Load in processes of its own: started under a name, waited for, and heard through one line of JSON in its log."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from itertools import count
from typing import Any

from outreach.bench import BenchError
from outreach.stage.processes import Processes, Program

PATIENCE_SECONDS = 900.0
_numbers = count(1)


def program(module: str, env: Mapping[str, str], **options: object) -> Program:
    """A module of ours with ``--name value`` for each option, under a name that no other process has."""
    given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    name = f"{module}-{next(_numbers)}"
    return Program(name, (sys.executable, "-P", "-m", f"outreach.bench.{module}", *given), env, grace=30.0)


def run(processes: Processes, module: str, env: Mapping[str, str], **options: object) -> dict[str, Any]:
    """Run it to its end; what it answered. Raises BenchError when it failed or did not end."""
    chosen = program(module, env, **options)
    processes.start(chosen)
    return finish(processes, chosen)


def finish(processes: Processes, chosen: Program) -> dict[str, Any]:
    """Wait for the end of one that was started (and told to end, if it does not by itself); what it answered."""
    try:
        status = processes.wait(chosen.name, PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        status = -1
    finally:
        processes.stop(chosen.name)
    lines = processes.log(chosen.name).read_text(encoding="utf-8", errors="replace").splitlines()
    if status != 0 or not lines:
        raise BenchError("bench_load_failed", name=chosen.name, status=status, tail="\n".join(lines[-15:]))
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def answer(figures: Mapping[str, Any]) -> None:
    """What a child says last."""
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
