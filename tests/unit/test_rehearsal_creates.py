"""What the carrier says to a create, and how it reads TwiML: Twilio's codes for everything that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from outreach.core.clock import Clock
from outreach.rehearsal.account import Account, account_from
from outreach.rehearsal.creates import read_create
from outreach.rehearsal.errors import WORDS, Refusal
from outreach.rehearsal.twiml import Reply, TwimlError, read_twiml
from outreach.rehearsal.webhooks import signature
from tests.fixtures.twilio_message import check_error

SERVICE = "MG" + "5" * 32
OURS = "+14805550100"
ACCOUNT = Account("AC" + "1" * 32, "t" * 32, SERVICE, OURS, "default", Clock(), "http://127.0.0.1:1")
NOW = datetime(2025, 6, 3, 17, 0, tzinfo=UTC)
GOOD = {"To": "+16025550123", "MessagingServiceSid": SERVICE, "Body": "Hello"}
ENVIRONMENT = {
    "TWILIO_ACCOUNT_SID": ACCOUNT.sid,
    "TWILIO_AUTH_TOKEN": ACCOUNT.token,
    "TWILIO_MESSAGING_SERVICE_SID": SERVICE,
    "TWILIO_FROM_NUMBER": OURS,
}


def code_of(**changes: str | None) -> int | None:
    form = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    try:
        read_create(form, ACCOUNT, NOW)
    except Refusal as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"MessagingServiceSid": None, "From": OURS}, None),
        ({"From": OURS}, None),
        ({"To": None}, 21604),
        ({"To": "  "}, 21604),
        ({"Body": None}, 21602),
        ({"Body": " \n"}, 21602),
        ({"MessagingServiceSid": None}, 21603),
        ({"Body": "x" * 1600}, None),
        ({"Body": "x" * 1601}, 21617),
        ({"To": "6025550123"}, 21211),
        ({"To": "+1555"}, 21211),
        ({"To": "+15555550123"}, 21211),
        ({"To": "+16021550123"}, 21211),
        ({"To": "+16029110123"}, 21211),
        ({"To": "+16025550123 "}, None),
        ({"To": "+445550123456"}, 21408),
        ({"To": OURS}, 21266),
        ({"From": "+14805550199"}, 21606),
        ({"From": "ACLU"}, 21212),
        ({"MessagingServiceSid": "MG" + "6" * 32}, 21701),
        ({"MessagingServiceSid": "MG5"}, 21705),
        ({"StatusCallback": "http://127.0.0.1:8080/twilio/status/a"}, None),
        ({"StatusCallback": "https://[::1]:8080/s"}, None),
        ({"StatusCallback": "ftp://example.org/"}, 21609),
        ({"StatusCallback": "http://under_score.example.org/"}, 21609),
        ({"StatusCallback": "http://example.org:99999/"}, 21609),
        ({"StatusCallback": "status"}, 21609),
        ({"ValidityPeriod": "1"}, None),
        ({"ValidityPeriod": "36000"}, None),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "60.5"}, 21624),
        ({"ScheduleType": "fixed", "SendAt": "2025-06-03T18:00:00Z"}, None),
        ({"ScheduleType": "fixed"}, 35111),
        ({"ScheduleType": "fixed", "SendAt": "2025-06-03T17:14:59Z"}, 35114),
        ({"ScheduleType": "fixed", "SendAt": "2025-07-09T17:00:00Z"}, 35114),
        ({"ScheduleType": "fixed", "SendAt": "tomorrow"}, 35114),
        ({"ScheduleType": "loose", "SendAt": "2025-06-03T18:00:00Z"}, 20001),
    ],
)
def test_a_create_gets_the_code_of_what_is_wrong_with_it(changes: dict[str, str | None], code: int | None) -> None:
    assert code_of(**changes) == code


def test_a_create_carries_what_was_asked() -> None:
    at = NOW + timedelta(hours=1)
    asked = {"ValidityPeriod": "90", "StatusCallback": "http://127.0.0.1/s", "SendAt": at.isoformat()}
    create = read_create({**GOOD, **asked, "ScheduleType": "fixed"}, ACCOUNT, NOW)
    assert (create.to, create.body, create.sender, create.service_sid) == (GOOD["To"], "Hello", None, SERVICE)
    assert (create.validity, create.callback, create.send_at) == (90, "http://127.0.0.1/s", at)


def test_without_a_service_the_schedule_is_dropped() -> None:
    form = {"To": GOOD["To"], "From": OURS, "Body": "Hello", "ScheduleType": "fixed"}
    assert read_create(form, ACCOUNT, NOW).send_at is None


def test_every_error_has_twilios_shape() -> None:
    for code in WORDS:
        check_error(Refusal(code).as_json())
    assert Refusal(20429).status == 429
    assert Refusal(21610).status == 400


@pytest.mark.parametrize("name", sorted(ENVIRONMENT))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        account_from({**ENVIRONMENT, name: ""}, "http://127.0.0.1:1")


def test_the_account_is_read() -> None:
    account = account_from({**ENVIRONMENT, "REHEARSAL_CLOCK": "0/10/60"}, "http://127.0.0.1:1/")
    assert account.inbound_url == "http://127.0.0.1:1/twilio/sms"
    assert account.clock == Clock(0, 10, 60)
    assert account.opt_out == "default"
    with pytest.raises(ValueError, match="TWILIO_OPT_OUT"):
        account_from({**ENVIRONMENT, "TWILIO_OPT_OUT": "sometimes"}, "http://127.0.0.1:1")
    with pytest.raises(ValueError, match="--webhook-url"):
        account_from(ENVIRONMENT, "127.0.0.1:1")


@pytest.mark.parametrize(
    ("document", "replies"),
    [
        ("", []),
        ("<Response/>", []),
        ('<?xml version="1.0" encoding="UTF-8"?><Response></Response>', []),
        ("<Response><Message> Hi &amp; hello\n</Message></Response>", [Reply("Hi & hello")]),
        (
            '<Response><Message statusCallback="/s/1"><Body>Hí</Body></Message><Message to="+16025550111">B</Message>'
            "</Response>",
            [Reply("Hí", None, "/s/1"), Reply("B", "+16025550111")],
        ),
    ],
)
def test_twiml_is_read(document: str, replies: list[Reply]) -> None:
    assert read_twiml(document) == replies


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("Thanks!", 12100),
        ("<Response><Message>Hi</Response>", 12100),
        ("<Response/>Thanks!", 12100),
        ("<Response><Message>Hi & bye</Message></Response>", 12100),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Response><Message>&a;</Message></Response>', 12100),
        ("<html/>", 12200),
        ("<Response><Redirect>/x</Redirect></Response>", 12200),
        ("<Response><Message></Message></Response>", 14103),
        (f"<Response><Message>{'x' * 1601}</Message></Response>", 14103),
    ],
)
def test_twiml_that_cannot_be_carried_out_has_a_code(document: str, code: int) -> None:
    with pytest.raises(TwimlError) as caught:
        read_twiml(document)
    assert caught.value.code == code


PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200).filter(
    lambda t: t == t.strip()
)


@given(PLAIN)
def test_twiml_of_the_sdk_comes_through(body: str) -> None:
    response = MessagingResponse()
    response.message(body, status_callback="http://127.0.0.1/s")
    assert read_twiml(str(response)) == [Reply(body, None, "http://127.0.0.1/s")]
    assert read_twiml(f"<Response><Message>{escape(body)}</Message></Response>") == [Reply(body)]


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Za-z]{1,10}", fullmatch=True), st.text(st.characters(codec="utf-8"))))
def test_the_sdk_accepts_our_signature(parameters: dict[str, str]) -> None:
    validator = RequestValidator("t" * 32)
    for url in ("http://127.0.0.1:8080/twilio/sms", "https://outreach.example.org/twilio/status/7?x=1"):
        signed = signature("t" * 32, url, parameters)
        assert validator.validate(url, parameters, signed)
        assert not validator.validate(url, {**parameters, "Extra": "1"}, signed)
