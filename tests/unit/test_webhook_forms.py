"""The form of a webhook: bytes that are one, and characters that have one reading."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.carrier.forms import read_form, refuse_other_cuts

FORM = "application/x-www-form-urlencoded"
GENUINE = {
    "AccountSid": "AC" + "1" * 32, "ApiVersion": "2010-04-01", "Body": "", "From": "+16025550101",
    "FromCity": "PHOENIX", "FromCountry": "US", "MessageSid": "SM" + "2" * 32, "NumMedia": "0", "NumSegments": "1",
    "OptOutType": "STOP",
    "SmsMessageSid": "SM" + "2" * 32, "To": "+14805550100", "ToCountry": "US", "ToZip": "85201",
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "gone", "cut"),
    [
        ("Please don't STOP Calling", "", {"Body": "Please don't STOP ", "Calling": ""}),
        ("STOP Dana", "", {"Body": "STOP ", "Dana": ""}),
        ("Friday it is", "", {"Body": "", "Friday": " it is"}),
        ("CALL", "", {"Body": "", "CALL": ""}),
        ("abc", "Body", {"Bod": "yabc"}),
        ("abc", "Body", {"Bodyabc": ""}),
        ("a", "ToZip", {"ToZi": "p85201"}),
        ("a", "ToZip", {"ToZip8": "5201"}),
        ("a", "ToCountry", {"To": "+14805550100", "ToCountryU": "S"}),
        ("a", "FromCountry", {"FromCity": "PHOENIXFromCountryUS"}),
        ("a", "OptOutType", {"NumSegments": "1OptOutTypeSTOP"}),
        ("a", "NumSegments OptOutType", {"NumSegments1Op": "tOutTypeSTOP"}),
        ("a", "SmsMessageSid", {"OptOutType": "STO", "PSmsM": "essageSidSM" + "2" * 32}),
        ("a", "", {"OptOutType": "", "STOP": ""}),
        (
            "hiFrom+16025550199Fz",
            "FromCity FromCountry",
            {"Body": "hi", "From": "+16025550199", "Fz": "From+16025550101FromCityPHOENIXFromCountryUS"},
        ),
        ("hiErrorCode1", "", {"Body": "hi", "ErrorCode": "1"}),
    ],
)
def test_the_same_characters_under_other_names_are_refused(words: str, gone: str, cut: dict[str, str]) -> None:
    form = GENUINE | {"Body": words}
    mutant = {name: value for name, value in form.items() if name not in gone.split()} | cut
    run_together = ["".join(name + each[name] for name in sorted(each)) for each in (form, mutant)]
    assert run_together[0] == run_together[1]
    refuse_other_cuts(form)
    with pytest.raises(ValueError, match=r"name|shape|swallowed"):
        refuse_other_cuts(mutant)


@given(st.text(max_size=200), st.sampled_from([FORM, FORM + "; charset=utf-8", FORM.title() + ';charset="UTF-8"']))
def test_whatever_a_person_writes_is_read_as_they_wrote_it(words: str, content_type: str) -> None:
    form = GENUINE | {"Body": words}
    assert read_form(content_type, urlencode(form).encode()) == form


@pytest.mark.parametrize(
    "more",
    [{"Foo": "bar"}, {"ExtraParam": "1 2"}, {"zeta": ""}, {"New.Param-2": "x"}, {"ToCountryCode": "+1"},
     {"FromCountryCode": "01"}, {"NumPictures": "1"}, {"MediaUrl10": "x"}],
)  # fmt: skip
def test_what_twilio_may_add_one_day_is_read(more: dict[str, str]) -> None:
    form = GENUINE | {"Body": "hello"} | more
    assert read_form(FORM, urlencode(form).encode()) == form


@given(st.binary(max_size=300))
def test_bytes_are_a_form_or_a_value_error(raw: bytes) -> None:
    try:
        form = read_form(FORM, raw)
    except ValueError:
        return
    assert form
