"""Signing in by the one-time link, and the campaign's numbers, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from outreach.accounts.links import first_admin, make_login_link
from outreach.core.runtime import Runtime
from tests.factories import make_group, make_world
from tests.integration.test_webhooks import launch

pytestmark = pytest.mark.xdist_group("browser")


def link(runtime: Runtime, group_id: int) -> str:
    with runtime.db.transaction() as tx:
        return f"/enter/{make_login_link(tx, first_admin(tx, group_id), runtime.clock.real_now())}"


def sign_in(page: Page, address: str, runtime: Runtime, group_id: int) -> None:
    page.goto(address + link(runtime, group_id))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="What waits for you")).to_be_visible()


def test_an_organizer_signs_in_once_and_reads_the_tally(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    world = make_world(runtime, 4)
    launch(runtime, world)
    sign_in(page, address, runtime, world.group_id)
    page.get_by_role("link", name="Dana Whitfield: Don't Ask Rule").click()
    expect(page.locator("#recipients")).to_have_text("4")
    expect(page.locator("#state-planned")).to_have_text("4")
    expect(page.locator("#state-delivered")).to_have_text("0")
    assert page.locator("html").get_attribute("lang") == "en"
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{address}/campaigns/1")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_link_works_once(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    path = link(runtime, make_group(runtime))
    for heading in ("What waits for you", "Not allowed"):
        page.goto(address + path)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        page.context.clear_cookies()


def test_another_groups_campaign_is_not_there(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    launch(runtime, make_world(runtime, 1))
    sign_in(page, address, runtime, make_group(runtime, "Others"))
    page.goto(f"{address}/campaigns/1")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
