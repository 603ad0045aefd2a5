"""Migrations expand first and contract a release later: the code that is out must live on the schema that comes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy.exc import OperationalError

from outreach.core.errors import OutreachError
from outreach.migrations.patience import with_patience

VERSIONS = Path(__file__).parents[2] / "outreach" / "migrations" / "versions"
AGREED_FROM = "0025"
"""Older ones were run before anybody had a site that must not stand still."""
CONTRACTS = "CONTRACTS"
"""A migration that takes something away says so: ``CONTRACTS = "<commit of the release that stopped using it>"``."""
LARGE = {"message", "message_attempt", "event", "reply", "recipient", "constituent", "consent_event", "list_membership",
         "call_session", "call_leg", "suppression", "conversation", "audit_event"}  # fmt: skip
TRIGGER = re.compile(r"^CREATE TRIGGER \w+ (BEFORE|AFTER) [A-Z ]+ ON ")
"""The acts that a trigger hears of; what follows is read like any statement."""
TAKES_AWAY = {"drop_column", "drop_table", "rename_table", "drop_constraint"}


def faults(source: str) -> list[str]:
    """What of a migration's upgrade the release that is out might not survive, or would hold up everybody."""
    tree = ast.parse(source)
    if any(isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == CONTRACTS for node in tree.body):
        return []
    upgrade = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    made = {name for name, call in calls(upgrade) if name == "create_table" for name in [text_of(call, 0)]}
    found: list[str] = []
    for name, call in calls(upgrade):
        if name in TAKES_AWAY:
            found.append(f"{name} {text_of(call, 0)}: takes away what the release that is out uses")
        elif name == "alter_column":
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            if given.keys() & {"type_", "new_column_name"} or getattr(given.get("nullable"), "value", None) is False:
                found.append(f"alter_column {text_of(call, 0)}: another type, name or NOT NULL")
        elif name == "add_column" and text_of(call, 0) not in made and wants_value(call):
            found.append(f"add_column {text_of(call, 0)}: NOT NULL without a server default")
        elif name == "create_index" and text_of(call, 1) in LARGE:
            found.append(f"create_index {text_of(call, 0)}: use create_index_beside")
        elif name in {"execute", "text"} and any(
            word in TRIGGER.sub("", text_of(call, 0)).upper()
            for word in ("DROP ", "RENAME ", "SET NOT NULL", "TRUNCATE")
        ):
            found.append(f"execute {text_of(call, 0)[:40]}: takes away")
    return found


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def text_of(call: ast.Call, place: int) -> str:
    """An argument that is a text, also one within ``op.f(...)``."""
    if place >= len(call.args):
        return ""
    value = call.args[place]
    if isinstance(value, ast.Call) and value.args:
        value = value.args[0]
    return str(value.value) if isinstance(value, ast.Constant) else ""


def wants_value(call: ast.Call) -> bool:
    columns = [one for name, one in calls(call) if name == "Column"]
    given = {keyword.arg: keyword.value for column in columns for keyword in column.keywords}
    return getattr(given.get("nullable"), "value", True) is False and "server_default" not in given


@pytest.mark.parametrize(
    "path", [path for path in sorted(VERSIONS.glob("*.py")) if path.name >= AGREED_FROM], ids=lambda path: path.stem
)
def test_the_release_that_is_out_survives_a_migration(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("line", "is_bad"),
    [
        ('op.drop_column("message", "kind")', True),
        ('op.add_column("message", sa.Column("x", sa.Text(), nullable=False))', True),
        ('op.add_column("message", sa.Column("x", sa.Text(), nullable=False, server_default="a"))', False),
        ('op.add_column("message", sa.Column("x", sa.Text(), nullable=True))', False),
        ('op.alter_column("gate", "state", type_=sa.Text())', True),
        ('op.alter_column("gate", "state", nullable=True)', False),
        ('op.create_index("ix", "message", ["kind"])', True),
        ('op.create_index(op.f("ix"), "gate", ["kind"])', False),
        ('create_index_beside("ix", "message", ["kind"])', False),
        ('op.execute("ALTER TABLE gate RENAME COLUMN a TO b")', True),
        ('op.execute("TRUNCATE gate")', True),
        ('op.execute("CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON gate EXECUTE FUNCTION f()")', False),
        ('op.execute("CREATE TRIGGER stays BEFORE DELETE ON gate BEGIN DROP TABLE gate; END")', True),
        ('op.create_table("t", sa.Column("id", sa.Text(), nullable=False))', False),
    ],
)
def test_the_check_finds_what_it_is_for(line: str, is_bad: bool) -> None:
    source = f"def upgrade():\n    {line}\n"
    assert bool(faults(source)) is is_bad
    assert faults(f'CONTRACTS = "17f1cd3"\n{source}') == []


def test_a_migration_that_finds_a_table_in_use_is_tried_again_and_one_that_takes_too_long_is_not() -> None:
    tries: list[int] = []

    def busy(error: Exception, times: int) -> None:
        tries.append(1)
        if len(tries) <= times:
            raise OperationalError("ALTER", {}, error)

    with_patience(lambda: busy(LockNotAvailable("lock timeout"), 2), lambda _: None, pause=0)
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(OutreachError, match="could not be run"):
        with_patience(lambda: busy(LockNotAvailable("lock timeout"), 9), lambda _: None, tries=3, pause=0)
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(OutreachError):
        with_patience(lambda: busy(QueryCanceled("statement timeout"), 9), lambda _: None, pause=0)
    assert len(tries) == 1
    with pytest.raises(OperationalError):
        with_patience(lambda: busy(ValueError("other"), 9), lambda _: None, pause=0)
