"""Officials and meetings in a real browser: mouse, keyboard, a small phone without scripts, both languages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.officials import partners
from outreach.officials.checklists import add_item
from outreach.officials.imports import add_official
from outreach.officials.meetings import Answer, Promised, record_meeting
from outreach.officials.models import Meeting, Promise, Stance
from outreach.officials.partners import make_partner
from outreach.officials.plans import add_contact
from tests.browser.reading import LONG, ONE_DATABASE, assert_sound, sheets_of, speak, tab_to
from tests.browser.test_campaign_page import sign_in
from tests.factories import make_group, make_world
from tests.pictures.ledger import read_a_manual
from tests.pictures.scene import plan_a_meeting

pytestmark = ONE_DATABASE

DEMO = Path(__file__).parents[2] / "config" / "demo" / "officials.csv"


def how_many(runtime: Runtime, model: type) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def crowd(runtime: Runtime, group_id: int) -> tuple[int, int]:
    """An official with everything a page can show, some of it long; the ids of the official and of a meeting."""
    today = runtime.clock.now().date()
    with runtime.db.transaction() as tx:
        official = add_official(
            tx, runtime, group_id, name=f"Ana {LONG} 🌵 عمر", role="Police Chief", jurisdiction="Dry Wash, AZ",
            district="3", party="Independent", email="ana@example.org", phone="480-555-0110", extension="12",
            address="1 Example Plaza, Dry Wash",
        )  # fmt: skip
        for days, answer in ((40, "no"), (9, "evaded"), (2, "yes")):
            meeting = record_meeting(
                tx, runtime, group_id, official_id=official.id, held_on=today - timedelta(days=days), notes=LONG,
                outcome="committed" if answer == "yes" else "declined", recorded_by="bo", attendees=f"Bo, {LONG}",
                answers=[Answer(5, answer, "writing" if answer == "yes" else None), Answer(7, "no", "practice")],
                promises=[Promised(LONG, today - timedelta(days=1), "Cy"), Promised("A call")],
            )  # fmt: skip
        return official.id, meeting.id


def test_from_an_empty_list_to_a_draft_by_mouse(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    sign_in(page, address, runtime, make_group(runtime))
    page.get_by_role("link", name="Bring the officials you meet").click()
    page.get_by_role("link", name="Bring a file").click()
    page.get_by_label("File").set_input_files(DEMO)
    page.get_by_role("button", name="Bring them in").click()
    expect(page.locator("#new")).to_have_text("7")
    expect(page.locator("#problems")).to_contain_text("Row 8")
    page.get_by_role("link", name="To the officials").click()
    page.get_by_label("Name, role or place").fill("sheriff")
    page.get_by_role("button", name="Find officials").click()
    page.get_by_role("link", name="Thaddeus Ocotillo", exact=True).click()
    expect(page.locator("#offices")).to_contain_text("(520) 555-0122")
    page.get_by_role("link", name="Log a meeting").click()
    page.get_by_label("Who was there").fill("Bo and the sheriff")
    page.get_by_text("They evaded the question").click()
    page.locator("summary").get_by_text("5. Don't Ask Rule").click()
    fifth = page.get_by_role("group", name="5. Don't Ask Rule")
    fifth.get_by_text("No", exact=True).click()
    fifth.get_by_label("How do we know?").select_option("in practice")
    page.get_by_role("group", name="Promise 1").get_by_label("What they promised").fill("An answer in writing")
    page.get_by_role("button", name="Save the meeting").click()
    expect(page.get_by_role("status")).to_contain_text("a campaign is drafted")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thaddeus Ocotillo")
    page.get_by_role("link", name="Officials", exact=True).click()
    page.get_by_role("link", name="Thaddeus Ocotillo", exact=True).click()
    expect(page.locator("#stances li").nth(4)).to_contain_text("No")
    page.locator("#meetings a").first.click()
    expect(page.locator("#outcome")).to_have_text("They evaded the question")
    expect(page.locator("#promises")).to_contain_text("An answer in writing")
    assert (how_many(runtime, Meeting), how_many(runtime, Campaign)) == (1, 1)


def test_back_and_save_again_makes_nothing_twice(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    group_id = make_group(runtime)
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, group_id, name="Ana Diaz", role="Mayor").id
    sign_in(page, address, runtime, group_id)
    page.goto(f"{address}/meetings/new/{official}")
    page.get_by_text("They declined").click()
    page.get_by_role("button", name="Save the meeting").dblclick()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana Diaz")
    page.go_back()
    page.get_by_text("They declined").click()
    page.get_by_role("button", name="Save the meeting").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana Diaz")
    assert how_many(runtime, Meeting) == how_many(runtime, Campaign)
    assert how_many(runtime, Meeting) <= 2


def test_a_commitment_by_keyboard(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    group_id = make_group(runtime)
    sign_in(page, address, runtime, group_id)
    page.goto(f"{address}/officials/new")
    for field, words in (("name", "Ana Diaz"), ("role", "Mayor"), ("phone", "480-555-0110")):
        tab_to(page, field)
        page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ana Diaz")).to_be_visible()
    tab_to(page, "Log a meeting")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Log a meeting")).to_be_visible()
    tab_to(page, "attendees")
    page.keyboard.type("Bo")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("They committed")).to_be_checked()
    tab_to(page, "1. Judicial Warrant Rule")
    page.keyboard.press("Enter")
    tab_to(page, "ICE")
    with page.expect_popup() as beside:
        page.keyboard.press("Enter")
    expect(beside.value.locator(":target")).to_contain_text("ICE")
    beside.value.close()
    expect(page.get_by_label("Who was there")).to_have_value("Bo")
    tab_to(page, "answer_1-3")  # a group of radio buttons is entered at the one that is chosen: not asked
    page.keyboard.press("ArrowRight")
    expect(page.locator("#answer_1-0")).to_be_checked()
    tab_to(page, "basis_1")
    page.keyboard.type("in w")
    tab_to(page, "Save the meeting")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="They committed. What to do next")).to_be_visible()
    with runtime.db.snapshot() as session:
        said = session.execute(select(Stance.policy, Stance.answer, Stance.basis)).one()
    assert tuple(said) == (1, "yes", "writing")
    assert how_many(runtime, Campaign) == 0


def test_every_page_is_sound_in_both_languages(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    group_id = make_group(runtime)
    sign_in(page, address, runtime, group_id)
    for language in ("en", "es"):
        if page.locator("html").get_attribute("lang") != language:
            page.get_by_role("button", name="Español").click()
            page.wait_for_selector("html[lang=es]")
        if language == "en":
            page.goto(f"{address}/officials/")
            assert_sound(page, "an empty list")
            official, meeting = crowd(runtime, group_id)
            with runtime.db.transaction() as tx:
                ledger = read_a_manual(tx, runtime, group_id, official, f"Bo {LONG}"[:120])
        for path in (
            "/", "/officials/", "/officials/?q=nobody", "/officials/new", "/officials/import",
            f"/officials/{official}", f"/meetings/{meeting}", f"/meetings/new/{official}", "/officials/board",
            f"/officials/stances/{ledger['stance']}", f"/officials/{official}/hostility", "/glossary/",
            f"/manuals/{ledger['manual']}", f"/manuals/passages/{ledger['passage']}",
            f"/manuals/{ledger['manual']}/comparison", "/promises/", "/promises/1", f"/meetings/{meeting}/report",
            f"/meetings/{meeting}/news",
            f"/officials/{official}/pressure",
        ):  # fmt: skip
            page.goto(address + path)
            assert page.locator("html").get_attribute("lang") == language
            assert_sound(page, f"{path} in {language}")
        for path in ("/officials/board", f"/officials/{official}/pressure"):
            page.goto(address + path)
            assert sheets_of(page, f"{path} in {language}") == 1
        for path, button in (("/officials/new", "form.row button"), (f"/meetings/new/{official}", "form.row button")):
            page.goto(address + path)
            page.locator(button).click()
            expect(page.locator("#errors")).to_be_visible()
            assert_sound(page, f"{path} refused in {language}")
        page.goto(f"{address}/officials/import")
        page.locator("#file").set_input_files(DEMO)
        page.locator("main form button").click()
        expect(page.locator("#problems")).to_be_visible()
        assert_sound(page, f"the report in {language}")
    assert how_many(runtime, Meeting) == 3


def test_every_page_before_a_meeting_is_sound(page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    world = make_world(runtime, 6)
    sign_in(page, address, runtime, world.group_id)
    official, committed = crowd(runtime, world.group_id)
    with runtime.db.transaction() as tx:
        ids = plan_a_meeting(tx, runtime, world.group_id, official, world.list_id)
        add_item(tx, runtime, world.group_id, LONG, plan_id=int(ids["plan"]))
        day = runtime.clock.now().date()
        add_contact(tx, runtime, world.group_id, int(ids["plan"]), on_day=day, whom=LONG, said=LONG, by="bo")
        make_partner(tx, runtime, world.group_id, partners.Given(LONG, LONG, LONG, LONG, LONG, "1"), by="bo")
    plan = f"/meetings/plans/{ids['plan']}"
    dense = ("/", plan, f"{plan}/edit", f"/meetings/{committed}", f"/officials/{official}")
    alone = {
        "en": (f"/meetings/new/{official}?plan={ids['plan']}", f"/meetings/items/{ids['item']}", f"{plan}/briefing"),
        "es": (f"{plan}/agenda", f"/meetings/records/{ids['request']}", "/meetings/partners/", "/people/lists/"),
    }
    for language, paths in alone.items():
        page.goto(address + plan)
        speak(page, language)
        for path in (*dense, *paths):
            page.goto(address + path)
            assert_sound(page, f"{path} in {language}")
        page.goto(f"{address}{plan}/briefing")
        assert sheets_of(page, f"the briefing in {language}") == 1


def test_a_refused_meeting_without_scripts_on_a_small_phone(plain_page: Page, site: tuple[str, Runtime]) -> None:
    address, runtime = site
    page, group_id = plain_page, make_group(runtime)
    with runtime.db.transaction() as tx:
        official = add_official(tx, runtime, group_id, name="Ana Diaz", role="Mayor").id
    sign_in(page, address, runtime, group_id)
    page.goto(f"{address}/meetings/new/{official}")
    page.get_by_text("More promises").click()
    page.get_by_role("group", name="Promise 4").get_by_label("By when").fill("2026-12-24")
    page.get_by_label("Notes").fill("She listened.")
    page.get_by_role("button", name="Save the meeting").click()
    errors = page.locator("#errors")
    expect(errors).to_contain_text("Please choose how it ended.")
    errors.get_by_role("link", name="What they promised").click()
    expect(page.locator("#promise_4")).to_be_focused()
    page.locator("#promise_4").fill("An answer")
    page.get_by_text("They declined").click()
    expect(page.get_by_label("Notes")).to_have_value("She listened.")
    page.get_by_role("button", name="Save the meeting").click()
    expect(page.get_by_role("status")).to_contain_text("a campaign is drafted")
    with runtime.db.snapshot() as session:
        promise = session.execute(select(Promise.text, Promise.due_on)).one()
    assert (promise.text, promise.due_on.isoformat()) == ("An answer", "2026-12-24")
