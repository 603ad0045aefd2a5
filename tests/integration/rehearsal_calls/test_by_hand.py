"""Calls led by hand: phones answered, pressed and hung up, calls to us, and live calls changed by REST."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.fixtures import twilio_call
from tests.fixtures.twilio_call import check_call
from tests.fixtures.twilio_message import check_error, hold
from tests.integration.rehearsal_calls.script import (
    HOW_WAS_IT,
    MENU,
    OFFICE,
    PERSON,
    Script,
    dialling,
    pin,
    saying,
    until,
)
from tests.integration.test_rehearsal_process import OURS, Application, Rehearsal


@pytest.fixture
def exchange(slow: Rehearsal) -> Rehearsal:
    return slow


@pytest.fixture(autouse=True)
def unhurried(script: Script) -> None:
    script.patience = {"patience": 600}


def test_a_phone_by_hand_is_answered_listened_to_pressed_and_hung_up(
    carrier: Rehearsal, app: Application, script: Script
) -> None:
    pin(carrier, person="by_hand", office="by_hand")
    assert carrier.phone(PERSON)["call"] is None
    assert carrier.by_hand(PERSON, "answer").status_code == 409
    sid = carrier.place(PERSON, f"{app.url}/menu", Timeout="600", Twiml="").json()["sid"]
    assert carrier.idle()["idle"] is False
    until(carrier, PERSON, lambda call: call and call["state"] == "ringing")
    assert carrier.by_hand(PERSON, "press", digits="1").status_code == 409
    assert carrier.by_hand(PERSON, "answer").status_code == 200
    call = until(carrier, PERSON, lambda call: call and call["waits_for_keys"])
    assert (call["sid"], call["direction"], call["state"]) == (sid, "outbound-api", "in-progress")
    assert call["said"][0] == {"words": MENU, "language": "en-US"}
    assert carrier.by_hand(PERSON, "press", digits="x").status_code == 400
    assert carrier.by_hand(PERSON, "press", digits="1").json()["call"]["waits_for_keys"] is False
    office = until(carrier, OFFICE, lambda call: call and call["state"] == "ringing")
    assert (office["direction"], office["other"], office["said"]) == ("outbound-dial", OURS, [])
    assert carrier.by_hand(OFFICE, "answer").status_code == 200
    assert carrier.by_hand(OFFICE, "press", digits="1").status_code == 409
    assert carrier.by_hand(OFFICE, "hangup").json() == {"call": None}
    until(carrier, PERSON, lambda call: call and call["said"][-1]["words"] == HOW_WAS_IT)
    assert carrier.by_hand(PERSON, "hangup").json() == {"call": None}
    assert carrier.settle()["calls"] == 0
    leg, dialled = carrier.legs(sid)
    assert (leg["status"], dialled["status"], leg["digits_pressed"]) == ("completed", "completed", "1")
    assert carrier.by_hand(PERSON, "hangup").status_code == 409


def test_hanging_up_during_the_office_leg_is_told_to_the_action(
    carrier: Rehearsal, app: Application, script: Script
) -> None:
    script.pages["/dialled"] = lambda call: (500, "text/plain", "ouch")
    pin(carrier, person="by_hand", office="by_hand")
    sid = carrier.place(PERSON, f"{app.url}/menu", Timeout="600").json()["sid"]
    until(carrier, PERSON, lambda call: call and call["state"] == "ringing")
    carrier.by_hand(PERSON, "answer")
    until(carrier, PERSON, lambda call: call and call["waits_for_keys"])
    carrier.by_hand(PERSON, "press", digits="1")
    until(carrier, OFFICE, lambda call: call and call["state"] == "ringing")
    carrier.by_hand(PERSON, "hangup")
    carrier.settle()
    (asked,) = app.calls_to("/dialled")
    assert (asked.form["DialCallStatus"], asked.form["CallStatus"]) == ("canceled", "completed")
    leg, office = carrier.legs(sid)
    assert (leg["status"], office["status"]) == ("completed", "canceled")
    assert [error["code"] for error in leg["errors"]] == [11200], "nobody hears it, but it went wrong"
    assert app.calls_to("/outcome") == []


def test_phones_call_us_by_hand(carrier: Rehearsal, app: Application) -> None:
    pin(carrier, person="by_hand")
    carrier.by_hand(PERSON, "call")
    assert carrier.by_hand(PERSON, "call").status_code == 409
    until(carrier, PERSON, lambda call: call and call["waits_for_keys"])
    carrier.by_hand(PERSON, "press", digits="9")
    carrier.settle()
    assert app.calls_to("/chosen")[-1].form["Digits"] == "9"
    assert carrier.by_hand(OURS, "call").status_code == 400


def test_a_call_to_us_can_be_rejected(carrier: Rehearsal, script: Script) -> None:
    script.serve("/twilio/voice", '<Response><Reject reason="busy"/></Response>')
    sid = carrier.by_hand(PERSON, "call").json()["sid"]
    carrier.settle()
    assert (carrier.call(sid)["status"], carrier.legs(sid)[0]["answered_at"]) == ("busy", None)


@pytest.mark.parametrize(
    "given",
    [
        {"calls": []},
        {"calls": {"dogs": {}}},
        {"calls": {"people": {"weights": {"voicemail": 1}}}},
        {"calls": {"people": {"weights": {"silent": -1}}}},
        {"calls": {"offices": {"numbers": {"602": "busy"}}}},
        {"calls": {"people": {"numbers": {PERSON: "answers"}}}},
        {"calls": {"people": {"numbers": {PERSON: ["busy"]}}}},
        {"calls": {"people": {"pins": {}}}},
    ],
)
def test_personas_that_make_no_sense_change_nothing(carrier: Rehearsal, given: dict[str, Any]) -> None:
    before = carrier.http.get(f"{carrier.base}/_rehearsal/personas", timeout=10).json()
    changed = {"weights": {"stop": 1}, "calls": {"offices": {"weights": {"busy": 1}}, **dict(given["calls"] or {})}}
    answer = carrier.http.put(
        f"{carrier.base}/_rehearsal/personas", json=changed if given["calls"] else given, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert carrier.http.get(f"{carrier.base}/_rehearsal/personas", timeout=10).json() == before


def test_a_live_call_is_changed_by_rest(carrier: Rehearsal, app: Application, script: Script, sdk: Client) -> None:
    pin(carrier, person="by_hand")
    script.serve("/else", saying("Elsewhere."))
    if (openapi := twilio_call.openapi_schemas()) is not None:
        hold({"Url": f"{app.url}/else", "Method": "POST"}, openapi["update"])
    canceled = sdk.calls.create(to=PERSON, from_=OURS, url=f"{app.url}/menu", timeout=600)
    with pytest.raises(TwilioRestException) as caught:
        sdk.calls(str(canceled.sid)).update(url=f"{app.url}/else")
    assert caught.value.code == 21220, "it is not in progress yet"
    assert sdk.calls(str(canceled.sid)).update(status="canceled").status == "canceled"
    assert carrier.phone(PERSON)["call"] is None
    moved = sdk.calls.create(to=PERSON, from_=OURS, url=f"{app.url}/menu", timeout=600)
    until(carrier, PERSON, lambda call: call and call["state"] == "ringing")
    carrier.by_hand(PERSON, "answer")
    until(carrier, PERSON, lambda call: call and call["waits_for_keys"])
    assert sdk.calls(str(moved.sid)).update(status="canceled").status == "in-progress", "too late for that"
    sdk.calls(str(moved.sid)).update(twiml='<Response><Say loop="0">Hold on.</Say></Response>')
    until(carrier, PERSON, lambda call: call and call["said"][-1]["words"] == "Hold on.")
    sdk.calls(str(moved.sid)).update(url=f"{app.url}/else")
    carrier.settle()
    assert app.calls_to("/else")[0].form["CallSid"] == moved.sid
    assert carrier.legs(str(moved.sid))[0]["documents"] == 2
    for change in ({"Status": "completed"}, {"Url": f"{app.url}/else"}):
        answer = carrier.http.post(f"{carrier.calls}/{moved.sid}.json", data=change, timeout=10)
        check_error(answer.json())
        assert (answer.status_code, answer.json()["code"]) == (400, 21220)


def test_rest_ends_a_call_and_an_office_leg(carrier: Rehearsal, app: Application, script: Script) -> None:
    pin(carrier, office="by_hand")
    script.serve("/menu", dialling(600))
    script.serve("/dialled", '<Response><Say loop="0">Hold on.</Say></Response>')
    sid = carrier.place(PERSON, f"{app.url}/menu").json()["sid"]
    until(carrier, OFFICE, lambda call: call and call["state"] == "ringing")
    _, office = carrier.legs(sid)
    refused = carrier.http.post(f"{carrier.calls}/{office['sid']}.json", data={"Url": f"{app.url}/x"}, timeout=10)
    assert refused.json()["code"] == 20001
    carrier.http.post(f"{carrier.calls}/{office['sid']}.json", data={"Status": "completed"}, timeout=10)
    until(carrier, PERSON, lambda call: call and call["said"])
    ended = carrier.http.post(f"{carrier.calls}/{sid}.json", data={"Status": "completed"}, timeout=10)
    check_call(ended.json())
    assert ended.json()["status"] == "completed"
    assert [leg["status"] for leg in carrier.legs(sid)] == ["completed", "canceled"]
    carrier.settle()
