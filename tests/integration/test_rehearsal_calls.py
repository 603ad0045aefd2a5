"""Calls over HTTP: placed with the real SDK, played by personas and by hand, against a listener that serves TwiML."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from tests.fixtures import twilio_call
from tests.fixtures.twilio_call import check_call, check_call_create, check_call_list
from tests.fixtures.twilio_message import check_error
from tests.integration.test_rehearsal_api import Loopback
from tests.integration.test_rehearsal_process import (
    ACCOUNT_SID,
    OURS,
    TOKEN,
    Answer,
    Application,
    Call,
    Rehearsal,
    application,
    running,
)

PERSON = "+16025550110"
OFFICE = "+16025550190"
SPEED = 300
EVENTS = ["initiated", "ringing", "answered", "completed"]
MENU = "Press 1 to be connected to the office."
HOW_WAS_IT = "How was it? Press 1 to 5."


def menu() -> VoiceResponse:
    response = VoiceResponse()
    gather = Gather(input="dtmf", num_digits=1, timeout=5, action="/chosen", action_on_empty_result=True)
    gather.say(MENU, language="en-US")
    gather.say("Para español, oprima 2.", language="es-MX")
    response.append(gather)
    return response


def dialling(**more: Any) -> VoiceResponse:
    response = VoiceResponse()
    dial = Dial(caller_id=OURS, timeout=25, time_limit=900, action="/dialled", hangup_on_star=True, **more)
    dial.number(OFFICE, send_digits="ww12", status_callback="/office", status_callback_event=" ".join(EVENTS))
    response.append(dial)
    return response


def asking() -> VoiceResponse:
    response = VoiceResponse()
    gather = Gather(num_digits=1, action="/outcome")
    gather.say(HOW_WAS_IT)
    response.append(gather)
    return response


def saying(words: str) -> VoiceResponse:
    response = VoiceResponse()
    response.say(words)
    return response


class Script:
    """An application that patches calls through; single paths can be served otherwise."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.pages: dict[str, Callable[[Call], Answer | None]] = {}

    def __call__(self, call: Call) -> Answer | None:
        path = urlsplit(call.path).path
        if path in self.pages:
            return self.pages[path](call)
        documents: dict[str, Callable[[], VoiceResponse]] = {
            "/twilio/voice": menu,
            "/menu": menu,
            "/chosen": lambda: self.chosen(call.form["Digits"]),
            "/dialled": asking,
            "/outcome": lambda: saying("Thank you."),
        }
        return (200, "text/xml", str(documents[path]())) if path in documents else (204, "text/plain", "")

    def serve(self, path: str, document: VoiceResponse | str) -> None:
        self.pages[path] = lambda call: (200, "text/xml", str(document))

    def chosen(self, digits: str) -> VoiceResponse:
        match digits:
            case "":
                return VoiceResponse()
            case "1":
                return dialling()
            case "9":
                return saying("Goodbye.")
            case _:
                return menu()


@pytest.fixture(scope="module")
def app() -> Iterator[Application]:
    with application() as listening:
        yield listening


@pytest.fixture(scope="module")
def fast(app: Application) -> Iterator[Rehearsal]:
    real = time.time()
    with running(app.url, REHEARSAL_CLOCK=f"{real}/{real}/{SPEED}") as carrier:
        yield carrier


@pytest.fixture
def script(app: Application) -> Script:
    app.calls.clear()
    playing = Script(app)
    app.answer = playing
    return playing


@pytest.fixture
def carrier(fast: Rehearsal, script: Script) -> Rehearsal:
    fast.put("personas", {"calls": {"people": {"weights": {"silent": 1}}, "offices": {"weights": {"answers": 1}}}})
    pin(fast, person="silent", office="answers")
    return fast


@pytest.fixture
def sdk(carrier: Rehearsal) -> Iterator[Client]:
    http = Loopback(carrier.base)
    yield Client(ACCOUNT_SID, TOKEN, http_client=http)
    http.session.close()


def pin(carrier: Rehearsal, person: str | None = None, office: str | None = None) -> None:
    """Give the person or the office a persona."""
    people = {PERSON: person} if person else {}
    offices = {OFFICE: office} if office else {}
    carrier.put("personas", {"calls": {"people": {"numbers": people}, "offices": {"numbers": offices}}})


def play(carrier: Rehearsal, app: Application, **more: str | list[str]) -> list[dict[str, Any]]:
    """Call the person, let everything happen, and return the legs."""
    answer = carrier.place(PERSON, f"{app.url}/menu", **more)
    assert answer.status_code == 201, answer.text
    check_call(answer.json())
    carrier.settle()
    return carrier.legs(answer.json()["sid"])


def until(carrier: Rehearsal, number: str, what: Callable[[Mapping[str, Any] | None], object]) -> Any:
    """The call at a phone, as soon as it is as wanted."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        call = carrier.phone(number)["call"]
        if what(call):
            return call
    raise AssertionError(f"the call at {number} is {call}")


def assert_signed(call: Call) -> None:
    assert RequestValidator(TOKEN).validate(call.url, call.form, call.headers["X-Twilio-Signature"])


def test_a_patch_through_from_the_first_ring_to_the_outcome(carrier: Rehearsal, app: Application, sdk: Client) -> None:
    pin(carrier, person="presses_1", office="voicemail")
    form = [("To", PERSON), ("From", OURS), ("Url", f"{app.url}/menu"), ("Timeout", "40"), ("TimeLimit", "1200"),
            ("MachineDetection", "Enable"), *(("StatusCallbackEvent", event) for event in EVENTS)]  # fmt: skip
    check_call_create(form)
    placed = sdk.calls.create(
        to=PERSON,
        from_=OURS,
        url=f"{app.url}/menu",
        timeout=40,
        time_limit=1200,
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
    assert 25 <= int(dialled["DialCallDuration"]) <= 45
    assert outcome["Digits"] in "12345"
    ended = sdk.calls(str(placed.sid)).fetch()
    assert (ended.status, ended.answered_by) == ("completed", "human")
    assert int(ended.duration) > int(dialled["DialCallDuration"])
    leg, office = carrier.legs(str(placed.sid))
    check_call(carrier.call(leg["sid"]))
    check_call(carrier.call(office["sid"]))
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


def test_without_events_only_the_end_is_told_and_a_refusal_is_no_acknowledgement(
    carrier: Rehearsal, app: Application, script: Script
) -> None:
    script.pages["/status/7"] = lambda call: (403, "text/plain", "no")
    leg, *_ = play(carrier, app, StatusCallback=f"{app.url}/status/7")
    assert leg["callbacks"] == [{"event": "completed", "acknowledged": False}]
    assert len(app.calls_to("/status/7")) == 1, "what was answered is not repeated"


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
        assert int(app.calls_to("/dialled")[0].form["DialCallDuration"]) <= 10
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


@pytest.mark.parametrize(
    ("served", "code"),
    [
        ((500, "text/xml", "<Response/>"), 11200),
        ((404, "text/html", "gone"), 11200),
        ((302, "text/html", ""), 11200),
        ((204, "text/xml", ""), 11200),
        ((200, "text/xml", ""), 12100),
        ((200, "text/xml", "<Response><Say>Hi</Say>"), 12100),
        ((200, "text/xml", "<Response><Sing/></Response>"), 12200),
        ((200, "text/xml", "<Response><Gather numDigits='x'/></Response>"), 12200),
        ((200, "text/xml", "<Response><Dial callerId='+15205550199'>+16025550190</Dial></Response>"), 13214),
        ((200, "text/xml", "<Response><Redirect>mailto:a@example.org</Redirect></Response>"), 11100),
        ((200, "application/json", "{}"), 12300),
        (None, 11205),
    ],
)
def test_a_document_that_cannot_be_played_ends_the_call_and_stands_in_the_ledger(
    carrier: Rehearsal, app: Application, script: Script, served: Answer | None, code: int
) -> None:
    script.pages["/menu"] = lambda call: served
    (leg,) = play(carrier, app)
    assert [error["code"] for error in leg["errors"]] == [code]
    assert leg["errors"][0]["message"]
    words = "We are sorry, an application error has occurred. Goodbye."
    assert leg["said"] == [{"sha256": hashlib.sha256(words.encode()).hexdigest(), "language": "en-US"}]
    assert (leg["status"], leg["persona"]) == ("completed", "silent")
    assert len(app.calls_to("/menu")) == 1


def test_a_host_without_an_address(carrier: Rehearsal, app: Application) -> None:
    sid = carrier.place(PERSON, "http://nowhere.invalid/menu").json()["sid"]
    carrier.settle()
    assert [error["code"] for error in carrier.legs(sid)[0]["errors"]] == [11210]


def test_a_number_that_nobody_has_cannot_be_dialled(carrier: Rehearsal, app: Application, script: Script) -> None:
    script.serve("/menu", '<Response><Dial action="/dialled">+15555550100</Dial></Response>')
    leg, office = play(carrier, app)
    assert app.calls_to("/dialled")[0].form["DialCallStatus"] == "failed"
    assert ([error["code"] for error in leg["errors"]], office["status"]) == ([13224], "failed")


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


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "6025550110"}, 21211),
        ({"To": "+15555550100"}, 21211),
        ({"To": "+442079460123"}, 21215),
        ({"To": OURS}, 21214),
        ({"From": ""}, 21213),
        ({"From": "us"}, 21212),
        ({"From": "+14805550155"}, 21210),
        ({"Url": ""}, 21205),
        ({"Url": "ftp://example.org/menu"}, 21205),
        ({"Method": "PUT"}, 21209),
        ({"Timeout": "0"}, 21208),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"StatusCallback": "https://example.org/s", "StatusCallbackEvent": "done"}, 21626),
        ({"MachineDetection": "Guess"}, 20001),
        ({"Url": "", "Twiml": "<Response/>" * 400}, 20001),
    ],
)
def test_what_cannot_be_placed_is_refused_in_twilios_shape(
    carrier: Rehearsal, app: Application, changes: dict[str, str], code: int
) -> None:
    before = len(carrier.http.get(f"{carrier.base}/_rehearsal/calls", timeout=10).text.splitlines())
    answer = carrier.place(**{"to": PERSON, "url": f"{app.url}/menu", **changes})
    check_error(answer.json())
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert len(carrier.http.get(f"{carrier.base}/_rehearsal/calls", timeout=10).text.splitlines()) == before


def test_strangers_and_unknown_calls(carrier: Rehearsal, sdk: Client) -> None:
    unknown = carrier.http.get(f"{carrier.calls}/CA{'9' * 32}.json", timeout=10)
    wrong = carrier.http.get(f"{carrier.calls}.json", auth=(ACCOUNT_SID, "guess"), timeout=10)
    for answer, status, code in ((unknown, 404, 20404), (wrong, 401, 20003)):
        check_error(answer.json())
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    with pytest.raises(TwilioRestException) as caught:
        sdk.calls.create(to="+15555550100", from_=OURS, url="https://example.org/menu")
    assert (caught.value.code, caught.value.status) == (21211, 400)


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


def test_a_live_call_is_changed_by_rest(carrier: Rehearsal, app: Application, script: Script, sdk: Client) -> None:
    pin(carrier, person="by_hand")
    script.serve("/else", saying("Elsewhere."))
    if (openapi := twilio_call.openapi_schemas()) is not None:
        jsonschema.validate({"Url": f"{app.url}/else", "Method": "POST"}, openapi["update"])
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
    script.serve("/menu", dialling())
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


def test_twiml_may_come_with_the_call(carrier: Rehearsal, sdk: Client, app: Application) -> None:
    placed = sdk.calls.create(to=PERSON, from_=OURS, twiml="<Response><Say>Hi there</Say></Response>")
    broken = sdk.calls.create(to=PERSON, from_=OURS, twiml="<Response><Sing/></Response>")
    relative = sdk.calls.create(to=PERSON, from_=OURS, twiml="<Response><Redirect>/else</Redirect></Response>")
    carrier.settle()
    (leg,) = carrier.legs(str(placed.sid))
    assert leg["said"][0]["sha256"] == hashlib.sha256(b"Hi there").hexdigest()
    assert (leg["documents"], leg["errors"], app.calls) == (0, [], [])
    for sid, code in ((broken.sid, 12200), (relative.sid, 11100)):
        assert [error["code"] for error in carrier.legs(str(sid))[0]["errors"]] == [code]


def test_calls_are_listed_filtered_and_paged(carrier: Rehearsal, sdk: Client, app: Application) -> None:
    to, other = "+19285550131", "+19285550132"
    carrier.put("personas", {"calls": {"people": {"numbers": {other: "busy"}}}})
    made = [sdk.calls.create(to=to, from_=OURS, twiml="<Response/>").sid for _ in range(5)]
    busy = sdk.calls.create(to=other, from_=OURS, twiml="<Response/>").sid
    carrier.settle()
    page = carrier.http.get(f"{carrier.calls}.json", params={"To": to, "PageSize": "2"}, timeout=10).json()
    check_call_list(page)
    assert [call["sid"] for call in page["calls"]] == made[:2:-1]
    assert [call.sid for call in sdk.calls.list(to=to, page_size=2)] == made[::-1]
    assert [call.sid for call in sdk.calls.list(to=other, status="busy")] == [busy]
    assert sdk.calls.list(to=to, status="busy") == []
    assert sdk.calls.list(to=to, from_="+14805550155") == []
    hour = timedelta(hours=1)
    assert len(sdk.calls.list(to=to, start_time_after=datetime.now(UTC) - hour)) == 5
    assert sdk.calls.list(to=to, start_time_before=datetime.now(UTC) - 48 * hour) == []
    refused = carrier.http.get(f"{carrier.calls}.json", params={"Status": "initiated"}, timeout=10)
    assert refused.json()["code"] == 20001


@pytest.mark.parametrize("fault", ["throttled", "error_before"])
def test_creates_that_fail_before_leave_no_call(carrier: Rehearsal, app: Application, fault: str) -> None:
    carrier.put("faults", {"next": [fault]})
    answer = carrier.place(PERSON, f"{app.url}/menu")
    check_error(answer.json())
    assert answer.json()["code"] == (20429 if fault == "throttled" else 20500)
    carrier.settle()
    assert app.calls == []


@pytest.mark.parametrize("fault", ["error_after", "lost_answer"])
def test_creates_whose_answer_says_nothing_ring_all_the_same(carrier: Rehearsal, app: Application, fault: str) -> None:
    number = "+17025550141" if fault == "lost_answer" else "+17025550142"
    carrier.put("faults", {"next": [fault]})
    try:
        assert carrier.place(number, f"{app.url}/menu").status_code == 500
    except OSError:
        assert fault == "lost_answer"
    carrier.settle()
    (call,) = carrier.http.get(f"{carrier.calls}.json", params={"To": number}, timeout=10).json()["calls"]
    assert call["status"] == "completed"
    assert carrier.legs(call["sid"])[0]["acknowledged"] is False
    assert len(app.calls_to("/menu")) == 1


def test_callbacks_are_early_doubled_late_or_out_of_order(carrier: Rehearsal, app: Application) -> None:
    wanted: dict[str, str | list[str]] = {"StatusCallback": f"{app.url}/status/7", "StatusCallbackEvent": EVENTS}

    def numbers(fault: str) -> list[str]:
        app.calls.clear()
        carrier.put("faults", {"next": [fault], "late_after": [0.3, 0.3]})
        answer = carrier.place(PERSON, f"{app.url}/menu", **wanted)
        if fault == "early":
            assert [call.form["CallStatus"] for call in app.calls_to("/status/7")][:1] == ["initiated"]
            assert answer.json()["status"] == "queued"
        carrier.settle()
        return [call.form["SequenceNumber"] for call in app.calls_to("/status/7")]

    assert sorted(numbers("early")) == ["0", "1", "2", "3"]
    assert sorted(numbers("doubled")) == sorted("00112233")
    assert sorted(numbers("late")) == ["0", "1", "2", "3"]
    reordered = numbers("reordered")
    assert sorted(reordered) == ["0", "1", "2", "3"] != reordered


@pytest.mark.parametrize(
    "given",
    [
        {"calls": []},
        {"calls": {"dogs": {}}},
        {"calls": {"people": {"weights": {"voicemail": 1}}}},
        {"calls": {"people": {"weights": {"silent": -1}}}},
        {"calls": {"offices": {"numbers": {"602": "busy"}}}},
        {"calls": {"people": {"numbers": {PERSON: "answers"}}}},
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


def test_our_schema_is_twilios_where_that_is_at_hand() -> None:
    openapi = twilio_call.openapi_schemas()
    if openapi is None:
        pytest.skip("Twilio's OpenAPI description is not at hand")
    assert sorted(openapi["call"]["properties"]) == twilio_call.CALL["required"]
    assert sorted(openapi["list"]["properties"]) == twilio_call.CALL_LIST["required"]
    assert sorted(openapi["call"]["properties"]["status"]["enum"]) == sorted(twilio_call.STATUSES)
    assert twilio_call.CREATE_FIELDS.keys() <= openapi["create"]["properties"].keys()
