"""A CSV file as somebody really saved it, read as a header and rows, one row at a time.

Nothing is loaded as a whole. Encodings: UTF-8 and UTF-16 with or without a mark; bytes that are no UTF-8 are taken
as CP1252, one by one, so a file glued together from both kinds still reads. The delimiter is the one that divides
the header most. A quote that nobody closes must not swallow the rows after it: a record that does not parse is
reported alone and reading goes on with the next line. Trouble with the file is a BadInputError; trouble with a row
is that row's ``problem``.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import RawIOBase
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from outreach.core.errors import BadInputError
from outreach.core.spreadsheets import as_csv

Source = bytes | Path | BinaryIO | RawIOBase
_Record = tuple[list[str] | None, bool, bool]

DELIMITERS = ",;\t|"
LINES_IN_A_RECORD = 100
CHARACTERS_IN_A_LINE = 1_000_000
MOST_COLUMNS = 1_000
MOST_ROWS = 5_000_000
CHARACTERS_IN_A_HEADER = 100_000
HEAD_BYTES = 65_536

_XLSX = b"PK\x03\x04"
_OLD_SPREADSHEET = b"\xd0\xcf\x11\xe0"
_NOT_TEXT = (b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff")
_DATA_CELL = re.compile(r"\+?[\d().\s-]{10,}|[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST_DATA_CELL = 320
"""Characters of an e-mail address, which is longer than a number: what is longer is neither, and is not searched."""
_DOS_END = "\x1a"


class Row(NamedTuple):
    """One record. ``number`` counts from 1, the header being 1; ``cells`` are as many as the header's.

    ``problem``: what makes the row unusable (row_unreadable, row_long, row_empty, header_repeated), its cells then
    being what could be read. ``notes``: what was mended (row_short, nul_removed).
    """

    number: int
    cells: list[str]
    problem: str | None = None
    notes: tuple[str, ...] = ()


class CsvTable:
    """An open CSV file: ``header`` (cells verbatim), ``delimiter``, and the rows, once, by iteration.

    ``bare``: what to call the one column of a file without a header, whose rows then count from 1.
    """

    def __init__(self, text: io.TextIOBase, bare: str | None = None) -> None:
        self._lines = _Lines(text)
        self.delimiter = self._find_delimiter()
        self._records: Iterator[_Record] = _records(self._lines, self.delimiter)
        self._first = 2
        first = next(self._records)
        self.header = tuple(first[0] or ())
        if any(map(_is_data, self.header)):
            if bare is None or sum(bool(cell.strip()) for cell in self.header) > 1:
                raise BadInputError("csv_no_header")
            self._records, self._first = chain([first], self._records), 1
            self.header = tuple(bare if cell.strip() else "" for cell in self.header)
        elif not any(cell.strip() for cell in self.header):
            raise BadInputError("csv_no_header")
        if len(self.header) > MOST_COLUMNS or sum(map(len, self.header)) > CHARACTERS_IN_A_HEADER:
            raise BadInputError("csv_wide")
        self._lines.width = len(self.header)

    def _find_delimiter(self) -> str:
        """Skip what stands before the header, and count the delimiters outside quotes in the header's lines."""
        named = None
        start: list[str] = []
        quotes = size = 0
        for line in self._readable_lines():
            if not start and named is None and (sep := re.fullmatch(r"sep=([,;\t|])\s*", line)):
                named = sep[1]
            elif start or line.strip(DELIMITERS + " \r\n" + _DOS_END):
                start.append(line)
                quotes, size = quotes + line.count('"'), size + len(line)
                if quotes % 2 == 0 or len(start) == LINES_IN_A_RECORD or size > CHARACTERS_IN_A_LINE:
                    break
            self._lines.taken.clear()
        if not start:
            raise BadInputError("csv_empty")
        self._lines.give_back(start)
        bare = re.sub(r'"[^"]*"', "", "".join(start))
        return named or max(DELIMITERS, key=bare.count)

    def _readable_lines(self) -> Iterator[str]:
        try:
            yield from self._lines
        except _RecordTooLongError:
            raise BadInputError("csv_no_header") from None

    def __iter__(self) -> Iterator[Row]:
        width = len(self.header)
        titles = [cell.strip() for cell in self.header]
        for number, (cells, broken, had_nul) in enumerate(self._records, start=self._first):
            if number > MOST_ROWS:
                raise BadInputError("csv_long", most=MOST_ROWS)
            notes = ("nul_removed",) if had_nul else ()
            if cells is None:
                yield Row(number, [], "row_unreadable", notes)
                continue
            if not cells or cells == [_DOS_END]:
                continue
            if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
                del cells[width:]
            if broken and len(cells) != width:
                yield Row(number, cells, "row_unreadable", notes)
            elif len(cells) > width:
                yield Row(number, cells, "row_long", notes)
            elif not any(cell.strip() for cell in cells):
                yield Row(number, cells, "row_empty", notes)
            elif len(cells) < width:
                yield Row(number, cells + [""] * (width - len(cells)), None, (*notes, "row_short"))
            elif cells[0].strip() == titles[0] and [cell.strip() for cell in cells] == titles:
                yield Row(number, cells, "header_repeated", notes)
            else:
                yield Row(number, cells, None, notes)


def _is_data(cell: str) -> bool:
    """Whether a cell holds somebody's number or address, as a header does not."""
    text = cell.strip()
    return len(text) <= LONGEST_DATA_CELL and _DATA_CELL.fullmatch(text) is not None


@contextmanager
def open_csv(source: Source, bare: str | None = None) -> Iterator[CsvTable]:
    """Open a file, bytes, or a binary stream (not closed). An XLSX file is read as the CSV of its first sheet.

    ``bare``: a single column without a header is read under this name. Raises BadInputError when the file is neither,
    or has no header.
    """
    with ExitStack() as stack:
        file = stack.enter_context(_seekable(source))
        if _begins_with(file, _XLSX):
            file = stack.enter_context(as_csv(file))
        encoding = _encoding(file)
        text = io.TextIOWrapper(file, encoding=encoding, errors="cp1252_bytes", newline="")
        stack.callback(text.detach)
        yield CsvTable(text, bare)


@contextmanager
def _seekable(source: Source) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, Path):
        try:
            file = source.open("rb")
        except OSError as error:
            raise BadInputError("file_unreadable", file=source.name, reason=error.strerror or "unreadable") from None
        with file, _seekable(file) as found:
            yield found
    elif source.seekable():
        source.seek(0)
        yield cast(BinaryIO, source)
    else:  # a pipe
        with tempfile.TemporaryFile() as spool:
            shutil.copyfileobj(source, spool)
            spool.seek(0)
            yield spool


def _begins_with(file: BinaryIO, mark: bytes) -> bool:
    head = file.read(len(mark))
    file.seek(0)
    return head == mark


def _encoding(file: BinaryIO) -> str:
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head:
        raise BadInputError("csv_empty")
    if head.startswith(_OLD_SPREADSHEET):
        raise BadInputError("csv_is_spreadsheet")
    if head.startswith(_NOT_TEXT):
        raise BadInputError("csv_not_text")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Latin text in UTF-16 has a zero in nearly every other byte; stray NULs have no such parity.
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 4 and min(even, odd) <= len(head) // 100:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8-sig"


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if error.encoding.startswith("utf-16"):
        return "\ufffd", error.end
    undecoded = error.object[error.start : error.end]
    return "".join(_CP1252.get(byte, chr(byte)) for byte in undecoded), error.end


_CP1252 = {byte: char for byte in range(256) if (char := bytes([byte]).decode("cp1252", "ignore"))}
codecs.register_error("cp1252_bytes", _as_cp1252)


class _RecordTooLongError(Exception):
    """A quote has been open for so many lines, or a line is so long, that no person wrote it."""


class _Lines:
    """Lines for the csv reader, remembering those of the current record so that they can be given back."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.had_nul = False
        self.width: int | None = None  # known once the header was read

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= LINES_IN_A_RECORD:
            raise _RecordTooLongError
        line = self._waiting.popleft() if self._waiting else self._text.readline(CHARACTERS_IN_A_LINE)
        if not line:
            raise StopIteration
        if "\0" in line:
            self.had_nul = True
            line = line.replace("\0", "") or "\n"
        self.taken.append(line)
        if len(line) >= CHARACTERS_IN_A_LINE and not line.endswith(("\n", "\r")):
            self._skip_rest_of_line()
            self.taken[-1] = '"'  # unreadable by itself, too
            raise _RecordTooLongError
        return line

    def _skip_rest_of_line(self) -> None:
        while (rest := self._text.readline(CHARACTERS_IN_A_LINE)) and not rest.endswith(("\n", "\r")):
            pass

    def give_back(self, lines: list[str]) -> None:
        """These lines come again, before all others."""
        self._waiting.extendleft(reversed(lines))
        self.taken.clear()


def _records(lines: _Lines, delimiter: str) -> Iterator[_Record]:
    """Cells of each record (None: unreadable), whether its line was read alone, and whether it held a NUL."""
    reader = _reader(lines, delimiter, strict=True)
    while True:
        lines.taken.clear()
        lines.had_nul = False
        cells: list[str] | None = None
        try:
            cells = next(reader)
            broken = len(lines.taken) > 1 and lines.width is not None and len(cells) != lines.width
        except StopIteration:
            return
        except (csv.Error, _RecordTooLongError):
            broken = True
        if broken:
            first, *rest = lines.taken
            lines.give_back(rest)
            reader = _reader(lines, delimiter, strict=True)
            cells = _one_line(first, delimiter)
        yield cells, broken, lines.had_nul


def _reader(lines: Iterator[str], delimiter: str, *, strict: bool) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, strict=strict, skipinitialspace=True)


def _one_line(line: str, delimiter: str) -> list[str] | None:
    """Read one line whatever its quotes are; None when a quote stays open or a field is over-long."""
    if line.count('"') % 2:
        return None
    try:
        return next(_reader(iter([line]), delimiter, strict=False), [])
    except csv.Error:
        return None
