"""config/audit.toml names each act that the code notes, and no other; what a row holds, and how a file shows it."""

from __future__ import annotations

import ast
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from config import table
from outreach.accounts.acting import COMMAND_LINE, SITE, actor, begin, end
from outreach.accounts.audit_reads import as_json, sentences
from outreach.accounts.models import AuditEvent
from outreach.core.csv_out import to_csv
from outreach.officials.promise_rules import MAY_FOLLOW, UNDONE
from outreach.privacy.audit_files import HEADER, cells

ROOT = Path(__file__).parents[2]
STARTS = {"outreach.accounts.audit": {"record_audit": "action", "record_for_every_group": "action"}}
"""Who writes rows, and the parameter that says which act it is; whoever passes theirs on is found."""
READ_AS = {"entry.kind": sorted({kind for kinds in MAY_FOLLOW.values() for kind in kinds} | {UNDONE})}
"""What an expression can be that no reading of the code tells."""


@dataclass(frozen=True)
class Noter:
    """A function that notes the act which it is given, perhaps within a longer word (``{}``)."""

    module: str
    name: str
    parameter: str
    place: int | None
    form: str = "{}"


@cache
def modules() -> dict[str, ast.Module]:
    paths = sorted((ROOT / "outreach").rglob("*.py"))
    dotted = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths}
    return {name: ast.parse(path.read_text(encoding="utf-8")) for path, name in dotted.items()}


@cache
def functions(module: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(modules()[module]) if isinstance(node, ast.FunctionDef)]


@cache
def called(module: str) -> dict[str, tuple[str, str]]:
    """Each name of functions in a module -> where it was defined, and what it is called there."""
    found = {one.name: (module, one.name) for one in functions(module)}
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {one.asname or one.name: (node.module, one.name) for one in node.names}
    return found


@cache
def all_calls() -> dict[str, list[tuple[str, ast.FunctionDef, ast.Call]]]:
    """What is called, by its name at home -> module, function and call."""
    found: dict[str, list[tuple[str, ast.FunctionDef, ast.Call]]] = {}
    for module in modules():
        for function in functions(module):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                mine = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
                _, name = called(module).get(mine, (module, mine))
                found.setdefault(name, []).append((module, function, call))
    return found


def calls_of(noter: Noter) -> Iterator[tuple[str, ast.FunctionDef, ast.expr]]:
    """Module, function and argument of each call: by the function's own name, or by that of its module."""
    for module, function, call in all_calls().get(noter.name, ()):
        if isinstance(call.func, ast.Name):
            is_it = called(module).get(call.func.id) == (noter.module, noter.name)
        else:
            is_it = isinstance(call.func, ast.Attribute) and _is_module(module, call.func.value, noter.module)
        if is_it:
            yield module, function, argument(call, noter)


def _is_module(module: str, value: ast.expr, wanted: str) -> bool:
    known = called(module).get(value.id) if isinstance(value, ast.Name) else None
    return known is not None and ".".join(known) == wanted


def argument(call: ast.Call, noter: Noter) -> ast.expr:
    for keyword in call.keywords:
        if keyword.arg == noter.parameter:
            return keyword.value
    assert noter.place is not None, ast.unparse(call)
    return call.args[noter.place]


@cache
def noted() -> dict[str, set[str]]:
    """Act -> the modules that note it."""
    found: dict[str, set[str]] = {}
    waiting = [Noter(module, name, what, None) for module, names in STARTS.items() for name, what in names.items()]
    seen = set(waiting)
    while waiting:
        noter = waiting.pop()
        for module, function, given in calls_of(noter):
            if (module, function.name) in {(where, name) for where, names in STARTS.items() for name in names}:
                continue
            for word in words(module, function, given, noter.form):
                if isinstance(word, Noter):
                    if word not in seen:
                        seen.add(word)
                        waiting.append(word)
                else:
                    found.setdefault(word, set()).add(module)
    return found


def words(module: str, function: ast.FunctionDef, given: ast.expr, form: str) -> Iterator[str | Noter]:
    """What an argument can be. Fails at one that cannot be read: name the act where it is noted."""
    if isinstance(given, ast.Constant):
        yield form.format(given.value)
    elif isinstance(given, ast.IfExp):
        yield from words(module, function, given.body, form)
        yield from words(module, function, given.orelse, form)
    elif isinstance(given, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in given.values]
        (asked,) = [part.value for part in given.values if isinstance(part, ast.FormattedValue)]
        yield from words(module, function, asked, form.format("".join(map(str, parts))))
    elif ast.unparse(given) in READ_AS:
        yield from (form.format(one) for one in READ_AS[ast.unparse(given)])
    else:
        assert isinstance(given, ast.Name), f"{module}: {ast.unparse(given)}"
        yield from _named(module, function, given.id, form)


def _named(module: str, function: ast.FunctionDef, name: str, form: str) -> Iterator[str | Noter]:
    plain = [one.arg for one in function.args.args]
    if name in plain or name in {one.arg for one in function.args.kwonlyargs}:
        yield Noter(module, function.name, name, plain.index(name) if name in plain else None, form)
        return
    values = [
        node.value
        for scope in (function, modules()[module])
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and node.value is not None
        and any(
            isinstance(one, ast.Name) and one.id == name
            for one in getattr(node, "targets", [getattr(node, "target", None)])
        )
    ]
    assert values, f"{module}: what is {name}?"
    yield from words(module, function, values[0], form)


def test_the_reading_finds_every_way_of_noting() -> None:
    found = noted()
    assert found["campaign_launched"] == {"outreach.escalations.launch"}  # by itself
    assert found["approval_off"] == {"outreach.approvals.deciding"}  # one of two
    assert found["conversation_handed"] == {"outreach.messaging.inbox"}  # passed on
    assert found["approval_void"] == {"outreach.approvals.deciding"}  # passed on within a word
    assert found["promise_kept"] == {"outreach.officials.promises"}
    assert found["person_erased"] == {"outreach.privacy.erasure"}  # a constant


def test_no_act_is_noted_without_its_sentence() -> None:
    assert {act: sorted(where) for act, where in noted().items() if act not in sentences()} == {}


def test_no_sentence_is_of_an_act_that_nobody_notes() -> None:
    assert sentences().keys() - noted().keys() == set()


def test_every_sentence_is_there_once_in_both_languages_and_fits() -> None:
    acts = [act for section in table("audit").values() for act in section]
    assert len(acts) == len(set(acts)) == len(sentences())
    for act, said in sentences().items():
        assert said.keys() == {"en", "es"}, act
        assert all(one and one == one.strip() and not one.endswith(".") for one in said.values()), act
        assert len(act) <= 32, "as long as its column"


def test_whoever_acts_is_named_until_they_are_through() -> None:
    assert actor() == SITE
    begin(COMMAND_LINE)
    assert actor() == COMMAND_LINE
    end()
    assert actor() == SITE


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_file_is_a_formula(start: str) -> None:
    event = AuditEvent(
        id=1, group_id=1, actor=f"{start}cmd()", action="review", subject="message:7", details={"why": f"{start}x"},
        at=datetime(2026, 12, 1, tzinfo=UTC),
    )  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(to_csv(HEADER, [cells(event)]).decode("utf-8-sig"), newline=""))
    assert row["who"] == f"'{start}cmd()"
    assert json.loads(row["details"]) == {"why": f"{start}x"}
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


def test_a_number_in_an_older_row_is_not_told() -> None:
    event = AuditEvent(
        id=1, group_id=1, actor="Ana", action="export", subject="message:7",
        details={"because": "call 480-555-0100", "more": ["602 555 0101", "2026-12-01"],
                 "launch_at": "2026-12-01T15:00:00+00:00", "people": 4805550100},
        at=datetime(2026, 12, 1, tzinfo=UTC),
    )  # fmt: skip
    assert as_json(event)["details"] == {
        "because": "call <number ..00>", "more": ["<number ..01>", "2026-12-01"],
        "launch_at": "2026-12-01T15:00:00+00:00", "people": 4805550100,
    }  # fmt: skip
