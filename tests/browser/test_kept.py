"""A session that ends in the middle of a meeting: signing in in a second tab, and nothing typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from outreach.core.runtime import Runtime
from outreach.officials.imports import add_official
from outreach.officials.models import Meeting, Promise, Stance
from tests.browser.reading import LONG, ONE_DATABASE, assert_sound, speak, tab_to
from tests.browser.test_campaign_page import link, sign_in
from tests.factories import make_group

pytestmark = ONE_DATABASE

NOTES = f"\nShe listened.\n<b>“Not now”</b>, she said 🌵 عمر\n{LONG}"


def a_meeting(runtime: Runtime) -> tuple[int, str]:
    """A group, and the address of a form for a meeting with its one official."""
    group_id = make_group(runtime)
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, group_id, name="Ana Diaz", role="Mayor").id
    return group_id, f"/meetings/new/{official}"


def type_it(page: Page) -> None:
    page.locator("#held_on").fill("2026-11-30")
    page.locator("#attendees").fill("Bo & Cy")
    page.locator("label[for=outcome-1]").click()
    page.locator("details:has(#answer_5) > summary").click()
    page.locator("label[for=answer_5-1]").click()
    page.locator("#basis_5").select_option("practice")
    page.locator("#promise_1").fill("An answer")
    page.locator("#due_1").fill("2026-12-24")
    page.locator("#notes").fill(NOTES)


def assert_stored(runtime: Runtime) -> None:
    with runtime.db.snapshot() as session:
        meeting = session.execute(select(Meeting)).scalar_one()
        stance = session.execute(select(Stance)).scalar_one()
        promise = session.execute(select(Promise)).scalar_one()
    assert (str(meeting.held_on), meeting.attendees, meeting.outcome) == ("2026-11-30", "Bo & Cy", "declined")
    assert meeting.notes is not None
    assert meeting.notes.replace("\r\n", "\n") == NOTES.strip()
    assert (stance.policy, stance.answer, stance.basis) == (5, "no", "practice")
    assert (promise.text, str(promise.due_on)) == ("An answer", "2026-12-24")


def how_many_meetings(runtime: Runtime) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(Meeting)).scalar_one()


def sign_in_beside(page: Page, address: str, runtime: Runtime, group_id: int) -> None:
    """Use a one-time link in a second tab, and close it."""
    beside = page.context.new_page()
    beside.goto(address + link(runtime, group_id))
    beside.locator("main button").click()
    expect(beside).to_have_url(f"{address}/")
    beside.close()


def test_what_was_typed_is_saved_after_signing_in_in_a_second_tab(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    group_id, path = a_meeting(runtime)
    sign_in(page, address, runtime, group_id)
    page.goto(address + path)
    type_it(page)
    page.context.clear_cookies()
    page.get_by_role("button", name="Save the meeting").click()
    expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    expect(page.locator("#typed")).to_contain_text("<b>“Not now”</b>, she said 🌵 عمر")
    expect(page.locator("#typed > div").filter(has_text="How it ended")).to_contain_text("They declined")
    page.get_by_role("button", name="I have signed in, go on").click()
    expect(page.get_by_role("alert")).to_contain_text("You are not signed in yet")
    assert how_many_meetings(runtime) == 0
    sign_in_beside(page, address, runtime, group_id)
    page.get_by_role("button", name="I have signed in, go on").dblclick()
    expect(page.get_by_role("status")).to_contain_text("a campaign is drafted")
    assert_stored(runtime)


def test_by_keyboard_and_into_another_session(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    group_id, path = a_meeting(runtime)
    sign_in(page, address, runtime, group_id)
    page.goto(address + path)
    type_it(page)
    page.context.clear_cookies()
    sign_in_beside(page, address, runtime, group_id)
    tab_to(page, "Save the meeting")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This is not saved yet")).to_be_visible()
    expect(page.get_by_text("You are signed in as admin.")).to_be_visible()
    assert how_many_meetings(runtime) == 0
    tab_to(page, "Send it now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("a campaign is drafted")
    assert_stored(runtime)


def test_without_scripts_on_a_small_phone(plain_page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    page, (group_id, path) = plain_page, a_meeting(runtime)
    sign_in(page, address, runtime, group_id)
    page.goto(address + path)
    type_it(page)
    page.context.clear_cookies()
    page.get_by_role("button", name="Save the meeting").click()
    sign_in_beside(page, address, runtime, group_id)
    page.get_by_role("button", name="I have signed in, go on").click()
    expect(page.get_by_role("status")).to_contain_text("a campaign is drafted")
    assert_stored(runtime)


@pytest.mark.parametrize("language", ["es"])  # whose words are longer; the other tests read English
def test_the_page_is_sound(page: Page, site: tuple[str, Runtime], language: str) -> None:
    address, runtime = site
    group_id, path = a_meeting(runtime)
    page.set_extra_http_headers({"Accept-Language": language})
    page.goto(address + link(runtime, group_id))
    page.locator("main button").click()
    page.goto(address + path)
    type_it(page)
    page.context.clear_cookies()
    page.locator("main form button").click()
    expect(page.locator("#typed")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert_sound(page, f"kept signed out {language}")
    page.locator("main form button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_sound(page, f"kept not yet {language}")
    page.context.clear_cookies()
    sign_in_beside(page, address, runtime, group_id)
    page.locator("main form button").click()
    expect(page.locator("#typed")).to_be_visible()
    assert_sound(page, f"kept signed in {language}")
    page.goto(f"{address}/people/import")
    speak(page, language)
    page.locator("#file").set_input_files({"name": "x.csv", "mimeType": "text/csv", "buffer": b"Name\nBo"})
    page.locator("#list_name").fill("May fair")
    page.context.clear_cookies()
    page.locator("main form button").first.click()
    expect(page.locator("#typed")).to_contain_text("May fair")
    assert_sound(page, f"kept without its file {language}")
