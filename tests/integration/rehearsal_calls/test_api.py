"""The REST API of calls, with the real SDK; every answer is held against the schemas."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.fixtures import twilio_call
from tests.fixtures.twilio_call import check_call_list
from tests.fixtures.twilio_message import check_error
from tests.integration.rehearsal_calls.script import (
    PERSON,
)
from tests.integration.test_rehearsal_process import ACCOUNT_SID, OURS, Application, Rehearsal


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
    for given in ({"Status": "initiated"}, {"EndTime>": "2026-01-01"}, {"StartTime": "noon"}):
        refused = carrier.http.get(f"{carrier.calls}.json", params=given, timeout=10)
        assert refused.json()["code"] == 20001


def test_our_schema_is_twilios_where_that_is_at_hand() -> None:
    openapi = twilio_call.openapi_schemas()
    if openapi is None:
        pytest.skip("Twilio's OpenAPI description is not at hand")
    assert sorted(openapi["call"]["properties"]) == twilio_call.CALL["required"]
    assert sorted(openapi["list"]["properties"]) == twilio_call.CALL_LIST["required"]
    assert sorted(openapi["call"]["properties"]["status"]["enum"]) == sorted(twilio_call.STATUSES)
    assert twilio_call.CREATE_FIELDS.keys() <= openapi["create"]["properties"].keys()
