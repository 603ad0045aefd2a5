"""The campaign wizard in a real browser: mouse, keyboard, a small phone without scripts, both languages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select, update

from config import table
from outreach.core.runtime import Runtime
from outreach.escalations.choosing import set_occasion
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.planning import plan_wave
from outreach.messaging.models import Gate, Message, Tally
from outreach.people.models import ContactList
from outreach.web.app import create_app
from tests.browser.reading import LONG, ONE_DATABASE, PHONE, assert_sound
from tests.browser.test_campaign_page import sign_in
from tests.factories import World, make_world
from tests.integration.test_launch import draft
from tests.integration.test_script_page import link_of
from tests.integration.test_webhooks import text_everybody

AGAIN = table("message_templates/waves")
pytestmark = ONE_DATABASE


def new_draft(runtime: Runtime) -> tuple[World, int]:
    """Six people in a list, and a draft that no list is chosen for; its Spanish policy has an accent."""
    world = make_world(runtime, 6)
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(audience={"lists": []}, policy=2))
    return world, campaign_id


def stored(runtime: Runtime, campaign_id: int) -> Campaign:
    with runtime.db.snapshot() as session:
        return session.get_one(Campaign, campaign_id)


def gate(runtime: Runtime) -> str:
    with runtime.db.snapshot() as session:
        return session.execute(select(Gate.state).join(Wave, Wave.gate_id == Gate.id)).scalar_one()


def test_from_a_draft_to_a_launched_campaign_by_mouse(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    world, campaign_id = new_draft(runtime)
    sign_in(page, address, runtime, world.group_id)
    page.goto(f"{address}/campaigns/{campaign_id}/draft/")
    page.get_by_role("link", name="Meeting, official and office").click()
    page.get_by_label("Name of the campaign").fill("Ask the chief")
    page.get_by_role("button", name="Save and return to the list").click()
    expect(page.locator(".task-state")).to_have_text(["Done", "Done", "Next", "Done", "To do"])
    page.get_by_role("link", name="Audience").click()
    expect(page.locator("#counts")).to_contain_text("Tick a list")
    page.get_by_label("all 6 people").check()
    expect(page.locator("#audience-in")).to_have_text("6")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("heading", name="Review and launch")).to_be_visible()
    page.get_by_role("link", name="Change Text and script").click()
    words = page.get_by_label("Text in English")
    words.fill(words.input_value().replace("Hi ", "“Hi” "))
    spanish = page.get_by_label("Text in Spanish")
    spanish.fill(spanish.input_value().replace("Hola ", "Atención, "))
    english = page.locator("#preview-text_en")
    expect(english).to_contain_text("These characters make this text cost more")
    expect(english.locator(".text")).to_contain_text("“Hi” Ana, this is Testers")
    for field in ("text_en", "text_es"):
        page.locator(f"#preview-{field}").get_by_role("button", name="Use plain characters").click()
        expect(page.locator(f"#preview-{field}")).to_contain_text("Nothing to mend.")
    page.get_by_role("button", name="Save and go on").click()
    assert stored(runtime, campaign_id).text_en.startswith('"Hi" {{ first_name }}')
    assert stored(runtime, campaign_id).text_es.startswith("Atencion, {{ first_name }}")
    expect(page.locator("#people")).to_have_text("6")
    page.get_by_label("Your own mobile number").fill("602-555-0177")
    page.get_by_role("button", name="Send it to me").click()
    expect(page.get_by_role("status")).to_contain_text("on its way to your phone")
    page.get_by_label("How many people will get this text?").fill("7")
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("#errors")).to_contain_text("You typed 7, but 6 people")
    page.goto(f"{address}/campaigns/{campaign_id}/draft/review")
    page.get_by_label("How many people will get this text?").fill("6")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("status").filter(has_text="Launched")).to_be_visible()
    assert page.url == f"{address}/campaigns/{campaign_id}"
    assert gate(runtime) == "open"
    page.go_back()
    expect(page).to_have_url(f"{address}/campaigns/{campaign_id}")
    page.goto(f"{address}/campaigns/{campaign_id}/cancel")
    page.get_by_role("button", name="Yes, cancel it for good").click()
    expect(page.get_by_role("status").filter(has_text="Canceled")).to_be_visible()
    assert gate(runtime) == "closed"
    with runtime.db.snapshot() as session:
        assert session.execute(select(Message.kind).where(Message.kind == "test")).scalars().all() == ["test"]


def test_by_keyboard(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    world, campaign_id = new_draft(runtime)
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(policy=5))
    sign_in(page, address, runtime, world.group_id)
    page.goto(f"{address}/campaigns/{campaign_id}/draft/")

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.locator(selector).evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"{selector} cannot be reached by keyboard")

    tab_to("a.task-title[href$='/audience']")
    page.keyboard.press("Enter")
    tab_to(f"#list-{world.list_id}")
    page.keyboard.press("Space")
    expect(page.locator("#audience-in")).to_have_text("6")
    tab_to("button[value=save]")
    page.keyboard.press("Enter")
    tab_to("a.task-title[href$='/text']")
    page.keyboard.press("Enter")
    tab_to("#text_en")
    page.keyboard.press("Control+End")
    page.keyboard.type(" Thank you!")
    expect(page.locator("#preview-text_en .text")).to_contain_text("Thank you!")
    tab_to("button[value=on]")
    page.keyboard.press("Enter")
    tab_to("#count")
    page.keyboard.type("6")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Launched")).to_be_visible()
    assert stored(runtime, campaign_id).text_en.endswith("Thank you!")


def test_without_scripts_on_a_small_phone(plain_page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    page, (world, campaign_id) = plain_page, new_draft(runtime)
    sign_in(page, address, runtime, world.group_id)
    base = f"{address}/campaigns/{campaign_id}/draft/"
    page.goto(f"{base}audience")
    page.get_by_label("all 6 people").check()
    page.get_by_role("button", name="Count what is ticked").click()
    expect(page.locator("#audience-in")).to_have_text("6")
    page.get_by_role("button", name="Save and go on").click()
    page.goto(f"{base}text")
    page.get_by_label("Text in English").fill("Short “one”")
    page.get_by_label("Show it as it looks for").select_option("unknown")
    page.get_by_role("button", name="Preview").click()
    english = page.locator("#preview-text_en")
    expect(english.locator(".text")).to_have_text("Short “one”")
    expect(english).to_contain_text("Introduce the group as volunteers")
    expect(page.locator("#preview-text_es .text")).to_contain_text("Hola vecina, vecino")
    english.get_by_role("button", name="Use plain characters").click()
    expect(page.get_by_label("Text in English")).to_have_value('Short "one"')
    page.get_by_role("button", name="Save and go on").click()
    page.goto(f"{base}review")
    expect(page.locator("main")).to_contain_text("It cannot be launched yet")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def walk_the_tactic(page: Page, address: str, runtime: Runtime, group_id: int, campaign_id: int) -> None:
    """From a draft with somebody's own words to the page that people get of a town hall."""
    base, language = f"{address}/campaigns/{campaign_id}/draft/", page.locator("html").get_attribute("lang")
    page.goto(base + "tactic/")
    page.locator("input[value=town_hall]").check()
    page.locator("button[value=on]").click()
    expect(page.locator("#errors")).to_be_visible()
    page.locator("input[value=replace]").check()
    page.locator("button[value=on]").click()
    page.locator("#event_link").fill(LONG)
    page.locator("button[value=on]").click()
    expect(page.locator("#event_link-error")).to_be_visible()
    assert_sound(page, f"wizard-facts-{language}")
    page.goto(base + "tactic/")
    page.locator("#kept summary").click()
    assert_sound(page, f"wizard-kept-{language}")
    event = {
        "event_at": runtime.clock.now() + timedelta(days=8),
        "event_zone": "America/Phoenix",
        "event_place": LONG[:99],
    }
    with runtime.db.transaction() as tx:
        set_occasion(tx, runtime, group_id, campaign_id, event)
        wave = launch_campaign(tx, runtime, group_id, campaign_id)
    assert plan_wave(runtime, wave.id, 30)
    text_everybody(runtime, wave)
    link = link_of(create_app(runtime.settings, runtime).test_client(), runtime, 0)
    page.goto(f"{address}{link}?l={language}")
    page.locator("details summary").click()
    assert_sound(page, f"script-page-of-an-event-{language}")


@pytest.mark.parametrize("language", ["es"])  # whose words are longer; the other tests read English
def test_every_page_is_sound(page: Page, site: tuple[str, Runtime], language: str) -> None:
    address, runtime = site
    world, campaign_id = new_draft(runtime)
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(name=f"{LONG} 🌵 عمر", audience={"lists": [world.list_id]}))
        tx.execute(update(ContactList).values(name=LONG[:110]))
    sign_in(page, address, runtime, world.group_id)
    base = f"{address}/campaigns/{campaign_id}/draft/"
    if language == "es":
        page.get_by_role("button", name="Español").click()
    for name in ("", "about", "tactic/", "audience", "text", "review", "../cancel"):
        page.goto(base + name)
        assert page.locator("html").get_attribute("lang") == language
        if name == "text":
            for one in page.locator("main details summary").all():
                one.click()
        assert_sound(page, f"wizard-{name.strip('./') or 'tasks'}-{language}")
    page.goto(base + "text")
    with runtime.db.transaction() as tx:  # somebody else saves meanwhile
        tx.execute(update(Campaign).values(text_en=f"Other words. {LONG}"))
    page.locator("#text_es").fill(f"alien {LONG} “x” 👍 {{{{ nickname")
    page.locator("button[value=on]").click()
    assert_sound(page, f"wizard-errors-{language}")
    page.locator("#text_es").fill(f"illegals, “x” 👍 {LONG}")
    page.locator("button[value=on]").click()
    expect(page.locator(".saved-now").first).to_contain_text("Other words.")
    assert_sound(page, f"wizard-clash-{language}")
    page.goto(base + "review")
    page.locator("#phone").fill("12")
    page.locator("#phone").press("Enter")
    expect(page.locator("#phone-error")).to_be_visible()
    assert_sound(page, f"wizard-refused-{language}")
    walk_the_tactic(page, address, runtime, world.group_id, campaign_id)


@pytest.mark.parametrize("language", ["es"])  # whose words are longer; the other tests read English
def test_a_launch_time_two_texts_and_a_further_text_are_sound(
    page: Page, site: tuple[str, Runtime], language: str
) -> None:
    address, runtime = site
    world, campaign_id = new_draft(runtime)
    with runtime.db.transaction() as tx:
        second = {"text_b_en": AGAIN["replied"]["en"], "text_b_es": AGAIN["replied"]["es"]}
        tx.execute(update(Campaign).values(audience={"lists": [world.list_id]}, **second))
    sign_in(page, address, runtime, world.group_id)
    base = f"{address}/campaigns/{campaign_id}/draft/"
    if language == "es":
        page.get_by_role("button", name="Español").click()
    page.goto(base + "review")
    page.locator("#later summary").click()
    page.locator("#day").fill("2026-11-30")
    page.locator("#count_later").fill("6")
    page.locator("#count_later").press("Enter")
    expect(page.locator("#day-error")).to_be_visible()
    assert_sound(page, f"wizard-later-{language}")
    page.locator("#day").fill("2026-12-03")
    page.locator("#count_later").fill("6")
    page.locator("#count_later").press("Enter")
    expect(page.locator("#launches")).to_be_visible()
    assert_sound(page, f"campaign-scheduled-{language}")
    with runtime.db.transaction() as tx:
        wave = launch_campaign(tx, runtime, world.group_id, campaign_id)
        tx.execute(update(Wave).values(launched_at=runtime.clock.now() - timedelta(days=2)))
    assert plan_wave(runtime, wave.id, 30)
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).values(state="delivered"))
        for one, calls in (("a", 30), ("b", 90)):
            tx.add(Tally(gate_id=wave.gate_id, name=f"{one}:delivered", count=500))
            tx.add(Tally(gate_id=wave.gate_id, name=f"{one}:report:spoke", count=calls))
    page.goto(f"{address}/campaigns/{campaign_id}")
    expect(page.locator("#better")).to_be_visible()
    page.locator("#says-1 summary").click()
    assert_sound(page, f"campaign-two-texts-{language}")
    page.goto(f"{address}/campaigns/{campaign_id}/again/")
    expect(page.locator("#who-silent")).to_have_text("6")
    page.locator("#text_en").fill("Call today! “Please”")
    expect(page.locator("#preview-text_en .text")).to_contain_text("Call today!")
    assert_sound(page, f"campaign-again-{language}")


def test_what_is_typed_before_the_page_listens_is_heard(page: Page, site: tuple[str, Runtime]) -> None:
    """As on a slow line: the form is there, the script that asks for previews is not yet."""
    address, runtime = site
    world, campaign_id = new_draft(runtime)
    sign_in(page, address, runtime, world.group_id)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/htmx*", hold)
    page.goto(f"{address}/campaigns/{campaign_id}/draft/text", wait_until="commit")
    page.get_by_label("Text in English").fill("Will you call today? STOP to opt out.")
    held[0].continue_()
    expect(page.locator("#preview-text_en .text")).to_have_text("Will you call today? STOP to opt out.")
