"""Officials and meetings on the site: who may, what is refused and how, and nothing done twice; on both databases."""

from __future__ import annotations

import io
import re
import tempfile
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from outreach.accounts.links import make_login_link
from outreach.accounts.models import User
from outreach.core.clock import PHOENIX
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.officials.imports import add_official
from outreach.officials.meetings import Answer, record_meeting
from outreach.officials.models import Meeting, Office, Official, Promise, Stance
from outreach.web.app import create_app
from outreach.web.entry_forms import EntryForm
from tests.factories import make_group

DEMO = Path(__file__).parents[2] / "config" / "demo" / "officials.csv"
SCRIPT = "<script>alert(1)</script>"


def sign_in(runtime: Runtime, group_id: int, role: str = "organizer", *, csrf: bool = False) -> FlaskClient:
    """A client whose user has this role; the user's name is the role."""
    app = create_app(runtime.settings, runtime)
    client = app.test_client()
    with runtime.db.transaction() as tx:
        user = User(group_id=group_id, name=role, role=role, created_at=runtime.clock.now())
        tx.add(user)
        tx.flush()
        token = make_login_link(tx, user.id, runtime.clock.real_now())
    app.config["WTF_CSRF_ENABLED"] = False
    assert client.post(f"/enter/{token}").status_code == 302
    app.config["WTF_CSRF_ENABLED"] = csrf
    return client


def make_official(runtime: Runtime, group_id: int, name: str = "Ana Diaz", role: str = "Mayor", **more: Any) -> int:
    given = {"jurisdiction": "Mesa, AZ", "phone": "480-555-0110", "extension": "12", **more}
    with runtime.db.transaction() as tx:
        return add_official(tx, runtime, group_id, name=name, role=role, **given).id


def make_meeting(runtime: Runtime, group_id: int, official_id: int, days_ago: int = 0, **values: Any) -> int:
    given = {"outcome": "evaded", "recorded_by": "bo", **values}
    with runtime.db.transaction() as tx:
        held_on = today(runtime) - timedelta(days=days_ago)
        return record_meeting(tx, runtime, group_id, official_id=official_id, held_on=held_on, **given).id


def today(runtime: Runtime) -> date:
    return runtime.clock.now().astimezone(PHOENIX).date()


def how_many(runtime: Runtime, model: Any) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def opened(runtime: Runtime) -> str:
    """The hidden moment of a form that is handed out now."""
    app = create_app(runtime.settings, runtime)
    with app.test_request_context():
        form = EntryForm(meta={"csrf": False})
        form.open(runtime.clock.now())
        return str(form.opened.data)


def meeting_form(runtime: Runtime, **values: str) -> dict[str, str]:
    return {"opened": opened(runtime), "held_on": today(runtime).isoformat(), "outcome": "declined", **values}


def text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def test_roles(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    meeting = make_meeting(runtime, group, official)
    reads = ("/officials/", f"/officials/{official}", f"/meetings/{meeting}")
    writes = ("/officials/new", "/officials/import", f"/meetings/new/{official}")
    staff = sign_in(runtime, group, "staff")
    for path in reads:
        page = staff.get(path)
        assert page.status_code == 200, path
        assert "/meetings/new/" not in text(page), "staff see no button that is not for them"
    for path in writes:
        assert staff.get(path).status_code == staff.post(path).status_code == 403, path
    organizer = sign_in(runtime, group)
    for path in (*reads, *writes):
        assert organizer.get(path).status_code == 200, path
    assert f"/meetings/new/{official}" in text(organizer.get(f"/officials/{official}"))


def test_another_groups_rows_are_not_there(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    meeting = make_meeting(runtime, group, official)
    stranger = sign_in(runtime, make_group(runtime, "Others"))
    for path in (f"/officials/{official}", f"/meetings/{meeting}", f"/meetings/new/{official}"):
        assert stranger.get(path).status_code == 404, path
    assert stranger.post(f"/meetings/new/{official}", data=meeting_form(runtime)).status_code == 404
    assert "Ana Diaz" not in text(stranger.get("/officials/"))
    for path in ("/officials/999", "/meetings/999", "/meetings/new/999", f"/officials/{10**30}"):
        assert stranger.get(path).status_code == 404, path
    assert how_many(runtime, Meeting) == 1


def test_forms_need_their_token(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group, csrf=True)
    for path in ("/officials/new", "/officials/import", f"/meetings/new/{official}"):
        assert client.post(path, data=meeting_form(runtime)).status_code == 400, path
    assert how_many(runtime, Meeting) == 0


def test_search_and_pages(runtime: Runtime, group: int) -> None:
    client = sign_in(runtime, group)
    assert "There are no officials yet" in text(client.get("/officials/"))
    for number in range(27):
        make_official(runtime, group, f"Person {number:02}", "Sheriff" if number == 3 else "Mayor")
    make_official(runtime, group, "100% Zoë", "Police Chief", jurisdiction=None)
    first, second = text(client.get("/officials/")), text(client.get("/officials/?page=2"))
    assert ("Person 00" in first, "Person 26" in first, "Person 26" in second) == (True, False, True)
    assert 'rel="next"' in first
    assert 'rel="next"' not in second
    assert "Person 03" in text(client.get("/officials/?q=SHERIFF+mesa"))
    assert "Person 04" not in text(client.get("/officials/?q=sheriff+mesa"))
    wild = text(client.get("/officials/", query_string={"q": "100%"}))
    assert "Zoë" in wild
    assert "Person" not in wild, "a percent sign is a percent sign"
    assert "Nobody on your list" in text(client.get("/officials/?q=nobody"))
    paged = text(client.get("/officials/?q=mayor"))
    assert "q=mayor" in paged.split('rel="next"')[1][:120]
    for page in ("0", "-3", "x", str(10**30)):
        assert client.get(f"/officials/?page={page}").status_code == 200, page
    assert client.get("/officials/", query_string={"q": "a\0b" + "x" * 5000}).status_code == 200


def test_an_official_by_hand(runtime: Runtime, group: int) -> None:
    client = sign_in(runtime, group)
    form = {
        "opened": opened(runtime), "name": " Bo Ray ", "role": "Sheriff", "jurisdiction": "Ironwood County, AZ",
        "phone": "(520) 555-0122", "extension": "7", "address": "1 Main", "email": "bo@example.org",
    }  # fmt: skip
    answer = client.post("/officials/new", data=form)
    assert answer.status_code == 303
    page = text(client.get(answer.location))
    assert "Bo Ray" in page
    assert "(520) 555-0122 ext 7" in page
    assert 'href="tel:+15205550122,7"' in page
    again = client.post("/officials/new", data=form)
    assert (again.status_code, again.location) == (303, answer.location)
    assert how_many(runtime, Official) == how_many(runtime, Office) == 1
    later = client.post("/officials/new", data={**form, "opened": opened(runtime), "name": "bo ray"})
    assert later.status_code == 422
    assert "is on the list already" in text(later)
    assert how_many(runtime, Official) == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": " "}, "Please give a name"),
        ({"name": "A" * 201}, "at most 200 characters"),
        ({"role": ""}, "Please give a role"),
        ({"jurisdiction": "A" * 201}, "at most 200 characters"),
        ({"phone": "555-0101"}, "The area code is missing."),
        ({"phone": "nonsense"}, "not a phone number"),
        ({"phone": "900-555-0101"}, "not a phone number"),
        ({"extension": "7"}, "needs the number before it"),
        ({"phone": "520-555-0122", "extension": "seven"}, "digits only"),
        ({"email": "bo at example"}, "not an e-mail address"),
        ({"address": "A" * 501}, "at most 500 characters"),
    ],
)
def test_officials_that_cannot_be_added(runtime: Runtime, group: int, values: dict[str, str], sentence: str) -> None:
    client = sign_in(runtime, group)
    form = {"opened": opened(runtime), "name": "Bo", "role": "Sheriff", "district": "Ward 9", **values}
    answer = client.post("/officials/new", data=form)
    assert answer.status_code == 422
    assert sentence in text(answer)
    assert "Ward 9" in text(answer), "what was typed stays"
    assert how_many(runtime, Official) == 0


def office_form(**values: str) -> dict[str, str]:
    empty = dict.fromkeys(("extension", "other_kind", "zone", "lines", *(f"day_{day}" for day in range(7))), "")
    known = {"kind": "main", "phone": "520-555-0122", "address": "1 Main, Tucson, AZ 85701", "hours": "usual"}
    return {**empty, **known, **values}


def offices(runtime: Runtime) -> list[Office]:
    with runtime.db.snapshot() as session:
        return list(session.execute(select(Office).order_by(Office.id)).scalars())


def test_an_office_by_hand(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    staff, client = sign_in(runtime, group, "staff"), sign_in(runtime, group)
    page = text(client.get(f"/officials/{official}"))
    assert "Mon–Fri 8:00" in page
    assert page.count('class="assumed"') == 3, "hours, time zone and callers are all assumed"
    new = f"/officials/{official}/offices/new"
    days = {f"day_{day}": "8am-12pm, 1-5pm" for day in range(4)}
    form = office_form(
        kind="other", other_kind="front desk", extension="7", hours="own", zone="America/Denver", lines="5", **days
    )
    for _ in range(2):
        assert client.post(new, data=form).status_code == 303
    first, made = offices(runtime)
    assert (made.classification, made.phone, made.extension) == ("front desk", "+15205550122", "7")
    assert made.hours == [*[[["08:00", "12:00"], ["13:00", "17:00"]]] * 4, [], [], []]
    assert (made.zone, made.lines) == ("America/Denver", 5)
    page = text(client.get(f"/officials/{official}"))
    for words in ("front desk", "Mon–Thu 8:00", "Mountain time", "5 callers at once"):
        assert words in page, words
    mine = f"/officials/offices/{made.id}"
    shown = text(client.get(mine))
    assert 'value="08:00-12:00, 13:00-17:00"' in shown
    assert client.post(mine, data=office_form(kind="local")).status_code == 303
    made = offices(runtime)[1]
    assert (made.classification, made.hours, made.zone, made.lines, made.extension) == ("local", None, None, None, None)
    assert client.post(f"/officials/offices/{first.id}", data=office_form()).status_code == 303
    assert offices(runtime)[0].classification == "primary", "as its file calls it"
    stranger = sign_in(runtime, make_group(runtime, "Others"))
    for path in (new, mine, f"{mine}/remove"):
        assert staff.post(path, data=form).status_code == 403, path
        assert stranger.post(path, data=form).status_code == 404, path
    assert "offices/new" not in text(staff.get(f"/officials/{official}"))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"phone": "900-555-0101"}, "not a phone number"),
        ({"phone": "+44 20 7946 0018"}, "another country"),
        ({"phone": "", "address": ""}, "Give a phone or an address."),
        ({"phone": "", "extension": "7"}, "needs the number before it"),
        ({"kind": "other"}, "Say what kind of office"),
        ({"kind": "palace"}, "Not a valid choice"),
        ({"hours": "own"}, "at least one day"),
        ({"hours": "own", "day_0": "5pm-8am"}, "the earlier one first"),
        ({"hours": "own", "day_6": "x" * 101}, "at most 100 characters"),
        ({"day_3": "8-5"}, "You typed hours below"),
        ({"zone": "Europe/Berlin"}, "Not a valid choice"),
        ({"lines": "0"}, "from 1 to 20"),
        ({"lines": "21"}, "from 1 to 20"),
    ],
)
def test_offices_that_cannot_be_stored(runtime: Runtime, group: int, values: dict[str, str], sentence: str) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group)
    for path in (f"/officials/{official}/offices/new", f"/officials/offices/{offices(runtime)[0].id}"):
        answer = client.post(path, data=office_form(**values))
        assert answer.status_code == 422
        assert sentence in text(answer), path
    assert [office.phone for office in offices(runtime)] == ["+14805550110"]


def test_an_office_is_removed_unless_a_campaign_calls_it(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    make_meeting(runtime, group, official)
    client = sign_in(runtime, group)
    client.post(f"/meetings/new/{official}", data=meeting_form(runtime))
    (office,) = offices(runtime)
    with runtime.db.transaction() as tx:
        campaign = tx.execute(select(Campaign)).scalar_one()
        assert campaign.office_id == office.id
        campaign.state, campaign.name = "launched", "Call them"
    path = f"/officials/offices/{office.id}"
    for refused in (client.post(f"{path}/remove"), client.post(path, data=office_form(phone=""))):
        assert refused.status_code == 422
        assert "The campaign “Call them” calls this office" in text(refused)
    with runtime.db.transaction() as tx:
        tx.get_one(Campaign, campaign.id).state = "draft"
    for _ in range(2):
        assert client.post(f"{path}/remove").status_code == 303
    assert "We know of no office" in text(client.get(f"/officials/{official}"))
    assert client.get(path).status_code == client.post(path, data=office_form()).status_code == 404
    with runtime.db.snapshot() as session:
        assert session.get_one(Campaign, campaign.id).office_id is None
    assert "Add one with its phone" in text(client.get(f"/campaigns/{campaign.id}/draft/about"))


def bring(client: FlaskClient, content: bytes, name: str = "o.csv") -> TestResponse:
    data = {"file": (io.BytesIO(content), name)}
    return client.post("/officials/import", data=data, content_type="multipart/form-data")


def test_a_file_twice(runtime: Runtime, group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spool"))
    (tmp_path / "spool").mkdir()
    client = sign_in(runtime, group)
    first = text(bring(client, DEMO.read_bytes()))
    assert '<dd class="col-3 col-sm-6 col-lg-8 fw-bold" id="new">7</dd>' in first
    assert "Row 8:</span> No usable phone" in first
    again = text(bring(client, DEMO.read_bytes(), "../../etc/o.CSV"))
    assert 'id="new">0</dd>' in again
    assert 'id="updated">7</dd>' in again
    assert how_many(runtime, Official) == 7
    assert list((tmp_path / "spool").iterdir()) == [], "the upload does not stay"


def test_yaml_and_its_problems(runtime: Runtime, group: int) -> None:
    client = sign_in(runtime, group)
    person = (
        b"id: demo/y\nname: Yara Quill\nroles:\n- type: mayor\n  jurisdiction: Dry Wash\n"
        b"offices:\n- classification: primary\n  voice: 623-555-0121\n"
    )
    assert 'id="new">1</dd>' in text(bring(client, person, "Yara.YML"))
    for content, name, sentence in (
        (b"a: [", "o.yaml", "not valid YAML"),
        (b"roles: [mayor]\nname: A\n", "o.yaml", "none of the files"),
        (b"name: A\nbirth_date: 2026-13-45\nroles: []\n", "o.yaml", "none of the files"),
        (b"[" * 20_000, "o.yaml", "none of the files"),
        (b"", "o.csv", "The file is empty."),
        (b"PK\x03\x04rest", "o.xlsx", "This spreadsheet cannot be read."),
        (b"%PDF-1.7", "o.pdf", "not a text file"),
        (b"phone,zip\n480-555-0110,85000\n", "o.csv", "none of the files"),
        (b"a\tb\n1\t2\n", "\0", "none of the files"),
    ):
        answer = bring(client, content, name)
        assert answer.status_code == 422, name
        assert sentence in text(answer), content[:20]
    nothing = client.post("/officials/import", data={}, content_type="multipart/form-data")
    assert (nothing.status_code, "choose a file first" in text(nothing)) == (422, True)
    large = client.post("/officials/import", data=b"x" * 1_100_000, content_type="multipart/form-data; boundary=b")
    assert large.status_code == 413
    assert how_many(runtime, Official) == 1


def test_rows_that_cannot_be_used_are_named(runtime: Runtime, group: int) -> None:
    client = sign_in(runtime, group)
    page = text(bring(client, (
        "id,name,role,jurisdiction,voice\n"
        f"a,{SCRIPT},mayor,Mesa,480-555-0110\nb,,mayor,Mesa,\nc,C,mayor,Mesa,1.5E+10\nc,C,mayor,Mesa,\n"
        f"d,{'D' * 201},mayor,Mesa,\n"
    ).encode()))  # fmt: skip
    for row, sentence in (
        (3, "The name is missing"), (4, "not a number that we could call"), (4, "No usable phone"),
        (5, "Stands further up"), (6, "under “name” is too long"),
    ):  # fmt: skip
        assert any(f"Row {row}:" in line and sentence in line for line in page.splitlines()), (row, sentence)
    assert SCRIPT not in text(client.get("/officials/"))


def test_a_declined_meeting_becomes_a_draft(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group)
    form = meeting_form(
        runtime, attendees=f"Bo, {SCRIPT}", notes=f"First line\r\n{SCRIPT} \0 ",
        answer_1="yes", basis_1="writing", answer_5="no", basis_5="practice", answer_9="evaded", answer_2="not_asked",
        promise_2=f"An answer {SCRIPT}", due_2="2026-12-20", contact_2="Cy", promise_5="A call",
    )  # fmt: skip
    answer = client.post(f"/meetings/new/{official}", data=form)
    assert answer.status_code == 303
    with runtime.db.snapshot() as session:
        campaign = session.execute(select(Campaign)).scalar_one()
        meeting = session.execute(select(Meeting)).scalar_one()
        said = session.execute(select(Stance.policy, Stance.answer, Stance.basis).order_by(Stance.policy)).all()
        promised = session.execute(select(Promise.text, Promise.due_on, Promise.staff_contact)).all()
    assert answer.location == f"/campaigns/{campaign.id}"
    assert (campaign.meeting_id, campaign.policy, campaign.state) == (meeting.id, 5, "draft")
    assert (meeting.recorded_by, meeting.outcome) == ("organizer", "declined")
    assert [tuple(row) for row in said] == [(1, "yes", "writing"), (5, "no", "practice"), (9, "evaded", None)]
    assert {tuple(row) for row in promised} == {
        (f"An answer {SCRIPT}", date(2026, 12, 20), "Cy"), ("A call", None, None),
    }  # fmt: skip
    led_to = client.get(answer.location, follow_redirects=True)
    assert "The meeting is logged, and a campaign is drafted" in text(led_to)
    for path in (answer.location, f"/meetings/{meeting.id}", f"/officials/{official}", "/"):
        page = client.get(path, follow_redirects=True)
        assert page.status_code == 200, path
        assert SCRIPT not in text(page), path
    shown = text(client.get(f"/meetings/{meeting.id}"))
    assert "&lt;script&gt;" in shown
    assert "They declined" in shown
    assert f'href="/campaigns/{campaign.id}"' in text(client.get("/"))


def test_a_commitment_leads_to_what_to_do_next(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group)
    answer = client.post(f"/meetings/new/{official}", data=meeting_form(runtime, outcome="committed"))
    assert (answer.status_code, answer.location) == (303, f"/officials/{official}")
    page = text(client.get(answer.location))
    assert "The meeting is logged. Congratulations" in page
    assert "Do this before you speak to reporters" in page
    assert how_many(runtime, Campaign) == 0
    make_meeting(runtime, group, official, outcome="evaded")
    assert "before you speak to reporters" not in text(client.get(f"/officials/{official}"))


def test_a_double_submit_makes_one_meeting_and_one_draft(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group)
    form = meeting_form(runtime, notes="Said no.", answer_5="no", promise_1="A call", due_1="2026-12-20")
    path = f"/meetings/new/{official}"
    first, second = client.post(path, data=form), client.post(path, data=form)
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert (how_many(runtime, Meeting), how_many(runtime, Campaign), how_many(runtime, Promise)) == (1, 1, 1)

    changed = client.post(path, data={**form, "notes": "Said no, loudly."})
    assert changed.status_code == 422
    assert "If this is another meeting, save again" in text(changed)
    assert "Said no, loudly." in text(changed)
    assert how_many(runtime, Meeting) == 1
    renewed = text(changed).split('name="opened" type="hidden" value="')[1].split('"')[0]
    assert client.post(path, data={**form, "notes": "Said no, loudly.", "opened": renewed}).status_code == 303
    assert client.post(path, data={**form, "opened": opened(runtime)}).status_code == 303, "a new form is a new meeting"
    assert how_many(runtime, Meeting) == 3


@pytest.mark.parametrize("moment", ["", "x", "-1", "9" * 18, "9" * 400, "١٢"])
def test_a_form_without_a_sound_moment_is_still_taken_once(runtime: Runtime, group: int, moment: str) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group)
    form = {**meeting_form(runtime), "opened": moment}
    answers = [client.post(f"/meetings/new/{official}", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert how_many(runtime, Meeting) == (2 if moment == "9" * 18 else 1), (
        "only a moment in the future is new each time"
    )


def at_once(client: FlaskClient, path: str, count: int, **data: Any) -> list[int]:
    """The same POST by several threads that start together."""
    start = threading.Barrier(count)
    codes: list[int] = []
    cookie = client.get_cookie(client.application.config["SESSION_COOKIE_NAME"])
    assert cookie is not None

    def post() -> None:
        mine = client.application.test_client()
        mine.set_cookie(mine.application.config["SESSION_COOKIE_NAME"], cookie.value)
        start.wait()
        codes.append(mine.post(path, data={k: v() if callable(v) else v for k, v in data.items()}).status_code)

    threads = [threading.Thread(target=post) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


def test_submits_at_the_same_instant(runtime: Runtime, group: int) -> None:
    client = sign_in(runtime, group)
    assert at_once(client, "/officials/new", 4, opened=opened(runtime), name="Bo", role="Sheriff") == [303] * 4
    assert how_many(runtime, Official) == 1
    with runtime.db.snapshot() as session:
        official = session.execute(select(Official.id)).scalar_one()
    assert at_once(client, f"/meetings/new/{official}", 4, **meeting_form(runtime)) == [303] * 4
    assert (how_many(runtime, Meeting), how_many(runtime, Campaign)) == (1, 1)

    def file() -> tuple[io.BytesIO, str]:
        return io.BytesIO(DEMO.read_bytes()), "o.csv"

    assert at_once(client, "/officials/import", 3, file=file) == [200] * 3
    assert how_many(runtime, Official) == 8


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"held_on": "2026-12-25"}, "This day has not come yet"),
        ({"held_on": ""}, "Please give the day"),
        ({"held_on": "yesterday"}, "Not a valid date"),
        ({"held_on": "0026-11-30"}, "Please look at the year."),
        ({"outcome": ""}, "Please choose how it ended."),
        ({"outcome": "promised"}, "Not a valid choice"),
        ({"outcome": "no_meeting", "answer_1": "no"}, "so there was a meeting"),
        ({"answer_1": "maybe"}, "Not a valid choice"),
        ({"answer_1": "no", "basis_1": "rumour"}, "Not a valid choice"),
        ({"answer_1": "evaded", "basis_1": "writing"}, "If they evaded, nothing"),
        ({"basis_1": "writing"}, "Please choose what they answered."),
        ({"attendees": "A" * 1001}, "at most 1000 characters"),
        ({"notes": "A" * 10_001}, "at most 10000 characters"),
        ({"promise_1": "A" * 501}, "at most 500 characters"),
        ({"promise_1": "A call", "contact_1": "A" * 201}, "at most 200 characters"),
        ({"due_4": "2026-12-20"}, "say what was promised"),
        ({"contact_4": "Cy"}, "say what was promised"),
        ({"promise_1": "A call", "due_1": "soon"}, "Not a valid date"),
        ({"promise_1": "A call", "due_1": "2026-11-20"}, "This day is before the meeting."),
    ],
)
def test_meetings_that_cannot_be_logged(runtime: Runtime, group: int, values: dict[str, str], sentence: str) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group)
    typed = {"promise_3": "Keep this one", "notes": "Keep these notes"}
    answer = client.post(f"/meetings/new/{official}", data=meeting_form(runtime, **{**typed, **values}))
    page = text(answer)
    assert answer.status_code == 422
    assert sentence in page
    assert 'href="#' in page.split('id="errors"')[1][:800], "the summary links to the field"
    assert "Keep this one" in page
    assert "Keep these notes" in page or "notes" in values
    assert how_many(runtime, Meeting) == how_many(runtime, Campaign) == 0


def test_the_newest_answer_is_that_of_the_newest_meeting(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    make_meeting(runtime, group, official, 5, answers=[Answer(5, "yes", "writing"), Answer(2, "evaded")])
    make_meeting(runtime, group, official, 40, answers=[Answer(5, "no", "practice")])
    page = text(sign_in(runtime, group).get(f"/officials/{official}"))
    stances = page.split('id="stances"')[1].split("<h2>")[0].split('class="list-group-item"')[1:]
    assert len(stances) == 9
    shown = [re.findall(">(Yes|No|Evaded|Not asked)</span>", part) for part in stances]
    assert [one for (one,) in shown] == ["Not asked", "Evaded", "Not asked", "Not asked", "Yes", *["Not asked"] * 4]
    assert "in writing" in stances[4].split("<details>")[0]
    assert "No, in practice" in " ".join(stances[4].split("<details>")[1].split())


def test_in_spanish(runtime: Runtime, group: int) -> None:
    official = make_official(runtime, group)
    client = sign_in(runtime, group)
    client.post("/language/es")
    page = client.post(f"/meetings/new/{official}", data=meeting_form(runtime, held_on="2026-12-25", basis_1="writing"))
    for sentence in (
        "Registrar una reunión",
        "Regla de la orden judicial",
        "Elija qué respondió.",
        "Guardar la reunión",
    ):
        assert sentence in text(page), sentence
    page = client.post(f"/officials/{official}/offices/new", data=office_form(hours="own", day_0="tarde", lines="x"))
    for sentence in ("Agregar una oficina", "Escriba horas como", "un número entero de 1 a 20", "Lunes"):
        assert sentence in text(page), sentence
    assert "hora de Arizona" in text(client.get(f"/officials/{official}"))
    page = client.post(f"/meetings/new/{official}", data=meeting_form(runtime, held_on="2026-12-25"))
    assert "Este día todavía no llega." in text(page)
    assert "Fila 8:</span> Sin teléfono" in text(bring(client, DEMO.read_bytes()))
