"""What goes wrong: documents that cannot be played, answers that get lost, callbacks out of order."""

from __future__ import annotations

import hashlib

import pytest

from tests.fixtures.twilio_message import check_error
from tests.integration.rehearsal_calls.script import (
    EVENTS,
    PERSON,
    Script,
    play,
)
from tests.integration.test_rehearsal_process import Answer, Application, Rehearsal


def test_without_events_only_the_end_is_told_and_a_refusal_is_no_acknowledgement(
    carrier: Rehearsal, app: Application, script: Script
) -> None:
    script.pages["/status/7"] = lambda call: (403, "text/plain", "no")
    leg, *_ = play(carrier, app, StatusCallback=f"{app.url}/status/7")
    assert leg["callbacks"] == [{"event": "completed", "acknowledged": False}]
    assert len(app.calls_to("/status/7")) == 1, "what was answered is not repeated"


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
