"""Phones in hand: answered, pressed and hung up one by one, and calling us."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.twilio_call import check_call
from tests.integration.rehearsal_calls.script import (
    HOW_WAS_IT,
    MENU,
    OFFICE,
    PERSON,
    Script,
    assert_signed,
    pin,
    until,
)
from tests.integration.test_rehearsal_process import OURS, Application, Rehearsal


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


def test_hanging_up_during_the_office_leg_is_told_to_the_action(carrier: Rehearsal, app: Application) -> None:
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
    assert [leg["status"] for leg in carrier.legs(sid)] == ["completed", "canceled"]
    assert app.calls_to("/outcome") == []


def test_phones_call_us_by_persona_and_by_hand(carrier: Rehearsal, app: Application) -> None:
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
