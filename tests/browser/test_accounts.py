"""From an invitation to an account with a password and an app, in again by a code, and out on another browser."""

from __future__ import annotations

import re
import time

import pyotp
from playwright.sync_api import Browser, Page, expect

from outreach.accounts.invitations import Actor, invite
from outreach.core.runtime import Runtime
from tests.browser.conftest import opened
from tests.browser.reading import ONE_DATABASE, assert_sound
from tests.factories import make_group

pytestmark = ONE_DATABASE

NAME, SECRET = "Ana Ruiz", "four words in a row"
HALF_MINUTE = 30


def give_password(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("Sign-in name").fill("ANA")
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Sign in").click()


def invitation(address: str, runtime: Runtime) -> str:
    """The link that an admin makes for an organizer."""
    by, now = Actor(make_group(runtime), "admin", "admin"), runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        return f"{address}/invitation/{invite(tx, by, role='organizer', meant_for=NAME, now=now)}"


def enrol(page: Page) -> tuple[pyotp.TOTP, list[str]]:
    """Set up an app; it, and the recovery codes."""
    page.get_by_role("link", name="Set up an app").click()
    app = pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))
    assert_sound(page, "an app")
    page.get_by_label("Code").fill("12345")
    page.get_by_role("button", name="Use this app").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert page.locator("#secret").inner_text().replace(" ", "") == app.secret, "what was scanned stays"
    page.get_by_label("Code").fill(app.now())
    page.get_by_role("button", name="Use this app").click()
    expect(page.locator("#codes li")).to_have_count(10)
    assert_sound(page, "recovery codes")
    return app, page.locator("#codes li").all_inner_texts()


def test_invited_set_up_out_and_in_by_a_code_and_out_elsewhere(
    page: Page, browser: Browser, site: tuple[str, Runtime]
) -> None:
    address, runtime = site
    link = invitation(address, runtime)
    page.goto(link)
    assert_sound(page, "an invitation")
    expect(page.get_by_label("Your name, as colleagues see it")).to_have_value(NAME)
    page.get_by_label("Sign-in name").fill("Ana")
    page.get_by_label("New password").fill(SECRET)
    page.get_by_label("The same password again").fill(SECRET)
    page.get_by_role("button", name="Make my account").click()
    page.get_by_role("link", name=re.compile(NAME)).click()
    app, codes = enrol(page)
    page.goto(link)
    expect(page.locator("main")).to_contain_text("This link was used already")
    page.goto(address)
    page.get_by_role("button", name="Sign out").click()
    give_password(page, address)
    assert_sound(page, "the code")
    page.get_by_label("Code").fill(app.at(int(time.time()) + HALF_MINUTE))  # this half-minute's has confirmed the app
    page.get_by_role("button", name="Sign in").click()
    with opened(browser) as elsewhere:
        give_password(elsewhere, address)
        elsewhere.get_by_label("Code").fill(codes[0].upper())
        elsewhere.get_by_role("button", name="Sign in").click()
        expect(elsewhere.get_by_role("link", name=re.compile(NAME))).to_be_visible()
        page.goto(f"{address}/account/")
        expect(page.locator("#sessions li")).to_have_count(2)
        expect(page.locator("main")).to_contain_text("9 recovery codes are left.")
        assert_sound(page, "an account")
        page.get_by_role("button", name="Sign out there").click()
        expect(page.locator("#sessions li")).to_have_count(1)
        elsewhere.goto(address)
        expect(elsewhere.get_by_role("heading", name="Sign in")).to_be_visible()
