"""The inbox and the review queue in a real browser: by mouse, by keyboard, without scripts, in both languages."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from outreach.core.runtime import Runtime
from outreach.messaging.events import append, result
from outreach.web.app import create_app
from tests.browser.reading import LONG, ONE_DATABASE, assert_sound, speak, tab_to
from tests.browser.test_campaign_page import sign_in
from tests.factories import World, make_world
from tests.integration.test_live import fold_everything
from tests.integration.test_webhooks import launch, say, text_everybody

pytestmark = pytest.mark.xdist_group("browser")


def busy(runtime: Runtime) -> tuple[World, FlaskClient]:
    """A question, a possible opt-out, a stranger's text, and one text whose fate nobody knows."""
    world = make_world(runtime, 3)
    posts = text_everybody(runtime, launch(runtime, world))
    at = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        append(tx, [result(posts[2].attempt_id, word, at) for word in ("unknown", "review")])
    fold_everything(runtime)
    phone = create_app(runtime.settings, runtime).test_client()
    say(phone, runtime, 0, f"can you ring my neighbour instead? {LONG} 🌵 سلام")
    say(phone, runtime, 1, "enough of this, leave me alone maybe")
    say(phone, runtime, 9, "<script>alert(1)</script> who is this about?")
    return world, phone


@ONE_DATABASE
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_page_is_sound(page: Page, site: tuple[str, Runtime], language: str) -> None:
    address, runtime = site
    world, _ = busy(runtime)
    sign_in(page, address, runtime, world.group_id)
    speak(page, language)
    for path in ("/inbox/", "/inbox/?view=mine", "/inbox/?view=all", "/inbox/1", "/inbox/2", "/inbox/3", "/review/"):
        page.goto(address + path)
        if page.locator("main details").count():
            page.locator("main summary").click()
        assert_sound(page, f"{path} {language}")


def test_an_organizer_decides_answers_and_corrects(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    world, phone = busy(runtime)
    sign_in(page, address, runtime, world.group_id)
    page.get_by_role("link", name="Perhaps opt-outs, to decide: 1").click()
    first = page.get_by_role("listitem").filter(has_text="Perhaps an opt-out")
    first.get_by_role("link", name="Ana Tester").click()
    expect(page.get_by_label("Your answer")).to_have_count(0)
    page.get_by_role("button", name="No, they did not mean that").click()
    expect(page.get_by_role("status")).to_contain_text("They may be texted again.")
    page.get_by_label("Your answer").fill("Hello Ana.")
    page.get_by_role("button", name="Thank you").click()
    expect(page.get_by_label("Your answer")).to_have_value(re.compile(r"Hello Ana\.\nThank you! "))
    page.get_by_label("Your answer").fill("Glad to hear it.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("status")).to_contain_text("Your answer is on its way.")
    expect(page.get_by_text("Glad to hear it.")).to_be_visible()
    expect(page.get_by_text("You take care of this thread.")).to_be_visible()
    say(phone, runtime, 1, "what should I say then?")
    expect(page.get_by_text("what should I say then?").first).to_be_visible()  # by polling
    page.reload()
    page.get_by_text("A text was misunderstood").click()
    page.get_by_label("what should I say then?").select_option("wants the script")
    page.get_by_role("button", name="Correct").first.click()
    expect(page.get_by_role("status")).to_contain_text("Corrected.")


def test_a_text_in_doubt_is_decided_by_keyboard(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    world, _ = busy(runtime)
    sign_in(page, address, runtime, world.group_id)
    tab_to(page, "Texts to decide about: 1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Texts to decide about")).to_be_visible()
    tab_to(page, "Send again")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It is sent again")
    expect(page.get_by_text("Nothing to decide.")).to_be_visible()


def test_the_inbox_works_without_scripts_on_a_small_phone(plain_page: Page, site: tuple[str, Runtime]) -> None:
    page, (address, runtime) = plain_page, site
    world, _ = busy(runtime)
    sign_in(page, address, runtime, world.group_id)
    page.goto(f"{address}/inbox/")
    page.get_by_role("listitem").filter(has_text="neighbour").get_by_role("link").click()
    page.get_by_label("Your answer").fill("x" * 10)
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("status")).to_contain_text("Your answer is on its way.")
