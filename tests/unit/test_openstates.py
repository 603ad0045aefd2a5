"""Officials out of OpenStates' files and plain sheets."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core.errors import BadInputError
from outreach.core.phone import check_phone
from outreach.officials.aliases import Aliases, is_alias, rehearsal_alias
from outreach.officials.openstates import ParsedOffice, ParsedOfficial, current_role, jurisdiction_name, parse_officials

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "config" / "demo" / "officials.csv"
SHARED = ROOT.parent / "shared" / "data" / "officials"
TODAY = date(2026, 12, 1)

MAYOR_YAML = """
id: ocd-person/demo-mayor
name: Ximena Copperfield-Rao
email: mayor@example.org
party:
- name: Old Party
  end_date: '2020-01-01'
- name: Independent
roles:
- type: lower
  jurisdiction: ocd-jurisdiction/country:us/state:az/government
  district: '6'
  end_date: 2024-01-11
- type: mayor
  jurisdiction: ocd-jurisdiction/country:us/state:az/place:dry_wash/government
  end_date: '2028-01'
offices:
- classification: primary
  address: City Hall;1 Example Street;Dry Wash, AZ 85300
  voice: 623-555-0121 ext. 7
  fax: 623-555-0199
"""


def parse(path: Path, today: date = TODAY) -> list[ParsedOfficial]:
    return list(parse_officials(path, today))


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_the_demo_file_has_legislators_and_others() -> None:
    officials = parse(DEMO)
    assert [official.problem for official in officials] == [None] * len(officials)
    assert {official.role for official in officials} >= {
        "State Senator",
        "State Representative",
        "Police Chief",
        "Mayor",
        "Sheriff",
    }
    senator = officials[0]
    assert (senator.district, senator.party, senator.jurisdiction) == ("3", "Independent", "Demo State Legislature")
    assert [(office.classification, office.voice) for office in senator.offices] == [
        ("capitol", "602-555-0110"), ("district", "480-555-0111 x4"),
    ]  # fmt: skip
    voices = [office.voice for official in officials for office in official.offices if office.voice]
    assert len(voices) >= 8
    for voice in voices:
        verdict = check_phone(voice, "office")
        assert verdict.e164 and is_alias(verdict.e164)


def test_municipal_csv(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "municipal.csv",
        "state,id,name,role,district,jurisdiction,end_date,email,voice,address,source\n"
        "az,p/1,Ana,mayor,,ocd-jurisdiction/country:us/state:az/place:casa_grande/government,2028-12-31,a@example.org,"
        '"520-555-0101 ext. 309","510 E. Example Blvd;Casa Grande, AZ 85122",https://example.org\n'
        "az,p/2,Bo,mayor,,ocd-jurisdiction/country:us/state:az/place:mesa/government,2026-11-30,,480-555-0102;480-555-0103,,\n"
        "az,p/3,Cy,council_member,2,,2026-12-01,,,,\n",
    )
    ana, bo, cy = parse(path)
    assert (ana.role, ana.jurisdiction) == ("Mayor", "Casa Grande, AZ")
    assert ana.offices == (
        ParsedOffice("primary", "510 E. Example Blvd, Casa Grande, AZ 85122", "520-555-0101 ext. 309"),
    )
    assert bo.problem is not None
    assert bo.problem.code == "official_term_ended"
    assert [office.voice for office in bo.offices] == ["480-555-0102", "480-555-0103"]
    assert (cy.problem, cy.role, cy.district, cy.offices) == (None, "Council Member", "2", ()), "the last day counts"


def test_plain_csv(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "plain.csv",
        "Name;Role;Jurisdiction;Phone;Extension\nAna;Chief of Police;Mesa;480-555-0101;12\n;Mayor;Mesa;;\nBo;;;;\n",
    )
    ana, nameless, roleless = parse(path)
    assert (ana.role, ana.offices) == ("Chief of Police", (ParsedOffice("primary", "", "480-555-0101 x12"),))
    assert ana.external_id == parse(path)[0].external_id != nameless.external_id
    assert [official.problem and official.problem.code for official in (nameless, roleless)] == [
        "official_no_name",
        "official_no_role",
    ]


@pytest.mark.parametrize("text", ["name,phone\nAna,4805550101\n", "a,b\n1,2\n"])
def test_a_csv_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse(write(tmp_path, "other.csv", text))
    assert caught.value.code == "officials_format_unknown"


def test_yaml_file_and_folder(tmp_path: Path) -> None:
    file = write(tmp_path, "mayor.yml", MAYOR_YAML)
    write(
        tmp_path,
        "places.yml",
        "- name: Dry Wash\n  id: ocd-jurisdiction/country:us/state:az/place:dry_wash/government\n",
    )
    for path in (file, tmp_path):
        (mayor,) = parse(path)
        assert (mayor.external_id, mayor.role, mayor.jurisdiction) == ("ocd-person/demo-mayor", "Mayor", "Dry Wash, AZ")
        assert (mayor.party, mayor.email, mayor.district, mayor.problem) == (
            "Independent",
            "mayor@example.org",
            "",
            None,
        )
        assert mayor.offices == (
            ParsedOffice("primary", "City Hall, 1 Example Street, Dry Wash, AZ 85300", "623-555-0121 ext. 7"),
        )
    (mayor,) = parse(file, date(2028, 2, 1))
    assert mayor.problem is not None
    assert mayor.problem.code == "official_no_current_role"


@pytest.mark.parametrize(
    ("text", "code"),
    [("a: [", "yaml_malformed"), ("just: this", "officials_format_unknown"), ("", "officials_format_unknown")],
)
def test_yaml_that_is_no_official(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse(write(tmp_path, "x.yml", text))
    assert caught.value.code == code


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        parse(tmp_path)
    assert caught.value.code == "no_yaml_files"


def test_the_current_role() -> None:
    old = {"type": "upper", "end_date": "2026-11-30"}
    first = {"type": "lower", "start_date": date(2023, 1, 9)}
    second = {"type": "mayor", "start_date": "2026-04-29", "end_date": "2028"}
    coming = {"type": "governor", "start_date": "2027-01-04"}
    assert current_role([old, first, second, coming], TODAY) == second
    assert current_role([old, coming], TODAY) is None
    assert current_role([old], date(2026, 11, 30)) == old


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ocd-jurisdiction/country:us/state:az/government", "AZ"),
        ("ocd-jurisdiction/country:us/state:al/place:vestavia_hills/government", "Vestavia Hills, AL"),
        ("ocd-jurisdiction/country:us/state:az/county:pima/government", "Pima County, AZ"),
        ("City of Mesa", "City of Mesa"),
        ("", ""),
    ],
)
def test_jurisdictions(text: str, name: str) -> None:
    assert jurisdiction_name(text) == name


def test_the_shared_openstates_files() -> None:
    """The real files, where they are at hand; each form stands above on rows of ours."""
    counts = {
        "openstates-az-legislators.csv": 90,
        "openstates-us-municipal-officials.csv": 608,
        "openstates-people-az": 100,
    }
    for name, least in counts.items():
        if not (SHARED / name).exists():
            continue
        officials = parse(SHARED / name)
        assert len(officials) >= least
        fit = [official for official in officials if official.problem is None]
        assert len(fit) > len(officials) / 3  # many terms in the municipal file have ended
        assert all(official.name and official.role and official.external_id for official in fit)
        assert {official.problem.code for official in officials if official.problem} <= {
            "official_term_ended",
            "official_no_current_role",
        }


OFFICES = st.sampled_from(["602", "480", "212", "907", "787", "800", "888", "416"])


@given(OFFICES, st.integers(5_550_200, 5_559_999), st.integers(0, 10_000))
def test_an_alias_belongs_to_nobody_and_keeps_its_area_where_it_can(area: str, rest: int, ordinal: int) -> None:
    alias = rehearsal_alias(f"+1{area}{rest}", ordinal)
    assert is_alias(alias)
    assert check_phone(alias).valid
    assert alias[2:5] == (area if area not in ("800", "888") else "602")
    assert rehearsal_alias(alias, ordinal + 1) == alias


def test_one_number_has_one_alias_and_two_have_two() -> None:
    aliases = Aliases()
    real = [f"+1602{number}" for number in range(5_552_000, 5_552_100)]
    given_out = [aliases.of(number) for number in real]
    assert len(set(given_out)) == 100
    assert [aliases.of(number) for number in real] == given_out
