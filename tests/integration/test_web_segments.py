"""The pages of segments and districts through the real app, on both databases."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select, update
from werkzeug.test import TestResponse

from outreach.cli import cli
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import edit_draft
from outreach.escalations.models import Campaign, Wave
from outreach.escalations.segments import create_segment, find_segment
from outreach.escalations.silence_reads import account, find_wave
from outreach.people.districts import create_district
from outreach.people.facets import index_facets
from outreach.people.importing import import_constituents
from outreach.people.models import Constituent, ContactList
from outreach.people.segment_models import District, Segment, Tag
from tests.factories import World, make_group, make_world
from tests.integration.test_launch import draft
from tests.integration.test_live import sign_in
from tests.integration.test_web_kept import OURS
from tests.integration.test_web_wizard import hidden

XSS = "<script>alert(1)</script>"
CSV = (
    "First name,Phone,City,Tags,ZIP,Language,Do not text\n"
    f'Ana,480-555-0101,Tempe,"DACA, {XSS}",85281,es,\n'
    "Bo,480-555-0102,tempe,daca,85003,en,\n"
    "Cy,480-555-0103,,,85004,en,\n"
    "Di,480-555-0104,Tempe,DACA,85281,en,yes\n"
)


@pytest.fixture
def group(runtime: Runtime, tmp_path: Path) -> int:
    made, path = make_group(runtime), tmp_path / "people.csv"
    path.write_text(CSV, encoding="utf-8")
    import_constituents(runtime, made, path, list_name="Fair", consent="ticked the box", recorded_by="t")
    index_facets(runtime)
    return made


@pytest.fixture
def client(runtime: Runtime, group: int) -> FlaskClient:
    return sign_in(runtime, group, "organizer")


def tag(runtime: Runtime, group: int, name: str) -> str:
    with runtime.db.snapshot() as session:
        rows = session.execute(select(Tag.id, Tag.sealed).where(Tag.group_id == group))
        return next(f"tag:{row.id}" for row in rows if runtime.vault.open(row.sealed, "tag")["name"] == name)


def figures(page: TestResponse) -> dict[str, int]:
    found = re.findall(r'id="segment-(\w+)">([\d,]+)<', page.text)
    return {name: int(number) for name, number in found if number != "0"}


def save(runtime: Runtime, group_id: int, name: str, tree: object) -> int:
    with runtime.db.transaction() as tx:
        return create_segment(tx, runtime, group_id, name, tree, by="t").id


def written(runtime: Runtime, group: int, segment: int) -> object:
    with runtime.db.snapshot() as session:
        return find_segment(session, runtime.vault, group, segment).written


def only(runtime: Runtime) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(Segment.id)).scalar_one()


def test_a_segment_is_put_together_counted_saved_and_changed(runtime: Runtime, group: int, client: FlaskClient) -> None:
    assert "There is no segment yet" in client.get("/people/segments/").text
    opened = client.get("/people/segments/new")
    assert "There is something to mend" not in opened.text
    assert opened.text.count('name="what_with_') == 2
    form = {"name": "DACA in Tempe", "match": "all", "what_with_1": tag(runtime, group, "DACA"), "what_with_2": ""}
    added = client.post("/people/segments/new", data={**form, "action": "add-with"})
    assert (added.status_code, added.text.count('name="what_with_')) == (200, 3)
    assert 'value="DACA in Tempe"' in added.text
    assert figures(added) == {"in": 2, "opted_out": 1, "listed": 3}
    form |= {"what_with_2": "city", "typed_with_2": " tempe", "what_without_1": "language:es"}
    for path in ("new", "count"):
        counted = client.post(f"/people/segments/{path}", data={**form, "action": "count"})
        assert figures(counted)["in"] == 1
        assert figures(counted)["listed"] == 2
    saved = client.post("/people/segments/new", data={**form, "action": "save"})
    assert (saved.status_code, saved.location) == (303, "/people/segments/")
    assert client.post("/people/segments/new", data={**form, "action": "save"}).status_code == 303  # sent twice
    segment = only(runtime)
    tree = {"all": [{"all": [{"tag": "DACA"}, {"city": "tempe"}]}, {"not": {"any": [{"language": "es"}]}}]}
    assert written(runtime, group, segment) == tree
    listed = html.unescape(client.get("/people/segments/").text)
    assert "(has the tag “DACA” and lives in tempe) and not: reads Spanish" in listed
    assert f'id="count-{segment}"><strong>2 people</strong>, may be texted: 1;' in listed

    page = client.get(f"/people/segments/{segment}")
    assert f'value="{form["what_with_1"]}" selected' in page.text
    assert 'value="language:es" selected' in page.text
    assert figures(page)["listed"] == 2
    change = {**form, "version": hidden(page.text), "name": "Renamed", "match": "any", "action": "save"}
    assert client.post(f"/people/segments/{segment}", data=change).status_code == 303
    assert client.post(f"/people/segments/{segment}", data=change).status_code == 303  # sent twice
    clash = client.post(f"/people/segments/{segment}", data={**change, "name": "Mine"})
    assert clash.status_code == 409
    assert "Somebody else changed this segment" in clash.text
    assert "has the tag “DACA” or lives in tempe" in html.unescape(clash.text)  # what is saved now
    again = {**change, "name": "Mine", "version": hidden(clash.text)}
    assert client.post(f"/people/segments/{segment}", data=again).status_code == 303
    assert "Mine" in client.get("/people/segments/").text
    gone = client.post(f"/people/segments/{segment}/delete")
    assert (gone.status_code, gone.location) == (303, "/people/segments/")
    assert client.post(f"/people/segments/{segment}/delete").status_code == 404


def test_what_cannot_be_saved_is_shown_again_with_what_was_chosen(
    runtime: Runtime, group: int, client: FlaskClient
) -> None:
    save(runtime, group, "Taken", {"language": "es"})
    good = {"name": "New", "match": "all", "what_with_1": "language:es", "action": "save"}
    for wrong, words in (
        ({"name": ""}, "Give the segment a name."),
        ({"name": "x" * 121}, "at most 120 characters"),
        ({"name": "taken", "what_with_1": "language:en"}, "another segment with this name"),
        ({"what_with_1": ""}, "Choose at least one condition."),
        ({"what_with_1": "zip", "typed_with_1": "85003, 85x"}, "“85x” is neither a ZIP code"),
        ({"what_with_1": "zip", "typed_with_1": " , "}, "Type 1 to 2000 ZIP codes."),
        ({"what_with_1": "city", "typed_with_1": ""}, "Type a city"),
        ({"typed_with_2": "Tempe"}, "Choose whether this is a ZIP code or a city."),
        ({"what_with_2": "tag:999999"}, "This tag is no longer there."),
        ({"what_with_2": "list:x"}, "This list is no longer there."),
        ({"what_with_2": "district:" + "9" * 40}, "This district is no longer there."),
        ({"what_without_1": "did:voted"}, "This is not one of the conditions."),
        ({"what_without_1": "shoe:38"}, "This is not one of the conditions."),
    ):
        page = client.post("/people/segments/new", data={**good, **wrong})
        assert page.status_code == 422, wrong
        assert words in html.unescape(page.text), wrong
        for name, value in {**good, **wrong}.items():
            if name.startswith("typed") and value.strip():
                assert f'value="{value.strip()}"' in page.text
    assert client.post("/people/segments/count", data={"what_with_1": "tag:999999"}).status_code == 200
    assert only(runtime)
    full = {f"what_with_{n}": "language:es" for n in range(1, 13)}
    page = client.post("/people/segments/new", data={**full, "action": "add-with"})
    assert page.text.count('name="what_with_') == 12
    assert 'value="add-with"' not in page.text


def test_tags_are_shown_as_text_in_both_languages(runtime: Runtime, group: int, client: FlaskClient) -> None:
    save(runtime, group, XSS, {"any": [{"tag": XSS}, {"zip": ["850", "8528"]}, {"did": "never_answered"}]})
    create = {"name": XSS, "zips": "85003"}
    assert client.post("/people/districts/new", data=create).status_code == 303
    for language in ("en", "es"):
        client.post(f"/language/{language}")
        for path in ("segments/", "segments/new", f"segments/{only(runtime)}", "districts/", "districts/1"):
            text = client.get(f"/people/{path}").text
            assert XSS not in text, path
            assert html.escape(XSS, quote=False) in text or "&lt;script&gt;" in text, path
    assert "tiene uno de los códigos postales 850, 8528" in client.get("/people/segments/").text


def test_a_segment_of_another_shape_is_shown_and_can_go(runtime: Runtime, group: int, client: FlaskClient) -> None:
    deep = {"any": [{"all": [{"language": "es"}, {"zip": "852"}]}, {"not": {"tag": "daca"}}]}
    segment = save(runtime, group, "Deep", deep)
    page = client.get(f"/people/segments/{segment}")
    assert "(reads Spanish and has the ZIP 852) or not: has the tag “daca”" in html.unescape(page.text)
    assert "than this page can change" in page.text
    assert figures(page)["listed"] == 2
    for tree in ({"tag": "daca"}, {"not": {"any": [{"city": "Tempe"}]}}, {"any": [{"zip": "850"}, {"list": 1}]}):
        one = save(runtime, group, f"Shape {tree}", tree)
        page = client.get(f"/people/segments/{one}")
        form = dict(re.findall(r'name="(typed_\w+)" value="([^"]*)"', page.text))
        for select_, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', page.text, re.DOTALL):
            form[select_] = "".join(re.findall(r'value="([^"]+)" selected', options))
        (match,) = re.findall(r'<input checked[^>]*name="match"[^>]* value="(\w+)"', page.text)
        form |= {"name": "Kept", "match": match, "version": hidden(page.text), "action": "save"}
        assert client.post(f"/people/segments/{one}", data=form).status_code == 303
        saved = written(runtime, group, one)
        assert saved in ({"all": [{"tag": "DACA"}]}, {"not": {"any": [{"city": "Tempe"}]}},
                         {"any": [{"zip": ["850"]}, {"list": 1}]})  # fmt: skip
        client.post(f"/people/segments/{one}/delete")


def test_a_list_that_went_is_not_silently_left_out(runtime: Runtime, group: int, client: FlaskClient) -> None:
    with runtime.db.transaction() as tx:
        gone = ContactList(group_id=group, name="Gone", created_at=runtime.clock.now())
        tx.add(gone)
    segment = save(runtime, group, "Ours", {"all": [{"language": "es"}, {"list": gone.id}]})
    with runtime.db.transaction() as tx:
        tx.execute(delete(ContactList).where(ContactList.id == gone.id))
    page = client.get(f"/people/segments/{segment}")
    assert f'value="list:{gone.id}" selected>something that is no longer there' in page.text
    assert "is in the list “?”" in html.unescape(client.get("/people/segments/").text)
    form = {"name": "Ours", "match": "all", "what_with_1": "language:es", "what_with_2": f"list:{gone.id}",
            "version": hidden(page.text), "action": "save"}  # fmt: skip
    assert "This list is no longer there." in client.post(f"/people/segments/{segment}", data=form).text


def test_roles_and_groups(runtime: Runtime, group: int) -> None:
    segment = save(runtime, group, "Ours", {"language": "es"})
    with runtime.db.transaction() as tx:
        district = create_district(tx, runtime, group, "LD 8", ["85003"]).id
    staff = sign_in(runtime, group, "staff")
    assert "Ours" in staff.get("/people/segments/").text
    assert "LD 8" in staff.get("/people/districts/").text
    stranger = sign_in(runtime, make_group(runtime, "Others"), "organizer")
    assert "Ours" not in stranger.get("/people/segments/").text
    assert "LD 8" not in stranger.get("/people/districts/").text + stranger.get("/people/segments/new").text
    for path in (f"/people/segments/{segment}", f"/people/districts/{district}"):
        assert f'href="{path}"' not in staff.get(path.rsplit("/", 1)[0] + "/").text
        for url in (path, f"{path}/delete"):
            assert staff.post(url).status_code == 403, url
            assert stranger.post(url).status_code == 404, url
        assert staff.get(path).status_code == 403
        assert stranger.get(path).status_code == 404
    for url in ("/people/segments/new", "/people/segments/count", "/people/districts/new"):
        assert staff.post(url).status_code == 403
    for what in (f"district:{district}", "list:1", "tag:1"):
        form = {"name": "X", "match": "all", "what_with_1": what, "action": "save"}
        assert "no longer there" in stranger.post("/people/segments/new", data=form).text
    assert stranger.get(f"/people/segments/{10**20}").status_code == 404


def test_districts_are_pasted_changed_and_kept_while_they_are_used(
    runtime: Runtime, group: int, client: FlaskClient
) -> None:
    assert "There is no district yet" in client.get("/people/districts/").text
    for form, words in (
        ({"name": "LD 8", "zips": "85281 and 85003"}, "“and” is not a ZIP code"),
        ({"name": "LD 8", "zips": "zip"}, "There is no ZIP code"),
        ({"name": "LD 8", "zips": ""}, "Paste the ZIP codes"),
        ({"name": "", "zips": "85281"}, "Give the district a name"),
    ):
        page = client.post("/people/districts/new", data=form)
        assert page.status_code == 422
        assert words in html.unescape(page.text)
        assert form["zips"] in page.text
    good = {"name": "LD 8", "zips": "85281, 85003\n85281-1234"}
    for _ in range(2):  # sent twice
        assert client.post("/people/districts/new", data=good).status_code == 303
    with runtime.db.snapshot() as session:
        district = session.execute(select(District)).scalar_one()
    assert district.zips == ["85003", "85281"]
    assert "2 ZIP codes" in client.get("/people/districts/").text
    taken = client.post("/people/districts/new", data={**good, "zips": "85301"})
    assert "another district with this name" in taken.text
    segment = save(runtime, group, "Ours", {"district": district.id})
    assert "3 people" in client.get("/people/segments/").text
    change = {"name": "LD 9", "zips": "85003"}
    assert "85003 85281" in client.get(f"/people/districts/{district.id}").text
    assert client.post(f"/people/districts/{district.id}", data=change).status_code == 303
    listed = html.unescape(client.get("/people/segments/").text)
    assert "lives in the district “LD 9”" in listed
    assert "1 person" in listed
    kept = client.post(f"/people/districts/{district.id}/delete", follow_redirects=True)
    assert "1 saved segments ask for this district" in kept.text
    client.post(f"/people/segments/{segment}/delete")
    gone = client.post(f"/people/districts/{district.id}/delete", follow_redirects=True)
    assert "The district is deleted" in gone.text
    assert client.post(f"/people/districts/{district.id}/delete").status_code == 404


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 4)


def test_the_wizard_offers_segments_beside_lists(runtime: Runtime, world: World) -> None:
    client = sign_in(runtime, world.group_id, "organizer")
    campaign_id = draft(runtime, world)
    here = f"/campaigns/{campaign_id}/draft/"
    page = client.get(f"{here}audience").text
    assert 'name="segments"' not in page
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id.in_(world.people[:2])).values(language="es"))
        tx.execute(update(Constituent).where(Constituent.id == world.people[1]).values(consented_at=None))
    segment = save(runtime, world.group_id, "Spanish <b>", {"language": "es"})
    page = client.get(f"{here}audience").text
    assert "Spanish &lt;b&gt;" in page
    form = {"version": hidden(page), "segments": [str(segment)]}
    for path in ("audience", "audience/count"):
        counted = client.post(here + path, data={**form, "action": "count"}).text
        found = dict(re.findall(r'id="audience-(\w+)">([1-9])<', counted))
        assert found == {"in": "1", "no_consent": "1", "listed": "2"}
    other = save(runtime, make_group(runtime, "Others"), "Theirs", {"language": "es"})
    assert client.post(f"{here}audience", data={**form, "segments": [str(other)]}).status_code == 422
    assert 'id="audience-listed">0<' in client.post(f"{here}audience/count", data={"segments": [str(other)]}).text
    nothing = client.post(f"{here}audience", data={"version": form["version"], "action": "save"})
    assert nothing.status_code == 422
    assert "Choose at least one list or segment." in nothing.text
    assert client.post(f"{here}audience", data={**form, "action": "save"}).status_code == 303
    with runtime.db.snapshot() as session:
        assert session.get_one(Campaign, campaign_id).audience == {"lists": [], "segments": [segment]}
    assert "Spanish &lt;b&gt;" in client.get(here).text
    review = client.get(f"{here}review").text
    assert "Spanish &lt;b&gt;" in review
    assert 'id="people">1<' in review
    kept = client.post(f"/people/segments/{segment}/delete", follow_redirects=True)
    assert "is going to text this segment" in kept.text
    with runtime.db.snapshot() as session:
        told = account(session, find_wave(session, world.group_id, campaign_id), runtime.clock.now())
    assert {one.code: one.people for one in told.reasons()} == {"no_consent": 1, "not_launched": 1}
    launched = client.post(f"{here}launch", data={"version": hidden(review), "count": "1"})
    assert launched.location == f"/campaigns/{campaign_id}"
    with runtime.db.snapshot() as session:
        (audience,) = session.execute(select(Wave.audience)).scalars()
    assert audience == {"lists": [], "segments": [segment], "trees": [{"language": "es"}]}
    second = draft(runtime, world)
    assert "texted today" in client.get(f"/campaigns/{second}/draft/audience").text
    assert client.post(f"/people/segments/{segment}/delete").location == "/people/segments/"


def test_a_form_that_was_sent_without_a_session_is_told_in_words(
    runtime: Runtime, group: int, client: FlaskClient
) -> None:
    name = tag(runtime, group, "DACA")
    form = {"name": "Ours", "match": "any", "what_with_1": name, "what_with_2": "zip", "typed_with_2": "850",
            "action": "save", "typed_by": "999999"}  # fmt: skip
    kept = client.post("/people/segments/new", data=form, headers=OURS)
    assert kept.status_code == 409
    shown = html.unescape(kept.text.split("<dl")[1].split("</dl>")[0])
    for words in ("Ours", "DACA", "ZIP begins with", "850", "who meets at least one"):
        assert words in shown
    assert name not in shown


def test_the_page_says_when_people_are_not_indexed(runtime: Runtime, group: int, client: FlaskClient) -> None:
    save(runtime, group, "Ours", {"tag": "DACA"})
    assert "audiences reindex" not in client.get("/people/segments/").text
    with runtime.db.transaction() as tx:
        first = tx.execute(select(func.min(Constituent.id))).scalar_one()
        tx.execute(update(Constituent).where(Constituent.id == first).values(city_hash=None))
    assert "audiences reindex" in client.get("/people/segments/").text


def test_the_commands(
    runtime: Runtime, group: int, settings_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("outreach.cli.context.open_runtime", lambda _settings: runtime)

    def run(*args: str) -> dict[str, object]:
        done = CliRunner().invoke(cli, [*args, "--json"], catch_exceptions=False)
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return found

    tree = {"all": [{"tag": "DACA"}, {"zip": ["852"]}]}
    segment = save(runtime, group, "DACA east", tree)
    assert run("audiences", "list") == {"segments": [{"id": segment, "name": "DACA east"}]}
    for which in (str(segment), "daca EAST"):
        assert run("audiences", "show", which) == {"id": segment, "name": "DACA east", "expression": tree}
    counted = run("audiences", "count", "DACA east")
    assert (counted["listed"], counted["people"], counted["by_language"]) == (2, 1, {"es": 1})
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).values(city_hash=None))
    assert run("audiences", "reindex") == {"people": 4, "damaged": 0}
    campaign_id = draft(runtime, make_world_of(runtime, group))
    assert run("campaign", "edit", str(campaign_id), "--segment", "daca east")["changed"] == ["segments"]
    shown = run("campaign", "show", str(campaign_id))
    assert isinstance(shown["audience"], dict)
    assert shown["audience"]["segments"] == [segment]
    run("campaign", "edit", str(campaign_id), "--segment", "")
    with runtime.db.transaction() as tx:
        assert "segments" not in edit_draft(tx, group, campaign_id).audience


def make_world_of(runtime: Runtime, group_id: int) -> World:
    """A list named all in a group that has people already."""
    from outreach.people.lists import get_or_create_list

    with runtime.db.transaction() as tx:
        return World(group_id, get_or_create_list(tx, group_id, "all", runtime.clock.now()), 0, [])
