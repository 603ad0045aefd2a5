"""The commands that the documents tell people to type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (python3 .+|outreach .+|docker .+|\.venv/.+)$", re.MULTILINE)
SPAN = re.compile(r"`((?:\.venv/bin/)?outreach [a-z][^`\n]*|(?:python3 )?scripts/\w+\.py[^`\n]*)`")
CRON = re.compile(r"(?:[\d*/,-]+ +){5}")
NO_COMMANDS = {"json", "mermaid", "ini"}
"""A unit of systemd is held against the Procfile in tests/unit/test_deployment.py."""


def documents() -> dict[str, str]:
    """The pages that tell people what to type, by their place."""
    paths = [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        *sorted((ROOT / "docs").glob("*.md")),
    ]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def commands(pages: Mapping[str, str]) -> Iterator[str]:
    """Each command in code that is set off, as it stands there. Raises ValueError for a block of no known kind."""
    for place, page in pages.items():
        for kind, block in FENCE.findall(page):
            lines = block.splitlines()
            if kind == "console":
                yield from (line[2:] for line in lines if line.startswith("$ "))
            elif kind == "cron":
                yield from (CRON.sub("", line, count=1).strip() for line in lines)
            elif kind in {"sh", "bash", "shell"}:
                yield from (line for line in lines if line and not line.startswith("#"))
            elif kind not in NO_COMMANDS and (kind or not block.lstrip().startswith(("{", "campaign suggest {"))):
                raise ValueError(f"{place}: a block of the kind {kind!r} may hold commands")
        yield from INDENTED.findall(FENCE.sub("", page))


def spans(pages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each command within a sentence, with the place of its page."""
    for place, page in pages.items():
        yield from ((place, found) for found in SPAN.findall(FENCE.sub("", page)))
