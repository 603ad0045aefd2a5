"""Why a person is not texted: each reason from its own rule, and agreement with what a sender decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.messaging import slices
from outreach.people.consent import CONSENT_LASTS, is_consent_valid
from outreach.people.why_not import SUPPRESSION_CODES, Facts, Reason, Suppressed, in_force, why_not

NOON = datetime(2026, 12, 1, 19, tzinfo=UTC)  # a Tuesday, noon in Phoenix
DAY = timedelta(days=1)
PHOENIX = ("America/Phoenix",)


def facts(**changes: object) -> Facts:
    """Somebody who may be texted at noon, but for the changes."""
    return Facts(**{"consented_at": NOON - DAY, "zones": PHOENIX, **changes})  # type: ignore[arg-type]  # any of them


def test_nothing_stands_in_the_way_of_somebody_who_agreed() -> None:
    assert why_not(facts(), NOON) == []


@pytest.mark.parametrize(("source", "code"), SUPPRESSION_CODES.items())
def test_each_kind_of_suppression_has_its_reason(source: str, code: str) -> None:
    assert why_not(facts(suppressions=[Suppressed(source, NOON - DAY)]), NOON) == [Reason(code)]
    assert why_not(facts(suppressions=[Suppressed(source, NOON - DAY, NOON)]), NOON) == []


def test_a_later_start_sets_aside_only_what_the_person_said() -> None:
    stopped = [Suppressed("person", NOON - 2 * DAY), Suppressed("carrier", NOON - 2 * DAY)]
    assert in_force(stopped, [NOON - DAY]) == [stopped[1]]
    assert in_force(stopped, [NOON - 3 * DAY]) == stopped


def test_consent_is_asked_for_and_grows_old() -> None:
    assert why_not(facts(consented_at=None), NOON) == [Reason("no_consent")]
    assert why_not(facts(consented_at=NOON - CONSENT_LASTS), NOON) == [Reason("consent_old")]
    assert why_not(facts(consented_at=NOON - CONSENT_LASTS + timedelta(seconds=1)), NOON) == []


def test_a_bad_number_is_a_reason() -> None:
    assert why_not(facts(number_bad=True), NOON) == [Reason("number_bad")]


def test_at_night_the_reason_ends_in_the_morning() -> None:
    night = datetime(2026, 12, 2, 5, tzinfo=UTC)  # ten in the evening
    assert why_not(facts(), night) == [Reason("quiet_hours", datetime(2026, 12, 2, 16, tzinfo=UTC))]


def test_the_caps_say_until_when() -> None:
    once = NOON - timedelta(hours=1)
    assert why_not(facts(sent_at=[once]), NOON) == [Reason("cap", datetime(2026, 12, 2, 7, tzinfo=UTC))]
    thrice = [NOON - 6 * DAY, NOON - 4 * DAY, NOON - 2 * DAY]
    assert why_not(facts(sent_at=thrice), NOON) == [Reason("cap", NOON + DAY)]


def test_all_reasons_are_told_at_once() -> None:
    everything = facts(
        suppressions=[Suppressed("staff", NOON), Suppressed("person", NOON)], number_bad=True, consented_at=None,
        sent_at=[NOON + timedelta(hours=9)],
    )  # fmt: skip
    codes = [reason.code for reason in why_not(everything, NOON + timedelta(hours=10))]
    assert codes == ["opted_out", "stopped_by_staff", "number_bad", "no_consent", "cap", "quiet_hours"]


def test_hours_that_never_come_have_no_end() -> None:
    apart = ("America/Phoenix", "Asia/Kolkata")
    assert why_not(facts(zones=apart), NOON) == [Reason("quiet_hours", None)]


ZONES = st.sampled_from([PHOENIX, ("America/Denver", "America/Phoenix"), ("America/New_York", "Pacific/Honolulu")])
MOMENTS = st.timedeltas(timedelta(days=-20), timedelta(days=20)).map(lambda delta: NOON + delta)


@given(
    now=MOMENTS,
    zones=ZONES,
    consented_at=st.none() | MOMENTS | st.just(NOON - CONSENT_LASTS),
    number_bad=st.booleans(),
    suppressions=st.lists(
        st.builds(Suppressed, st.sampled_from(list(SUPPRESSION_CODES)), MOMENTS, st.none()), max_size=2
    ),
    sent_at=st.lists(MOMENTS, max_size=4),
)
def test_no_reason_is_told_exactly_when_a_sender_would_post(
    now: datetime,
    zones: tuple[str, ...],
    consented_at: datetime | None,
    number_bad: bool,
    suppressions: list[Suppressed],
    sent_at: list[datetime],
) -> None:
    known = Facts(suppressions, [], consented_at, number_bad, zones, [at for at in sent_at if at <= now])
    verdict = slices.judge(
        slices.Facts(
            gate="open", kind="campaign", suppressed=bool(suppressions), number_bad=number_bad, body="Hello",
            zones=zones, sent_at=tuple(known.sent_at),
        ),
        now,
    )  # fmt: skip
    would_post = verdict.state == "posting" and is_consent_valid(consented_at, now)
    assert (why_not(known, now) == []) == would_post
