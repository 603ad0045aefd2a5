"""Phone numbers as people and spreadsheets write them; libphonenumber itself is the oracle for validity."""

from __future__ import annotations

import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core.phone import REGIONS, check_phone, mask, number_zones
from tests.oracles import phones


@pytest.mark.parametrize(
    "text",
    [
        "4805550117",
        "+14805550117",
        "(480) 555-0117",
        "480.555.0117",
        "1-480-555-0117",
        " 480 555 0117 ",
        "tel:+1-480-555-0117",
        "４８０５５５０１１７",
        "\u202a+1 480 555 0117\u202c",
        "4805550117.0",
        '="4805550117"',
        "'4805550117",
        "480-555-0117 (cell)",
        "480/555-0117",
    ],
)
def test_one_number_in_many_clothes(text: str) -> None:
    verdict = check_phone(text)
    assert (verdict.valid, verdict.e164, verdict.reason, verdict.region) == (True, "+14805550117", None, "US")
    assert verdict.number_zones == ("America/Phoenix",)
    assert verdict.input == text


@pytest.mark.parametrize(
    ("text", "extension"),
    [
        ("480-555-0117 x12", "12"),
        ("480-555-0117 ext. 5", "5"),
        ("+14805550117;ext=044", "044"),
        ("480-555-0117 #9", "9"),
        ("480-555-0117 extensión 7", "7"),
    ],
)
def test_extensions_are_kept(text: str, extension: str) -> None:
    verdict = check_phone(text, "office")
    assert (verdict.e164, verdict.extension) == ("+14805550117", extension)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \t", "empty"),
        ("1.5E+10", "scientific_notation"),
        ("4,80555E9", "scientific_notation"),
        ("n/a", "not_a_number"),
        ("480\x00555\x000117", "not_a_number"),
        ("\ud800", "not_a_number"),
        ("555-0117", "no_area_code"),
        ("6100117", "no_area_code"),
        ("48055", "too_short"),
        ("480555011", "too_short"),
        ("480555011712", "too_long"),
        ("4" * 5000, "too_long"),
        ("+1 555 555 0117", "not_dialable"),
        ("480-155-0117", "not_dialable"),
        ("480-555-0117 or 602-555-0118", "several_numbers"),
        ("480-555-0117; 602-555-0118", "several_numbers"),
        ("fax 480-555-0117", "fax"),
        ("242-555-0117", "not_dialable"),
        ("809-555-0117", "wrong_region"),
        ("900-555-0117", "premium"),
        ("500-555-0117", "personal"),
        ("800-555-0117", "toll_free"),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    verdict = check_phone(text)
    assert (verdict.valid, verdict.e164, verdict.reason, verdict.number_zones) == (False, None, reason, ())


def test_an_office_may_be_toll_free_but_not_premium() -> None:
    verdict = check_phone("1-800-555-0117", "office")
    assert (verdict.valid, verdict.e164, verdict.region) == (True, "+18005550117", "US")
    assert verdict.number_zones == ()
    assert check_phone("900-555-0117", "office").reason == "premium"
    assert check_phone("500-555-0117", "office").reason == "personal"


@pytest.mark.parametrize(
    ("text", "region", "zones"),
    [
        ("787-555-0117", "PR", ("America/Puerto_Rico",)),
        ("340-555-0117", "VI", ("America/St_Thomas",)),
        ("671-555-0117", "GU", ("Pacific/Guam",)),
        ("670-555-0117", "MP", ("Pacific/Saipan",)),
        ("416-555-0117", "CA", ("America/Toronto",)),
        ("907-555-0117", "US", ("America/Adak", "America/Anchorage")),
    ],
)
def test_regions_and_zones(text: str, region: str, zones: tuple[str, ...]) -> None:
    verdict = check_phone(text)
    assert (verdict.region, verdict.number_zones) == (region, zones)


def example_of(region: str) -> str:
    """The library's own example number, so that none stands here."""
    number = phonenumbers.example_number(region)
    assert number is not None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def test_a_region_whose_exchanges_have_no_numbers_for_fiction() -> None:
    example = example_of("AS")
    verdict = check_phone(example)
    assert (verdict.e164, verdict.region, verdict.number_zones) == (example, "AS", ("Pacific/Pago_Pago",))


def test_another_country_is_refused_with_its_region() -> None:
    example = example_of("MX")
    verdict = check_phone(example)
    assert (verdict.valid, verdict.e164, verdict.reason, verdict.region) == (False, None, "wrong_region", "MX")


def test_an_exchange_of_the_navajo_nation_has_two_zones() -> None:
    assert number_zones("+1928871") == ("America/Denver", "America/Phoenix")


NANP = st.integers(min_value=2_000_000_000, max_value=9_999_999_999).map(str)
AREA_CODES = st.sampled_from(
    ["480", "928", "787", "671", "670", "684", "416", "867", "600", "809", "876", "800", "900", "500", "523", "242"]
)
NEAR = st.tuples(AREA_CODES, st.integers(min_value=0, max_value=9_999_999)).map(lambda p: f"{p[0]}{p[1]:07d}")


@given(st.one_of(NANP, NEAR), st.sampled_from(["constituent", "office"]))
def test_agrees_with_libphonenumber(digits: str, kind: str) -> None:
    number = phonenumbers.parse(digits, "US")
    type_ = phonenumbers.number_type(number)
    refused = {phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST}
    refused.add(phonenumbers.PhoneNumberType.PERSONAL_NUMBER)
    if kind == "constituent":
        refused.add(phonenumbers.PhoneNumberType.TOLL_FREE)
    expected = (
        phonenumbers.is_valid_number(number)
        and phonenumbers.region_code_for_number(number) in REGIONS
        and type_ not in refused
    )
    verdict = check_phone(digits, "office" if kind == "office" else "constituent")
    assert verdict.valid is expected
    assert verdict.e164 == (f"+1{digits}" if expected else None)
    assert (verdict.reason is None) is expected


def test_canadas_seven_digit_numbers_are_whole_ones() -> None:
    verdict = check_phone("310-0707")
    assert (verdict.e164, verdict.region, verdict.number_zones) == ("+13100707", "CA", ())


def test_numbers_in_all_clothes_get_the_librarys_verdict() -> None:
    found = phones.as_json(seed=7, numbers=2_500)
    assert found["ok"], found["shapes"]
    assert found["valid"] > 500


@given(
    st.one_of(
        st.text(max_size=40), st.text("0123456789-+()x#e.;,=/ ext", max_size=300), st.text("\ud800\x00 1", max_size=20)
    )
)
def test_never_raises_and_sets_one_of_number_and_reason(text: str) -> None:
    verdict = check_phone(text)
    assert verdict.valid == (verdict.e164 is not None) == (verdict.reason is None)
    assert verdict.input == text


def test_number_zones_of_what_has_no_place() -> None:
    assert number_zones("+18005550117") == ()
    assert number_zones("+52") == ()
    assert number_zones("") == ()
    assert number_zones("+1abc") == ()


def test_masking_keeps_area_code_and_two_digits() -> None:
    assert mask("+14805550117") == "+1480•••••17"
    assert mask("12345") == "•••••"
    assert mask("") == ""


def test_geocoder_is_not_loaded() -> None:
    code = "import sys, outreach.core.phone; sys.exit('phonenumbers.geocoder' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
