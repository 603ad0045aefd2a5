"""Every command of the documents is decided: it is run on a small site, or read by its own parser, or held by a test.

A command that stands in no table of tests/decided.py fails the first test, and so does a row of which no document has
the command any more.
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

import pytest
import yaml

from config.settings import Settings
from tests.decided import COMPOSE, KEYS, LONG, RUN, SHELL, SYSTEMD
from tests.documented import Site, make_site
from tests.unit.test_cli_page import KNOWN, options_of
from tests.unit.test_deployment import PROCFILE
from tests.unit.test_threats import named_in
from tests.written import ROOT, commands, documents, spans

OPTIONS = {
    "up": {"--detach"}, "run": {"--rm", "--volume"}, "logs": {"--tail"}, "build": set(), "ps": set(), "stop": set(),
    "restart": set(), "exec": set(),
}  # fmt: skip
WITH_VALUE = {"--volume", "--tail"}
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
CRON = "cd /srv/outreach && set -a && . ./.env && "
"""Before a command in cron, which has no environment."""
OURS = re.compile(
    rf"^(?:docker compose .*? |cd \S+ && docker compose .*? |(?:{re.escape(CRON)})?\.venv/bin/)?outreach (.+)$"
)


def ours(command: str) -> str | None:
    """The words behind ``outreach``, wherever it is run."""
    found = OURS.match(command)
    return found[1] if found else None


def undecided(written: Iterable[str]) -> list[str]:
    """What stands in no table."""
    decided = {*LONG, *COMPOSE, *SHELL, *KEYS, *SYSTEMD}
    return [
        one
        for one in written
        if not (one in decided or (one.removeprefix(CRON).startswith((".venv/bin/", "outreach ")) and ours(one) in RUN))
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
    assert {*LONG, *COMPOSE, *SHELL, *KEYS, *SYSTEMD} - set(WRITTEN) == set()
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


@pytest.mark.parametrize("command", sorted(SYSTEMD))
def test_the_process_manager_is_told_of_what_the_procfile_names(command: str) -> None:
    names = [word.removeprefix("outreach@") for word in shlex.split(command) if word.startswith("outreach@")]
    assert names in (["*"], [name for name in PROCFILE if name != "release"])


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
