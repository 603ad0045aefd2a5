"""From the members' list to the log of a meeting, through the pages; what erasing clears; what others cannot see."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import delete, func, select, update

from outreach.accounts.models import AuditEvent
from outreach.cli import cli
from outreach.core.clock import PHOENIX
from outreach.core.db import Transaction
from outreach.core.errors import ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.officials.models import Meeting
from outreach.officials.partners import CONTEXT, Given, make_partner
from outreach.officials.plan_models import ChecklistItem, MeetingPlan, Partner, PlanAttendee, PlanLine, RecordsRequest
from outreach.officials.reminder_sources import MEETING, TASK, due_plan_reminders
from outreach.officials.reports import Added, Address, add_to_report, set_state_office
from outreach.people.members import MOST, get_member, members_of
from outreach.people.models import Constituent, ContactList, ListMembership
from outreach.privacy.disclosure import disclose
from outreach.privacy.erasure import erase_number
from tests.factories import World, make_group, make_person, make_world, number
from tests.integration.test_web_officials import make_meeting, make_official, meeting_form, opened, sign_in, today

PLAN = {
    "staff_name": "Cy Rivera", "staff_role": "City manager", "staff_email": "cy@example.org",
    "staff_phone": "602-555-0150", "meeting_zone": "America/Phoenix", "minutes": "60", "gather_minutes": "20",
    "place": "City Hall, room 5", "gather_place": "The lobby", "audience": "elected", "conditions": "A list, by fax",
    "condition_kinds": "attendee_list",
}  # fmt: skip


def one(runtime: Runtime, query: Any) -> Any:
    with runtime.db.snapshot() as session:
        return session.execute(query).scalar()


def post(client: FlaskClient, path: str, expected: int = 303, /, **values: Any) -> str:
    answer = client.post(path, data=values)
    assert answer.status_code == expected, (path, re.findall(r'role="alert".*?</div>', answer.text, re.S), answer.text)
    return answer.text


def plan_form(runtime: Runtime, **values: Any) -> dict[str, Any]:
    return {"opened": opened(runtime), **PLAN, **values}


@pytest.fixture
def planned(runtime: Runtime) -> tuple[FlaskClient, World, int]:
    """An organizer, a group whose list holds its members, and an official."""
    world = make_world(runtime, 3)
    client = sign_in(runtime, world.group_id)
    post(client, f"/people/lists/{world.list_id}/members", members="yes")
    return client, world, make_official(runtime, world.group_id)


def test_members_are_the_people_of_marked_lists(runtime: Runtime) -> None:
    world, other = make_world(runtime, 2), make_group(runtime, "Other")
    client, theirs = sign_in(runtime, world.group_id), sign_in(runtime, other)
    with runtime.db.snapshot() as session:
        assert members_of(session, runtime.vault, world.group_id) == []
    for _ in range(2):  # twice is once
        post(client, f"/people/lists/{world.list_id}/members", members="yes")
    post(theirs, f"/people/lists/{world.list_id}/members", 404, members="yes")
    post(client, f"/people/lists/{world.list_id}/members", 400, members="perhaps")
    assert one(runtime, select(func.count()).where(AuditEvent.action == "members_list")) == 1
    assert "Members' list</span>" in client.get("/people/lists/").text
    stranger = make_person(runtime, world.group_id, number(40))
    with runtime.db.snapshot() as session:
        members = members_of(session, runtime.vault, world.group_id)
        assert {member.id for member in members} == set(world.people)
        assert {member.name for member in members} == {"Ana Tester"}, "two of one short name have their whole one"
        assert get_member(session, runtime.vault, world.group_id, world.people[0]).name == "Ana T."
        for group_id, person in ((world.group_id, stranger), (other, world.people[0])):
            with pytest.raises(NotFoundError, match="no such member"):
                get_member(session, runtime.vault, group_id, person)
    with runtime.db.transaction() as tx:
        large = ContactList(group_id=world.group_id, name="large", created_at=runtime.clock.now())
        tx.add(large)
        tx.flush()
        large_id = large.id
    many = [make_person(runtime, world.group_id, number(50 + index)) for index in range(2)]
    with runtime.db.transaction() as tx:
        tx.add_all(ListMembership(list_id=large_id, constituent_id=person) for person in many)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("outreach.people.members.MOST", 1)
        assert "at most" in post(client, f"/people/lists/{large_id}/members", 422, members="yes")
    assert MOST == 300


def work_through_the_checklist(client: FlaskClient, runtime: Runtime, path: str, member: int) -> None:
    item = one(runtime, select(ChecklistItem.id).where(ChecklistItem.key == "research"))
    post(
        client,
        f"/meetings/items/{item}",
        assignee=f"member:{member}",
        due_on=(today(runtime) + timedelta(days=1)).isoformat(),
    )
    post(client, f"/meetings/items/{item}", 422, assignee="member:999999", due_on="")
    post(client, f"/meetings/items/{item}/tick", done="yes")
    assert "Done by" in client.get(path).text
    post(client, f"/meetings/items/{item}/tick", done="no")
    post(client, f"{path}/items", words="Bake a cake", due_on="")
    own = one(runtime, select(ChecklistItem.id).where(ChecklistItem.words == "Bake a cake"))
    post(client, f"/meetings/items/{own}/remove")
    post(client, f"/meetings/items/{item}/remove")
    assert one(runtime, select(func.count()).where(ChecklistItem.id.in_((own, item)))) == 1


def request_records(client: FlaskClient, runtime: Runtime, path: str, official: int, plan_id: int) -> None:
    request = {"agency": "Mesa PD", "asked_for": "The manual", "how": "mail", "sent_on": "2026-11-01",
               "due_on": "2026-11-20", "fee": "$12.50", "plan": str(plan_id)}  # fmt: skip
    for _ in range(2):
        post(client, f"/meetings/records/new/{official}", **request)
    post(client, f"/meetings/records/new/{official}", 422, **{**request, "fee": "much", "agency": ""})
    (row,) = [one(runtime, select(RecordsRequest).where(RecordsRequest.agency == "Mesa PD"))]
    assert (row.fee_cents, one(runtime, select(func.count()).select_from(RecordsRequest))) == (1250, 1)
    assert all("Overdue" in client.get(url).text for url in (path, f"/officials/{official}", "/meetings/records/"))
    post(client, f"/meetings/records/{row.id}", **{**request, "received_on": "2026-11-25", "document": "Manual"})
    assert "Manual" in client.get(f"/officials/{official}").text


def take_along(client: FlaskClient, path: str, plan_id: int, lines: dict[str, str]) -> None:
    """Agenda, briefing sheet and calendar."""
    version = re.findall(r'name="version"[^>]*value="(\d+)"', client.get(f"{path}/agenda").text)[0]
    post(client, f"{path}/agenda", 422, version=version, line_1="x" * 2_001, minutes_1="many")
    post(client, f"{path}/agenda", version=version, **lines)
    assert "meanwhile" in post(client, f"{path}/agenda", 422, version=version, **lines)
    for language, words in (("en", "Who we are"), ("es", "personas voluntarias")):
        sheet = client.get(f"{path}/briefing?in={language}").text
        assert words in sheet
        assert "Puente" in sheet
        assert "555" not in sheet
        assert "example.org" not in sheet, "no phone number and no address stands on it"
    events = Calendar.from_ical(client.get(f"{path}/calendar.ics").data).walk("VEVENT")
    assert [str(event["UID"]).partition("@")[0] for event in events][:2] == [f"plan-{plan_id}-meeting",
                                                                            f"plan-{plan_id}-gathering"]  # fmt: skip
    assert "Ana T" not in client.get(f"{path}/calendar.ics").text, "calendars are shared: it names no member"
    assert all(words in client.get("/").text for words in ("Cy Rivera", "There are more"))
    assert "Divide the reading" in client.get("/meetings/plans/").text


def log_it(client: FlaskClient, runtime: Runtime, official: int, plan_id: int) -> None:
    """The log begins from the plan, closes it, and opens the checklist of a commitment."""
    log = client.get(f"/meetings/new/{official}?plan={plan_id}").text
    assert 'value="Ana Tester, Ana Tester"' in log
    assert 'value="City manager"' in log
    form = meeting_form(runtime, outcome="committed", staff_name="Cy Rivera", staff_role="City manager")
    for _ in range(2):  # sent twice, logged once
        post(client, f"/meetings/new/{official}?plan={plan_id}", **form)
    meeting = one(runtime, select(Meeting.id))
    assert one(runtime, select(func.count()).select_from(Meeting)) == 1
    with runtime.db.snapshot() as session:
        plan = session.get_one(MeetingPlan, plan_id)
        assert (plan.state, plan.meeting_id) == ("held", meeting)
    after = client.get(f"/meetings/{meeting}").text
    assert "Met in their place" in after
    assert "before any reporter" in after
    post(client, f"/meetings/{meeting}/items", words="Frame it", due_on="")
    assert "Frame it" in client.get(f"/meetings/{meeting}").text
    assert client.get(f"/meetings/new/{official}?plan=x").status_code == 404


def test_from_a_plan_to_its_log(runtime: Runtime, planned: tuple[FlaskClient, World, int]) -> None:
    client, world, official = planned
    ana, bo, cy = world.people
    day = today(runtime) + timedelta(days=2)
    asked = plan_form(runtime, asked_day=day.isoformat(), asked_time="12:00", spokesperson=str(ana), comes=[str(bo)])
    for _ in range(2):  # sent twice, planned once
        post(client, f"/meetings/plans/new/{official}", **asked)
    plan_id = one(runtime, select(MeetingPlan.id))
    assert one(runtime, select(func.count()).select_from(MeetingPlan)) == 1
    path = f"/meetings/plans/{plan_id}"
    assert "Asked for" in client.get(path).text
    assert one(runtime, select(func.count()).where(ChecklistItem.due_on.is_not(None))) == 0
    post(client, f"{path}/tries", on_day=today(runtime).isoformat(), whom="Front desk", said="May take weeks")
    post(client, f"{path}/tries", 422, on_day="2031-01-01", whom="", said="")
    agreed = {**asked, "day": day.isoformat(), "time": "17:30", "note_taker": str(bo), "version": "1"}
    for wrong in ({"time": ""}, {"day": "soon"}, {"day": "9999-12-31"},
                  {"minutes": "9999"}, {"meeting_zone": "Mars/Base"},
                  {"gather_minutes": "-1"}, {"spokesperson": "999999"}, {"place": "x" * 301}):  # fmt: skip
        post(client, f"{path}/edit", 422, **{**agreed, **wrong})
    post(client, f"{path}/edit", **agreed)
    assert "meanwhile" in post(client, f"{path}/edit", 409, **agreed)
    page = client.get(path).text
    for words in (
        "Confirmed",
        "City manager",
        "5:30",
        "5:10",
        "The lobby",
        "Front desk",
        "push back",
        "cy@example.org",
    ):
        assert words in page, words
    with runtime.db.snapshot() as session:
        plan = session.get_one(MeetingPlan, plan_id)
        assert plan.starts_at == datetime(day.year, day.month, day.day, 17, 30, tzinfo=PHOENIX).astimezone(UTC)
        assert b"602" not in (plan.sealed or b"")
        due = {item.key: item.due_on for item in session.execute(select(ChecklistItem)).scalars()}
    assert (due["gather"], due["research"]) == (day, today(runtime))
    work_through_the_checklist(client, runtime, path, cy)
    request_records(client, runtime, path, official, plan_id)
    post(client, "/meetings/partners/new", organization="Puente", does="Rights", email="p@example.org", phone="1")
    post(client, "/meetings/partners/new", 422, organization="Puente")
    partner = one(runtime, select(Partner))
    assert runtime.vault.open(partner.sealed, CONTEXT)["email"] == "p@example.org"
    post(client, f"{path}/edit", **{**agreed, "version": "2", "partners": [str(partner.id)]})
    take_along(client, path, plan_id, {"line_1": "Who we are", "minutes_1": "5", "who_1": str(ana),
                                       "point_5": "Do not ask", "speaks_5": str(bo)})  # fmt: skip
    log_it(client, runtime, official, plan_id)
    assert "closed" in post(client, f"{path}/edit", 422, **{**agreed, "version": "4"})


def test_no_meeting_leads_to_a_draft_and_others_see_nothing(
    runtime: Runtime, planned: tuple[FlaskClient, World, int]
) -> None:
    client, world, official = planned
    post(client, f"/meetings/plans/new/{official}", **plan_form(runtime))
    plan_id = one(runtime, select(MeetingPlan.id))
    path = f"/meetings/plans/{plan_id}"
    for act, state in (("call-off", "called_off"), ("call-off", "called_off"), ("reopen", "asked")):
        post(client, f"{path}/{act}")
        assert one(runtime, select(MeetingPlan.state)) == state
    item = one(runtime, select(ChecklistItem.id).limit(1))
    post(client, f"/meetings/records/new/{official}", agency="A", asked_for="B", how="online")
    post(client, "/meetings/partners/new", organization="Puente")
    request, partner = (one(runtime, select(model.id)) for model in (RecordsRequest, Partner))
    theirs = sign_in(runtime, make_group(runtime, "Other"))
    gets = (path, f"{path}/edit", f"{path}/agenda", f"{path}/briefing", f"{path}/calendar.ics",
            f"/meetings/items/{item}", f"/meetings/records/{request}", f"/meetings/partners/{partner}",
            f"/meetings/plans/new/{official}", f"/meetings/records/new/{official}")  # fmt: skip
    for url in gets:
        assert (client.get(url).status_code, theirs.get(url).status_code) == (200, 404), url
    for url in (f"{path}/tries", f"{path}/call-off", f"{path}/reopen", f"{path}/items", f"/meetings/items/{item}/tick",
                f"/meetings/items/{item}/remove", "/meetings/999/items"):  # fmt: skip
        assert theirs.post(url, data={"words": "x"}).status_code == 404, url
    staff = sign_in(runtime, world.group_id, "staff")
    assert [staff.get(url).status_code for url in gets[:4]] == [200, 403, 403, 200]

    form = client.get(f"/meetings/new/{official}?plan={plan_id}&outcome=no_meeting").text
    assert re.search(r'<input[^>]*checked[^>]*value="no_meeting"', form)
    nothing = meeting_form(runtime, outcome="no_meeting", attendees="")
    post(client, f"/meetings/new/{official}?plan={plan_id}", **nothing)
    assert one(runtime, select(MeetingPlan.state)) == "refused"
    assert one(runtime, select(func.count()).select_from(Campaign)) == 1


def test_reminders_follow_the_plan_and_erasing_clears_every_part(
    runtime: Runtime, planned: tuple[FlaskClient, World, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, world, official = planned
    ana, bo, cy = world.people
    day = date(2026, 12, 10)
    form = plan_form(
        runtime, day=day.isoformat(), time="17:30", spokesperson=str(ana), facilitator=str(ana), note_taker=str(bo),
        comes=[str(ana), str(cy)],
    )  # fmt: skip
    post(client, f"/meetings/plans/new/{official}", **form)
    plan_id = one(runtime, select(MeetingPlan.id))
    item = one(runtime, select(ChecklistItem.id).where(ChecklistItem.key == "practice"))
    post(client, f"/meetings/items/{item}", assignee=f"member:{ana}", due_on="2026-12-08")
    post(client, f"/meetings/plans/{plan_id}/agenda", version="1", line_1="Hello", who_1=str(ana))

    def due(month_day: int, hour: int) -> list[tuple[str, str, int]]:
        with runtime.db.snapshot() as session:
            now = datetime(2026, 12, month_day, hour, tzinfo=PHOENIX).astimezone(UTC)
            found = due_plan_reminders(session, now)
        for reminder in found:
            assert reminder.at <= now
            assert all(reminder.values[language]["official"] for language in ("en", "es"))
        return [(reminder.kind, reminder.step.partition(" ")[0], reminder.constituent_id) for reminder in found]

    everybody = sorted((ana, bo, cy))
    assert due(7, 9) == []
    assert due(7, 10) == [(TASK, "tomorrow", ana)]
    assert due(8, 12) == []
    assert due(9, 23) == [(MEETING, "tomorrow", who) for who in everybody]
    assert due(10, 8) == []
    assert due(10, 9) == [(MEETING, "today", who) for who in everybody]
    assert due(10, 18) == []

    monkeypatch.setattr("outreach.cli.plans.runtime", lambda: runtime)
    monkeypatch.setattr("outreach.cli.plans.group_id", lambda: world.group_id)
    told = CliRunner().invoke(cli, ["meetings", "upcoming", "--json"], catch_exceptions=False).stdout
    (upcoming,) = json.loads(told)["meetings"]
    assert (upcoming["id"], upcoming["day"], upcoming["gathers_at"]) == (
        plan_id,
        "2026-12-10",
        "2026-12-11T00:10+00:00",
    )

    with runtime.db.transaction() as tx:
        tx.execute(delete(ListMembership).where(ListMembership.constituent_id == bo))
    assert "no longer a member" in client.get(f"/meetings/plans/{plan_id}").text
    post(client, f"/meetings/plans/{plan_id}/edit", **{**form, "version": "2"})  # who has a part keeps it

    hashed = runtime.vault.number_hash(number(0))
    found = disclose(runtime, world.group_id, hashed, reason="asked", actor="bo")["before_meetings"]
    assert found["meetings"][0]["parts"] == ["spokesperson", "facilitator"]
    assert found["tasks"][0]["task"] == "practice"
    log = f"/meetings/new/{official}?plan={plan_id}"
    with runtime.db.transaction() as tx:  # two of one name, so that each is told apart by the ZIP
        tx.execute(update(Constituent).where(Constituent.id == ana).values(zip="85201"))
    names = re.findall(r'name="attendees"[^>]*value="([^"]*)"', client.get(log).text)
    post(client, log, **meeting_form(runtime, outcome="evaded", attendees=f"{names[0]}, Luz"))
    assert "85201" in one(runtime, select(Meeting.attendees))
    erase_number(runtime, world.group_id, hashed, reason="asked", actor="bo")
    assert one(runtime, select(Meeting.attendees)) == "Ana Tester, Ana Tester, Luz"
    with runtime.db.snapshot() as session:
        plan = session.get_one(MeetingPlan, plan_id)
        assert (plan.spokesperson_id, plan.facilitator_id, plan.note_taker_id) == (None, None, bo)
        for column in (PlanAttendee.constituent_id, PlanLine.constituent_id, ChecklistItem.constituent_id):
            assert session.execute(select(func.count()).where(column == ana)).scalar_one() == 0
    assert client.get(f"/meetings/plans/{plan_id}").status_code == 200


def test_what_two_save_at_once_is_saved_one_after_the_other(runtime: Runtime) -> None:
    group = make_group(runtime)
    meeting = make_meeting(runtime, group, make_official(runtime, group))

    def partner(tx: Transaction) -> None:
        make_partner(tx, runtime, group, Given("Puente"), by="bo")

    def office(tx: Transaction) -> None:
        set_state_office(tx, runtime, group, Address("State", "state@example.org"), by="bo")

    def report(tx: Transaction) -> None:
        add_to_report(tx, runtime, group, meeting, Added("They listened"), by="bo")

    def again(act: Callable[[Transaction], None]) -> None:
        with runtime.db.transaction() as tx:
            act(tx)

    with ThreadPoolExecutor(3) as others:
        acts = (partner, office, report)
        with runtime.db.transaction() as tx:
            for act in acts:
                act(tx)
            second = [others.submit(again, act) for act in acts]
            time.sleep(0.3)  # they wait for us
        with pytest.raises(ConflictError):
            second[0].result()
        for one in second[1:]:
            one.result()
