"""Signing in by the one-time link, and the campaign's numbers, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from outreach.accounts.links import first_admin, make_login_link
from outreach.core.runtime import Runtime
from outreach.escalations.choosing import draft_next
from outreach.escalations.models import Wave
from outreach.messaging.models import Gate, Message, Tally, Timeline
from outreach.messaging.reports import record_status
from tests.browser.conftest import hang_up
from tests.browser.reading import ONE_DATABASE, assert_sound, speak
from tests.factories import make_group, make_world, number
from tests.integration.test_live import fold_everything
from tests.integration.test_rehearsal_process import Rehearsal, running
from tests.integration.test_webhooks import launch, text_everybody

pytestmark = ONE_DATABASE


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
    page.get_by_role("button", name="Menu Campaigns").click()
    expect(page.get_by_role("link", name="Campaigns", exact=True).first).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
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


def deliver(runtime: Runtime, wave: Wave) -> int:
    posts = text_everybody(runtime, wave)
    for index, post in enumerate(posts):
        record_status(runtime, post.attempt_id, f"SM{index:032x}", "delivered", None, runtime.clock.real_now())
    return len(posts)


@pytest.fixture
def rehearsed(site: tuple[str, Runtime], browser: Browser) -> Iterator[tuple[str, Runtime, Rehearsal]]:
    """The site with a simulated carrier's process behind it."""
    address, runtime = site
    port = urlsplit(runtime.settings.twilio_base_url).port
    with running(address, "--port", str(port)) as carrier:
        yield address, runtime, carrier
        hang_up(browser)


def test_the_numbers_come_by_themselves_and_say_how_old_they_are(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    world = make_world(runtime, 4)
    wave = launch(runtime, world)
    sign_in(page, address, runtime, world.group_id)
    page.clock.install()
    page.goto(f"{address}/campaigns/{wave.campaign_id}")
    expect(page.locator("#age")).to_have_text(re.compile(r"Updated (just now|\d+ s ago)"))
    expect(page.locator("#state-delivered")).to_have_text("0")
    expect(page.locator("#state-badge")).to_have_text("running")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.locator("#nobody-summary").click()
    assert deliver(runtime, wave) == 4
    expect(page.locator("#state-delivered")).to_have_text("4")
    page.locator("#state-delivered").evaluate("cell => { cell.dataset.mark = 'kept' }")
    with page.expect_response(re.compile(r"/live$")) as polled:
        pass
    assert polled.value.status in {200, 304}
    expect(page.locator("#state-delivered[data-mark=kept]")).to_have_count(1)  # what has not changed is left alone
    # Nothing is left to stop, and the page says so; what was open stays open.
    expect(page.locator("#state-badge")).to_have_text("all sent")
    expect(page.locator("#all-sent")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    expect(page.locator("#state-planned")).to_be_visible()
    # The carrier halts the campaign: the page says so, and offers the lever that fits.
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(state="paused", reason="carrier:30002"))
    expect(page.locator("#why")).to_contain_text("the carrier has suspended our account")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    page.get_by_role("button", name="Resume").press("Enter")
    expect(page.get_by_role("status").filter(has_text="Resumed")).to_be_visible()
    # No answer any more: the age grows, and the page owns up.
    page.route(re.compile(r"/live$"), lambda route: None)
    expect(page.locator("#lost")).to_be_hidden()
    page.clock.fast_forward(20_000)
    expect(page.locator("#lost")).to_contain_text("these numbers are old")
    expect(page.locator("#age")).to_have_text(re.compile(r"Updated (1[5-9]|[2-9]\d) s ago"))
    page.unroute_all(behavior="ignoreErrors")


def test_how_it_goes_follows_and_leaves_alone_the_form_that_somebody_is_in(
    page: Page, site: tuple[str, Runtime]
) -> None:
    address, runtime = site
    world = make_world(runtime, 4)
    wave = launch(runtime, world)
    sign_in(page, address, runtime, world.group_id)
    page.goto(f"{address}/campaigns/{wave.campaign_id}")
    expect(page.locator("#rung-figures")).to_contain_text("0, of 0 asked")
    button = page.get_by_role("button", name="Draft the next step")
    button.focus()
    button.evaluate("button => { button.dataset.mark = 'kept' }")
    scrolled = page.evaluate("scrollY")
    assert deliver(runtime, wave) == 4
    fold_everything(runtime)
    expect(page.locator("#rung-figures")).to_contain_text("0, of 4 asked")
    expect(page.locator("button[data-mark=kept]")).to_be_focused()
    assert page.evaluate("scrollY") == scrolled
    # A colleague has drafted the next step: the button gives way to it, once nobody is at it.
    with runtime.db.transaction() as tx:
        draft_next(tx, runtime, world.group_id, wave.campaign_id, by="a colleague")
    for _ in range(2):
        with page.expect_response(re.compile(r"/live$")):
            pass
    expect(page.locator("button[data-mark=kept]")).to_be_focused()
    button.blur()
    expect(page.get_by_role("link", name="Go to the next step")).to_be_visible()
    expect(page.locator("#rung")).to_have_count(1)
    expect(button).to_have_count(0)


def text_from(runtime: Runtime, wave: Wave, carrier: Rehearsal, body: str) -> None:
    """A text of this campaign on the phone of ``number(1)``."""
    with runtime.db.transaction() as tx:
        mine = Message.number_hash == runtime.vault.number_hash(number(1))
        tx.execute(update(Message).where(mine, Message.gate_id == wave.gate_id).values(posted_at=runtime.clock.now()))
    carrier.create(number(1), body)


def test_without_javascript_the_page_tells_the_time_and_a_link_updates_it(
    browser: Browser, page: Page, rehearsed: tuple[str, Runtime, Rehearsal]
) -> None:
    address, runtime, carrier = rehearsed
    world = make_world(runtime, 2)
    wave = launch(runtime, world)
    text_from(runtime, wave, carrier, "Hello from the tally")
    carrier.settle()
    sign_in(page, address, runtime, world.group_id)
    plain = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state()).new_page()
    plain.goto(f"{address}/campaigns/{wave.campaign_id}")
    expect(plain.locator("#age")).to_have_text(re.compile(r"Updated at 12:\d\d:\d\d\sPM"))
    expect(plain.locator("#phones-beside")).to_contain_text("Hello from the tally")
    plain.get_by_role("button", name="Pause").click()
    expect(plain.locator("#why")).to_contain_text("Somebody in your group paused it.")
    plain.get_by_role("button", name="Resume").click()
    assert deliver(runtime, wave) == 2
    expect(plain.locator("#state-delivered")).to_have_text("0")
    plain.get_by_role("link", name="Update the numbers").click()
    expect(plain.locator("#state-delivered")).to_have_text("2")
    expect(plain.locator("#state-badge")).to_have_text("all sent")
    plain.context.close()


def test_phones_stand_beside_the_tally_and_one_is_answered(
    page: Page, rehearsed: tuple[str, Runtime, Rehearsal]
) -> None:
    address, runtime, carrier = rehearsed
    world = make_world(runtime, 2)
    wave = launch(runtime, world)
    sign_in(page, address, runtime, world.group_id)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{address}/campaigns/{wave.campaign_id}")
    expect(page.locator("#phones")).to_contain_text("No text has arrived yet")
    text_from(runtime, wave, carrier, "Will you call today?")
    expect(page.locator("#phones")).to_contain_text("Will you call today?")  # by polling
    wide = page.locator("#live").bounding_box(), page.locator("#phones-beside").bounding_box()
    assert wide[0] is not None
    assert wide[1] is not None
    assert wide[1]["x"] >= wide[0]["x"] + wide[0]["width"]
    page.set_viewport_size({"width": 320, "height": 640})
    narrow = page.locator("#live").bounding_box(), page.locator("#phones-beside").bounding_box()
    assert narrow[0] is not None
    assert narrow[1] is not None
    assert narrow[1]["y"] >= narrow[0]["y"] + narrow[0]["height"]
    page.get_by_role("link", name="(520) 555-0100").click()
    page.get_by_label("Answer as this person").fill("I am calling now")
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_role("list", name="Texts, oldest first")).to_contain_text("I am calling now")
    page.get_by_role("link", name="Back to the tally").click()
    expect(page.locator("#phones")).to_contain_text("I am calling now")


def test_every_page_of_the_section_is_clean_in_both_languages_and_at_320_px(
    page: Page, rehearsed: tuple[str, Runtime, Rehearsal]
) -> None:
    address, runtime, carrier = rehearsed
    world = make_world(runtime, 3)
    wave = launch(runtime, world)
    deliver(runtime, wave)
    text_from(runtime, wave, carrier, "Will you call today?")
    carrier.settle()
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == wave.gate_id).values(state="paused", reason="carrier:21610"))
        tx.add(Timeline(gate_id=wave.gate_id, minute=29_935_860, name="delivered", count=3))
        tx.add(Tally(gate_id=wave.gate_id, name="report:spoke", count=2))
        tx.add(Tally(gate_id=wave.gate_id, name="report:voicemail", count=1))
        tx.add(Tally(gate_id=wave.gate_id, name="error:30003", count=1))
        tx.execute(update(Message).where(Message.gate_id == wave.gate_id).values(state="undelivered", error_code=30003))
    tally = f"/campaigns/{wave.campaign_id}"
    sign_in(page, address, runtime, world.group_id)
    for language in ("en", "es"):
        page.goto(address)
        speak(page, language)
        for path in ("/", "/campaigns/", tally, f"{tally}/people", "/phones/", f"/phones/{number(1)}"):
            page.goto(address + path)
            assert_sound(page, f"{path} {language}")
