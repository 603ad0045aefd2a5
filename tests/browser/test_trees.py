"""A phone tree in a real browser: made, looked at, started, and watched while its captains answer."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from outreach.core.runtime import Runtime
from outreach.web.app import create_app
from tests.browser.reading import LONG, ONE_DATABASE, assert_sound, speak, tab_to
from tests.browser.test_campaign_page import sign_in
from tests.factories import make_world, number
from tests.integration.test_launch import draft
from tests.integration.test_phone_tree import turn
from tests.integration.test_web_people import rename
from tests.integration.test_webhooks import say

pytestmark = ONE_DATABASE


def test_a_tree_is_made_started_and_watched(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    world = make_world(runtime, 13)
    draft(runtime, world)
    rename(runtime, world.people[1], first_name=LONG, last_name=LONG)
    sign_in(page, address, runtime, world.group_id)
    page.get_by_role("link", name="Phone trees").click()
    speak(page, "es")
    page.get_by_role("main").get_by_role("link", name="Cadena nueva").first.click()
    assert_sound(page, "a new tree, es")
    page.get_by_label("Nombre de la cadena").fill("Lado sur")
    page.get_by_label("all", exact=True).check()
    page.get_by_role("button", name="Hacer la cadena").click()
    expect(page.locator("#people")).to_contain_text("13 personas")
    assert_sound(page, "a tree, es")
    page.locator(".tree-row.level-1 .tree-name").nth(1).click()
    page.wait_for_url("**/trees/people/*")  # else the tree is measured, and this page before it has its styles
    assert_sound(page, "a person of a tree, es")
    page.get_by_role("button", name="Hacerla suplente de esta rama").click()
    expect(page.get_by_role("heading", name="Suplente")).to_be_visible()
    page.get_by_role("link", name="Ver en la cadena").click()
    page.get_by_role("link", name="Iniciarla").click()
    assert_sound(page, "starting a tree, es")
    speak(page, "en")
    page.get_by_label("How many people of this tree may be texted?").fill("12")
    page.get_by_role("button", name="Start now").click()
    expect(page.locator("#errors")).to_contain_text("You typed 12, but 13 people")
    page.get_by_label("How many people of this tree may be texted?").fill("13")
    tab_to(page, "Start now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Started")).to_be_visible()

    expect(page.locator("#reached")).to_have_text("0")
    to, _ = turn(runtime)[0]
    expect(page.locator("#reached")).to_have_text("2")
    client = create_app(runtime.settings, runtime).test_client()
    assert say(client, runtime, next(index for index in range(13) if number(index) == to), "1")
    turn(runtime)
    expect(page.locator("#reached")).to_have_text(re.compile(r"[78]"))
    expect(page.locator(".is-step-captain")).to_have_text("captain said yes")
    expect(page.locator(".is-step-asked")).to_have_text("captain asked")
    assert_sound(page, "a run, en")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#state-badge")).to_have_text("paused")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    speak(page, "es")
    assert_sound(page, "a run, es")
    page.get_by_role("link", name="Todas las personas en una tabla").click()
    expect(page.locator("tbody tr")).to_have_count(13)
    assert_sound(page, "the table of a run, es")
