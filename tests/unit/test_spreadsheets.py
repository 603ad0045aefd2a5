"""XLSX files, made by hand: what a sheet holds becomes the CSV that its program would have saved."""

from __future__ import annotations

import io
import zipfile

import pytest

from outreach.core.csv_rows import open_csv
from outreach.core.errors import BadInputError

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def cell(place: str, value: object) -> str:
    """A cell: a number, a truth, a formula with its last result, or a text."""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    if str(value).startswith("="):
        return f'<c r="{place}" t="str"><f>{str(value)[1:]}</f><v>result</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


def workbook(*sheets: list[list[object]], filler: int = 0) -> bytes:
    """An XLSX file with these rows; None leaves a cell out. ``filler``: bytes of nothing beside it."""
    names = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n, _ in enumerate(sheets, 1))
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r" Type="{DOCUMENT}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{DOCUMENT}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{DOCUMENT}/worksheet" Target="worksheets/s{n}.xml"/>'
            for n, _ in enumerate(sheets, 1)
        )
        + "</Relationships>",
    }
    for n, rows in enumerate(sheets, 1):
        body = "".join(
            f'<row r="{y}">'
            + "".join(cell(f"{chr(65 + x)}{y}", v) for x, v in enumerate(row) if v is not None)
            + "</row>"
            for y, row in enumerate(rows, 1)
        )
        parts[f"xl/worksheets/s{n}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        if filler:
            archive.writestr("xl/media/nothing.bin", bytes(filler))
    return data.getvalue()


def test_cells_become_what_a_person_sees() -> None:
    data = workbook(
        [],
        [["First Name", "Cell", "ZIP", "Score", "OK", "Note"],
         ["Ana", 4805550101, 2134, 1.5, True, "=cmd()"],
         [None, None, None],
         ["Luz, Ñ.", "(602) 555-0102", "85003", None, False, "two\nlines"]],
    )  # fmt: skip
    with open_csv(data) as table:
        assert table.header == ("First Name", "Cell", "ZIP", "Score", "OK", "Note")
        rows = list(table)
    assert [(row.number, row.cells, row.problem) for row in rows] == [
        (2, ["Ana", "4805550101", "2134", "1.5", "true", "result"], None),
        (4, ["Luz, Ñ.", "(602) 555-0102", "85003", "", "false", "two\nlines"], None),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (workbook([["Cell"]], filler=101 * 1024 * 1024), "spreadsheet_too_large"),
        (workbook([]), "csv_empty"),
        (workbook([["Cell"]])[:200], "spreadsheet_unreadable"),
        (workbook([["Ana", "480-555-0101"]]), "csv_no_header"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_kept(data: bytes, code: str) -> None:
    assert len(data) < 200_000
    with pytest.raises(BadInputError) as caught, open_csv(data) as table:
        list(table)
    assert caught.value.code == code
    assert str(caught.value) != code


def test_a_bomb_that_lies_about_its_size_is_found_out() -> None:
    honest = workbook([["Cell"]], filler=101 * 1024 * 1024)
    said = (101 * 1024 * 1024).to_bytes(4, "little")
    assert honest.count(said) >= 1
    with pytest.raises(BadInputError) as caught, open_csv(honest.replace(said, (10).to_bytes(4, "little"))):
        pass
    assert caught.value.code == "spreadsheet_too_large"


def test_an_archive_that_is_no_spreadsheet() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(BadInputError, match="cannot be read"), open_csv(data.getvalue()):
        pass


def moved(place: str, elsewhere: str) -> bytes:
    """A small workbook, one of whose cells says that it stands elsewhere."""
    source, data = zipfile.ZipFile(io.BytesIO(workbook([["name", "Cell"], ["Ana", 4805550101]]))), io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name).replace(f'r="{place}"'.encode(), f'r="{elsewhere}"'.encode()))
    return data.getvalue()


@pytest.mark.parametrize(
    ("elsewhere", "code"),
    [
        ("XFD1048576", "spreadsheet_too_large"),  # 500 gigabytes of empty cells: the library ends its process
        ("Z1048576", "spreadsheet_too_large"),
        ("AAAAAAAAAAAA99999999999", "spreadsheet_unreadable"),  # it panics, past every Exception
    ],
)
def test_a_small_file_cannot_end_the_process_that_was_given_it(elsewhere: str, code: str) -> None:
    with pytest.raises(BadInputError) as caught, open_csv(moved("B2", elsewhere)):
        pass
    assert caught.value.code == code
