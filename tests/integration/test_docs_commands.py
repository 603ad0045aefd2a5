"""Every command of the documents is decided: it is run on a small site, or read by its own parser, or held by a test.

A command that stands in no table here fails the first test, and so does a row whose command no document has any more.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from config.settings import Settings
from tests.documented import NUMBER, Site, make_site
from tests.unit.test_cli_page import KNOWN, options_of
from tests.unit.test_threats import named_in
from tests.written import ROOT, commands, documents, spans


class Run(NamedTuple):
    """How a command is run on the site: its words there, how it ends, and what it says."""

    words: str
    says: str
    code: int = 0


RUN = {
    "backup /backups --keep-days 30": Run("backup {root}/backups --keep-days 30", r"\.backup: "),
    "backup /backups --protections": Run("backup {root}/backups --protections", r"\.protections\b"),
    "backup /backups --protections --keep-days 30": Run(
        "backup {root}/backups --protections --keep-days 30", r"\.protections\b"
    ),
    "restore /backups/FILE.backup --replace --protections /backups/FILE.protections": Run(
        "restore {backup} --replace --protections {protections}", "could not be asked", 1
    ),  # 1: this site has no carrier to catch up with
    "campaign pause ID": Run("campaign pause {launched}", "Campaign 2 is paused"),
    "campaign tally ID": Run("campaign tally {launched}", "delivered .* 0"),
    "campaign cancel ID": Run("campaign cancel {launched}", "0 texts were canceled"),
    "campaign resume ID": Run("campaign resume {paused}", "Campaign 3 goes on"),
    "keys rotate": Run("keys rotate", "0 documents sealed anew under rehearsal-1"),
    "keys show": Run("keys show", "rehearsal-1"),
    "purge": Run("purge", "0 texts, 0 replies"),
    'constituents show NUMBER --reason "complaint"': Run(
        f"constituents show {NUMBER} --reason complaint", "signed a sheet"
    ),
    'optouts import complaint.csv --reason "complaint by mail"': Run(
        "optouts import {root}/complaint.csv --reason 'complaint by mail'", "1 suppressed now"
    ),
    "db check": Run("db check", "the one of this release"),
    "db upgrade": Run("db upgrade", "up to date"),
    'group add "Valley Neighbors"': Run("group add 'Valley Neighbors'", "Valley Neighbors"),
    "login-link": Run("login-link", "/enter/"),
    "doctor": Run("doctor", "Doctor: not ready", 1),  # 1: nobody works here, and no carrier answers
    "doctor --fix": Run("doctor --fix", "Doctor: not ready", 1),
    "doctor --json": Run("doctor --json", '"ready": false', 1),
}
"""Commands of ``outreach``, without what stands before it."""

LONG = {
    "python3 scripts/run.py": "tests/browser/test_story.py::test_an_organizers_first_hour",
    "python3 scripts/run.py --once --json": "tests/journeys/test_story.py::test_the_story_reconciles_to_the_last_text",
    "python3 scripts/test.py": "tests/unit/test_bootstrap.py::test_three_workers_unless_the_caller_chose",
    "python3 scripts/test.py tests/unit": (
        "tests/unit/test_bootstrap.py::test_the_browser_is_needed_by_browser_tests_alone"
    ),
    "python3 scripts/bench.py tally --json": (
        "tests/integration/test_bench.py::test_the_quick_measurement_ends_in_one_line_of_json_and_leaves_nothing_behind"
    ),
    "python3 scripts/canaries.py --numbers 10000 --json": (
        "tests/journeys/test_canaries.py::test_no_number_is_left_in_any_file_of_the_instance"
    ),
    "python3 scripts/chaos.py --kills 50 --recipients 5000 --database postgresql --json": (
        "tests/journeys/test_chaos.py::test_whatever_is_killed_nobody_is_texted_twice_and_nobody_is_lost"
    ),
    "python3 scripts/drill.py --recipients 600 --database postgresql --json": (
        "tests/journeys/test_drill.py::test_terms_a_restore_another_key_and_a_purge_leave_books_that_reconcile"
    ),
}
"""What takes minutes is read by its own parser here; the test named runs it, with less to do."""

COMPOSE = {
    "docker compose build", "docker compose up --detach", "docker compose ps", "docker compose stop worker",
    "docker compose stop web worker importer upkeep", "docker compose restart redis", "docker compose restart upkeep",
    "docker compose restart worker importer",
    "docker compose logs --tail 100 upkeep", "docker compose run --rm backup",
    "docker compose run --rm release outreach db check",
    "docker compose run --rm --volume ./backups:/backups release outreach restore /backups/FILE.backup --replace"
    " --protections /backups/FILE.protections",
    "docker compose exec web outreach campaign resume ID",
    "docker compose exec database df -h /var/lib/postgresql/data",
    "cd /srv/outreach && docker compose run --rm backup",
    "cd /srv/outreach && docker compose run --rm backup outreach backup /backups --protections --keep-days 30",
}  # fmt: skip
"""A test has no daemon: services, options and paths are held against compose.yaml; ``outreach`` in them is run."""

SHELL = {
    "cp .env.example .env": ".env",
    "chmod 600 .env": "",
    "set -a; . ./.env; set +a": "",
    "install --directory --owner 10001 --group 10001 --mode 700 backups": "backups",
    "date -u": "",
}
"""Run by a shell beside .env.example; the file that is there afterwards."""

KEYS = {"openssl rand -base64 48", "openssl rand -base64 32"}
"""What they print is as long as the settings want it; the program itself is not ours."""

OPTIONS = {
    "up": {"--detach"}, "run": {"--rm", "--volume"}, "logs": {"--tail"}, "build": set(), "ps": set(), "stop": set(),
    "restart": set(), "exec": set(),
}  # fmt: skip
WITH_VALUE = {"--volume", "--tail"}
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
OURS = re.compile(r"^(?:docker compose .*? |cd \S+ && docker compose .*? |\.venv/bin/)?outreach (.+)$")


def ours(command: str) -> str | None:
    """The words behind ``outreach``, wherever it is run."""
    found = OURS.match(command)
    return found[1] if found else None


def undecided(written: Iterable[str]) -> list[str]:
    """What stands in no table."""
    decided = {*LONG, *COMPOSE, *SHELL, *KEYS}
    return [
        one
        for one in written
        if not (one in decided or (one.startswith((".venv/bin/", "outreach ")) and ours(one) in RUN))
    ]


def wrong_in_compose(command: str) -> list[str]:
    """What a line of compose says and compose.yaml has not."""
    words = iter(shlex.split(command.removeprefix("cd /srv/outreach && "))[2:])
    verb = next(words)
    if verb not in OPTIONS:
        return [verb]
    found, services = [], []
    for word in words:
        if word.startswith("-"):
            found += [] if word in OPTIONS[verb] else [word]
            if word in WITH_VALUE:
                next(words)
            continue
        services.append(word)
        if verb in {"run", "exec"}:
            break  # what follows runs in the service
    return found + [name for name in services if name not in SERVICES]


def wrong_in_script(command: str) -> str | None:
    """What is wrong with a line that starts a script, by the script's own parser."""
    words = shlex.split(command.removeprefix("python3 "))
    path = ROOT / words[0]
    if not path.is_file():
        return f"there is no {words[0]}"
    if path.name in {"test.py", "oracle.py"}:  # pytest's own words; names of oracles
        return next((word for word in words[1:] if path.name == "test.py" and not (ROOT / word).exists()), None)
    named = re.search(r'"-m", "([\w.]+)"', path.read_text(encoding="utf-8"))
    assert named, path
    package = (ROOT / named[1].replace(".", "/")).is_dir()
    try:
        import_module(f"{named[1]}.__main__" if package else named[1]).options(words[1:])
    except SystemExit as ended:
        return f"the parser ends with {ended.code}"
    return None


def wrong_in_span(text: str) -> str | None:
    """What is wrong with a command in the middle of a sentence: it is named, and perhaps with its options."""
    if "scripts/" in text:
        return wrong_in_script(text) if text.startswith("python3 ") and "scan.py" not in text else (
            None if (ROOT / text.removeprefix("python3 ").split()[0]).is_file() else f"there is no {text}"
        )  # fmt: skip
    words = text.removeprefix(".venv/bin/").split()[1:]
    name = next((name for size in (2, 1) if (name := " ".join(words[:size])) in KNOWN), None)
    if name is None:
        return f"there is no {text}"
    return next((word for word in words if word.startswith("--") and word not in options_of(KNOWN[name])), None)


WRITTEN = list(dict.fromkeys(commands(documents())))


def test_every_command_is_decided_and_every_decision_is_of_one() -> None:
    assert undecided(WRITTEN) == []
    assert {*LONG, *COMPOSE, *SHELL, *KEYS} - set(WRITTEN) == set()
    assert RUN.keys() - {ours(one) for one in WRITTEN} == set()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, empty_sqlite: Path, redis_url: str) -> Site:
    return make_site(tmp_path_factory.mktemp("commands") / "site", empty_sqlite, redis_url)


@pytest.mark.parametrize("command", [one for one in WRITTEN if ours(one)])
def test_what_outreach_is_told_to_do_it_does(command: str, site: Site, tmp_path: Path) -> None:
    told = RUN[str(ours(command))]
    copy = site.copy(tmp_path / "copy")
    done = copy.type(shlex.split(told.words.format(**copy.places)))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == told.code, done.output
    assert re.search(told.says, done.output), done.output


@pytest.mark.parametrize("command", sorted(COMPOSE))
def test_compose_has_what_is_asked_of_it(command: str) -> None:
    assert wrong_in_compose(command) == []


def test_paths_inside_the_containers_are_theirs() -> None:
    assert "database:/var/lib/postgresql/data" in SERVICES["database"]["volumes"]
    assert "./backups:/backups" in SERVICES["backup"]["volumes"]


@pytest.mark.parametrize(("command", "test"), LONG.items())
def test_what_takes_long_is_understood_and_run_elsewhere(command: str, test: str) -> None:
    assert wrong_in_script(command) is None
    path, _, name = test.partition("::")
    assert name in named_in(ROOT / path)


def test_the_shell_does_what_is_asked_of_it(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".env.example", tmp_path)
    for command, made in SHELL.items():
        words = command.replace("10001", str(os.getuid()), 1).replace("10001", str(os.getgid()), 1)
        subprocess.run(["/bin/sh", "-ec", words], cwd=tmp_path, check=True, capture_output=True)
        assert (tmp_path / made).exists()
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "backups").stat().st_mode & 0o777 == 0o700


def test_keys_of_that_length_are_taken(site: Site) -> None:
    sizes = {int(command.split()[-1]) for command in KEYS}
    secret, key, index = (base64.b64encode(os.urandom(size)).decode() for size in (max(sizes), min(sizes), min(sizes)))
    env = {**site.env, "SECRET_KEY": secret, "FIELD_ENCRYPTION_KEYS": f"2026a:{key}", "BLIND_INDEX_KEY": index}
    assert Settings.from_mapping(env).secret_key


def test_commands_in_sentences_are_there() -> None:
    found = [(place, text, wrong_in_span(text)) for place, text in spans(documents())]
    assert len(found) > 20
    assert [one for one in found if one[2]] == []


def test_a_document_that_is_wrong_is_found_out() -> None:
    pages = documents()
    page = pages["docs/operations.md"]
    new = "$ outreach purge --hard"
    mutant = {"docs/operations.md": page.replace("$ outreach purge", new)}
    assert undecided(commands(mutant)) == ["outreach purge --hard"]
    assert undecided(commands({"x": "```sh\nrm -rf var\n```\n"})) == ["rm -rf var"]
    assert undecided(commands({"x": "    python3 scripts/gone.py\n"})) == ["python3 scripts/gone.py"]
    assert undecided(commands({"x": "```cron\n1 2 * * *  outreach purify\n```\n"})) == ["outreach purify"]
    with pytest.raises(ValueError, match="'text'"):
        list(commands({"x": "```text\noutreach purge\n```\n"}))
    assert wrong_in_compose("docker compose restart redis postgres") == ["postgres"]
    assert wrong_in_compose("docker compose up --attach") == ["--attach"]
    assert wrong_in_compose("docker compose destroy") == ["destroy"]
    assert wrong_in_script("python3 scripts/gone.py") == "there is no scripts/gone.py"
    assert wrong_in_script("python3 scripts/bench.py talley") == "the parser ends with 2"
    assert wrong_in_script("python3 scripts/drill.py --recipient 6") == "the parser ends with 2"
    assert wrong_in_script("python3 scripts/test.py tests/units") == "tests/units"
    assert wrong_in_span("outreach purify") == "there is no outreach purify"
    assert wrong_in_span("outreach purge --hard") == "--hard"
