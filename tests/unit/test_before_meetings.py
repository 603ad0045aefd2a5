"""Rules of what is done before a meeting: days, states, reminders, calendar files, the words that one begins with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from config import table
from outreach.core.calendar import Entry, events_file
from outreach.core.clock import PHOENIX
from outreach.core.errors import BadInputError
from outreach.core.segments import measure
from outreach.messaging.render import fill
from outreach.officials.agenda import AUDIENCES, audience_for, first_agenda, first_points, introduction, minutes_of
from outreach.officials.checklists import due_day
from outreach.officials.records import Given, check_request, state_of
from outreach.officials.reminder_sources import NOTICE, TODAY, TOMORROW, day_words, steps_of, time_words
from outreach.people.members import short_name
from outreach.web.records import cents

NOW = datetime(2026, 12, 1, 19, tzinfo=UTC)
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
ZONES = st.sampled_from(["America/Phoenix", "America/New_York", "Pacific/Honolulu"]).map(ZoneInfo)


@given(st.integers(-40, 40), DAYS, DAYS)
def test_nothing_is_due_before_today_or_after_the_meeting_that_it_prepares(days: int, day: date, today: date) -> None:
    due = due_day(days, day, today)
    if days > 0:
        assert due == day + timedelta(days=days)
    else:
        assert due <= day
        assert due >= min(today, day)
        assert due == day + timedelta(days=days) or due in {today, day}


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.integers(0, 240), ZONES)  # noqa: DTZ001
def test_members_are_reminded_the_day_before_and_that_morning_in_time(
    local: datetime, early: int, zone: ZoneInfo
) -> None:
    starts = local.replace(tzinfo=zone).astimezone(UTC)
    gathers = starts - timedelta(minutes=early)
    eve, *mornings = steps_of(starts, gathers, zone)
    assert eve.step.startswith(TOMORROW)
    assert eve.at.astimezone(zone).hour == 10
    assert eve.at.astimezone(zone).date() == starts.astimezone(zone).date() - timedelta(days=1)
    assert eve.at < eve.until <= starts
    for one in mornings:
        assert one.step.startswith(TODAY)
        assert one.at.astimezone(zone).hour == 9
        assert one.at <= gathers - NOTICE
        assert one.until == gathers
    assert len({one.step for one in (eve, *mornings)}) == 1 + len(mornings) <= 2


def test_a_request_is_where_its_days_say() -> None:
    today, asked = date(2026, 12, 1), Given("Mesa PD", "The manual")
    assert state_of(asked, today) == "to_send"
    sent = asked._replace(sent_on=date(2026, 11, 1), due_on=date(2026, 11, 30))
    assert state_of(sent, today) == "overdue"
    assert state_of(sent, date(2026, 11, 30)) == "waiting"
    assert state_of(sent._replace(received_on=today), today) == "received"
    for wrong, code in (
        ({"agency": " "}, "records_agency_blank"),
        ({"asked_for": ""}, "records_asked_blank"),
        ({"how": "by pigeon"}, "records_way_unknown"),
        ({"fee_cents": -1}, "records_fee"),
        ({"sent_on": today + timedelta(days=1)}, "records_sent_in_future"),
        ({"sent_on": today, "due_on": today - timedelta(days=1)}, "records_due_early"),
        ({"sent_on": today, "received_on": today - timedelta(days=1)}, "records_received_early"),
    ):
        with pytest.raises(BadInputError) as caught:
            check_request(asked._replace(**wrong), today)
        assert caught.value.code == code
        assert str(caught.value) != code


def test_dollars_as_people_type_them() -> None:
    assert [cents(text) for text in ("", "12.50", "$1,200", " 0 ", "3")] == [None, 1250, 120_000, 0, 300]
    for text in ("a lot", "1.234", "1e99", "NaN", "Infinity", "१.५.२", "1e9999999", "1e999990", "-1"):
        with pytest.raises(BadInputError):
            cents(text)


def test_a_calendar_file_is_read_back_as_it_was_meant() -> None:
    starts = datetime(2026, 12, 3, 17, 30, tzinfo=PHOENIX)
    text = "Línea; con, comas\\ y\r\nsaltos\0 " + "largo " * 40
    entries = [
        Entry("plan-7-meeting", text, starts, place="City Hall, 200 W", text=text, remind=timedelta(hours=1)),
        Entry("item-2", "Agenda", date(2026, 12, 2), canceled=True),
        Entry("promise-3", "Due on a day that nobody meant", date.max),
    ]
    file = events_file(entries, NOW, "calls.example.org")
    assert all(len(line) <= 75 for line in file.split(b"\r\n"))
    meeting, item, last = Calendar.from_ical(file).walk("VEVENT")
    assert (last.decoded("DTSTART"), "DTEND" in last) == (date.max, False), "no day follows the last one"
    assert (meeting["UID"], item["UID"]) == ("plan-7-meeting@calls.example.org", "item-2@calls.example.org")
    assert meeting.decoded("DTSTART") == starts
    assert meeting.decoded("DTEND") == starts + timedelta(hours=1)
    assert str(meeting["SUMMARY"]) == text.replace("\r\n", "\n").replace("\0", "")
    assert (item.decoded("DTSTART"), item.decoded("DTEND")) == (date(2026, 12, 2), date(2026, 12, 3))
    assert (item["STATUS"], meeting["STATUS"]) == ("CANCELLED", "CONFIRMED")
    assert len(meeting.walk("VALARM")) == 1
    later = Calendar.from_ical(events_file(entries, NOW + timedelta(hours=1), "calls.example.org")).walk("VEVENT")[0]
    assert int(str(later["SEQUENCE"])) > int(str(meeting["SEQUENCE"])), "the newer file wins"
    with pytest.raises(ValueError, match="naive"):
        events_file([Entry("x", "x", starts.replace(tzinfo=None))], NOW, "h")


def test_short_names_say_no_more_than_they_must() -> None:
    assert short_name({"first_name": " Ana ", "last_name": "Torres"}) == "Ana T."
    assert short_name({"first_name": "", "last_name": "Torres"}) == "Torres"
    assert short_name({"first_name": "Ana"}) == "Ana"
    assert short_name({}) == ""


def test_the_words_that_one_begins_with_are_whole_in_both_languages() -> None:
    items = [row for rows in table("meeting_checklist").values() for row in rows]
    keys = [row["key"] for row in items]
    assert len(keys) == len(set(keys))
    for row in items:
        assert all(row[language] and row["why"][language] for language in ("en", "es"))
        assert row["en"] != row["es"]
        assert len(row["key"]) <= 40
    assert all(row["days"] <= 0 for row in table("meeting_checklist")["before"])
    assert all(row["days"] > 0 for row in table("meeting_checklist")["commitment"])
    for language in ("en", "es"):
        assert minutes_of(first_agenda(language)) <= 60
        assert sorted(first_points(language)) == list(range(10))
        said = {introduction(audience, language, "Mesa Neighbors") for audience in AUDIENCES}
        assert len(said) == len(AUDIENCES)
        assert all("Mesa Neighbors" in one and ("voluntarias" in one or "volunteers" in one) for one in said)
    assert [audience_for(role) for role in ("Police Chief", "County Sheriff", "Mayor")] == [
        "police",
        "police",
        "elected",
    ]


def test_reminders_say_who_writes_and_how_to_stop_in_two_parts() -> None:
    starts = datetime(2026, 12, 3, 17, 30, tzinfo=PHOENIX)
    for name, texts in table("reminders").items():
        if not name.startswith(("meeting_", "task_")):
            continue
        for language, stop in (("en", "STOP"), ("es", "ALTO")):
            values = {
                "group": "East Valley Neighbors", "official": "Chief of Police Maximiliana Ocotillo-Saguaro",
                "day": day_words(starts.date(), language), "time": time_words(starts, PHOENIX, language),
                "gather": time_words(starts, PHOENIX, language), "what": "x" * 60,
            }  # fmt: skip
            body = fill(texts[language], values)
            assert measure(body).segments <= 2, (name, language, body)
            assert body.isascii(), "other letters would double what it costs"
            assert stop in body
            assert values["group"] in body
