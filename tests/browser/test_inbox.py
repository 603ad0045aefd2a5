"""The inbox and the review queue in a real browser: by mouse, by keyboard, without scripts, in both languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import update

from outreach.accounts.links import first_admin
from outreach.accounts.models import User
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.messaging.canned import create_canned
from outreach.messaging.events import append, result
from outreach.messaging.inbox import hand_over
from outreach.messaging.models import Conversation
from outreach.messaging.thread_tags import tag_conversation
from outreach.messaging.threads import Actor
from outreach.web.app import create_app
from tests.browser.reading import LONG, ONE_DATABASE, assert_sound, speak, tab_to
from tests.browser.test_campaign_page import sign_in
from tests.factories import World, make_world
from tests.integration.test_live import fold_everything
from tests.integration.test_webhooks import launch, say, text_everybody

pytestmark = ONE_DATABASE


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
    with runtime.db.transaction() as tx:
        me, sam = Actor(first_admin(tx, world.group_id), world.group_id, "admin"), _colleague(tx, world)
        tag_conversation(tx, runtime, me, 1, LONG[:40])
        hand_over(tx, runtime, sam, 1, to=me.user_id, text=f"Please call {LONG}")
        texts = {"en": f"{{{{ first_name }}}}, {LONG}", "es": "{{ first_name }}, á"}
        create_canned(tx, runtime, me, "Rides", texts)
        tx.execute(update(Conversation).values(waits_since=at - timedelta(days=2)))
    return world, phone


def _colleague(tx: Transaction, world: World) -> Actor:
    sam = User(group_id=world.group_id, name="Sam", role="organizer", created_at=datetime.now(UTC))
    tx.add(sam)
    tx.flush()
    return Actor(sam.id, world.group_id, sam.name)


@pytest.mark.parametrize("language", ["es"])  # whose words are longer; the other tests read English
def test_every_page_is_sound(page: Page, site: tuple[str, Runtime], language: str) -> None:
    address, runtime = site
    world, _ = busy(runtime)
    sign_in(page, address, runtime, world.group_id)
    speak(page, language)
    views = (
        "",
        "?view=doubts",
        "?view=unmatched",
        "?view=handed",
        "?view=all&tag=1",
        "1",
        "2",
        "3",
        "settings/ready/new",
    )
    for path in (*(f"/inbox/{view}" for view in views), "/inbox/settings/", "/inbox/settings/ready/1", "/review/"):
        page.goto(address + path)
        for fold in page.locator("main summary").all():
            fold.click()
        assert_sound(page, f"{path} {language}")
    for sought in ("neighbour", "480-555-01"):
        page.goto(f"{address}/inbox/")
        page.locator("#sought").fill(sought)
        page.locator("form[role=search] button").click()
        assert_sound(page, f"found {sought} {language}")


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
    page.get_by_text("Tag this thread").click()
    page.get_by_label("Or a new tag").fill("Press")
    page.get_by_role("button", name="Tag it").click()
    expect(page.get_by_role("list", name="Tags of this thread")).to_contain_text("Press")
    page.get_by_text("Hand it to an organizer").click()
    page.get_by_label("Note for them").fill("You know her.")
    page.get_by_role("button", name="Hand it over").click()
    expect(page.get_by_text("admin handed this thread to Sam.")).to_be_visible()
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
    page.get_by_label("words of a text").fill("NEIGHBOUR")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("listitem").filter(has_text="neighbour").get_by_role("link").click()
    page.get_by_label("Your answer").fill("x" * 10)
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("status")).to_contain_text("Your answer is on its way.")
