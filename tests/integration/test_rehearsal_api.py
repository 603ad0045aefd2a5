"""The REST API over HTTP, with plain requests and with the real SDK; every answer is held against the schemas."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from tests.fixtures import twilio_message
from tests.fixtures.twilio_message import check_create, check_error, check_list, check_message
from tests.integration.test_rehearsal_process import (
    ACCOUNT_SID,
    OURS,
    SERVICE_SID,
    TOKEN,
    Application,
    Rehearsal,
    application,
    running,
)

TO = "+16025550110"


class Loopback(TwilioHttpClient):  # type: ignore[misc]  # the SDK ships no types
    """The SDK's own client with another base URL."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=10)
        self.base = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return super().request(method, url.replace("https://api.twilio.com", self.base), *args, **kwargs)


@pytest.fixture(scope="module")
def app() -> Iterator[Application]:
    with application() as listening:
        yield listening


@pytest.fixture(scope="module")
def carrier(app: Application) -> Iterator[Rehearsal]:
    with running(app.url) as running_carrier:
        yield running_carrier


@pytest.fixture
def sdk(carrier: Rehearsal) -> Iterator[Client]:
    http = Loopback(carrier.base)
    yield Client(ACCOUNT_SID, TOKEN, http_client=http)
    http.session.close()


def test_a_create_through_the_service_answers_accepted_and_ends_delivered(carrier: Rehearsal) -> None:
    check_create({"To": TO, "Body": "Hello", "MessagingServiceSid": SERVICE_SID, "ValidityPeriod": "600"})
    before = datetime.now(UTC).replace(microsecond=0)
    answer = carrier.create(TO, ValidityPeriod="600")
    assert answer.status_code == 201
    message = answer.json()
    check_message(message)
    assert (message["status"], message["from"], message["num_segments"]) == ("accepted", None, "0")
    assert (message["direction"], message["messaging_service_sid"]) == ("outbound-api", SERVICE_SID)
    assert before <= parsedate_to_datetime(message["date_created"]) <= datetime.now(UTC)
    carrier.settle()
    ended = carrier.fetch(message["sid"])
    check_message(ended)
    assert (ended["status"], ended["from"], ended["num_segments"]) == ("delivered", OURS, "1")
    assert ended["date_sent"] is not None


def test_a_create_from_our_number_answers_queued(carrier: Rehearsal) -> None:
    form = {"To": TO, "Body": "¡Hola! " * 30, "From": OURS}
    message = carrier.http.post(f"{carrier.messages}.json", data=form, timeout=10).json()
    check_message(message)
    assert (message["status"], message["from"], message["num_segments"]) == ("queued", OURS, "2")
    assert message["messaging_service_sid"] is None


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"To": ""}, 21604, 400),
        ({"Body": ""}, 21602, 400),
        ({"MessagingServiceSid": ""}, 21603, 400),
        ({"To": "+15555550100"}, 21211, 400),
        ({"Body": "x" * 1601}, 21617, 400),
        ({"From": "+14805550155"}, 21606, 400),
        ({"MessagingServiceSid": "MG" + "9" * 32}, 21701, 400),
    ],
)
def test_errors_come_in_twilios_shape_and_stand_in_the_ledger(
    carrier: Rehearsal, changes: dict[str, str], code: int, status: int
) -> None:
    answer = carrier.create(**{"to": TO, **changes})
    assert answer.status_code == status
    check_error(answer.json())
    assert answer.json()["code"] == code
    row = carrier.ledger()[-1]
    assert (row["kind"], row["error_code"], row["acknowledged"], row["sid"]) == ("refused", code, True, None)


def test_wrong_keys_paths_and_methods(carrier: Rehearsal) -> None:
    with requests.Session() as stranger:
        anonymous = stranger.get(f"{carrier.messages}.json", timeout=10)
        wrong = stranger.get(f"{carrier.messages}.json", auth=(ACCOUNT_SID, "guess"), timeout=10)
    other = carrier.http.get(f"{carrier.base}/2010-04-01/Accounts/AC{'9' * 32}/Messages.json", timeout=10)
    for answer in (anonymous, wrong, other):
        check_error(answer.json())
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    unknown = carrier.http.get(f"{carrier.messages}/SM{'9' * 32}.json", timeout=10)
    calls = carrier.http.get(f"{carrier.base}/2010-04-01/Accounts/{ACCOUNT_SID}/Nothing.json", timeout=10)
    for answer in (unknown, calls):
        check_error(answer.json())
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    deleted = carrier.http.delete(f"{carrier.messages}.json", timeout=10)
    check_error(deleted.json())
    assert (deleted.status_code, deleted.json()["code"]) == (405, 20004)


def test_the_sdk_creates_fetches_lists_and_redacts(carrier: Rehearsal, sdk: Client) -> None:
    to = "+15205550120"
    made = [
        sdk.messages.create(to=to, messaging_service_sid=SERVICE_SID, body=f"Text {n}", validity_period=600).sid
        for n in range(5)
    ]
    carrier.settle()
    listed = sdk.messages.list(to=to, page_size=2)
    assert [each.sid for each in listed] == made[::-1]
    assert {each.status for each in listed} == {"delivered"}
    assert [each.sid for each in sdk.messages.list(to=to, limit=3)] == made[:1:-1]
    assert sdk.messages.list(to=to, from_=OURS, date_sent_after=datetime.now(UTC) - timedelta(hours=1), page_size=1)
    assert not sdk.messages.list(to=to, date_sent_before=datetime.now(UTC) - timedelta(days=2))
    fetched = sdk.messages(made[0]).fetch()
    assert (fetched.body, fetched.num_segments, fetched.error_code) == ("Text 0", "1", None)
    assert abs((datetime.now(UTC) - fetched.date_created).total_seconds()) < 60
    assert sdk.messages(made[0]).update(body="").body == ""
    assert sdk.messages(made[0]).fetch().body == ""


def test_the_sdk_raises_with_our_code(sdk: Client) -> None:
    with pytest.raises(TwilioRestException) as caught:
        sdk.messages.create(to="+15555550100", messaging_service_sid=SERVICE_SID, body="Hello")
    assert (caught.value.code, caught.value.status) == (21211, 400)


def test_list_pages_keep_the_schema_and_lead_on(carrier: Rehearsal) -> None:
    to = "+19285550130"
    made = [carrier.create(to, f"Text {n}").json()["sid"] for n in range(5)]
    uri: str | None = f"{carrier.messages}.json?To=%2B19285550130&PageSize=2".removeprefix(carrier.base)
    found = []
    while uri is not None:
        page = carrier.http.get(carrier.base + uri, timeout=10).json()
        check_list(page)
        found += [message["sid"] for message in page["messages"]]
        uri = page["next_page_uri"]
    assert found == made[::-1]
    empty = carrier.http.get(f"{carrier.messages}.json", params={"To": "+19285550139"}, timeout=10).json()
    check_list(empty)
    assert (empty["messages"], empty["next_page_uri"], empty["page_size"]) == ([], None, 50)


def test_inbound_messages_are_listed(carrier: Rehearsal, sdk: Client) -> None:
    sid = carrier.reply("+16025550140", "Hello there")
    (found,) = [each for each in sdk.messages.list(to=OURS, page_size=10) if each.from_ == "+16025550140"]
    assert (found.sid, found.direction, found.status, found.body) == (sid, "inbound", "received", "Hello there")
    check_message(carrier.fetch(sid))


def test_only_a_scheduled_message_can_be_canceled(carrier: Rehearsal, sdk: Client, app: Application) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    callback = f"{app.url}/twilio/status/cancel"
    scheduled = sdk.messages.create(
        to="+16025550150",
        messaging_service_sid=SERVICE_SID,
        body="Later",
        send_at=at,
        schedule_type="fixed",
        status_callback=callback,
    )
    assert scheduled.status == "scheduled"
    canceled = sdk.messages(str(scheduled.sid)).update(status="canceled")
    assert canceled.status == "canceled"
    app.await_calls("/twilio/status/cancel", 1)
    for sid in (scheduled.sid, carrier.create(TO).json()["sid"]):
        answer = carrier.http.post(f"{carrier.messages}/{sid}.json", data={"Status": "canceled"}, timeout=10)
        check_error(answer.json())
        assert (answer.status_code, answer.json()["code"]) == (400, 30409)


def test_a_scheduled_message_goes_out_at_its_domain_time(app: Application) -> None:
    real = time.time()
    noon = datetime(2025, 6, 3, 19, 0, tzinfo=UTC).timestamp()
    with running(app.url, REHEARSAL_CLOCK=f"{real}/{noon}/1000") as fast:
        send_at = (datetime.fromtimestamp(noon, UTC) + timedelta(minutes=40)).isoformat()
        message = fast.create(TO, SendAt=send_at, ScheduleType="fixed").json()
        check_message(message)
        assert message["status"] == "scheduled"
        fast.settle()
        ended = fast.fetch(message["sid"])
        assert ended["status"] == "delivered"
        waited = parsedate_to_datetime(ended["date_sent"]).timestamp() - real
        assert 1 <= waited < 10, "40 minutes of domain time are 2.4 real seconds; dates are cut to the second"


def test_validity_is_domain_time(app: Application) -> None:
    real = time.time()
    with running(app.url, REHEARSAL_CLOCK=f"{real}/{real}/1000") as fast:
        fast.put("faults", {"sent_after": [0.2, 0.2]})
        callback = f"{app.url}/twilio/status/expired"
        late, in_time = (fast.create(TO, body, ValidityPeriod=v, StatusCallback=callback).json()["sid"]
                         for body, v in (("a", "100"), ("b", "30000")))  # fmt: skip
        fast.settle()
        expired = fast.fetch(late)
        check_message(expired)
        assert (expired["status"], expired["error_code"], expired["date_sent"]) == ("failed", 30036, None)
        assert fast.fetch(in_time)["status"] == "delivered"
        told = [call.form for call in app.calls_to("/twilio/status/expired") if call.form["MessageSid"] == late]
        assert [(each["MessageStatus"], each["ErrorCode"]) for each in told] == [("failed", "30036")]
        again = fast.create(TO, "a").json()["sid"]
        assert fast.row(again)["duplicate"] is False


def test_our_schema_is_twilios_where_that_is_at_hand() -> None:
    openapi = twilio_message.openapi_schemas()
    assert set(twilio_message.STATUSES) >= {"accepted", "scheduled", "delivered", "undelivered"}
    if openapi is not None:
        assert sorted(openapi["message"]["properties"]) == twilio_message.MESSAGE["required"]
        assert sorted(openapi["list"]["properties"]) == twilio_message.MESSAGE_LIST["required"]
        assert openapi["message"]["properties"]["status"]["enum"] == twilio_message.STATUSES
        assert openapi["message"]["properties"]["direction"]["enum"] == twilio_message.DIRECTIONS
