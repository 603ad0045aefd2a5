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
TABLET: Final[ViewportSize] = {"width": 768, "height": 1024}
SCREEN: Final[ViewportSize] = {"width": 1280, "height": 900}
PAPER: Final[ViewportSize] = {"width": 725, "height": 960}
"""What is left of a Letter sheet between its margins, 96 to the inch."""
LONG: Final = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 3
PICTURES: Final = os.environ.get("PICTURES")
"""A directory for screenshots, when somebody wants to look."""
MOST_TABS: Final = 120
LOOKS, LOOK_MS = 40, 50
TOO_WIDE: Final = """
[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth).map(
    e => e.outerHTML.slice(0, 120))
"""
VIOLATIONS: Final = {"resultTypes": ["violations"]}
"""Every one of them; what axe found to be in order it need not describe, which takes a third of its time."""
ONE_DATABASE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""How a page looks and is reached does not depend on the database. The story in ``test_story`` runs on both, as do the
integration tests, which fetch every page and send every form."""


def assert_sound(page: Page, what: str) -> None:
    """No accessibility violation, and nothing wider than its screen, of three sizes. ``what`` names the page.

    The walks come by in both languages: axe, which takes most of their time, reads English on the large screen by day,
    and Spanish on the small one by night.
    """
    page.wait_for_load_state("load")  # a page that a click led to may not have its styles yet
    spanish = page.locator("html").get_attribute("lang") == "es"
    read = PHONE if spanish else SCREEN
    page.emulate_media(color_scheme="dark" if spanish else "light")
    for size in (SCREEN, TABLET, PHONE):
        page.set_viewport_size(size)
        if PICTURES:
            name = re.sub(r"[^\w-]+", "-", what).strip("-") or "home"
            page.screenshot(path=Path(PICTURES) / f"{name}-{size['width']}.png", full_page=True)
        assert_fits(page, size["width"], what)
        if size is not read:
            continue
        found = Axe().run(page, options=VIOLATIONS)
        assert found.violations_count == 0, f"{what} at {size['width']} px: {found.generate_report()}"
    page.set_viewport_size(SCREEN)


def assert_fits(page: Page, width: int, what: str) -> None:
    """Nothing is wider than a screen that was just set to this width; what is too wide is named.

    On a busy machine the page hears of its new size some time after the browser has taken it, and now and then not at
    all: then it is set once more, by way of another width, as the same one is not sent twice.
    """
    for look in range(LOOKS):
        inner, wide = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
        if inner == wide == width:
            return
        if inner != width and look == LOOKS // 2:
            height = PAPER["height"]
            page.set_viewport_size({"width": width + 1, "height": height})
            page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(LOOK_MS)
    raise AssertionError(f"{what} at {width} px: {inner} px, {wide} wide, {page.evaluate(TOO_WIDE)}")


def sheets_of(page: Page, what: str) -> int:
    """How many sheets of Letter paper the page takes; black on white whatever the screen, and nothing is cut off."""
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size(PAPER)
    colours = page.evaluate("(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))")
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"], what
    assert_fits(page, PAPER["width"], f"{what} on paper")
    expect(page.locator("header").first).to_be_hidden()
    sheets = len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(format="Letter", prefer_css_page_size=True)))
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size(SCREEN)
    return sheets


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
