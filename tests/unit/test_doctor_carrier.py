"""The doctor's verdicts on what stands at the carrier: pure over what was read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from config.settings import TWILIO
from outreach.carrier.account import AccountState, Campaign, Fields, OwnNumber, Service, host_for
from outreach.doctor import registration, senders
from outreach.doctor import twilio_account as accounts
from outreach.doctor.findings import Finding
from outreach.doctor.webhooks import (
    Wanted,
    changes,
    changes_of_number,
    changes_of_service,
    judge_changes,
    wanted_of_number,
    wanted_of_service,
)

SITE = "https://campaign.example.org"
OURS, FREE = "+14805550100", "+18335550100"


def status(found: Finding) -> str:
    return found.status


def test_every_host_of_twilios_is_asked_itself_and_another_carrier_for_all_of_them() -> None:
    urls = [f"https://{host}.twilio.com/v1/x?y=1" for host in ("api", "messaging", "voice", "accounts")]
    assert [host_for(TWILIO, url) for url in urls] == [url.partition("/v1")[0] for url in urls]
    assert {host_for("http://127.0.0.1:8998", url) for url in urls} == {"http://127.0.0.1:8998"}


def test_the_samples_for_the_registration_are_the_texts_that_we_send() -> None:
    calls, answers = table("message_templates/calls"), table("message_templates/answers")
    texts = [
        calls["declined"]["en"], table("tactics")["calls"]["ask"]["en"], answers["joined"]["en"], answers["help"]["en"],
        answers["opt_out"]["en"],
    ]  # fmt: skip
    filled = {
        "first_name": "Ana", "group": "Valley Neighbors", "official": "Chief Dana Whitfield", "most": "3",
        "policy": "Judicial Warrant Rule",
    }  # fmt: skip
    for name, value in filled.items():
        texts = [text.replace(f"{{{{ {name} }}}}", value) for text in texts]
    page = (Path(__file__).parents[2] / "docs" / "go-live.md").read_text(encoding="utf-8")
    assert [line[2:] for line in page.splitlines() if line.startswith("> ")] == texts


def test_the_account() -> None:
    judged = {
        state: accounts.judge_account(state).status
        for state in (AccountState("active", "Full"), AccountState("active", "Trial"), AccountState("closed", "Full"))
    }
    assert list(judged.values()) == ["ok", "problem", "problem"]
    assert [status(accounts.judge_balance(left, "USD")) for left in (0.0, 19.99, 20.0)] == ["warning", "warning", "ok"]
    assert [status(accounts.judge_calls(*each)) for each in ((True, False), (True, True), (False, False))] == [
        "ok", "warning", "problem",
    ]  # fmt: skip


def own(number: str = OURS, *can: str, **fields: str | bool | int) -> OwnNumber:
    well: Fields = {name: each.value for name, each in wanted_of_number(SITE, takes_texts=True).items()}
    return OwnNumber("PN" + "1" * 32, number, frozenset(can or ("sms", "mms", "voice")), {**well, **fields})


def test_senders() -> None:
    well: Fields = {}
    assert senders.judge_service(None).status == "problem"
    assert senders.judge_service(Service("MG1", well, (), 0)).status == "problem"
    assert senders.judge_service(Service("MG1", well, (), 1)).status == "ok"
    statuses = [
        status(senders.judge_sender(number, owned))
        for number, owned in (
            (OURS, own()), (OURS, None), (OURS, own(OURS, "voice")), (OURS, own(OURS, "sms", "mms")),
            (OURS, own(OURS, "sms", "voice")), ("72345", None),
        )
    ]  # fmt: skip
    assert statuses == ["ok", "problem", "problem", "warning", "warning", "unknown"]
    assert OURS not in senders.judge_sender(OURS, None).message
    callers = [
        status(senders.judge_caller(number, owned, pool))
        for number, owned, pool in (
            (OURS, {OURS: own()}, None), (OURS, {OURS: own()}, [OURS]), (OURS, {OURS: own()}, [FREE]), (None, {}, None),
            ("72345", {}, None), (OURS, {}, None), (OURS, {OURS: own(OURS, "sms")}, None),
        )
    ]  # fmt: skip
    assert callers == ["ok", "ok", "warning", "warning", "warning", "problem", "problem"]


def test_rates() -> None:
    kinds = senders.kinds_of([OURS, FREE, "72345"], 1)
    assert kinds == senders.Kinds(local=1, toll_free=1, short_codes=2)
    toll_free = senders.Kinds(0, 2, 0)
    assert [status(senders.judge_rate(rate, toll_free)) for rate in (None, 6.0, 6.1)] == ["warning", "ok", "problem"]
    assert senders.judge_rate(75.0, senders.Kinds(3, 0, 0)).status == "ok"


def test_webhooks_are_compared_field_by_field() -> None:
    well: Fields = {name: each.value for name, each in wanted_of_service(SITE).items()}
    assert changes_of_service(Service("MG1", well, (OURS,), 0), SITE) == []
    fallback = {**well, "fallback_url": f"{SITE}/twilio/sms"}
    assert changes_of_service(Service("MG1", fallback, (OURS,), 0), SITE) == []
    comfort = changes_of_service(Service("MG1", {**well, "sticky_sender": False}, (OURS,), 0), SITE)
    assert judge_changes("webhooks.service", "MG1", comfort).status == "warning"
    wrong = changes_of_service(
        Service("MG1", {**well, "inbound_request_url": "https://a:b@x.example/?k=s"}, (), 0), SITE
    )
    verdict = judge_changes("webhooks.service", "MG1", wrong)
    assert (verdict.status, "https://x.example/?..." in verdict.message) == ("problem", True)
    assert wrong[0].as_json()["before"] == "https://x.example/?..."
    elsewhere = own(sms_url="https://else.example", voice_url="https://else.example")
    assert [each.field for each in changes_of_number(elsewhere, SITE, takes_texts=False)] == ["voice_url"]
    assert {each.field for each in changes_of_number(elsewhere, SITE, takes_texts=True)} == {"sms_url", "voice_url"}
    mute = own(OURS, "sms", sms_url="", voice_url="")
    assert [each.field for each in changes_of_number(mute, SITE, takes_texts=True)] == ["sms_url"]


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "x", "y"]), min_size=3))
def test_what_is_changed_is_as_wanted_afterwards(fields: dict[str, str]) -> None:
    wanted = {"a": Wanted("x"), "b": Wanted("", ("y",))}
    needed = changes("PN1", "shown", fields, wanted)
    after: Fields = {**fields, **{each.field: each.after for each in needed}}
    assert changes("PN1", "shown", after, wanted) == []
    assert {name for name in fields if after[name] != fields[name]} == {each.field for each in needed}
    assert after["c"] == fields["c"]


@pytest.mark.parametrize(
    ("campaigns", "expected"),
    [
        (None, "warning"), ([], "problem"), ([Campaign("VERIFIED", "APPROVED")], "ok"),
        ([Campaign("VERIFIED", "")], "ok"),
        ([Campaign("FAILED", "APPROVED"), Campaign("VERIFIED", "APPROVED")], "ok"),
        ([Campaign("VERIFIED", "IN_REVIEW")], "problem"), ([Campaign("VERIFIED", "SUSPENDED")], "problem"),
        ([Campaign("IN_PROGRESS", "APPROVED")], "problem"), ([Campaign("FAILED", "APPROVED")], "problem"),
    ],
)  # fmt: skip
def test_registrations(campaigns: list[Campaign] | None, expected: str) -> None:
    assert registration.judge_campaigns(campaigns).status == expected


def test_verifications_and_opt_outs() -> None:
    judged = {
        state: registration.judge_verification("+1833•••••00", "PN1", {"PN1": state} if state else {}).status
        for state in ("TWILIO_APPROVED", "PENDING_REVIEW", "TWILIO_REJECTED", "")
    }
    assert list(judged.values()) == ["ok", "problem", "problem", "problem"]
    for mode in ("default", "advanced", "none"):
        assert registration.judge_opt_out(mode, by_carrier=False).status == "unknown"
        seen = registration.judge_opt_out(mode, by_carrier=True).status
        assert seen == ("ok" if mode == "advanced" else "problem")
