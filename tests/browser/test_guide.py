"""The guide, walked from end to end by somebody new, in Spanish: research, a meeting, pressure, and a yes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from outreach.core.clock import Clock
from outreach.stage.processes import Processes
from outreach.web.i18n import catalogue, read_catalog
from tests.browser.reading import SCREEN, speak
from tests.browser.whole_site import DEMO, FEW_SECONDS, PEOPLE, list_of, whole_site

CHIEF = "Bartholomew Sandrunner"
MEMBERS = {"Rosa Vega": "(602) 555-0131", "Walter Nez": "(602) 555-0132"}
NAMES = {"en": "English", "es": "Spanish"}
CALLERS = list(PEOPLE)[:5]
"""As many as a report tells strangers of."""
USUAL_PATIENCE = 5_000.0
"""Milliseconds for which Playwright waits for what a test expects."""
OPTED_OUT, LATE = list(PEOPLE)[5:7]
PASSAGE = (
    "No further investigation is necessary, unless there is reasonable suspicion to believe the person is present."
)
SUSPECT = "reasonable suspicion"


@pytest.fixture
def link(stage: Processes, tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch,
         request: pytest.FixtureRequest) -> Iterator[str]:  # fmt: skip
    """The one-time link of an empty site, beside a browser that waits as long as a text may take."""
    monkeypatch.delenv("REHEARSAL_CLOCK", raising=False)
    expect.set_options(timeout=FEW_SECONDS)
    with whole_site(stage, browser, request.node.name, tmp_path / "data", {}) as found:
        yield found
    expect.set_options(timeout=USUAL_PATIENCE)


class Walk:
    """Somebody at a browser. Every word is looked for in the language of their pages, by the English of the code."""

    def __init__(self, page: Page, language: str) -> None:
        self.page, self.language = page, language
        self._known = read_catalog()

    def says(self, words: str) -> str:
        """These words as their page has them; fails for a sentence that nobody has translated."""
        known = self._known.get(words)
        assert known is not None, words
        assert known.string, words
        return words if self.language == "en" else catalogue("es").gettext(words)

    def link(self, words: str, within: Locator | None = None) -> None:
        """Follow the first link of these words on the page, or in a part of it."""
        where = self.page.get_by_role("main") if within is None else within
        where.get_by_role("link", name=self.says(words), exact=within is None).first.click()

    def named(self, name: str) -> None:
        """Follow the first link on the page that is somebody's or something's name."""
        self.page.get_by_role("main").get_by_role("link", name=name).first.click()

    def section(self, words: str) -> None:
        """An entry of the bar."""
        self.page.get_by_role("banner").get_by_role("link", name=self.says(words), exact=True).click()

    def press(self, words: str) -> None:
        """Press the first button of these words."""
        self.page.get_by_role("main").get_by_role("button", name=self.says(words)).first.click()

    def label(self, words: str) -> Locator:
        """The field of this label."""
        return self.page.get_by_label(self.says(words)).first

    def open(self, words: str) -> None:
        """Unfold what stands under these words."""
        self.page.locator("summary").get_by_text(self.says(words)).first.click()

    def is_told(self, words: str) -> None:
        """The page answers with this sentence."""
        expect(self.page.get_by_role("status").first).to_contain_text(self.says(words))

    def sees(self, words: str) -> None:
        """It stands on the page."""
        expect(self.page.get_by_role("main")).to_contain_text(self.says(words))

    def chief(self) -> None:
        """The page of the official whom the group presses."""
        self.section("Officials")
        self.named(CHIEF)
        expect(self.page.get_by_role("heading", level=1)).to_have_text(CHIEF)


@pytest.mark.parametrize("language", ["es"])  # where a sentence that is not in the catalogue shows; "en" does as well
def test_the_guide_from_an_official_to_a_stand_down(link: str, page: Page, language: str) -> None:
    page.set_viewport_size(SCREEN)
    page.set_default_timeout(FEW_SECONDS)
    page.goto(link)
    speak(page, language)
    page.locator("main button").click()
    walk = Walk(page, language)
    walk.sees("Your first steps")
    gather_everybody(walk)
    research(walk)
    plan_the_meeting(walk)
    log_that_they_evaded(walk)
    launch_the_draft(walk)
    people_act(walk)
    tell_the_others(walk)
    everything_adds_up(walk)
    what_was_promised_is_broken(walk)
    the_next_rung(walk)
    they_commit(walk)
    stand_down(walk)


def gather_everybody(walk: Walk) -> None:
    """Officials, people to text, and the group's own members, as Home asks for them."""
    page = walk.page
    walk.link("Bring the officials you meet, and their office phones.")
    walk.link("Bring a file")
    walk.label("File").set_input_files(DEMO)
    walk.press("Bring them in")
    expect(page.locator("#new")).to_have_text("7")
    walk.section("Home")
    walk.link("Bring the people who agreed to be texted.")
    for name, people in (("May fair", PEOPLE), ("Our group", MEMBERS)):
        lines = list_of(people, NAMES[walk.language])
        walk.label("File of people").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": lines})
        walk.label("Name of the list").fill(name)
        walk.label("How and when did they agree to be texted?").fill("They ticked “text me” on our sheet.")
        walk.press("Look at what would happen")
        walk.press("Yes, import")
        walk.sees("The list is imported")
        if name == "May fair":
            walk.link("Import another list")
    walk.link("Mark the list of your members")
    page.get_by_role("listitem").filter(has_text="Our group").get_by_role("button").click()
    walk.sees("Members' list")


def research(walk: Walk) -> None:
    """A records request, a passage that is marked and tied to the policy that should replace it, and a partner."""
    page = walk.page
    walk.section("Home")
    walk.link("Plan your meeting: who speaks, what to read before, what to ask.")
    walk.named(CHIEF)
    walk.link("Request public records")
    walk.press("Save")
    expect(page.locator("main")).to_contain_text("Dry Wash, AZ: ")
    walk.link("Read their policy manual")
    walk.label("Title").fill("Policy manual")
    walk.press("Add this document")
    walk.label("Section").fill("Section 3")
    walk.label("The passage").fill(PASSAGE)
    walk.press("Add the passage")
    walk.label("Words to mark").fill(SUSPECT)
    walk.press("Mark")
    expect(page.locator("#marks")).to_contain_text(SUSPECT)
    walk.label("Model policy that should stand in its place").select_option("5")
    walk.label("It is read through").check()
    walk.press("Save")
    walk.press("Note “no, in writing”")
    walk.link("See the ledger")
    fifth = page.locator("#stances > li").nth(4)
    expect(fifth).to_contain_text(walk.says("in writing"))
    walk.section("Officials")
    walk.link("Partners")
    walk.link("Add a partner")
    walk.label("Organization").fill("Valley Neighbors")
    walk.press("Save")


def plan_the_meeting(walk: Walk) -> None:
    """With somebody of the staff; who does what; a try to get it, an agenda, a sheet to print, a calendar file."""
    page = walk.page
    walk.chief()
    walk.link("Plan a meeting")
    walk.open("We meet somebody of their staff instead")
    walk.label("Name of that person").fill("Ann Diaz")
    walk.label("Day of the meeting").fill(next_week().isoformat())
    walk.label("Time of the meeting").fill("12:00")
    walk.label("Spokesperson").select_option(label="Rosa V.")
    walk.label("Note taker").select_option(label="Walter N.")
    page.get_by_label("Valley Neighbors").check()
    walk.press("Save the plan")
    walk.is_told("The meeting is planned. Its checklist says what comes next.")
    page.locator("#item-1").get_by_role("button").click()
    expect(page.locator("#progress")).to_contain_text("1")
    walk.open("Note a try")
    walk.label("Whom you talked to").fill("The scheduler")
    walk.press("Save")
    expect(page.locator("main")).to_contain_text("The scheduler")
    walk.link("Write the agenda")
    walk.press("Save the agenda")
    with page.expect_download() as calendar:
        walk.link("Into my calendar")
    assert "BEGIN:VEVENT" in calendar.value.path().read_text()
    walk.link("Briefing sheet")
    walk.sees("How we introduce ourselves")
    walk.link("Back to the plan")


def next_week() -> date:
    """A day that the rehearsal's clock, which stands on a coming Tuesday, has not reached."""
    return Clock.real_now().date() + timedelta(days=20)


def log_that_they_evaded(walk: Walk) -> None:
    """One form; then the draft that follows, whose meeting is reported to the state office."""
    page = walk.page
    walk.link("Log the meeting")
    page.get_by_text(walk.says("They evaded the question")).click()
    page.locator("details.policy").first.locator("summary").click()
    page.locator("details.policy").first.get_by_text(walk.says("Evaded"), exact=True).click()
    promise = page.get_by_role("group", name=walk.says("Promise %(number)s") % {"number": 1})
    promise.get_by_label(walk.says("What they promised")).fill("An answer in writing")
    promise.get_by_label(walk.says("By when")).fill(next_week().isoformat())
    walk.label("Notes").fill("Asked three times.")
    walk.press("Save the meeting")
    walk.is_told("The meeting is logged, and a campaign is drafted from it.")
    walk.link("Report for the state office")
    expect(page.locator("#report")).to_contain_text("An answer in writing")
    page.get_by_role("main").get_by_role("link").nth(1).click()  # the meeting, by its day
    walk.link("News for your people")
    walk.sees("There is nothing yet that people can do. Bad news goes out only with an action in it, so that nobody is "
              "left with it.")  # fmt: skip
    page.locator("#missing").get_by_role("link").click()


def launch_the_draft(walk: Walk) -> None:
    """Tactic, tone, pace, audience, text; the text to oneself; launch."""
    page = walk.page
    draft = page.get_by_role("heading", level=1).inner_text()
    walk.link("Meeting, official and office")
    page.locator("#pacing").get_by_label(walk.says("As fast as allowed")).check()
    walk.press("Save and return to the list")
    walk.link("Tactic")
    expect(page.locator("#tactic .recommended").first).to_be_visible()
    page.locator("#tone").get_by_role("radio").last.check()
    walk.press("Save and go on")
    expect(page.get_by_role("heading", level=1)).to_have_text(walk.says("Audience"))
    page.get_by_label("May fair").check()
    walk.press("Save and go on")
    expect(page.locator("#people")).to_have_text(str(len(PEOPLE)))
    walk.label("Your own mobile number").fill("(602) 555-0177")
    walk.press("Send it to me")
    expect(page.get_by_role("status")).to_be_visible()
    walk.label("How many people will get this text?").fill(str(len(PEOPLE)))
    walk.press("Launch now")
    expect(page.get_by_role("heading", level=1)).to_contain_text(draft)
    expect(page.locator("#state-delivered")).to_have_text(str(len(PEOPLE)))


def people_act(walk: Walk) -> None:
    """Most report a call, one asks for the words, one wants no more texts."""
    script, stop = {"en": ("SCRIPT", "STOP"), "es": ("GUION", "ALTO")}[walk.language]
    as_this_phone(walk, CALLERS[0], script)
    expect(thread_of(walk)).to_contain_text("(623) 555-0120")
    for name in CALLERS:
        as_this_phone(walk, name, "1")
    as_this_phone(walk, OPTED_OUT, stop)
    walk.section("Inbox")
    expect(walk.page.get_by_role("heading", level=1)).to_have_text(walk.says("Inbox"))


def as_this_phone(walk: Walk, name: str, body: str) -> None:
    walk.section("Phones")
    walk.named(PEOPLE[name])
    walk.label("Answer as this person").fill(body)
    walk.press("Send")
    expect(thread_of(walk).get_by_role("listitem").filter(has_text=body).first).to_be_visible()


def thread_of(walk: Walk) -> Locator:
    """The texts of the phone that is open."""
    return walk.page.get_by_role("list", name=walk.says("Texts, oldest first"))


def tell_the_others(walk: Walk) -> None:
    """Now that people can do something, the bad news has words; the number of callers becomes public."""
    page = walk.page
    walk.chief()
    page.locator("#meetings a").first.click()
    walk.link("News for your people")
    expect(page.locator("main")).to_contain_text("(623) 555-0120")


def everything_adds_up(walk: Walk) -> None:
    """The campaign's page, the tallies, the pressure report and the public counter tell of the same people."""
    page, acted = walk.page, str(len(CALLERS))
    walk.section("Campaigns")
    walk.named(CHIEF)
    expect(page.locator("#called")).to_have_text(acted)
    expect(page.locator("#opted-out")).to_have_text("1")
    expect(page.locator("#report-spoke")).to_have_text(acted)
    walk.link("Public counter")
    walk.label("Show strangers how many people have acted").check()
    walk.press("Save this")
    page.get_by_role("main").get_by_role("link", name="/count/").first.click()
    expect(page.locator("#people")).to_have_text(f"{acted}+")
    page.go_back()
    walk.section("Tallies")
    total = page.locator("#sheet tfoot td")
    expect(total).to_have_text(
        [re.compile(rf"^\s*{n}\s*{n}\s*$") for n in (8, 8, 5)] + [re.compile("."), re.compile(r"^\s*1\s*1\s*$")]
    )
    walk.chief()
    walk.link("Pressure report")
    expect(page.locator("#people .figure")).to_have_text(acted)
    expect(page.locator("#outcomes td")).to_have_text(acted)


def what_was_promised_is_broken(walk: Walk) -> None:
    page = walk.page
    walk.chief()
    walk.named("An answer in writing")
    page.get_by_text(walk.says("It was broken"), exact=True).click()
    walk.label("Why, or how you know").fill("The deputy says that nothing will be written.")
    walk.press("Note it")
    walk.is_told("Noted, and a campaign is drafted from it.")


def the_next_rung(walk: Walk) -> None:
    walk.chief()
    walk.page.locator("#rungs a").first.click()
    walk.press("Draft the next step")
    expect(walk.page.get_by_role("heading", level=1)).to_contain_text("(3)")


def they_commit(walk: Walk) -> None:
    """A second meeting brings a yes, and a checklist of its own."""
    page = walk.page
    walk.chief()
    walk.link("Log a meeting")
    page.get_by_text(walk.says("They committed"), exact=True).click()
    walk.press("Save the meeting")
    walk.is_told("The meeting is logged. Congratulations on the commitment!")
    walk.link("Checklist of the commitment")
    page.locator("[id^=item-]").first.get_by_role("button").click()
    expect(page.locator("#progress")).to_contain_text("1")


def stand_down(walk: Walk) -> None:
    """Everything stops, is taken back, and stops again; who answers now hears what was won.

    The minute is real, and nothing here waits for it: the thanks after it are an integration test's.
    """
    page = walk.page
    for last in (False, True):
        walk.link("They committed: stand the campaigns down")
        expect(page.locator("#campaigns input:checked")).to_have_count(3)
        walk.press("Yes, stand down now")
        walk.is_told("Stood down. No more texts leave.")
        if not last:
            walk.press("Undo")
            walk.is_told("Undone. Everything goes on as before.")
            walk.chief()
    page.get_by_role("main").get_by_role("listitem").get_by_role("link").first.click()
    expect(page.locator("#stood-down")).to_be_visible()
    as_this_phone(walk, LATE, {"en": "SCRIPT", "es": "GUION"}[walk.language])
    expect(thread_of(walk).get_by_role("listitem")).to_have_count(3)
    expect(thread_of(walk)).not_to_contain_text("(623) 555-0120")
