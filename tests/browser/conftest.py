"""A real browser on a real server process. Nothing but this machine's loopback is reached."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from config.settings import Settings
from outreach.core.runtime import Runtime, open_runtime
from outreach.stage import commands
from outreach.stage.ports import free_port
from outreach.stage.processes import Processes
from tests.browser.reading import PHONE

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


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


@pytest.fixture
def site(settings_env: dict[str, str], stage: Processes, browser: Browser) -> Iterator[tuple[str, Runtime]]:
    """The web server's process on the test's database; its address, and a runtime beside it."""
    port = free_port()
    env = {**settings_env, "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}", "PORT": str(port)}
    stage.start(commands.web(port, env, workers=1))
    runtime = open_runtime(Settings.from_mapping(env))
    yield env["PUBLIC_BASE_URL"], runtime
    hang_up(browser)
    runtime.db.dispose()
    stage.stop("web")
