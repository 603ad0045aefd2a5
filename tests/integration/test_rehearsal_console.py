"""The account's set-up at the rehearsal carrier: read and changed by the real SDK, held against Twilio's schemas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import Settings
from outreach.carrier.account import NUMBER_FIELDS, SERVICE_FIELDS, AccountState, Campaign, TwilioAccount
from outreach.carrier.base import Misconfigured, Rejected, Unreachable
from tests.fixtures.twilio_account import check_resource, update_names
from tests.fixtures.twilio_message import check_error
from tests.integration.test_rehearsal_process import ACCOUNT_SID, OURS, SERVICE_SID, TOKEN, Rehearsal, running

SITE = "http://127.0.0.1:9"
FREE = "+18335550100"


@pytest.fixture(scope="module")
def carrier() -> Iterator[Rehearsal]:
    with running(SITE) as running_carrier:
        yield running_carrier


@pytest.fixture
def account(carrier: Rehearsal) -> Iterator[TwilioAccount]:
    settings = Settings.model_construct(
        twilio_base_url=carrier.base, twilio_account_sid=ACCOUNT_SID, twilio_auth_token=SecretStr(TOKEN)
    )
    with closing(TwilioAccount(settings)) as asked:
        yield asked


def get(carrier: Rehearsal, path: str) -> dict[str, Any]:
    answer = carrier.http.get(carrier.base + path, timeout=5)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_every_resource_keeps_to_twilios_schema(carrier: Rehearsal) -> None:
    carrier.put("console", {"numbers": {FREE: {"verification": "IN_REVIEW"}}})
    mine, service = f"/2010-04-01/Accounts/{ACCOUNT_SID}", f"/v1/Services/{SERVICE_SID}"
    check_resource("account", get(carrier, f"{mine}.json"))
    check_resource("balance", get(carrier, f"{mine}/Balance.json"))
    numbers = get(carrier, f"{mine}/IncomingPhoneNumbers.json")["incoming_phone_numbers"]
    for number in numbers:
        check_resource("number", number)
        check_resource("number", get(carrier, number["uri"]))
    assert [each["type"] for each in numbers] == ["local", "toll-free"]
    check_resource("service", get(carrier, service))
    for each in get(carrier, f"{service}/PhoneNumbers")["phone_numbers"]:
        check_resource("pooled", each)
    (campaign,) = get(carrier, f"{service}/Compliance/Usa2p")["compliance"]
    check_resource("campaign", campaign)
    check_resource("brand", get(carrier, f"/v1/a2p/BrandRegistrations/{campaign['brand_registration_sid']}"))
    (verification,) = get(carrier, "/v1/Tollfree/Verifications")["verifications"]
    check_resource("verification", verification)
    carrier.put("console", {"numbers": {FREE: None}})


def test_the_sdk_reads_it_as_it_was_set_up(carrier: Rehearsal, account: TwilioAccount) -> None:
    carrier.put("console", {"numbers": {FREE: {"verification": "TWILIO_APPROVED", "in_service": False}}})
    assert account.state() == AccountState("active", "Full")
    assert account.balance() == (250.0, "USD")
    ours, free = account.numbers()
    assert (ours.number, ours.can, str(ours.fields["voice_url"])) == (
        OURS, frozenset({"sms", "mms", "voice"}), f"{SITE}/twilio/voice",
    )  # fmt: skip
    service = account.service(SERVICE_SID)
    assert service is not None
    assert (service.numbers, service.short_codes) == ((OURS,), 0)
    assert service.fields["inbound_request_url"] == f"{SITE}/twilio/sms"
    assert (set(ours.fields), set(service.fields)) == (set(NUMBER_FIELDS), set(SERVICE_FIELDS))
    assert account.service("MG" + "9" * 32) is None
    assert account.campaigns(SERVICE_SID) == [Campaign("VERIFIED", "APPROVED")]
    assert account.toll_free_verifications() == {free.sid: "TWILIO_APPROVED"}
    assert (account.may_call("US"), account.may_text("US")) == ((True, False), True)
    assert abs(min(account.http.ahead, key=abs)) < 2
    carrier.put("console", {"numbers": {FREE: None}})


def test_an_update_changes_what_it_names_and_nothing_else(carrier: Rehearsal, account: TwilioAccount) -> None:
    (number,) = account.numbers()
    account.set_number(number.sid, {"trunk_sid": "TK" + "1" * 32, "voice_method": "GET"})
    (now,) = account.numbers()
    assert now.fields == {**number.fields, "trunk_sid": "TK" + "1" * 32, "voice_method": "GET"}
    account.set_number(number.sid, dict(number.fields))
    assert account.numbers() == [number]
    before = account.service(SERVICE_SID)
    assert before is not None
    account.set_service(SERVICE_SID, {"sticky_sender": False, "validity_period": 600, "fallback_url": f"{SITE}/x"})
    after = account.service(SERVICE_SID)
    assert after is not None
    changed = {"sticky_sender": False, "validity_period": 600, "fallback_url": f"{SITE}/x"}
    assert after.fields == {**before.fields, **changed}
    account.set_service(SERVICE_SID, dict(before.fields))
    assert account.service(SERVICE_SID) == before


def test_what_we_set_are_twilios_parameters() -> None:
    for kind, fields in (("number", NUMBER_FIELDS), ("service", SERVICE_FIELDS)):
        written = {"".join(part.capitalize() for part in name.split("_")) for name in fields}
        known = update_names(kind)
        assert known is None or written <= known


def test_refusals_come_in_twilios_shape(carrier: Rehearsal, account: TwilioAccount) -> None:
    (number,) = account.numbers()
    for fields in ({"voice_method": "PUT"}, {"voice_url": "ftp://x"}):
        with pytest.raises(Rejected) as caught:
            account.set_number(number.sid, fields)
        assert caught.value.code == 20001
    for path in ("/v1/Services/MG" + "9" * 32, "/v1/nothing"):
        answer = carrier.http.get(carrier.base + path, timeout=5)
        check_error(answer.json())
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    wrong = account.settings.model_copy(update={"twilio_auth_token": SecretStr("guess")})
    with closing(TwilioAccount(wrong)) as stranger, pytest.raises(Misconfigured) as refused:
        stranger.state()
    assert refused.value.code == 20003
    bad = carrier.http.put(f"{carrier.base}/_rehearsal/console", json={"status": "asleep"}, timeout=5)
    assert bad.status_code == 400


def test_a_host_that_does_not_answer_is_asked_once() -> None:
    settings = Settings.model_construct(
        twilio_base_url="http://127.0.0.1:9", twilio_account_sid=ACCOUNT_SID, twilio_auth_token=SecretStr(TOKEN)
    )
    account = TwilioAccount(settings)
    errors = []
    for _ in range(2):
        with pytest.raises(Unreachable) as caught:
            account.state()
        errors.append(caught.value)
    assert errors[0] is errors[1]
