"""A real browser on a real server process. Nothing but this machine's loopback is reached."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright
from sqlalchemy.engine import make_url

from outreach.core.runtime import Runtime
from outreach.stage import StageError, commands
from outreach.stage.ports import free_port, require_free
from outreach.stage.processes import Processes
from tests.browser.reading import PHONE
from tests.conftest import rehearsal_env

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 30.0
"""Seconds for which a request that the last test did not wait for may hold the database."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    binary = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    assert binary, "no Chromium on this machine: scripts/test.py says how to get one"
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox does not run as root
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=binary, args=[*FLAGS, *sandbox])
        yield chromium
        chromium.close()


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """A fresh page; a console error or a request that leaves loopback, on it or a tab beside it, fails the test.

    It asks for less motion, so that axe never measures a button's colours half-way through its fade.
    """
    context = browser.new_context(reduced_motion="reduce", **options)
    trouble: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "status of 4" not in message.text:
            trouble.append(message.text)

    def see(request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            trouble.append(f"left loopback: {request.url}")

    context.on("console", hear)
    context.on("request", see)
    yield context.new_page()
    context.close()
    assert trouble == []


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page as most people have it."""
    with opened(browser) as fresh:
        yield fresh


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A small phone whose browser runs no scripts."""
    with opened(browser, java_script_enabled=False, viewport=PHONE) as fresh:
        yield fresh


def hang_up(browser: Browser) -> None:
    """Close every page before its server stops: one that polls would find the connection refused."""
    for context in browser.contexts:
        context.close()


def lasting_port() -> int:
    """A port on which simulated carriers may come and go: the system gives nobody one of so low a number."""
    while True:
        with suppress(StageError):
            return require_free(random.randrange(20_000, 30_000))


@pytest.fixture(scope="session")
def served(
    empty_sqlite: Path, redis_url: str, stage: Processes, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The environment of a web server's process that serves all tests: it takes longer to start than most of them."""
    directory, port = tmp_path_factory.mktemp("site"), free_port()
    database = shutil.copy(empty_sqlite, directory / "outreach.db")
    env = {
        **rehearsal_env(f"sqlite:///{database}", redis_url, directory / "keys"),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "TWILIO_BASE_URL": f"http://127.0.0.1:{lasting_port()}",
    }
    stage.start(commands.web(port, env, workers=1))
    return env


@pytest.fixture
def settings_env(database_url: str, served: dict[str, str]) -> dict[str, str]:
    """That environment; the content of the test's database has taken the place of what the last test left."""
    fresh, used = (make_url(url).database for url in (database_url, served["DATABASE_URL"]))
    assert fresh is not None
    assert used is not None
    with closing(sqlite3.connect(fresh)) as source, closing(sqlite3.connect(used, timeout=PATIENCE)) as target:
        source.backup(target)
    return served


@pytest.fixture
def site(runtime: Runtime, browser: Browser) -> Iterator[tuple[str, Runtime]]:
    """The address of the web server's process, and a runtime beside it."""
    yield runtime.settings.public_base_url, runtime
    hang_up(browser)
