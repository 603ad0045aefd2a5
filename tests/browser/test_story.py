"""The whole story by hand, as a newcomer plays it: the real site with all its processes, and a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from outreach.core.clock import Clock
from outreach.stage.processes import Processes
from tests.browser.reading import assert_sound
from tests.browser.whole_site import DEMO, FEW_SECONDS, PEOPLE, list_of, whole_site

MY_OWN = "(602) 555-0177"
"""The organizer's number, for "text me first"; no constituent has it."""
SCRIPT_ASKER, OPTED_OUT, UNCLEAR = "Alma Begay", "Carlos Duarte", "Farid Hassan"
UNCLEAR_TEXT = "can you ring my neighbour instead?"


@pytest.fixture
def link(
    request: pytest.FixtureRequest,
    stage: Processes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    browser: Browser,
    new_postgres: Callable[[str], str],
) -> Iterator[str]:
    """The one-time link that ``run.py --no-story`` prints, beside a carrier where everybody is reachable and silent.

    On PostgreSQL; the guide's journey (``test_guide.py``) has SQLite.
    """
    monkeypatch.delenv("REHEARSAL_CLOCK", raising=False)
    env = {"DATABASE_URL": new_postgres("browser_story")}
    with whole_site(stage, browser, request.node.name, tmp_path / "data", env) as found:
        yield found


def test_an_organizers_first_hour(link: str, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.set_default_timeout(FEW_SECONDS)
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="What waits for you")).to_be_visible()
    bring_the_officials(page)
    bring_the_people(page)
    log_a_meeting_that_failed(page)
    complete_the_draft(page)
    text_myself_first(page)
    launch(page)
    campaign = page.url
    ask_for_the_script_and_report(page, campaign)
    opt_out(page, campaign)
    answer_in_the_inbox(page)
    page.goto(campaign)
    expect(page.locator("#state-delivered")).to_have_text("8")
    expect(page.locator("#replies")).to_have_text("4")


def bring_the_officials(page: Page) -> None:
    page.get_by_role("link", name="Bring the officials you meet").click()
    page.get_by_role("link", name="Bring a file").click()
    page.get_by_label("File").set_input_files(DEMO)
    page.get_by_role("button", name="Bring them in").click()
    expect(page.locator("#new")).to_have_text("7")


def bring_the_people(page: Page) -> None:
    page.get_by_role("link", name="Home", exact=True).click()
    page.get_by_role("link", name="Bring the people who agreed").click()
    page.get_by_label("File of people").set_input_files(
        {"name": "fair.csv", "mimeType": "text/csv", "buffer": list_of(PEOPLE, "English")}
    )
    page.get_by_label("Name of the list").fill("May fair")
    page.get_by_label("How and when did they agree").fill("They ticked “text me” on our sheet at the fair.")
    page.get_by_role("button", name="Look at what would happen").click()
    expect(page.locator("#count-rows")).to_have_text(str(len(PEOPLE)))
    page.get_by_role("button", name="Yes, import").click()
    expect(page.get_by_role("heading", name="The list is imported")).to_be_visible()


def log_a_meeting_that_failed(page: Page) -> None:
    page.get_by_role("link", name="Home", exact=True).click()
    page.get_by_role("link", name="Log your meeting").click()
    chief = page.get_by_role("listitem").filter(has_text="Bartholomew Sandrunner")
    chief.get_by_role("link", name="Log a meeting").click()
    page.get_by_label("Who was there").fill("Rosa, Walter (notes), and the chief's deputy")
    page.get_by_text("They evaded the question").click()
    for policy in ("1. Judicial Warrant Rule", "5. Don't Ask Rule"):
        page.locator("summary").get_by_text(policy).click()
    page.get_by_role("group", name="1. Judicial Warrant Rule").get_by_text("Evaded", exact=True).click()
    fifth = page.get_by_role("group", name="5. Don't Ask Rule")
    fifth.get_by_text("No", exact=True).click()
    fifth.get_by_label("How do we know?").select_option("in practice")
    promise = page.get_by_role("group", name="Promise 1")
    promise.get_by_label("What they promised").fill("An answer in writing")
    next_week = Clock.real_now().date() + timedelta(days=30)
    promise.get_by_label("By when").fill(next_week.isoformat())
    promise.get_by_label("Whom to ask on their staff").fill("The deputy")
    page.get_by_label("Notes").fill("Asked three times. He looked at his watch.")
    page.get_by_role("button", name="Save the meeting").click()
    expect(page.get_by_role("status")).to_contain_text("a campaign is drafted")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bartholomew Sandrunner")


def complete_the_draft(page: Page) -> None:
    """From the draft's task list through its pages, as they come."""
    page.get_by_role("link", name="Meeting, official and office").click()
    page.get_by_label("Police Department, 40 Example Street").check()
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("heading", name="Audience")).to_be_visible()
    page.get_by_label("May fair").check()
    expect(page.locator("#audience-in")).to_have_text(str(len(PEOPLE)))
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("link", name="Change Text and script").click()
    words = page.get_by_label("Text in English")
    words.fill(words.input_value().replace("Will you call and", "Will you call this week and"))
    preview = page.locator("#preview-text_en")
    expect(preview.locator(".text")).to_contain_text("Will you call this week and ask")
    expect(preview).to_contain_text("Nothing to mend.")
    page.get_by_role("button", name="Save and go on").click()


def text_myself_first(page: Page) -> None:
    page.get_by_label("Your own mobile number").fill(MY_OWN)
    page.get_by_role("button", name="Send it to me").click()
    expect(page.get_by_role("status")).to_contain_text("on its way to your phone")
    review = page.url
    page.get_by_role("link", name="Phones", exact=True).click()
    mine = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=MY_OWN))
    expect(mine).to_contain_text("People Power Valley", timeout=FEW_SECONDS)  # by polling
    mine.get_by_role("link", name=MY_OWN).click()
    thread = page.get_by_role("list", name="Texts, oldest first")
    expect(thread).to_contain_text("Will you call this week and ask")
    expect(thread).to_contain_text("delivered", timeout=FEW_SECONDS)
    page.goto(review)


def launch(page: Page) -> None:
    expect(page.locator("#people")).to_have_text(str(len(PEOPLE)))
    expect(page.locator("#cost")).to_contain_text("$")
    expect(page.locator("main")).to_contain_text("The last text leaves at about")
    page.get_by_label("How many people will get this text?").fill(str(len(PEOPLE)))
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("status").filter(has_text="Launched")).to_be_visible()
    expect(page.locator("#recipients")).to_have_text(str(len(PEOPLE)), timeout=FEW_SECONDS)
    expect(page.locator("#state-delivered")).to_have_text(str(len(PEOPLE)), timeout=FEW_SECONDS)


def as_this_phone(page: Page, number: str, body: str) -> None:
    """Open the phone beside the tally or on the phones' page, and text."""
    page.get_by_role("link", name="Phones", exact=True).click()
    page.get_by_role("link", name=number).click()
    page.get_by_label("Answer as this person").fill(body)
    page.get_by_role("button", name="Send").click()
    thread = page.get_by_role("list", name="Texts, oldest first")
    expect(thread.get_by_role("listitem").filter(has_text=body).first).to_be_visible()


def ask_for_the_script_and_report(page: Page, campaign: str) -> None:
    as_this_phone(page, PEOPLE[SCRIPT_ASKER], "SCRIPT")
    thread = page.get_by_role("list", name="Texts, oldest first")
    expect(thread).to_contain_text("Call (623) 555-0120", timeout=FEW_SECONDS)
    expect(thread).to_contain_text("My name is Alma, I live in Mesa, 85201.")
    thread.get_by_role("link").click()
    expect(page.locator("#script")).to_contain_text("My name is (your name)")
    assert_sound(page, "the script's page")
    page.get_by_role("button", name="I left a voicemail").click()
    expect(page.locator("#thanks")).to_contain_text("1 person has told us")
    page.goto(campaign)
    expect(page.locator("#report-voicemail")).to_have_text("1", timeout=FEW_SECONDS)
    as_this_phone(page, PEOPLE[SCRIPT_ASKER], "1")  # the last word counts, whichever way it came
    expect(thread).to_contain_text("That is caller number 1", timeout=FEW_SECONDS)
    page.goto(campaign)
    expect(page.locator("#report-spoke")).to_have_text("1", timeout=FEW_SECONDS)
    expect(page.locator("#called")).to_have_text("1")


def opt_out(page: Page, campaign: str) -> None:
    as_this_phone(page, PEOPLE[OPTED_OUT], "STOP")
    expect(page.locator("main")).to_contain_text("opted out")
    page.goto(campaign)
    expect(page.locator("#opted-out")).to_have_text("1", timeout=FEW_SECONDS)


def answer_in_the_inbox(page: Page) -> None:
    """Somebody writes what no rule understands; an organizer reads it and answers; the phone shows the answer."""
    as_this_phone(page, PEOPLE[UNCLEAR], UNCLEAR_TEXT)
    page.get_by_role("link", name="Inbox").click()
    expect(page.get_by_role("heading", name="Inbox", level=1)).to_be_visible()
    page.get_by_role("link", name=UNCLEAR).click()
    expect(page.locator("main")).to_contain_text(UNCLEAR_TEXT)
    answer = "We cannot ring people, but please pass the script on to your neighbour."
    page.get_by_label("Your answer").fill(answer)
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("status")).to_contain_text("Your answer is on its way.")
    page.get_by_role("link", name="Phones", exact=True).click()
    page.get_by_role("link", name=PEOPLE[UNCLEAR]).click()
    expect(page.get_by_role("list", name="Texts, oldest first")).to_contain_text(answer, timeout=FEW_SECONDS)
