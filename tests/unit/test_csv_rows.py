"""Files as people save them: encodings, line ends, delimiters, and rows that are broken."""

from __future__ import annotations

import csv
import io
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core import csv_rows
from outreach.core.csv_rows import CHARACTERS_IN_A_LINE, Row, Source, open_csv
from outreach.core.errors import BadInputError

PEOPLE = "first_name,phone\nJosé,480-555-0101\nAna,602-555-0102\n"
EXPECTED = [["José", "480-555-0101"], ["Ana", "602-555-0102"]]


def read(source: Source) -> list[Row]:
    with open_csv(source) as table:
        return list(table)


def cells(source: Source) -> list[list[str]]:
    rows = read(source)
    assert [row.problem for row in rows] == [None] * len(rows)
    return [row.cells for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, end: str) -> None:
    data = PEOPLE.replace("\n", end).encode(encoding)
    with open_csv(data) as table:
        assert table.header == ("first_name", "phone")
        assert [row.cells for row in table] == EXPECTED


def test_one_file_glued_from_two_encodings() -> None:
    data = "first_name,phone\nJosé,480-555-0101\n".encode() + "Peña,602-555-0102\n".encode("cp1252")
    assert cells(data) == [["José", "480-555-0101"], ["Peña", "602-555-0102"]]


def test_a_byte_that_no_western_table_has_is_kept() -> None:
    assert cells(b"first_name,phone\nA\x81,4805550101\n") == [["A\x81", "4805550101"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_comes_from_the_header(delimiter: str) -> None:
    header = f'"last, first"{delimiter}phone{delimiter}note'
    row = f"Ana{delimiter}4805550101{delimiter}a"
    with open_csv(f"{header}\n{row}\n".encode()) as table:
        assert table.delimiter == delimiter
        assert table.header == ("last, first", "phone", "note")
        assert [row.cells for row in table] == [["Ana", "4805550101", "a"]]


def test_the_spreadsheets_sep_line_and_blank_lines_before_the_header() -> None:
    assert cells(b"sep=;\n\n,,\nname;phone\nAna;4805550101\n") == [["Ana", "4805550101"]]


def test_quoted_newlines_and_blank_lines_keep_row_numbers() -> None:
    rows = read(b'name,phone\n"Ana\nMaria",4805550101\n\nBo,4805550102\n')
    assert [(row.number, row.cells[0]) for row in rows] == [(2, "Ana\nMaria"), (4, "Bo")]


def test_nuls_are_removed_and_said() -> None:
    rows = read(b"na\0me,phone\nA\0na,4805550101\nBo,4805550102\n")
    assert [(row.cells[0], row.notes) for row in rows] == [("Ana", ("nul_removed",)), ("Bo", ())]


def test_ragged_rows() -> None:
    rows = read(b"a,phone,c\n1,4805550101\n1,4805550101,3,4\n1,4805550101,3,,\n,,\na,phone,c\n")
    assert [(row.number, row.problem, row.notes) for row in rows] == [
        (2, None, ("row_short",)),
        (3, "row_long", ()),
        (4, None, ()),
        (5, "row_empty", ()),
        (6, "header_repeated", ()),
    ]
    assert rows[0].cells == ["1", "4805550101", ""]


@pytest.mark.parametrize(
    "broken",
    ['"Ana,4805550101,85004', '"Ana"x,4805550101,"85004', 'Ana,"48055', '"' + "x" * 200_000 + '",1,2'],
    ids=["open", "open-last", "open-short", "over-long field"],
)
@pytest.mark.parametrize("after", [1, 400])
def test_a_quote_that_stays_open_costs_its_own_row_only(broken: str, after: int) -> None:
    good = [f'Bo{number},"4805550102",85004' for number in range(after)]
    rows = read("\n".join(["name,phone,zip", "Al,4805550100,85004", broken, *good, ""]).encode())
    assert [(row.number, row.problem) for row in rows[:3]] == [(2, None), (3, "row_unreadable"), (4, None)]
    assert [row.cells[0] for row in rows[2:]] == [f"Bo{number}" for number in range(after)]


def test_nicknames_in_careless_quotes_are_read() -> None:
    assert cells(b'name,phone\n"Ana "Nita" Diaz",4805550101\nBo 5\'10",4805550102\n')[1] == ["Bo 5'10\"", "4805550102"]


def test_a_line_without_end_costs_its_own_row_only() -> None:
    data = b"name,phone\n" + b"x" * (2 * CHARACTERS_IN_A_LINE + 5) + b"\nBo,4805550102\n"
    assert [(row.problem, row.cells) for row in read(data)] == [
        ("row_unreadable", []),
        (None, ["Bo", "4805550102"]),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "csv_empty"),
        (b"\xef\xbb\xbf", "csv_empty"),
        (b" \r\n\r\n", "csv_empty"),
        ("\n".encode("utf-16"), "csv_empty"),
        (b"Ana,480-555-0101\nBo,480-555-0102\n", "csv_no_header"),
        (b"Ana,ana@example.org\n", "csv_no_header"),
        (b"x" * (CHARACTERS_IN_A_LINE + 1), "csv_no_header"),
        (b"name,phone" + b"," * 1_000 + b"\n", "csv_wide"),
        (b"phone," + b"x" * 100_000 + b"\n", "csv_wide"),
        (b"PK\x03\x04rest", "spreadsheet_unreadable"),
        (b"\xd0\xcf\x11\xe0rest", "csv_is_spreadsheet"),
        (b"%PDF-1.7", "csv_not_text"),
    ],
)
def test_files_that_are_no_csv_with_a_header(data: bytes, code: str) -> None:
    with pytest.raises(BadInputError) as caught, open_csv(data) as table:
        list(table)
    assert caught.value.code == code
    assert str(caught.value) != code


def test_a_stream_that_cannot_seek_is_read_too() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    assert cells(Pipe(PEOPLE.encode())) == EXPECTED


def test_a_named_pipe_is_read_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[PEOPLE.encode()])
    writer.start()
    assert cells(pipe) == EXPECTED
    writer.join()


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught, open_csv(tmp_path / "none.csv"):
        pass
    assert caught.value.code == "file_unreadable"


def test_the_callers_stream_stays_open() -> None:
    stream = io.BytesIO(PEOPLE.encode())
    assert cells(stream) == EXPECTED
    assert cells(stream) == EXPECTED


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('\n",;'), max_size=12)


@given(st.lists(st.tuples(TEXT, TEXT, st.just("4805550101")), max_size=8), st.sampled_from([",", ";", "\t", "|"]))
def test_whatever_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["name", "note", "phone"])
    writer.writerows(rows)
    assert cells(out.getvalue().encode()) == [list(row) for row in rows]


@given(st.binary(max_size=400))
def test_rubbish_is_refused_or_read_but_never_breaks_the_reader(junk: bytes) -> None:
    rows = read(b"name,phone,zip\nAl,4805550100,85004\n" + junk)
    assert rows[0].cells == ["Al", "4805550100", "85004"]
    assert all(len(row.cells) == 3 for row in rows if row.problem is None)


def test_a_header_of_white_space_is_read_in_no_time() -> None:
    """Once, a cell of white space was searched in cubic time: 1,000 characters took a second, 130,000 years."""

    def seconds(characters: int) -> float:
        file = b'name,"' + b"\t" * characters + b'x"\n1,2\n'
        begun = time.process_time()
        with open_csv(file) as table:
            assert len(table.header) == 2
        return time.process_time() - begun

    assert min(seconds(64_000) for _ in range(3)) < 40 * max(0.0005, min(seconds(4_000) for _ in range(3)))


def test_a_file_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "MOST_ROWS", 3)
    with open_csv(b"name\na\nb\n") as table:
        assert len(list(table)) == 2
    with open_csv(b"name\na\nb\nc\n") as table, pytest.raises(BadInputError, match="rows"):
        list(table)
