"""The ``outreach`` command as tests type it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from outreach.canaries.forked import type_command

PATH = str(Path(sys.executable).parent)
SECONDS = 120


def outreach_command(env: Mapping[str, str], words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Exit code and output of ``outreach`` with these words in this environment and no other."""
    return type_command({"PATH": PATH, **env}, words, SECONDS)
