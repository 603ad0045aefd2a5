"""Imports run one way, and what is listed in two places is the same in both."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ROOMS = (
    ("config",),
    ("outreach.core",),
    ("outreach.accounts", "outreach.carrier"),
    ("outreach.spending",),
    ("outreach.officials", "outreach.people"),
    ("outreach.messaging",),
    ("outreach.escalations",),
    ("outreach.calls",),
    ("outreach.phone_tree",),
    ("outreach.approvals",),
    ("outreach.tallies",),
    ("outreach.watch",),
    ("outreach.migrations", "outreach.privacy"),
    ("outreach.backups",),
    ("outreach.access", "outreach.replies", "outreach.serving", "outreach.doctor"),
    ("outreach.web", "outreach.webhooks", "outreach.wsgi", "outreach.cli", "workers", "outreach.stage"),
    ("outreach.story",),
    ("outreach.bench", "outreach.chaos"),
    ("outreach.canaries",),
)
"""From the ground up. A room may import from lower rows and from itself."""

ALLOWED = {
    ("config", "outreach.core"),  # settings are typed with core's Clock and refuse with core's errors
    ("outreach.web", "outreach.webhooks"),  # the app wires the webhooks in
    ("outreach.wsgi", "outreach.web"),
    ("outreach.cli", "outreach.stage"),  # a command finds the rehearsal of a data directory
}
APART = "outreach.rehearsal"
"""The simulated carrier and the features know each other only over HTTP."""
LIBRARIES_AT_HOME = {"twilio.rest": "outreach/carrier/twilio.py", "twilio.http": "outreach/carrier/twilio.py"}


def sources() -> Iterator[tuple[str, Path]]:
    for top in ("config", "outreach", "workers"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


@cache
def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def room(module: str) -> str | None:
    names = [name for row in ROOMS for name in row if module == name or module.startswith(f"{name}.")]
    return max(names, key=len, default=None)


def floor(name: str) -> int:
    return next(index for index, row in enumerate(ROOMS) if name in row)


def arrows() -> Iterator[tuple[str, str, str]]:
    """Importing module, its room, the room it imports from."""
    for module, path in sources():
        here = room(module)
        if here is None:
            continue
        for target in imports(path):
            there = room(target)
            if there is not None and there != here:
                yield module, here, there


def test_every_module_has_a_room() -> None:
    homeless = [m for m, _ in sources() if room(m) is None and not m.startswith(APART) and m != "outreach"]
    assert homeless == []


def test_imports_run_one_way() -> None:
    wrong = {
        f"{module} -> {there}"
        for module, here, there in arrows()
        if floor(there) >= floor(here) and (here, there) not in ALLOWED
    }
    assert wrong == set()


def test_every_exception_is_still_needed() -> None:
    used = {(here, there) for _, here, there in arrows()}
    assert used >= ALLOWED


def test_the_rehearsal_and_the_features_know_each_other_only_over_http() -> None:
    for module, path in sources():
        for target in imports(path):
            if module.startswith(APART) and target.startswith(("outreach.", "workers", "config")):
                assert target.startswith((APART, "outreach.core")), f"{module} -> {target}"
            if not module.startswith(APART):
                assert not target.startswith(APART), f"{module} -> {target}"


@pytest.mark.parametrize(("library", "home"), LIBRARIES_AT_HOME.items())
def test_the_carriers_sdk_is_imported_in_one_file(library: str, home: str) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for _, path in sources()
        for target in imports(path)
        if target == library or target.startswith(f"{library}.")
    }
    assert users == {home}
