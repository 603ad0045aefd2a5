"""docs/security.md: each threat names a test that is there, and COMPLIANCE's promises each have a threat."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"\| (T[0-9]{2}) (.+?) \| (.+?) \| `(.+?)` \|")
PROMISES = {
    "consent first": "T06", "opting out at once": "T04", "for every group": "T05", "quiet hours": "T43",
    "numbers sealed, none in logs": "T30", "keys and rotation": "T32", "bodies go after 30 days": "T33",
    "gone on request": "T34", "exports are logged": "T35", "another group is 404": "T41",
    "CSP without inline script": "T14",
    "limits without lock-out": "T09", "no premium numbers": "T42", "signature checks": "T01", "unsafe boot": "T25",
    "JSON jobs": "T21", "allow-list of jobs": "T20",
    "lock-out that cannot be used against a victim": "T45", "codes once": "T46", "sessions that end": "T47",
    "confirming launches and exports": "T48", "invitations": "T49", "caps": "T53", "regions": "T58",
    "two people": "T59", "append-only audit": "T70",
}  # fmt: skip
"""What the design says of privacy and security and this build holds, and the row for it."""


def rows() -> list[tuple[str, ...]]:
    return [found.groups() for found in ROW.finditer((ROOT / "docs" / "security.md").read_text())]


def named_in(path: Path) -> set[str]:
    """The names of a file's test functions, read and not imported."""
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.name for node in found if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_the_table_is_read_whole() -> None:
    lines = [line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if line.startswith("| T")]
    assert len(lines) == len(rows()) > 40, "a row without a test is no row"
    numbers = [number for number, *_ in rows()]
    assert numbers == [f"T{place:02}" for place in range(1, len(numbers) + 1)]


@pytest.mark.parametrize(("number", "named"), [(row[0], row[3]) for row in rows()])
def test_each_threat_has_a_test(number: str, named: str) -> None:
    file, _, name = named.partition("::")
    path = ROOT / file
    assert path.is_file(), number
    names = named_in(path)
    assert names if name == "*" else name in names, f"{number}: {named}"


def test_each_promise_has_a_row() -> None:
    numbers = {number for number, *_ in rows()}
    assert {promise: row for promise, row in PROMISES.items() if row not in numbers} == {}
