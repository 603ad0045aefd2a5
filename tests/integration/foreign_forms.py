"""Forms and links as a group's pages have them, sent with the ids of rows of another group in one field at a time."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import insert, select

from outreach.core.db import Base, Transaction
from outreach.core.runtime import Runtime
from tests.factories import make_group, make_person, number

THEIRS = "Vecinas of elsewhere"
"""Stands in everything that the other group has a name for."""
ROWS = {
    "campaign": "campaign", "campaigns": "campaign", "comes": "constituent", "facilitator": "constituent",
    "list": "contact_list", "lists": "contact_list", "note_taker": "constituent", "office_id": "office",
    "official": "official", "official_id": "official", "partners": "coalition_partner", "plan": "meeting_plan",
    "segments": "segment", "speaks": "constituent", "spokesperson": "constituent", "stands_in": "constituent",
    "tag": "thread_tag", "thread": "conversation", "to": "users", "under": "tree_node", "watcher": "constituent",
    "who": "constituent", "assignee": "", "what_with": "", "what_without": "",
}  # fmt: skip
"""Fields by name, without the number of a row of the form, and the table whose rows they name; where a field's value
says that itself, as in ``list:1``, it is empty."""
PREFIXES = {"member": "constituent", "user": "users", "tag": "tag", "list": "contact_list", "district": "district"}
NO_ROWS = {
    "about", "after", "before", "digits", "in", "l", "opened", "page", "period", "policy", "seen", "size", "text",
    "typed_by", "version",
}  # fmt: skip
"""Fields whose numbers are no rows, or are policies, which all groups have in common; of the book of decisions, what
its own rows are found by."""
_NUMBERED = re.compile(r"(?:([a-z]+):)?\d{1,9}")


class Sending(NamedTuple):
    """What a form or a link sends, and every value that each of its fields could have."""

    method: str
    path: str
    fields: list[tuple[str, str]]
    choices: dict[str, list[str]]

    def named(self) -> dict[str, set[str]]:
        """Its fields that name rows, and how each names them: by which prefixes, or by the number alone ("")."""
        found: dict[str, set[str]] = {}
        for name, values in self.choices.items():
            ways = {match.group(1) or "" for match in map(_NUMBERED.fullmatch, values) if match}
            if ways and _bare(name) not in NO_ROWS:
                assert _bare(name) in ROWS, f"{self.path}: say in ROWS or NO_ROWS what {name} is"
                found[name] = ways
        return found

    def instead(self, theirs: dict[str, int]) -> Iterator[list[tuple[str, str]]]:
        """Its fields with another group's row in one of them, for each field and each kind of row that it can name."""
        for name, ways in self.named().items():
            others = [(field, value) for field, value in self.fields if field != name]
            for way in ways:
                table = PREFIXES[way] if way else ROWS[_bare(name)]
                yield [*others, (name, f"{way}:{theirs[table]}" if way else str(theirs[table]))]


def _bare(name: str) -> str:
    return re.sub(r"_\d+$", "", name)


class Sendings(HTMLParser):
    """Every form and every link with a query of a page, as they would be sent when nobody had changed anything."""

    def __init__(self, at: str, page: str) -> None:
        super().__init__()
        self.at, self.found = at, list[Sending]()
        self._form: Sending | None = None
        self._select, self._is_chosen = "", False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "a" and "?" in given.get("href", ""):
            path, query = urlsplit(given["href"])[2:4]
            fields = parse_qsl(query, keep_blank_values=True)
            self.found.append(Sending("GET", path or self.at, fields, {one: [other] for one, other in fields}))
        if tag == "form":
            path = urlsplit(given.get("action") or self.at).path
            self._form = Sending(given.get("method", "get").upper(), path, [], {})
            self.found.append(self._form)
        if tag == "select":
            self._select, self._is_chosen = name, False
        elif tag == "option":
            self._choice(self._select, value, chosen="selected" in given or not self._is_chosen)
            self._is_chosen = True
        elif tag == "input" and given.get("type") in {"checkbox", "radio"}:
            self._choice(name, value, chosen="checked" in given)
        elif tag in {"input", "textarea"} and name:
            self._choice(name, value, chosen=True, typed=given.get("type") != "hidden")

    def _choice(self, name: str, value: str, *, chosen: bool, typed: bool = False) -> None:
        if self._form is None:
            return
        if not typed:
            self._form.choices.setdefault(name, []).append(value)
        if chosen and self._select == name:  # of an open choice the last that is marked, and the first where none is
            self._form.fields[:] = [one for one in self._form.fields if one[0] != name]
        if chosen:
            self._form.fields.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "form":
            self._form = None


def make_theirs(runtime: Runtime) -> tuple[int, dict[str, int]]:
    """Another group, with a row of each kind that a field can name, made after the first group's own; table -> id."""
    group_id = make_group(runtime, THEIRS)
    made = {"constituent": make_person(runtime, group_id, number(77))}
    hashed = {"number_hash": secrets.token_bytes(16)}
    with runtime.db.transaction() as tx:

        def copy(table: str, **other: Any) -> None:
            made[table] = _copy(tx, table, {"group_id": group_id, **other})

        copy("users", name=THEIRS, role="organizer", sign_in_name=None)
        copy("official", name=THEIRS, role=THEIRS)
        copy("office", official_id=made["official"], address=THEIRS)
        copy("meeting", official_id=made["official"])
        copy("contact_list", name=THEIRS, import_id=None)
        copy("coalition_partner", name=THEIRS)
        copy("meeting_plan", official_id=made["official"], spokesperson_id=None, note_taker_id=None,
             facilitator_id=None, meeting_id=None, place=THEIRS)  # fmt: skip
        copy("district", name=THEIRS)
        for table in ("segment", "tag", "thread_tag"):
            copy(table, name_hash=secrets.token_bytes(16))
        copy("conversation", **hashed, claimed_by=None, handed_to=None, handed_by=None)
        copy("phone_tree", name=THEIRS)
        copy(
            "campaign", name=THEIRS, meeting_id=made["meeting"], official_id=made["official"], office_id=made["office"]
        )
        made["tree_node"] = _copy(tx, "tree_node", {
            "tree_id": made["phone_tree"], "constituent_id": made["constituent"], "parent_id": None, "backup_id": None,
        })  # fmt: skip
    return group_id, made


def _copy(tx: Transaction, table: str, other: dict[str, Any]) -> int:
    made = Base.metadata.tables[table]
    row = dict(tx.execute(select(made).order_by(made.c.id).limit(1)).mappings().one())
    row.pop("id")
    assert other.keys() <= row.keys(), (table, other.keys() - row.keys())
    found: int = tx.execute(insert(made).values(**{**row, **other}).returning(made.c.id)).scalar_one()
    return found
