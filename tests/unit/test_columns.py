"""Which column is which field, and what the cells of a row mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core.csv_rows import Row
from outreach.core.errors import BadInputError
from outreach.people.cells import Person, RowReader, answer_of, tags_of, zip_of
from outreach.people.columns import map_columns

SHARED = Path(__file__).parents[3] / "shared" / "data" / "contacts" / "contact_csv_headers_dev.json"

VAN = (
    "VanID,Address,FirstName,LastName,City,State,ZipOrPostal,Email,HomePhone,IsHomePhoneACellExchange,CellPhone,"
    "WorkPhone,IsWorkPhoneACellExchange,Phone,OptInPhone,OptInStatus,OptInPhoneType,PollingLocation,PollingCity"
)


def mapping(header: str) -> dict[str, str | list[str]]:
    return map_columns(header.split(",")).named()


def person(header: str, cells: str, declared: str | None = None) -> Person:
    found, _ = RowReader(map_columns(header.split(",")), declared).read(Row(2, cells.split(",")))
    assert found is not None
    return found


def codes(header: str, cells: str) -> list[tuple[str | None, str]]:
    _, problems = RowReader(map_columns(header.split(",")), None).read(Row(7, cells.split(",")))
    assert all(problem.row == 7 and problem.message != problem.code for problem in problems)
    return [(problem.column, problem.code) for problem in problems]


def test_van() -> None:
    assert mapping(VAN) == {
        "first_name": "FirstName",
        "last_name": "LastName",
        "phone": ["CellPhone", "OptInPhone", "Phone", "HomePhone", "WorkPhone"],
        "email": "Email",
        "zip": "ZipOrPostal",
        "city": "City",
        "external_id": "VanID",
    }


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Nombre,Apellidos,Teléfono celular,Fax,Código postal,Correo electrónico,Idioma,Etiquetas,Ciudad,"
         "Consentimiento SMS",
         {"first_name": "Nombre", "last_name": "Apellidos", "phone": "Teléfono celular", "zip": "Código postal",
          "email": "Correo electrónico", "language": "Idioma", "tags": "Etiquetas", "city": "Ciudad",
          "sms_consent": "Consentimiento SMS"}),
        ("Full Name,Pager,Phone Number,Phone Type,E-Mail,Email Opt In",
         {"first_name": "Full Name", "phone": "Phone Number", "email": "E-Mail"}),
        ("First Name,Name,Mobile,Mobile Opt In,SMS Opt Out,Home Phone,Work Fax",
         {"first_name": "First Name", "phone": ["Mobile", "Home Phone"], "sms_consent": "Mobile Opt In"}),
        (" Voter Cell Phone Number ,Voter Zip Code,Zip4",
         {"phone": " Voter Cell Phone Number ", "zip": "Voter Zip Code"}),
        ("can2_phone,Phone Number,can2_sms_status,can2_subscription_status,uuid",
         {"phone": ["can2_phone", "Phone Number"], "sms_consent": "can2_sms_status", "external_id": "uuid"}),
        ("firstName,cell,external_id", {"first_name": "firstName", "phone": "cell", "external_id": "external_id"}),
    ],
)  # fmt: skip
def test_headers(header: str, expected: dict[str, str | list[str]]) -> None:
    assert mapping(header) == expected


OUTLOOK = (
    "First Name,Middle Name,Last Name,E-mail Address,Business Fax,Business Phone,Home Fax,Home Phone,Mobile Phone,"
    "Other Fax,Other Phone,Pager,Primary Phone,Home City,Home Postal Code,Categories"
)
OLD_GOOGLE = (
    "Name,Given Name,Additional Name,Family Name,Yomi Name,Name Prefix,Nickname,Group Membership,E-mail 1 - Type,"
    "E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Phone 2 - Type,Phone 2 - Value,Address 1 - Type,"
    "Address 1 - City,Address 1 - Postal Code"
)


@pytest.mark.parametrize(
    ("system", "header", "expected"),
    [
        ("Google, old", OLD_GOOGLE,
         {"first_name": "Given Name", "last_name": "Family Name", "phone": ["Phone 1 - Value", "Phone 2 - Value"],
          "email": "E-mail 1 - Value", "city": "Address 1 - City", "zip": "Address 1 - Postal Code"}),
        ("Outlook", OUTLOOK,
         {"first_name": "First Name", "last_name": "Last Name", "email": "E-mail Address", "zip": "Home Postal Code",
          "phone": ["Mobile Phone", "Primary Phone", "Home Phone", "Other Phone", "Business Phone"],
          "city": "Home City"}),
        ("Mobilize", "event id,event title,attended,first name,last name,email,phone,zip code,sms opt in status",
         {"first_name": "first name", "last_name": "last name", "email": "email", "phone": "phone", "zip": "zip code",
          "sms_consent": "sms opt in status"}),
        ("Salesforce", "Contact ID,First Name,Last Name,Email,Phone,Mobile,Mailing City,Mailing Zip/Postal Code,"
                       "Do Not Call,Email Opt Out,Fax,Fax Opt Out",
         {"external_id": "Contact ID", "first_name": "First Name", "last_name": "Last Name", "email": "Email",
          "phone": ["Mobile", "Phone"], "city": "Mailing City", "zip": "Mailing Zip/Postal Code"}),
        ("ThruText", "Contact ID,First Name,Last Name,Phone,Zip Code,Language",
         {"external_id": "Contact ID", "first_name": "First Name", "last_name": "Last Name", "phone": "Phone",
          "zip": "Zip Code", "language": "Language"}),
        ("VoteBuilder", "Voter File VANID,LastName,FirstName,mCity,mState,mZip5,mZip4,Preferred Phone,Home Phone,"
                        "Cell Phone,PreferredEmail",
         {"external_id": "Voter File VANID", "last_name": "LastName", "first_name": "FirstName", "city": "mCity",
          "zip": "mZip5", "phone": ["Cell Phone", "Preferred Phone", "Home Phone"], "email": "PreferredEmail"}),
        ("CiviCRM", "Contact ID,First Name,Last Name,Phone,Phone Type,Do Not Sms,Postal Code,Preferred Language",
         {"external_id": "Contact ID", "first_name": "First Name", "last_name": "Last Name", "phone": "Phone",
          "zip": "Postal Code", "language": "Preferred Language"}),
        ("Mailchimp", "Email Address,First Name,Last Name,Phone Number,Address,MEMBER_RATING,OPTIN_TIME,TAGS",
         {"email": "Email Address", "first_name": "First Name", "last_name": "Last Name", "phone": "Phone Number",
          "tags": "TAGS"}),
        ("by hand", "Full Name,Cell #,Zip,Language (EN/ES),OK to text?",
         {"first_name": "Full Name", "phone": "Cell #", "zip": "Zip", "language": "Language (EN/ES)",
          "sms_consent": "OK to text?"}),
        ("a mano", "Nombre completo,Núm. de celular,C.P.,Idioma,¿Acepta mensajes de texto?",
         {"first_name": "Nombre completo", "phone": "Núm. de celular", "zip": "C.P.", "language": "Idioma",
          "sms_consent": "¿Acepta mensajes de texto?"}),
        ("una parroquia", "Apellido,Nombre,Tel. casa,Tel. móvil,Código Postal,Ciudad,No llamar",
         {"last_name": "Apellido", "first_name": "Nombre", "phone": ["Tel. móvil", "Tel. casa"],
          "zip": "Código Postal", "city": "Ciudad"}),
        ("a sign-in sheet", "Name,Phone (cell),Email,Zip,Can we text you?",
         {"first_name": "Name", "phone": "Phone (cell)", "email": "Email", "zip": "Zip",
          "sms_consent": "Can we text you?"}),
    ],
    ids=lambda value: value if isinstance(value, str) and "," not in value else "",
)  # fmt: skip
def test_other_systems_and_sheets_made_by_hand(system: str, header: str, expected: dict[str, str | list[str]]) -> None:
    assert mapping(header) == expected, system


def test_the_systems_of_the_shared_sample() -> None:
    """The real header rows where they are at hand; the rows above say the same of ours."""
    ours: list[dict[str, Any]] = [{"header": VAN, "map": {"zip": "ZipOrPostal"}}]
    vectors = json.loads(SHARED.read_text())["vectors"] if SHARED.exists() else ours
    for vector in vectors:
        found = mapping(vector["header"])
        wanted = dict(vector["map"])
        others = wanted.pop("phone_fallbacks", [wanted.pop("phone_alt")] if "phone_alt" in wanted else [])
        phones = [wanted.pop("phone"), *others] if "phone" in wanted else []
        assert not phones or found["phone"] == (phones if others else phones[0])
        assert {field: found.get(field) for field in wanted} == wanted


@pytest.mark.parametrize("header", ["name,email,zip", "Name,Fax,Pager", "Phone 1 - Label,Phone Type,Name"])
def test_a_file_without_phones_is_refused(header: str) -> None:
    with pytest.raises(BadInputError) as caught:
        mapping(header)
    assert caught.value.code == "no_phone_column"


def test_a_column_that_stands_twice_is_refused_only_when_it_is_read() -> None:
    with pytest.raises(BadInputError) as caught:
        mapping("Name,Phone,phone")
    assert caught.value.code == "column_twice"
    assert mapping("Name,Phone,Notes,Notes,,")["phone"] == "Phone"


@given(st.lists(st.text(max_size=20), max_size=12))
def test_any_header_is_mapped_or_refused(header: list[str]) -> None:
    try:
        named = map_columns([*header, "Cell Phone"]).named()
    except BadInputError as error:
        assert error.code == "column_twice"
    else:
        assert "Cell Phone" in named["phone"]


def test_the_first_usable_phone_in_order_of_preference() -> None:
    assert person("HomePhone,CellPhone", "602-555-0101,480-555-0102").e164 == "+14805550102"
    assert person("HomePhone,CellPhone", "602-555-0101,1.5E+10").e164 == "+16025550101"
    assert person("Phone 1 - Value,Name", "12 ::: (623) 555-0103,Ana").e164 == "+16235550103"


@pytest.mark.parametrize(
    ("header", "cells", "number"),
    [
        # A voter file: the cell first; the others only when they are flagged as cells.
        ("CellPhone,HomePhone,IsHomePhoneACellExchange", "480-555-0101,602-555-0102,1", "+14805550101"),
        ("CellPhone,HomePhone,IsHomePhoneACellExchange", ",602-555-0102,1", "+16025550102"),
        ("CellPhone,HomePhone,IsHomePhoneACellExchange", ",602-555-0102,0", None),
        ("CellPhone,HomePhone,IsHomePhoneACellExchange", ",602-555-0102,", None),
        ("HomePhone,IsHomePhoneACellExchange,Phone", ",0,623-555-0103", None),
        ("OptInPhone,OptInPhoneType,IsHomePhoneACellExchange", "480-555-0104,Cell,", "+14805550104"),
        ("OptInPhone,OptInPhoneType,IsHomePhoneACellExchange", "480-555-0104,Landline,", None),
        ("HomePhone,Phone", "602-555-0102,623-555-0103", "+16235550103"),  # nothing is flagged here
        # Labels: a fax is no phone, and what is called mobile comes first.
        ("Phone 1 - Type,Phone 1 - Value,Phone 2 - Type,Phone 2 - Value",
         "Home,602-555-0102,* Mobile,480-555-0101", "+14805550101"),
        ("Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value",
         "Work Fax,602-555-0102,Home,623-555-0103", "+16235550103"),
        ("Phone 1 - Type,Phone 1 - Value", "Pager,602-555-0102", None),
        ("Phone,Phone Type", "602-555-0102,Fax", None),
        ("Phone,Phone Type", "602-555-0102,Phone", "+16025550102"),
    ],
)  # fmt: skip
def test_which_line_is_taken(header: str, cells: str, number: str | None) -> None:
    found, problems = RowReader(map_columns(header.split(",")), None).read(Row(2, cells.split(",")))
    assert (found.e164 if found else None) == number
    assert (found is None) == bool(problems)


@pytest.mark.parametrize(
    ("phone", "code"),
    [("1.5E+10", "scientific_notation"), ("", "no_phone"), ("555-0101", "no_area_code"), ("Phone", "not_a_number")],
)
def test_a_row_without_a_usable_phone_says_why(phone: str, code: str) -> None:
    assert codes("Name,Cell", f"Ana,{phone}") == [("Cell", code)]


def test_other_bad_cells_keep_the_row() -> None:
    header, cells = "Phone,Zip,Email,Language", "4805550101,ABC,nobody,French"
    assert codes(header, cells) == [
        ("Email", "email_malformed"), ("Zip", "zip_malformed"), ("Language", "language_unknown"),
    ]  # fmt: skip
    found = person(header, cells)
    assert (found.zip, found.email, found.language) == (None, "", None)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("85004", "85004"), ("85004-1234", "85004"), ("850041234", "85004"), ("2134", "02134"), ("602", "00602"),
     ("2134-0001", "02134"), ("21340001", "02134"), ("85004.0", "85004"), ("'02134", "02134"), ("", None), ("12", None),
     ("ABCDE", None), ("00000", None), ("M5V 3L9", None), ("٨٥٠٠٤", None)],
)  # fmt: skip
def test_zips(cell: str, expected: str | None) -> None:
    assert zip_of(cell) == expected


@pytest.mark.parametrize(
    ("cell", "answer"),
    [("Yes", "yes"), ("sí", "yes"), ("TRUE", "yes"), ("1", "yes"), ("1.0", "yes"), ("Opted-In", "yes"),
     ("subscribed", "yes"),
     ("No", "no"), ("0", "no"), ("unsubscribed", "no"), ("Opted Out", "no"), ("no acepto", "no"),
     ("", None), ("  ", None), ("pending", None), ("unknown", None), ("bouncing", None), ("2024-01-05", None),
     ("?", None),
     ("not subscribed", None), ("10", None), ("yes, by e-mail", None)],
)  # fmt: skip
def test_consent_answers(cell: str, answer: str | None) -> None:
    assert answer_of(cell) == answer


@pytest.mark.parametrize(
    ("header", "cells", "declared", "consent"),
    [
        ("phone", "4805550101", None, "none"),
        ("phone", "4805550101", "signed at the fair", "granted"),
        ("phone,sms opt in", "4805550101,yes", None, "granted"),
        ("phone,sms opt in", "4805550101,no", "signed at the fair", "refused"),
        ("phone,sms opt in", "4805550101,", "signed at the fair", "none"),
        ("phone,sms opt in", "4805550101,pending", "signed at the fair", "none"),
        ("phone,do_not_contact", "4805550101,Y", "signed at the fair", "refused"),
        ("phone,do_not_contact", "4805550101,N", "signed at the fair", "granted"),
        ("phone,sms opt in,do_not_contact", "4805550101,yes,true", "signed at the fair", "refused"),
        ("phone,OptInStatus", "4805550101,Opted Out", "signed at the fair", "refused"),
        ("phone,OptInStatus", "4805550101,", "signed at the fair", "granted"),
    ],
)
def test_consent_of_a_row(header: str, cells: str, declared: str | None, consent: str) -> None:
    found = person(header, cells, declared)
    assert found.consent == consent
    assert (found.consent_wording is None) == (consent == "none")


@pytest.mark.parametrize(
    ("header", "cells", "names"),
    [
        ("Name;Phone", "Ana Diaz Ruiz;4805550101", ("Ana", "Diaz Ruiz")),
        ("Name;Phone", "Diaz, Ana;4805550101", ("Ana", "Diaz")),
        ("Name;Phone", "Ana;4805550101", ("Ana", "")),
        ("Nombre;Apellido;Phone", "Ana María;Díaz;4805550101", ("Ana María", "Díaz")),
        ("Name;Last Name;Phone", "Ana Diaz;Diaz;4805550101", ("Ana", "Diaz")),
        ("Name;First Name;Phone", "Ana Diaz;Nita;4805550101", ("Nita", "")),
    ],
)
def test_names(header: str, cells: str, names: tuple[str, str]) -> None:
    found, _ = RowReader(map_columns(header.split(";")), None).read(Row(2, cells.split(";")))
    assert found is not None
    assert (found.first_name, found.last_name) == names


def test_tags_and_languages() -> None:
    assert tags_of("* myContacts ::: Volunteers, West;Volunteers|") == ("myContacts", "Volunteers", "West")
    for cell, language in (("Español", "es"), ("SPANISH", "es"), ("en-US", "en"), ("", None)):
        assert person("Phone,Language", f"4805550101,{cell}").language == language
