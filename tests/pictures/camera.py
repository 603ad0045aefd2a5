"""A headless Chromium that opens pages of a site on this machine and takes their pictures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.pictures.guides import MOST_BYTES as MOST_OF_A_GUIDE
from tests.pictures.guides import GuideShot
from tests.pictures.pages import PageShot

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, StorageState, ViewportSize

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS: Final = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE: Final[ViewportSize] = {"width": 320, "height": 640}
SCREEN: Final[ViewportSize] = {"width": 1280, "height": 900}
README_SCREEN: Final[ViewportSize] = {"width": 1280, "height": 760}
LANGUAGES: Final = ("en", "es")
MOST_BYTES: Final = 200_000
"""Of a picture in the README."""
ABOVE, BELOW = 4, 16
"""Pixels around what a guide's picture shows: little above, where the way back to other pages stands."""


class PictureError(Exception):
    """A page is not what the table says, or a picture cannot be used; the message is for a person."""


def chromium() -> Path | None:
    """The machine's Chromium; None without one."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    return Path(found) if found else None


@contextmanager
def browsing(binary: Path) -> Iterator[Browser]:
    """A headless browser."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox does not run as root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=[*FLAGS, *sandbox])
        yield browser
        browser.close()


def sign_in(browser: Browser, link: str) -> StorageState:
    """Spend a one-time link; the session to open pages with."""
    context = browser.new_context(locale="en")
    page = context.new_page()
    page.goto(link)
    page.locator("main button").click()
    page.wait_for_url("**/")
    kept = context.storage_state()
    context.close()
    return kept


class Camera:
    """Takes pictures of one site's pages into one directory."""

    def __init__(self, browser: Browser, address: str, out: Path) -> None:
        self._browser = browser
        self._address = address
        self._out = out
        self.taken = 0

    def take_all(
        self, shots: Sequence[PageShot], ids: Mapping[str, str] | None = None, session: StorageState | None = None
    ) -> None:
        """Each page in both languages at both widths, whole, as ``<name>-<language>-<width>.png``."""
        for language in LANGUAGES:
            with self._page(language, session) as page:
                for shot in shots:
                    self._open(page, shot, ids or {})
                    for size in (PHONE, SCREEN):
                        page.set_viewport_size(size)
                        self._save(page, f"{shot.name}-{language}-{size['width']}", whole=True)

    def take_for_readme(self, shots: Sequence[PageShot], ids: Mapping[str, str], session: StorageState) -> None:
        """What a screen shows of each page at first, in English, as ``<name>.png``. Raises PictureError if too big."""
        with self._page("en", session) as page:
            page.set_viewport_size(README_SCREEN)
            for shot in shots:
                self._open(page, shot, ids)
                _check_size(self._save(page, shot.name, whole=False), MOST_BYTES)

    def take_for_guides(self, shots: Sequence[GuideShot], ids: Mapping[str, str], session: StorageState) -> None:
        """What the guides show: the part of each page that matters, as ``<name>.png``. Raises PictureError."""
        for language in LANGUAGES:
            with self._page(language, session) as page:
                for shot in shots:
                    if shot.language == language:
                        page.set_viewport_size({"width": shot.width, "height": SCREEN["height"]})
                        self._open(page, PageShot(shot.name, shot.path), ids)
                        _check_size(self._save(page, shot.name, whole=True, part=_part_of(page, shot)), MOST_OF_A_GUIDE)

    @contextmanager
    def _page(self, language: str, session: StorageState | None) -> Iterator[Page]:
        context = self._browser.new_context(locale=language, viewport=SCREEN, storage_state=session)
        yield context.new_page()
        context.close()

    def _open(self, page: Page, shot: PageShot, ids: Mapping[str, str]) -> None:
        path = shot.path.format_map(ids)
        answer = page.goto(self._address + path)
        status = answer.status if answer else 0
        if status != shot.status:
            raise PictureError(f"{path} answers {status}, not {shot.status}.")

    def _save(self, page: Page, name: str, *, whole: bool, part: FloatRect | None = None) -> Path:
        path = self._out / f"{name}.png"
        page.screenshot(path=path, full_page=whole, animations="disabled", clip=part)
        self.taken += 1
        return path


def _part_of(page: Page, shot: GuideShot) -> FloatRect:
    """The rectangle that a guide shows: as wide as the page, from one part of it to another."""
    first, last = page.locator(shot.first).first.bounding_box(), page.locator(shot.last).last.bounding_box()
    if first is None or last is None:
        raise PictureError(f"{shot.path} shows no {shot.first} or no {shot.last}.")
    top = max(0, first["y"] - ABOVE)
    height = min(last["y"] + last["height"] + BELOW - top, shot.most)
    return {"x": 0, "y": top, "width": shot.width, "height": height}


def _check_size(path: Path, most: int) -> None:
    if path.stat().st_size > most:
        raise PictureError(f"{path.name} has {path.stat().st_size:,} bytes; {most:,} are the most.")
