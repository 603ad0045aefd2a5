"""How the browser tests read a page: is it accessible, does it fit, can the keyboard reach everything."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

PHONE: Final[ViewportSize] = {"width": 320, "height": 640}
SCREEN: Final[ViewportSize] = {"width": 1280, "height": 900}
LONG: Final = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 3
PICTURES: Final = os.environ.get("PICTURES")
"""A directory for screenshots, when somebody wants to look."""
MOST_TABS: Final = 120
VIOLATIONS: Final = {"resultTypes": ["violations"]}
"""Every one of them; what axe found to be in order it need not describe, which takes a third of its time."""
ONE_DATABASE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""How a page looks and is reached does not depend on the database. The story in ``test_story`` runs on both, as do the
integration tests, which fetch every page and send every form."""


def assert_sound(page: Page, what: str) -> None:
    """No accessibility violation, and nothing wider than its screen, large or small. ``what`` names the page.

    The walks come by in both languages: axe, which takes most of their time, reads English on the large screen, and
    Spanish on the small one.
    """
    page.wait_for_load_state("load")  # a page that a click led to may not have its styles yet
    read = PHONE if page.locator("html").get_attribute("lang") == "es" else SCREEN
    for size in (SCREEN, PHONE):
        page.set_viewport_size(size)
        if PICTURES:
            name = re.sub(r"[^\w-]+", "-", what).strip("-") or "home"
            page.screenshot(path=Path(PICTURES) / f"{name}-{size['width']}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{what} at {size['width']} px"
        if size is not read:
            continue
        found = Axe().run(page, options=VIOLATIONS)
        assert found.violations_count == 0, f"{what} at {size['width']} px: {found.generate_report()}"
    page.set_viewport_size(SCREEN)


def speak(page: Page, language: str) -> None:
    """Read the site in this language from now on; the page that is open must have the switch."""
    if page.locator("html").get_attribute("lang") != language:
        page.get_by_role("button", name={"en": "English", "es": "Español"}[language]).click()
    expect(page.locator("html")).to_have_attribute("lang", language)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this id, label or text has the focus; fails when no Tab reaches it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        held = page.evaluate("(e => [e.id, (e.labels?.[0] ?? e).innerText?.trim()])(document.activeElement)")
        if name in held:
            return
    raise AssertionError(f"{name} is out of the keyboard's reach")
