"""Constituents in a real browser: an import by mouse and by keyboard, both languages, a small phone without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select, update

from outreach.core.runtime import Runtime
from outreach.escalations.segments import create_segment
from outreach.messaging.models import Message, Reply
from outreach.messaging.optout import cancel_waiting
from outreach.people import uploads
from outreach.people.consent import record_opt_out, suppress
from outreach.people.districts import create_district
from outreach.people.facets import tag_ids
from outreach.people.models import Constituent, Upload
from tests.browser.reading import LONG, ONE_DATABASE, assert_sound, tab_to
from tests.browser.test_campaign_page import sign_in
from tests.factories import World, make_group, make_world, number, plan_messages, upload_file

pytestmark = ONE_DATABASE

FILE = (
    "First name,Last name,Cell phone,ZIP,Preferred language,Do not text,Shoe size\n"
    "Ana,Álvarez,480-555-0101,85004,Spanish,,38\n"
    "Bo,Tester,(602) 555-0102,85701-1234,English,,41\n"
    "Bo,Tester,602 555 0102,85701,English,,41\n"
    "Cy,Tester,1.5E+10,85001,English,,40\n"
    "Di,Tester,520-555-0103,ABC,,yes,\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fair.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def how_many(runtime: Runtime) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(Constituent)).scalar_one()


def crowd(runtime: Runtime) -> World:
    """A group whose first person has everything that a page can show, some of it long."""
    world = make_world(runtime, 3)
    hashed, now, real = runtime.vault.number_hash(number(0)), runtime.clock.now(), runtime.clock.real_now()
    first = plan_messages(runtime, world)[0]
    plan_messages(runtime, world)
    with runtime.db.transaction() as tx:
        person = tx.get_one(Constituent, world.people[0])
        known = {"phone": number(0), "first_name": f"Ana 🌵 عمر {LONG}", "last_name": LONG, "city": LONG}
        person.sealed = runtime.vault.seal({**known, "tags": [LONG, "block captain"]}, "constituent")
        person.zip, person.zones = "86503", "America/Denver,America/Phoenix"
        sealed = runtime.vault.seal({"to": number(0), "body": f"Hi Ana. {LONG}"}, "message")
        gone = now - timedelta(hours=2)
        tx.execute(update(Message).where(Message.id == first).values(state="delivered", posted_at=gone, sealed=sealed))
        tx.add(
            Reply(
                group_id=world.group_id, carrier_sid="SM1", number_hash=hashed, constituent_id=person.id, gate_id=None,
                sealed=runtime.vault.seal({"from": number(0), "body": f"stop\n{LONG}"}, "reply"), intent="opt_out",
                outcome=None, language="en", confidence=1.0, rule="r", classifier="1", received_at=real,
            )
        )  # fmt: skip
        record_opt_out(tx, runtime.vault, world.group_id, hashed, wording=f"stop {LONG}", source="reply", at=real)
        suppress(tx, runtime.vault.number_hash(number(1)), "pending", at=real)
    return world


def segments_and_districts(runtime: Runtime, world: World) -> list[str]:
    """Pages of segments, of which one is too deep to be changed on its page, and of a district."""
    with runtime.db.transaction() as tx:
        tag_ids(tx, runtime.vault, world.group_id, [LONG, "block captain"], runtime.clock.now())
        district = create_district(tx, runtime, world.group_id, f"LD {LONG[:100]}", ["85003"]).id
        rules = [{"tag": "block captain"}, {"district": district}]
        deep = {"any": [{"all": [{"language": "es"}, {"zip": "850"}]}, {"not": {"all": rules}}]}
        trees = {"Ours": {"any": rules}, LONG[:120]: deep}
        made = [create_segment(tx, runtime, world.group_id, *one, by="t").id for one in trees.items()]
    segments = ["segments/", "segments/new", *(f"segments/{one}" for one in made)]
    return [*segments, "districts/", "districts/new", f"districts/{district}"]


def test_a_list_comes_in_by_mouse_and_its_people_are_found(page: Page, site: tuple[str, Runtime], file: Path) -> None:
    address, runtime = site
    sign_in(page, address, runtime, make_group(runtime))
    page.get_by_role("link", name="People", exact=True).click()
    expect(page.get_by_text("Nobody is here yet")).to_be_visible()
    page.get_by_role("link", name="Import a list").click()
    with page.expect_download() as got:
        page.get_by_role("link", name="Get an empty file").click()
    assert got.value.suggested_filename == "template.csv"
    page.get_by_label("File of people").set_input_files(file)
    page.get_by_label("Name of the list").fill("May fair")
    page.get_by_label("How and when did they agree").fill("They ticked the box at the fair on May 3.")
    page.get_by_role("button", name="Look at what would happen").click()

    expect(page.get_by_role("heading", name="5 rows")).to_be_visible()
    counts = {"new": 2, "updated": 0, "duplicate": 1, "opted_out": 0, "blocked": 1, "invalid": 1, "rows": 5}
    for fate, count in counts.items():
        expect(page.locator(f"#count-{fate}")).to_have_text(str(count))
    expect(page.get_by_role("row", name="Cell phone phone")).to_be_visible()
    expect(page.get_by_role("row", name="5 Cell phone A spreadsheet has rounded this number")).to_be_visible()
    expect(page.get_by_text("Not used: Shoe size")).to_be_visible()
    assert how_many(runtime) == 0
    page.get_by_role("button", name="Yes, import").dblclick()
    expect(page.get_by_role("heading", name="The list is imported")).to_be_visible()
    assert how_many(runtime) == 3
    page.go_back()
    page.reload()
    expect(page.get_by_role("button", name="Yes, import")).to_have_count(0)

    page.goto(f"{address}/people/")
    expect(page.get_by_role("listitem").filter(has_text="Di Tester")).to_contain_text("wants no texts")
    page.get_by_label("Name or phone number").fill("alvarez")
    page.get_by_label("List").select_option("May fair")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="Bo Tester")).to_have_count(0)
    page.get_by_role("link", name="Ana Álvarez").click()
    expect(page.get_by_text("They may be texted now.")).to_be_visible()
    expect(page.get_by_text("They ticked the box at the fair on May 3.")).to_be_visible()
    page.go_back()
    page.get_by_label("Name or phone number").fill("(602) 555-0102")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="Bo Tester")).to_be_visible()
    assert "5550102" not in page.url
    assert "0102" not in page.content()


def test_the_same_by_keyboard(page: Page, site: tuple[str, Runtime], file: Path) -> None:
    address, runtime = site
    sign_in(page, address, runtime, make_group(runtime))
    page.goto(f"{address}/people/import")
    tab_to(page, "File of people")
    page.locator(":focus").set_input_files(file)  # the dialogue for files is the browser's own
    tab_to(page, "Name of the list")
    page.keyboard.type("May fair")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You did not say how these people agreed")).to_be_visible()
    tab_to(page, "No, throw the file away")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Nobody was imported")
    page.locator("#file").set_input_files(file)
    tab_to(page, "Name of the list")
    page.keyboard.type("May fair")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible()
    tab_to(page, "Yes, import")
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="The list is imported")).to_be_visible()
    tab_to(page, "See the list")
    page.keyboard.press("Enter")
    expect(page.get_by_text("List: May fair")).to_be_visible()
    expect(page.get_by_role("link", name="Ana Álvarez")).to_be_visible()
    assert how_many(runtime) == 3


def walk_imports(page: Page, address: str, runtime: Runtime, empty: int) -> None:
    """The pages of an import in every state, of a group without people."""
    page.goto(f"{address}/people/import")
    assert_sound(page, "import")
    page.locator("main button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_sound(page, "import refused")
    text = f"First name,Phone,{LONG},Do not call\n" + f"Ana,1,{LONG},\nBo,480-555-0101,,yes\nCy,480-555-0102,,\n" * 80
    ids = [
        upload_file(runtime, empty, text.encode(), f"{LONG}.csv", f"Fair {LONG[:80]}", consent)
        for consent in (None, LONG, LONG, LONG)
    ]
    unmapped = upload_file(runtime, empty, f"{LONG}\n".encode() * 2, f"{LONG}.csv", "Fair", None)
    page.goto(f"{address}/people/import")
    assert_sound(page, "import with waiting files")
    for one, what in zip((*ids, unmapped), ("preview without consent", *["preview"] * 3, "unmapped"), strict=True):
        page.goto(f"{address}/people/import/{one}")
        assert_sound(page, what)
    uploads.confirm_upload(runtime, empty, ids[0], by="admin")
    uploads.cancel_upload(runtime, empty, ids[1])
    with runtime.db.transaction() as tx:  # as a large file stands for a while
        tx.execute(update(Upload).where(Upload.id == ids[2]).values(state="reading"))
        tx.execute(update(Upload).where(Upload.id == ids[3]).values(state="importing", rows_done=80))
    for one, what in zip(ids, ("imported", "canceled", "reading", "importing"), strict=True):
        page.goto(f"{address}/people/import/{one}")
        assert_sound(page, what)
    with runtime.db.transaction() as tx:
        tx.execute(update(Upload).where(Upload.id == ids[3]).values(state="canceled"))
    uploads.undo_upload(runtime, empty, ids[0], cancel_waiting)
    page.goto(f"{address}/people/import/{ids[0]}")
    assert_sound(page, "undone")
    page.goto(f"{address}/people/import")
    assert_sound(page, "import with past imports")


@pytest.mark.parametrize("language", ["es"])  # whose words are longer; the other tests read English
def test_every_page_is_sound(page: Page, site: tuple[str, Runtime], language: str) -> None:
    address, runtime = site
    empty = make_group(runtime, "Empty")
    sign_in(page, address, runtime, empty)
    world = crowd(runtime)
    if language == "es":
        page.get_by_role("button", name="Español").click()
    page.goto(f"{address}/people/")
    assert_sound(page, "empty list")
    for path in ("people/opt-outs", "people/sign-up", "people/sign-up/poster/en", "people/sign-up/poster/es"):
        page.goto(f"{address}/{path}")
        assert_sound(page, path)
    for path in (f"join/empty-{empty}", f"join/empty-{empty}/sent"):
        page.goto(f"{address}/{path}")
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert_sound(page, path)
    page.goto(f"{address}/join/empty-{empty}")
    page.locator("main button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_sound(page, "join refused")
    walk_imports(page, address, runtime, empty)
    page.context.clear_cookies()
    sign_in(page, address, runtime, world.group_id)
    if language == "es":
        page.get_by_role("button", name="Español").click()
    asked = ("export", f"{world.people[0]}/data", f"{world.people[0]}/erase")
    for path in ("", f"?list={world.list_id}", "?name=ana", "?name=nobody", *map(str, world.people), *asked):
        page.goto(f"{address}/people/{path}")
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert_sound(page, path)
    for path in segments_and_districts(runtime, world):
        page.goto(f"{address}/people/{path}")
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert_sound(page, path)
    page.goto(f"{address}/people/segments/new")
    page.locator("#typed_with_2").fill(LONG)
    page.locator("main .btn-primary").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_sound(page, "segment refused")
    page.goto(f"{address}/people/")
    page.locator("#sought").fill("480-555")
    page.locator("main button").first.click()
    page.locator("#sought").fill("480-555-0199")
    page.locator("main button").first.click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_sound(page, "nobody with this number")


def test_a_small_phone_without_scripts(plain_page: Page, site: tuple[str, Runtime], file: Path) -> None:
    address, runtime = site
    sign_in(plain_page, address, runtime, make_group(runtime))
    plain_page.get_by_role("button", name="Menu Home").click()
    plain_page.get_by_role("link", name="People", exact=True).click()
    plain_page.get_by_role("link", name="Import a list").click()
    plain_page.get_by_label("File of people").set_input_files(file)
    plain_page.get_by_label("Name of the list").fill("May fair")
    plain_page.get_by_label("How and when did they agree").fill("At the fair")
    plain_page.get_by_role("button", name="Look at what would happen").click()
    plain_page.get_by_role("button", name="Yes, import").click()
    plain_page.get_by_role("link", name="See the list").click()
    plain_page.get_by_role("link", name="Bo Tester").click()
    expect(plain_page.get_by_text("They may be texted now.")).to_be_visible()
    expect(plain_page.get_by_text(re.compile("Phoenix: it is"))).to_be_visible()


def test_a_file_that_is_far_too_large_gets_an_answer(page: Page, site: tuple[str, Runtime], tmp_path: Path) -> None:
    address, runtime = site
    sign_in(page, address, runtime, make_group(runtime))
    large = tmp_path / "large.csv"
    large.write_bytes(b"Name,Phone\n" + b"x" * (uploads.MOST_BYTES + 5 * 1024 * 1024))
    page.goto(f"{address}/people/import")
    page.get_by_label("File of people").set_input_files(large)
    page.get_by_label("Name of the list").fill("May fair")
    page.get_by_role("button", name="Look at what would happen").click()
    expect(page.get_by_role("heading", name="Too large")).to_be_visible()
