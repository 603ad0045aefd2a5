"""The examples of docs/cli.md against what the commands print: the same fields, wherever these are fixed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.documented import NUMBER, Site, last_line, make_site
from tests.unit.test_cli_page import FENCE, PAGE, sections

OPEN = {
    "mapping", "by_language", "out", "reports", "reasons", "documents", "sealed", "left", "counts", "totals", "total",
    "rows", "variants", "caught_up", "occasion", "expression",
}  # fmt: skip
"""Fields whose own fields depend on what is there."""

LINES = {
    "segments": '{"id": 7, "text": "Hola"}',
    "phones": '{"input": "(480) 555-0117 x4", "zip": "10001"}',
    "classify": '{"id": 2, "text": "3", "asked": "call_report"}',
}
"""What the rules are asked, one line on stdin."""

TREE = "tree make South --list Fair; tree start South {draft}"
STANDS = "campaign stand-down {launched} --why yes"
PRINTED_BY = {
    "constituents import": "constituents import {root}/people.csv --list Other",
    "officials import": "officials import {root}/officials.csv",
    "officials add": "officials add --name Jo --role Mayor --phone 602-555-0144",
    "meeting record": "meeting record --official 1 --outcome declined --answer 5=no --promise Asks",
    "meetings upcoming": "meetings upcoming",
    "promises list": "promises list",
    "campaign list": "campaign list",
    "campaign show": "campaign show {draft}",
    "campaign edit": "campaign edit {draft} --name Calls",
    "campaign launch": "campaign launch {draft}",
    "campaign launch --at 2026-12-02T09:00": "campaign launch {draft} --at 2026-12-02T09:00",
    "campaign unschedule": "campaign launch {draft} --at 2026-12-02T09:00; campaign unschedule {draft}",
    "campaign pause": "campaign pause {launched}",
    "campaign resume": "campaign resume {paused}",
    "campaign cancel": "campaign cancel {launched}",
    "campaign stand-down": STANDS,
    "campaign undo": f"{STANDS}; campaign undo {{launched}}",
    "campaign tally": "campaign tally {launched}",
    "forecast": "forecast {draft}",
    "campaign suggest": "campaign suggest {launched}",
    "campaign tactic": "campaign tactic {draft} town_hall --event-at 2026-12-09T18:30 --event-place Hall --replace",
    "campaign next": "campaign next {launched}",
    "campaign why": "campaign why {launched}",
    "export stances": "export stances",
    "tree list": f"{TREE}; tree list",
    "tree make": "tree make South --list Fair",
    "tree show": f"{TREE}; tree show South",
    "tree start": TREE,
    "tree status": f"{TREE}; tree status 1",
    "tree stop": f"{TREE}; tree stop 1",
    "backup": "backup {root}/backups",
    "restore": "restore {backup} --replace",
    "replaced show": "restore {backup} --replace; replaced show",
    "replaced remove": "restore {backup} --replace; replaced remove --yes",
    "db check": "db check",
    "db upgrade": "db upgrade",
    "user list": "user invite Jo --role staff; user list",
    "user invite": "user invite Jo --role staff",
    "user role": "user role Jo staff",
    "user deactivate": "user deactivate Jo",
    "user reset-totp": "user reset-totp Jo",
    "segments": "segments",
    "phones": "phones",
    "classify": "classify",
    "doctor": "doctor",
    "constituents show": f"constituents show {NUMBER} --reason asked",
    "constituents erase": f"constituents erase {NUMBER} --reason asked",
    "export tallies": "export tallies --by campaign",
    "keys show": "keys show",
    "keys rotate": "keys rotate",
    "optouts import": "optouts import {root}/complaint.csv --reason mail",
    "reconfirm": "reconfirm --list Fair --dry-run --text 'Valley Neighbors: JOIN or STOP?'",
    "audiences list": "audiences list",
    "audiences reindex": "audiences reindex",
}
"""The commands of which the last prints an example."""

ELSEWHERE = {
    "campaign wave": "tests/integration/test_waves.py",  # a day must lie between two texts
    "audiences show": "tests/integration/test_web_segments.py",  # segments are made on the site
    "audiences count": "tests/integration/test_web_segments.py",
    "audit export": "tests/integration/test_audit.py",  # one document for the screen, one for a file
    "classify-candidates": "tests/integration/test_inbox_search.py",  # texts that somebody has corrected
}


class Example(NamedTuple):
    """A document of the page, and what stands before it: the command, or the name by which others hold it."""

    label: str
    document: Any


def examples(page: str) -> Iterator[Example]:
    """Each of them, with names like LEVEL put in."""
    for names, _, text in sections(page):
        for fence in FENCE.findall(text):
            found = list(read(fence, names))
            named = {
                one.label.split()[-1]: one.document for one in found if one.label and one.label.split()[-1].isupper()
            }
            yield from (Example(one.label, filled(one.document, named)) for one in found)


def read(fence: str, names: list[str]) -> Iterator[Example]:
    rest = fence.partition("\n")[2].rpartition("\n")[0].strip()
    rest = re.sub(r"\.\.\.([A-Z]+)\b", r'"...": "\1"', rest)
    rest = re.sub(r"(?<=[:\[] )([A-Z]{3,})\b|(?<=\[)([A-Z]{3,})\b", lambda found: f'"@{found[1] or found[2]}"', rest)
    unnamed = iter(names)
    while rest:
        label, brace, _ = rest.partition("{")
        if not brace:
            return
        document, end = json.JSONDecoder().raw_decode(rest[len(label) :])
        yield Example(label.strip() or next(unnamed, names[-1]), document)
        rest = rest[len(label) + end :].strip()


def filled(value: Any, named: dict[str, Any]) -> Any:
    """A document with what its names stand for."""
    if isinstance(value, list):
        return [filled(one, named) for one in value]
    if isinstance(value, str):
        return filled(named[value[1:]], named) if value.startswith("@") else value
    if not isinstance(value, dict):
        return value
    spread = filled(named[value["..."]], named) if "..." in value else {}
    return {**{key: filled(one, named) for key, one in value.items() if key != "..."}, **spread}


def differences(told: Any, printed: Any, where: str = "") -> list[str]:
    """The fields that only one of two documents has."""
    if isinstance(told, list) and isinstance(printed, list):
        return differences(told[0], printed[0], f"{where}[]") if told and printed else []
    if not isinstance(told, dict) or not isinstance(printed, dict):
        kinds = {float if isinstance(one, int) else type(one) for one in (told, printed) if one is not None}
        return [f"{where}: another kind"] if len(kinds) > 1 else []
    found = [f"{where}.{key}: not told" for key in printed.keys() - told.keys()]
    found += [f"{where}.{key}: not printed" for key in told.keys() - printed.keys()]
    for key in told.keys() & printed.keys() - OPEN:
        found += differences(told[key], printed[key], f"{where}.{key}")
    return found


ROOT = Path(__file__).parents[2]
EXAMPLES = [one for one in examples(PAGE) if not one.label.isupper()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, empty_sqlite: Path, redis_url: str) -> Site:
    return make_site(tmp_path_factory.mktemp("documented") / "site", empty_sqlite, redis_url)


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.label not in ELSEWHERE], ids=lambda one: one.label)
def test_an_example_has_the_fields_that_are_printed(example: Example, site: Site, tmp_path: Path) -> None:
    copy = site.copy(tmp_path / "copy")
    for line in PRINTED_BY[example.label].split(";"):
        words = shlex.split(line.format(**copy.places))
        done = copy.type(words if words[0] in LINES else [*words, "--json"], LINES.get(words[0], ""))
        assert done.exit_code in {0, 1}, f"{line}: {done.output}"
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert differences(example.document, last_line(done)) == []


def test_each_example_is_decided_and_nothing_else() -> None:
    labels = [one.label for one in EXAMPLES]
    assert set(labels) == {*PRINTED_BY, *ELSEWHERE}
    assert all((ROOT / path).is_file() for path in ELSEWHERE.values())


def test_a_wrong_example_is_found_out(site: Site) -> None:
    wrong = next(examples(PAGE.replace('"rows": 6, "new": 1', '"rows": 6, "novel": 1')))
    printed = site.run("constituents", "import", str(site.root / "people.csv"), "--list", "Fair", "--dry-run")
    assert sorted(differences(wrong.document, printed)) == [".new: not told", ".novel: not printed"]
    assert differences({"a": [{"b": 1}]}, {"a": [{"c": 1}]}) == [".a[].c: not told", ".a[].b: not printed"]
    assert differences({"a": "x"}, {"a": {}}) == [".a: another kind"]
