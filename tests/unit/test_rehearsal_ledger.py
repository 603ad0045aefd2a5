"""The ledger's promises: what counts as a duplicate, how a list pages, and what a reader sees between two callbacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core.clock import Clock
from outreach.rehearsal.account import Account
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.ledger import Ledger, Message, digest
from outreach.rehearsal.listing import Page, read_page, read_query
from outreach.rehearsal.parameters import inbound_parameters, status_parameters
from outreach.rehearsal.resources import message_json, page_json
from tests.fixtures.twilio_message import check_list, check_message

OURS = "+14805550100"
TO, OTHER = "+16025550111", "+15205550112"
ACCOUNT = Account("AC" + "1" * 32, "t" * 32, "MG" + "5" * 32, OURS, "default", Clock(), "http://127.0.0.1:1")


def create(ledger: Ledger, to: str = TO, body: str = "Hello", now: float = 1_700_000_000.0) -> Message:
    return ledger.add_message(
        direction="outbound-api", to=to, body=body, status="accepted", now=now, service_sid=ACCOUNT.service_sid
    )


def end(message: Message, status: str, code: int | None = None) -> None:
    message.advance(status, message.created + 1, OURS)
    message.error_code = code


@pytest.mark.parametrize(
    ("status", "code", "duplicate"),
    [
        ("accepted", None, True),
        ("sent", None, True),
        ("delivered", None, True),
        ("undelivered", 30003, False),
        ("undelivered", 30001, False),
        ("failed", 30036, False),
        ("undelivered", 30008, True),
        ("undelivered", 30007, True),
    ],
)
def test_a_repeated_text_is_a_duplicate_unless_the_first_cannot_have_arrived(
    status: str, code: int | None, duplicate: bool
) -> None:
    ledger = Ledger()
    first = create(ledger)
    assert not ledger.record("create", first, 1).duplicate
    end(first, status, code)
    assert ledger.record("create", create(ledger), 2).duplicate is duplicate
    assert ledger.record("create", create(ledger), 3).duplicate is True, "the second is not known to be lost"
    assert ledger.summary()["duplicates"] == (2 if duplicate else 1)


def test_other_people_other_texts_and_answers_are_no_duplicates() -> None:
    ledger = Ledger()
    for message in (create(ledger), create(ledger, OTHER), create(ledger, body="Hello ")):
        assert not ledger.record("create", message, 1).duplicate
    assert not ledger.record("answer", create(ledger), 2).duplicate
    totals = {"messages": 3, "answers": 1, "distinct_recipients": 2, "duplicates": 0, "inbound": 0}
    assert ledger.summary() == totals


def test_rows_tell_what_the_contract_names() -> None:
    ledger = Ledger()
    message = create(ledger)
    row = ledger.record("create", message, 5.25)
    end(message, "undelivered", 30003)
    written = row.as_json()
    assert written["seq"] == 1
    assert (written["kind"], written["to"], written["from"], written["sid"]) == ("create", TO, OURS, message.sid)
    assert (written["status"], written["error_code"], written["received_at"]) == ("undelivered", 30003, 5.25)
    assert written["body_sha256"] == digest("Hello")
    refused = ledger.refuse(6.0, 21610, to=TO, sender=None, body=None).as_json()
    assert (refused["kind"], refused["sid"], refused["status"], refused["error_code"]) == (
        "refused",
        None,
        "refused",
        21610,
    )


def test_steps_without_a_callback_show_between_acceptance_and_sending() -> None:
    message = create(Ledger(), now=100)
    message.begun, message.due = 100, 103
    seen = []
    for now in (100.5, 101.5, 102.5):
        message.look(now, OURS)
        seen.append((message.status, message.sender, message.updated))
    assert seen == [("accepted", None, 100), ("queued", OURS, 101), ("sending", OURS, 102)]
    end(message, "delivered")
    message.look(200, OURS)
    assert message.status == "delivered"


def test_resources_fit_the_schema_from_first_to_last() -> None:
    message = create(Ledger(), body="¡Llame hoy! " * 10)
    first = message_json(message, ACCOUNT)
    check_message(first)
    assert (first["status"], first["from"], first["num_segments"], first["date_sent"]) == ("accepted", None, "0", None)
    assert first["date_created"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    message.sent = message.created + 1
    end(message, "undelivered", 30005)
    last = message_json(message, ACCOUNT)
    check_message(last)
    assert (last["from"], last["num_segments"], last["error_code"]) == (OURS, "1", 30005)
    assert last["error_message"]


def test_webhook_parameters_are_complete() -> None:
    ledger = Ledger()
    message = create(ledger)
    end(message, "delivered")
    told = status_parameters(message, ACCOUNT)
    assert told["MessageStatus"] == told["SmsStatus"] == "delivered"
    assert told["RawDlrDoneDate"] == "2311142213"
    assert "ErrorCode" not in told
    end(message, "undelivered", 30007)
    assert status_parameters(message, ACCOUNT)["ErrorCode"] == "30007"
    inbound = ledger.add_message(direction="inbound", to=OURS, sender=TO, body="STOP", status="received", now=1)
    given_parameters = inbound_parameters(inbound, ACCOUNT, "STOP")
    assert given_parameters["OptOutType"] == "STOP"
    assert "OptOutType" not in inbound_parameters(inbound, ACCOUNT, None)
    assert given_parameters["MessageSid"] == given_parameters["SmsSid"] == given_parameters["SmsMessageSid"]
    assert (given_parameters["FromState"], given_parameters["ToCountry"], given_parameters["NumSegments"]) == (
        "AZ",
        "US",
        "1",
    )


@given(st.lists(st.sampled_from([TO, OTHER]), max_size=40), st.integers(1, 12), st.sampled_from([None, TO, OTHER]))
def test_pages_hold_every_message_once_newest_first(recipients: list[str], size: int, to: str | None) -> None:
    ledger = Ledger()
    for number in recipients:
        create(ledger, number)
    wanted = [each.sid for each in reversed(ledger.messages) if to in (None, each.to)]
    request = {"PageSize": str(size), **({"To": to} if to else {})}
    found: list[str] = []
    firsts: list[str] = []
    page = read_page(ledger, read_query(request))
    while True:
        found += [each.sid for each in page.entries]
        firsts += [each.sid for each in page.entries[:1]]
        if page.older is None:
            break
        page = read_page(ledger, read_query({**request, "PageToken": page.older}))
    assert found == wanted
    while page.newer is not None:
        page = read_page(ledger, read_query({**request, "PageToken": page.newer}))
        firsts.pop()
        assert page.entries[0].sid == firsts[-1]


def test_a_page_stays_where_it_is_while_messages_arrive() -> None:
    ledger = Ledger()
    old = [create(ledger) for _ in range(4)]
    page = read_page(ledger, read_query({"PageSize": "2"}))
    create(ledger)
    assert page.older is not None
    assert read_page(ledger, read_query({"PageSize": "2", "PageToken": page.older})).entries == [old[1], old[0]]
    assert read_page(ledger, read_query({"PageSize": "2", "Page": "1"})).entries == [old[2], old[1]]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"DateSent": "2023-11-14"}, [0, 1]),
        ({"DateSent": "2023-11-15"}, [2]),
        ({"DateSent<": "2023-11-14"}, [0, 1]),
        ({"DateSent>": "2023-11-15"}, [2]),
        ({"DateSent>": "2023-11-14T22:13:21Z"}, [1, 2]),
        ({"DateSent>": "2023-11-14T22:13:21Z", "DateSent<": "Tue, 14 Nov 2023 23:00:00 -0000"}, [1]),
        ({"From": OURS}, [0, 1, 2]),
        ({"From": TO}, []),
    ],
)
def test_filters(filters: dict[str, str], found: list[int]) -> None:
    ledger = Ledger()
    messages = [create(ledger) for _ in range(4)]
    for message, sent in zip(messages, (1_700_000_000, 1_700_000_001, 1_700_086_400 - 60_000), strict=False):
        message.sent = sent
        message.sender = OURS
    listed = read_page(ledger, read_query(filters)).entries
    assert [each.index for each in listed] == found[::-1]


@pytest.mark.parametrize(
    "request_", [{"PageSize": "0"}, {"PageSize": "x"}, {"Page": "-1"}, {"PageToken": "PAx"}, {"DateSent": "soon"}]
)
def test_list_requests_that_make_no_sense_are_refused(request_: dict[str, str]) -> None:
    with pytest.raises(Refusal):
        read_page(Ledger(), read_query(request_))


def test_the_envelope_keeps_the_filters() -> None:
    ledger = Ledger()
    for _ in range(5):
        create(ledger)
    assert read_query({"PageSize": "2000"}).page_size == 1000
    query = read_query({"To": TO, "PageSize": "2", "Page": "1"})
    envelope = page_json(Page(ledger.messages[:2], "PBx", "PAy"), query, ACCOUNT)
    check_list(envelope)
    assert (envelope["start"], envelope["end"], envelope["page"]) == (2, 3, 1)
    assert envelope["next_page_uri"].endswith("Messages.json?To=%2B16025550111&PageSize=2&Page=2&PageToken=PAy")
    assert envelope["previous_page_uri"].endswith("Page=0&PageToken=PBx")
