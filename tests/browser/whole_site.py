"""The real site with all its processes, as ``run.py --no-story`` starts it, for stories told in a browser."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests
from playwright.sync_api import Browser

from outreach.stage.instance import read_instance
from outreach.stage.ports import free_port
from outreach.stage.processes import Processes, Program
from tests.browser.conftest import hang_up

DEMO: Final = Path(__file__).parents[2] / "config" / "demo" / "officials.csv"
LINK: Final = re.compile(r"Sign in once with (\S+)")
FEW_SECONDS: Final = 20_000.0
"""Milliseconds within which a text has gone to the carrier, to a phone, and back into the tally."""
PEOPLE: Final = {
    "Alma Begay": "(480) 555-0101",
    "Carlos Duarte": "(520) 555-0102",
    "Dana Ellis": "(602) 555-0103",
    "Farid Hassan": "(623) 555-0104",
    "Gloria Ibarra": "(928) 555-0105",
    "Hugo Lozano": "(480) 555-0106",
    "Luz Ochoa": "(520) 555-0107",
    "Óscar Tso": "(602) 555-0108",
}


@contextmanager
def whole_site(stage: Processes, browser: Browser, name: str, data_dir: Path, env: Mapping[str, str]) -> Iterator[str]:
    """The one-time link that it prints, beside a carrier where everybody is reachable and silent."""
    log = stage.logs / f"{name}.log"
    options = ("--no-story", "--port", str(free_port()), "--data-dir", str(data_dir))
    argv = (sys.executable, "-m", "outreach.story", *options)
    stage.start(
        Program(name, argv, env, ready=lambda: LINK.search(log.read_text()) is not None, ready_within=60.0, grace=40.0)
    )
    found = LINK.search(log.read_text())
    assert found is not None
    make_everybody_reliable(data_dir)
    yield found[1]
    hang_up(browser)
    stage.stop(name)


def make_everybody_reliable(data_dir: Path) -> None:
    """No faults, and nobody who answers by himself: what happens in a story, its test does."""
    instance = read_instance(data_dir)
    assert instance is not None
    control = f"{instance['TWILIO_BASE_URL']}/_rehearsal"
    with requests.Session() as http:
        http.trust_env = False
        faults = http.get(f"{control}/faults", timeout=10).json()["per_thousand"]
        for path, given in (
            ("faults", {"per_thousand": dict.fromkeys(faults, 0)}),
            ("personas", {"weights": {"delivered": 1}}),
        ):
            http.put(f"{control}/{path}", json=given, timeout=10).raise_for_status()


def list_of(people: Mapping[str, str], language: str) -> bytes:
    """A file of these people, as a group would bring it."""
    rows = [f'{name.replace(" ", ",")},"{phone}",85201,Mesa,{language}' for name, phone in people.items()]
    return "\n".join(["First Name,Last Name,Mobile Phone,ZIP,City,Language", *rows]).encode()
