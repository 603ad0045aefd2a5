"""Calls that personas play, from the first ring to the outcome, and what the application is told of them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from outreach.rehearsal.voice.parties import PATIENCE
from tests.fixtures.twilio_call import check_call, check_call_create
from tests.integration.rehearsal_calls.script import (
    EVENTS,
    MENU,
    OFFICE,
    PERSON,
    Script,
    assert_signed,
    menu,
    pin,
    play,
)
from tests.integration.test_rehearsal_process import ACCOUNT_SID, OURS, TOKEN, Application, Rehearsal


def test_a_patch_through_from_the_first_ring_to_the_outcome(carrier: Rehearsal, app: Application, sdk: Client) -> None:
    pin(carrier, person="presses_1", office="voicemail")
    form = [("To", PERSON), ("From", OURS), ("Url", f"{app.url}/menu"), ("Timeout", "40"), ("TimeLimit", "12000"),
            ("MachineDetection", "Enable"), *(("StatusCallbackEvent", event) for event in EVENTS)]  # fmt: skip
    check_call_create(form)
    placed = sdk.calls.create(
        to=PERSON,
        from_=OURS,
        url=f"{app.url}/menu",
        timeout=40,
        time_limit=12_000,
        machine_detection="Enable",
        status_callback=f"{app.url}/status/7",
        status_callback_event=EVENTS,
    )
    assert (placed.status, placed.direction, placed.start_time) == ("queued", "outbound-api", None)
    carrier.settle()
    for call in app.calls:
        assert_signed(call)
        assert "msg" not in call.form
        assert (call.form["AccountSid"], call.form["ApiVersion"]) == (ACCOUNT_SID, "2010-04-01")
    documents = [call for call in app.calls if call.path not in ("/status/7", "/office")]
    assert [call.path for call in documents] == ["/menu", "/chosen", "/dialled", "/outcome"]
    first, chosen, dialled, outcome = (call.form for call in documents)
    person = (placed.sid, OURS, PERSON, OURS, PERSON, "in-progress", "outbound-api")
    for asked in (first, chosen, dialled, outcome):
        names = ("CallSid", "From", "To", "Caller", "Called", "CallStatus", "Direction")
        assert tuple(asked[name] for name in names) == person
    assert (first["AnsweredBy"], chosen["Digits"]) == ("human", "1")
    assert (dialled["DialCallStatus"], dialled["DialBridged"]) == ("completed", "true")
    assert int(dialled["DialCallDuration"]) >= 25
    assert outcome["Digits"] in "12345"
    ended = sdk.calls(str(placed.sid)).fetch()
    assert (ended.status, ended.answered_by) == ("completed", "human")
    assert int(ended.duration) > int(dialled["DialCallDuration"])
    leg, office = carrier.legs(str(placed.sid))
    check_call(carrier.call(leg["sid"]))
    check_call(carrier.call(office["sid"]))
    assert [call.sid for call in sdk.calls.list(parent_call_sid=str(placed.sid))] == [office["sid"]]
    assert (leg["persona"], leg["documents"], leg["errors"]) == ("presses_1", 4, [])
    assert leg["digits_pressed"] == f"1{outcome['Digits']}"
    assert leg["said"][0] == {"sha256": hashlib.sha256(MENU.encode()).hexdigest(), "language": "en-US"}
    assert [words["language"] for words in leg["said"]][-2:] == ["en-US", "en-US"]
    assert (office["parent_sid"], office["sid"]) == (placed.sid, dialled["DialCallSid"])
    assert (office["direction"], office["from"], office["to"]) == ("outbound-dial", OURS, OFFICE)
    assert (office["persona"], office["send_digits"], office["status"]) == ("voicemail", "ww12", "completed")
    assert leg["began_at"] <= leg["answered_at"] <= office["began_at"] <= office["ended_at"] <= leg["ended_at"]


def test_status_callbacks_tell_each_leg_in_numbers(carrier: Rehearsal, app: Application) -> None:
    pin(carrier, person="presses_1", office="answers")
    leg, office = play(carrier, app, StatusCallback=f"{app.url}/status/7", StatusCallbackEvent=EVENTS)
    for path, expected in (("/status/7", leg), ("/office", office)):
        told = sorted((call.form for call in app.calls_to(path)), key=lambda form: int(form["SequenceNumber"]))
        assert [form["SequenceNumber"] for form in told] == ["0", "1", "2", "3"]
        assert [form["CallStatus"] for form in told] == ["initiated", "ringing", "in-progress", "completed"]
        assert {form["CallSid"] for form in told} == {expected["sid"]}
        assert {form["CallbackSource"] for form in told} == {"call-progress-events"}
        assert {form.get("ParentCallSid") for form in told} == {expected["parent_sid"]}
        assert told[-1]["CallDuration"] == str(expected["duration"])
        assert "CallDuration" not in told[0]
        assert datetime.strptime(told[0]["Timestamp"], "%a, %d %b %Y %H:%M:%S %z") <= datetime.now(UTC)
        assert expected["callbacks"] == [{"event": event, "acknowledged": True} for event in EVENTS]


@pytest.mark.parametrize(
    ("person", "status"), [("busy", "busy"), ("no_answer", "no-answer"), ("unreachable", "failed")]
)
def test_people_who_cannot_be_reached(carrier: Rehearsal, app: Application, person: str, status: str) -> None:
    pin(carrier, person=person)
    (leg,) = play(carrier, app, StatusCallback=f"{app.url}/status/7", Timeout="20")
    call = carrier.call(leg["sid"])
    check_call(call)
    assert (call["status"], call["duration"], leg["answered_at"], leg["documents"]) == (status, None, None, 0)
    (told,) = app.calls_to("/status/7")
    assert (told.form["CallStatus"], told.form["CallDuration"]) == (status, "0")
    assert app.calls_to("/menu") == []


@pytest.mark.parametrize(
    ("person", "chosen", "dials"),
    [
        ("presses_1", ["1"], 1),
        ("repeats_then_1", ["0", "1"], 1),
        ("opts_out_by_key", ["9"], 0),
        ("spanish_key", ["2", "1"], 1),
        ("wrong_key", ["7", "1"], 1),
        ("silent", [""], 0),
        ("machine", [""], 0),
        ("hangs_up_early", [], 0),
        ("leaves_by_star", ["1"], 1),
    ],
)
def test_people_press_what_their_persona_says(
    carrier: Rehearsal, app: Application, person: str, chosen: list[str], dials: int
) -> None:
    pin(carrier, person=person, office="answers")
    leg, *offices = play(carrier, app)
    assert [call.form["Digits"] for call in app.calls_to("/chosen")] == chosen
    assert (len(offices), leg["status"], leg["persona"]) == (dials, "completed", person)
    if person == "leaves_by_star":
        assert leg["digits_pressed"][:2] == "1*"
    assert len(app.calls_to("/outcome")) == dials


@pytest.mark.parametrize(
    ("office", "status"),
    [
        ("answers", "completed"),
        ("voicemail", "completed"),
        ("mailbox_full", "completed"),
        ("busy", "busy"),
        ("no_answer", "no-answer"),
        ("closed", "completed"),
        ("hangs_up", "completed"),
    ],
)
def test_offices_do_what_their_persona_says(carrier: Rehearsal, app: Application, office: str, status: str) -> None:
    pin(carrier, person="presses_1", office=office)
    leg, dialled = play(carrier, app)
    (asked,) = app.calls_to("/dialled")
    assert (asked.form["DialCallStatus"], dialled["status"], dialled["persona"]) == (status, status, office)
    assert ("DialCallDuration" in asked.form) is (status == "completed")
    assert dialled["send_digits"] == ("ww12" if status == "completed" else "")
    assert leg["digits_pressed"][0] == "1"
    assert leg["digits_pressed"][1:] in list("12345")


@pytest.mark.parametrize(("wanted", "person", "found"), [
    ("Enable", "machine", "machine_start"),
    ("DetectMessageEnd", "machine", "machine_end_beep"),
    ("DetectMessageEnd", "silent", "human"),
    (None, "machine", None),
])  # fmt: skip
def test_machines_are_found_out_where_that_is_asked_for(
    carrier: Rehearsal, app: Application, wanted: str | None, person: str, found: str | None
) -> None:
    pin(carrier, person=person)
    (leg,) = play(carrier, app, **({"MachineDetection": wanted} if wanted else {}))
    assert app.calls_to("/menu")[0].form.get("AnsweredBy") == found
    assert carrier.call(leg["sid"])["answered_by"] == found


def test_who_is_left_to_default_shows_the_office_the_persons_number(
    carrier: Rehearsal, app: Application, script: Script
) -> None:
    script.serve("/menu", f"<Response><Dial>{OFFICE}</Dial></Response>")
    _, office = play(carrier, app)
    assert office["from"] == PERSON


def test_documents_by_get_carry_their_parameters_in_the_signed_url(
    carrier: Rehearsal, app: Application, script: Script
) -> None:
    sid = carrier.place(PERSON, f"{app.url}/menu?step=1", Method="GET", StatusCallback=f"{app.url}/status/7",
                        StatusCallbackMethod="GET").json()["sid"]  # fmt: skip
    carrier.settle()
    asked, told = (call for call in app.calls if call.path.startswith(("/menu?", "/status/7?")))
    for call in (asked, told):
        assert RequestValidator(TOKEN).validate(call.url, {}, call.headers["X-Twilio-Signature"])
        assert parse_qs(urlsplit(call.path).query)["CallSid"] == [sid]
    assert asked.path.startswith("/menu?step=1&")


def test_who_is_asked_again_and_again_hangs_up(carrier: Rehearsal, app: Application, script: Script) -> None:
    pin(carrier, person="presses_1")
    script.serve("/chosen", menu())
    (leg,) = play(carrier, app)
    assert (leg["status"], leg["digits_pressed"]) == ("completed", "1" * PATIENCE)


def test_phones_call_us(carrier: Rehearsal, app: Application) -> None:
    pin(carrier, person="presses_1", office="closed")
    sid = carrier.by_hand(PERSON, "call").json()["sid"]
    carrier.settle()
    first = app.calls_to("/twilio/voice")[0]
    assert_signed(first)
    assert (first.form["Direction"], first.form["CallStatus"]) == ("inbound", "ringing")
    assert (first.form["From"], first.form["To"], first.form["CallSid"]) == (PERSON, OURS, sid)
    leg, office = carrier.legs(sid)
    check_call(carrier.call(sid))
    assert (leg["direction"], leg["status"], leg["digits_pressed"][0]) == ("inbound", "completed", "1")
    assert (office["persona"], office["to"]) == ("closed", OFFICE)
