"""What the documents' tables say is what the code's tables say, and the files that they name are there."""

from __future__ import annotations

import ast
import re
import tomllib
from datetime import timedelta
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from outreach.messaging.sign_ups import ANSWER_WITHIN
from outreach.messaging.states import BEFORE_POSTING, STATES, TERMINAL, TRANSITIONS
from outreach.migrations.patience import LOCK_TIMEOUT, PAUSE_SECONDS, STATEMENT_TIMEOUT, TRIES
from outreach.people.caps import PER_WEEK, WEEK
from outreach.people.consent import CONSENT_LASTS
from outreach.privacy.idle import IDLE
from outreach.privacy.retention import KEPT
from tests.unit.test_architecture import ALLOWED, ROOMS
from tests.written import FENCE, ROOT, documents
from workers.upkeep import PURGE_WORDS_EVERY

PAGES = documents()
ARCHITECTURE, COMPLIANCE = PAGES["docs/architecture.md"], PAGES["docs/compliance.md"]
PLACE = re.compile(r"`((?:outreach|workers|config|tests|docs|scripts)/[\w./-]*)(?:::\w+)?`")
CODE = re.compile(r"`([^`]+)`")
CARRIERS_WORDS = {"accepted", "sent", "delivered", "undelivered", "failed", "canceled"}
OLDEST_TOLD = "0024"
"""The schema of the release that upgrade notes begin with."""
NUMBERS = {2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six"}


def table(page: str, heading: str) -> list[list[str]]:
    """The rows below a table's heading, cell by cell."""
    rest = page.partition(f"\n{heading}\n")[2].splitlines()[1:]
    assert rest, f"no table with the heading {heading}"
    end = next((place for place, line in enumerate(rest) if not line.startswith("|")), len(rest))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in rest[:end]]


def config(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "config" / f"{name}.toml").read_text(encoding="utf-8"))


def states_told(page: str) -> dict[str, set[str]]:
    """The table of states as the page has it."""
    found = {}
    for state, targets in table(page, "| from | to, by what was heard |"):
        same = CARRIERS_WORDS if "the same words of the carrier" in targets else set()
        found[state.strip("`| ")] = {*CODE.findall(targets), *same}
    return found


def rooms_told(page: str) -> list[tuple[str, ...]]:
    return [tuple(CODE.findall(names)) for _, names in table(page, "| row, from the ground up | rooms |")]


def test_the_rooms_are_those_of_the_code() -> None:
    assert rooms_told(ARCHITECTURE) == list(ROOMS)
    assert f"{NUMBERS[len(ALLOWED)]} arrows are allowed" in ARCHITECTURE
    arrows = re.search(r"arrows are allowed.*?\n\n", ARCHITECTURE, re.DOTALL)
    assert arrows
    assert all(f"`{one}`" in arrows[0] for pair in ALLOWED for one in pair)


def test_the_picture_of_the_rooms_goes_down_their_rows() -> None:
    picture = ARCHITECTURE.partition("flowchart TD\n")[2].partition("```")[0]
    floors = {name.removeprefix("outreach."): row for row, names in enumerate(ROOMS) for name in names}
    chains = [line.strip().split(" --> ") for line in picture.splitlines()]
    nodes = [*chains[0], *(node for chain in chains[1:] for node in chain[1:])]  # a later line begins with a known one
    drawn = [name for node in nodes for name in re.sub(r'^\w+\["(.+)"\]$', r"\1", node).split(", ")]
    assert [floors[name] for name in drawn] == sorted((floors[name] for name in drawn), reverse=True)
    assert sorted(drawn) == sorted(floors)


def test_states_move_as_the_page_says() -> None:
    assert states_told(ARCHITECTURE) == {state: set(words.values()) for state, words in TRANSITIONS.items()}
    ends = re.search(r"^(`delivered`, .*) are ends", ARCHITECTURE, re.MULTILINE)
    assert ends
    assert set(CODE.findall(ends[1])) == TERMINAL
    assert {"claimed", "held", "planned"} == set(BEFORE_POSTING)
    assert {*BEFORE_POSTING, *TRANSITIONS, *TERMINAL} == set(STATES)


def test_hours_are_those_of_the_table() -> None:
    quiet = config("quiet_hours")
    told = {day: tuple(hours.split(" to ")) for day, hours in table(COMPLIANCE, "| | local time |")}
    told = {day.strip("| "): tuple(one.strip(" |") for one in hours) for day, hours in told.items()}
    assert told == {
        "Monday to Saturday": tuple(quiet["default"]["weekday"]),
        "Sunday": tuple(quiet["default"]["sunday"]),
    }
    assert f"in the last {quiet['last_minutes']} minutes" in COMPLIANCE
    assert ("No stricter row for a state stands in the table" in COMPLIANCE) is not bool(quiet.get("stricter"))


def test_figures_are_those_of_the_code() -> None:
    breakers = config("breakers")
    assert f"Consent lasts {CONSENT_LASTS.days} days" in COMPLIANCE
    assert f"from the phone within {ANSWER_WITHIN // timedelta(hours=1)} hours" in COMPLIANCE
    assert f"{NUMBERS[PER_WEEK]} texts that we begin in {WEEK.days} days" in COMPLIANCE
    assert f"within {config('follow_ups')['prompted_hours']} hours of the person's own text" in COMPLIANCE
    opted_out, filtered = breakers["opt_outs"], breakers["filtered"]
    assert f"than {opted_out['share'] * 100:g} in 100 from {opted_out['least']} texted on" in COMPLIANCE
    assert f"filter {filtered['share'] * 100:g} in 100\nof the last {filtered['last']}" in COMPLIANCE
    assert timedelta(seconds=PURGE_WORDS_EVERY) * 4 == timedelta(days=1), "upkeep runs it four times a day"


def test_what_is_kept_is_kept_so_long() -> None:
    rows = {row[0].strip("| "): row[1] for row in table(COMPLIANCE, "| what | how long | where |")}
    assert rows["words of texts and replies"] == f"{KEPT.days} days after the campaign's last text"
    assert rows["words of an opt-out"].startswith(f"{KEPT.days} days;")
    assert rows["a person in no list, of whom nothing was heard and to whom nothing went"] == f"{IDLE.days} days"


@pytest.mark.parametrize("place", PAGES)
def test_what_a_page_names_is_there(place: str) -> None:
    assert missing(PAGES[place]) == []


def missing(page: str) -> list[str]:
    """Files and folders that a page names and the checkout has not."""
    named = {found for found in PLACE.findall(page) if "..." not in found}
    return sorted(name for name in named if not (ROOT / name).exists())


NAMES = {
    "ROUTES": "tests/integration/test_wiring.py", "SILENT": "tests/integration/test_web_xss.py",
    "NOT_PAGES": "tests/integration/test_web_xss.py", "ALLOWED": "workers/run.py", "QUEUES": "outreach/core/queue.py",
    "FILES": "outreach/core/queue.py", "COMMANDS": "outreach/cli/__init__.py",
}  # fmt: skip
"""What CONTRIBUTING tells people to add to, and where it is."""


def test_what_contributing_asks_to_be_filled_in_is_there() -> None:
    page = FENCE.sub("", PAGES["CONTRIBUTING.md"])
    told = {name for name in CODE.findall(page) if re.fullmatch(r"[A-Z_]{4,}", name)}
    assert told == NAMES.keys()
    for name, place in NAMES.items():
        tree = ast.parse((ROOT / place).read_text(encoding="utf-8"))
        assigned = [node.targets[0] for node in tree.body if isinstance(node, ast.Assign)]
        assigned += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
        assert name in {node.id for node in assigned if isinstance(node, ast.Name)}, f"{place} has no {name}"


def test_every_room_stands_in_the_readme() -> None:
    rooms = {path.name for path in (ROOT / "outreach").iterdir() if (path / "__init__.py").is_file()}
    cells = " ".join(row[0] for row in table(PAGES["README.md"], "| room | what is in it |"))
    assert rooms - set(re.findall(r"`(?:outreach/)?(\w+)/?`", cells)) == {"migrations"}  # nobody looks for it there


def test_upgrade_notes_tell_of_every_schema_in_its_order() -> None:
    rows = table(PAGES["docs/upgrading.md"], "| schema | what it adds | what you do |")
    scripts = ScriptDirectory(str(ROOT / "outreach" / "migrations"))
    newer = [
        one.revision for one in scripts.walk_revisions(base=OLDEST_TOLD, head="heads") if one.revision != OLDEST_TOLD
    ]
    assert [CODE.findall(row[0])[0] for row in rows] == newer[::-1]
    assert all(len(row) == 3 and row[2].strip("| ") for row in rows)


def test_patience_is_as_long_as_the_page_says() -> None:
    page = PAGES["docs/upgrading.md"]
    assert f"wait more than {LOCK_TIMEOUT.removesuffix('s')} seconds for a table" in page
    assert f"{TRIES} times in all, {PAUSE_SECONDS:g} seconds apart" in page
    assert f"takes more than {STATEMENT_TIMEOUT.removesuffix('s')} seconds" in page


def test_a_table_that_is_wrong_is_found_out() -> None:
    assert rooms_told(ARCHITECTURE.replace("`outreach.spending`", "`outreach.money`")) != list(ROOMS)
    moved = ARCHITECTURE.replace("| `sent` | `delivered`, ", "| `sent` | `planned`, ")
    assert states_told(moved)["sent"] == {"planned", "undelivered", "failed"}
    assert missing("see `outreach/people/gone.py` and `outreach/people`") == ["outreach/people/gone.py"]
    with pytest.raises(AssertionError, match="no table"):
        table(COMPLIANCE.replace("| | local time |", "| | time |"), "| | local time |")
