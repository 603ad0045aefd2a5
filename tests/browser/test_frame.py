"""The site's frame in a real browser: home, campaigns, phones, signing in and every error page, in both languages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from outreach.accounts.links import make_login_link
from outreach.accounts.models import User
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Gate, Tally, Timeline
from outreach.officials.imports import add_official
from outreach.officials.meetings import Promised, record_meeting
from tests.browser.reading import LONG, ONE_DATABASE, assert_sound, speak, tab_to
from tests.browser.test_campaign_page import deliver, link, rehearsed, sign_in
from tests.browser.test_kept import sign_in_beside
from tests.factories import World, make_group, make_world, number
from tests.integration.test_rehearsal_process import Rehearsal
from tests.integration.test_webhooks import launch

__all__ = ["rehearsed"]

pytestmark = ONE_DATABASE


def busy(runtime: Runtime, world: World) -> Wave:
    """Something of everything that can wait on home: a halted campaign with numbers, a draft, a meeting, a promise."""
    wave = launch(runtime, world)
    deliver(runtime, wave)
    today = runtime.clock.now().date()
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(state="paused", reason="carrier:30002"))
        tx.execute(update(Campaign).values(name=f"{LONG} 🌵 عمر"))
        tx.add(Timeline(gate_id=wave.gate_id, minute=29_935_860, name="delivered", count=3))
        tx.add(Tally(gate_id=wave.gate_id, name="report:spoke", count=2))
        official = add_official(tx, runtime, world.group_id, name=f"عمر {LONG}", role="Sheriff", phone="602-555-0143")
        for days in (3, 1):
            meeting = record_meeting(
                tx, runtime, world.group_id, official_id=official.id, held_on=today - timedelta(days=days),
                outcome="evaded", recorded_by="bo", promises=[Promised(LONG, today, "Cy")],
            )  # fmt: skip
        assert draft_from_meeting(tx, runtime, meeting) is not None
    return wave


def as_staff(page: Page, address: str, runtime: Runtime, group_id: int) -> None:
    """Sign in as somebody who only reads."""
    with runtime.db.transaction() as tx:
        user = User(group_id=group_id, name="Staff", role="staff", created_at=runtime.clock.now())
        tx.add(user)
        tx.flush()
        token = make_login_link(tx, user.id, runtime.clock.real_now())
    page.goto(f"{address}/enter/{token}")
    page.locator("main button").click()
    expect(page.locator("nav")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "es"])
def test_pages_with_and_without_something_to_show(
    page: Page, rehearsed: tuple[str, Runtime, Rehearsal], language: str
) -> None:
    address, runtime, carrier = rehearsed
    sign_in(page, address, runtime, make_group(runtime, "Empty"))
    speak(page, language)
    for path in ("/", "/campaigns/", "/phones/"):
        page.goto(address + path)
        assert_sound(page, f"empty {path} {language}")
    world = make_world(runtime, 3)
    wave = busy(runtime, world)
    carrier.create(number(1), f"Will you call today? {LONG}")
    carrier.create(number(2), "<script>alert(1)</script> سلام 🌵")
    carrier.settle()
    page.context.clear_cookies()
    sign_in(page, address, runtime, world.group_id)
    speak(page, language)
    for path in ("/", "/campaigns/", f"/campaigns/{wave.campaign_id}", "/phones/", f"/phones/{number(1)}"):
        page.goto(address + path)
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert_sound(page, f"full {path} {language}")
    page.goto(f"{address}/phones/{number(1)}")
    page.locator("#body").fill("   ")
    page.get_by_role("button", name="Send" if language == "en" else "Enviar").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_sound(page, f"phone refused {language}")


@pytest.mark.parametrize("language", ["en", "es"])
def test_signing_in_and_what_is_refused(page: Page, site: tuple[str, Runtime], language: str) -> None:
    address, runtime = site
    world = make_world(runtime, 1)
    wave = launch(runtime, world)
    spent = link(runtime, world.group_id)
    page.context.set_extra_http_headers({"Accept-Language": language})  # what outlasts a session
    page.goto(f"{address}/sign-in")
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert_sound(page, f"sign-in {language}")
    page.goto(address + spent)
    assert_sound(page, f"one-time link {language}")
    page.locator("main button").click()
    expect(page.locator("nav")).to_be_visible()
    page.goto(address + spent)
    page.locator("main button").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text({"en": "Not allowed", "es": "No permitido"}[language])
    assert_sound(page, f"403 spent link {language}")
    for path, what in (("/nowhere", "404"), ("/campaigns/999", "404"), (f"/campaigns/{wave.campaign_id}/pause", "405")):
        answer = page.goto(address + path)
        assert answer is not None
        assert answer.status == int(what)
        assert_sound(page, f"{what} {path} {language}")
    page.goto(f"{address}/officials/new")
    page.locator("#address").evaluate("(field, size) => { field.value = 'x'.repeat(size) }", 1_100_000)
    page.locator("main form button").click()
    expect(heading).to_have_text({"en": "Too large", "es": "Demasiado grande"}[language])
    assert_sound(page, f"413 {language}")
    page.goto(f"{address}/campaigns/{wave.campaign_id}")
    page.context.clear_cookies()
    sign_in_beside(page, address, runtime, world.group_id)
    page.locator("form[action$='/pause'] button").click()
    expect(heading).to_have_text({"en": "That did not work", "es": "No funcionó"}[language])
    assert_sound(page, f"400 {language}")
    page.locator("main a").first.click()
    expect(page).to_have_url(f"{address}/campaigns/{wave.campaign_id}")
    page.context.clear_cookies()
    page.locator("form[action$='/pause'] button").click()
    expect(heading).to_have_text({"en": "Sign in", "es": "Entrar"}[language])
    expect(page.get_by_role("alert")).to_be_visible()
    assert_sound(page, f"401 {language}")
    page.context.clear_cookies()
    as_staff(page, address, runtime, world.group_id)
    page.goto(f"{address}/officials/new")
    expect(heading).to_have_text({"en": "Not allowed", "es": "No permitido"}[language])
    assert_sound(page, f"403 {language}")
    with runtime.db.snapshot() as session:
        assert session.get_one(Gate, wave.gate_id).state == "open", "no press on an old page has paused it"


def test_by_keyboard(page: Page, rehearsed: tuple[str, Runtime, Rehearsal]) -> None:
    address, runtime, carrier = rehearsed
    world = make_world(runtime, 2)
    wave = launch(runtime, world)
    carrier.create(number(1), "Will you call today?")
    carrier.settle()
    page.goto(address + link(runtime, world.group_id))
    tab_to(page, "Sign in")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What waits for you")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    focused = page.evaluate("document.querySelector('main').contains(document.activeElement)")
    assert focused, "after skipping, Tab goes on in the content"
    tab_to(page, "Dana Whitfield: Don't Ask Rule")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{address}/campaigns/{wave.campaign_id}")
    tab_to(page, "Pause")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Paused")).to_be_visible()
    tab_to(page, "Phones")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Simulated phones")).to_be_visible()
    tab_to(page, f"phone-{number(1)[1:]}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="(520) 555-0100")).to_be_visible()
    tab_to(page, "body")
    page.keyboard.type("I called")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Texts, oldest first")).to_contain_text("I called")
    tab_to(page, "Español")
    page.keyboard.press("Space")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page).to_have_url(re.compile(re.escape(f"{address}/phones/{number(1)}") + r"\??"))
    tab_to(page, "Salir")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Entrar")).to_be_visible()


def test_without_scripts_on_a_small_phone(plain_page: Page, rehearsed: tuple[str, Runtime, Rehearsal]) -> None:
    address, runtime, carrier = rehearsed
    page, world = plain_page, make_world(runtime, 2)
    wave = launch(runtime, world)
    carrier.create(number(1), "Will you call today?")
    carrier.settle()
    sign_in(page, address, runtime, world.group_id)
    page.get_by_role("button", name="Menu Home").click()
    page.get_by_role("link", name="Campaigns", exact=True).click()
    page.get_by_role("link", name="Dana Whitfield: Don't Ask Rule").click()
    expect(page.locator("#recipients")).to_have_text("2")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").filter(has_text="Paused")).to_be_visible()
    page.get_by_role("button", name="Menu Campaigns").click()
    page.get_by_role("link", name="Phones", exact=True).click()
    page.get_by_role("link", name="(520) 555-0100").click()
    page.get_by_label("Answer as this person").fill("I called")
    page.get_by_role("button", name="Send").click()
    carrier.settle()
    page.get_by_role("link", name="Update").click()
    expect(page.get_by_role("list", name="Texts, oldest first")).to_contain_text("I called")
    page.goto(f"{address}/nowhere")
    page.get_by_role("link", name="Back to the start").click()
    expect(page.get_by_role("heading", name="What waits for you")).to_be_visible()
    page.get_by_role("button", name="Menu Home").click()
    page.get_by_role("button", name="Español").click()
    page.get_by_role("button", name="Menú Inicio").click()
    page.get_by_role("button", name="Salir").click()
    page.goto(f"{address}/campaigns/{wave.campaign_id}")
    expect(page.get_by_role("heading", name="Entrar")).to_be_visible()


def test_nothing_typed_is_taken_for_a_select(page: Page, site: tuple[str, Runtime]) -> None:
    """Selects look like selects: with an arrow, told apart from text fields."""
    address, runtime = site
    world = make_world(runtime, 1)
    sign_in(page, address, runtime, world.group_id)
    page.goto(f"{address}/people/")
    expect(page.get_by_label("List")).to_have_class("form-select")
    expect(page.get_by_label("Name or phone number")).to_have_class("form-control")
