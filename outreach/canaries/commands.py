"""The ``outreach`` command as a person at a terminal runs it; what it says is kept as the instance's other logs are."""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path
from typing import Any

from outreach.canaries import CanaryError
from outreach.canaries.forked import type_command

SECONDS = 600


class Commands:
    """Runs commands on one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._logs = data_dir / "logs"
        self._numbers = count(1)

    def run(self, *words: str) -> str:
        """What the command wrote to stdout. Raises CanaryError unless it ended well."""
        done = type_command(os.environ, ["--data-dir", str(self._data_dir), *words], SECONDS)
        name = f"command-{next(self._numbers):02}-{words[0]}.log"
        (self._logs / name).write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode != 0:
            raise CanaryError("canary_command", command=" ".join(words[:2]), log=name)
        return done.stdout

    def ask(self, *words: str) -> dict[str, Any]:
        """The JSON object that the command ends with."""
        found: dict[str, Any] = json.loads(self.run(*words, "--json").splitlines()[-1])
        return found
