"""A process that reads one spreadsheet from its standard input and writes its first sheet as CSV: see ``spreadsheets``.

It says how it went by its exit status. More than ``MOST_UNPACKED``, ``MOST_CELLS``, ``MOST_MEMORY`` or ``MOST_SECONDS``
of processor time it takes from nobody.
"""

from __future__ import annotations

import csv
import io
import resource
import sys
import zipfile
from datetime import date, time, timedelta
from typing import Final

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum

MOST_UNPACKED: Final = 100 * 1024 * 1024
MOST_CELLS: Final = 16_000_000
"""In the rectangle around all cells that hold something; the library makes it up in full."""
MOST_MEMORY: Final = 1024 * 1024 * 1024
MOST_SECONDS: Final = 60
PIECE: Final = 1024 * 1024
EXACT: Final = 10**15
"""A spreadsheet's numbers are floats: above this, digits are gone."""
EMPTY, UNREADABLE, LARGE = 3, 4, 5
"""How it ends."""

Cell = str | bool | int | float | date | time | timedelta | None


class _TooLargeError(Exception):
    """Somebody may have meant it well, but it is too much."""


def run() -> int:
    """Read, and write only once all is well; the exit status."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what it holds is people's data
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    try:
        file = io.BytesIO(sys.stdin.buffer.read())
        _check_size(file)
        sheet = _first_sheet(file)
        if sheet is None:
            return EMPTY
        sys.stdout.buffer.write(_written(sheet).getbuffer())
        sys.stdout.buffer.flush()
    except (MemoryError, _TooLargeError):
        return LARGE
    except BaseException:  # the library panics past Exception
        return UNREADABLE
    return 0


def _check_size(file: io.BytesIO) -> None:
    """Unpack everything once and keep nothing: what an archive says of its sizes may be a lie."""
    unpacked = 0
    with zipfile.ZipFile(file) as archive:
        for about in archive.infolist():
            about.file_size = MOST_UNPACKED + 1  # how far it reads; a lie about less then fails its checksum
            with archive.open(about) as part:
                while chunk := part.read(PIECE):
                    unpacked += len(chunk)
                    if unpacked > MOST_UNPACKED:
                        raise _TooLargeError
    file.seek(0)


def _first_sheet(file: io.BytesIO) -> CalamineSheet | None:
    workbook = CalamineWorkbook.from_filelike(file)
    for about in workbook.sheets_metadata:
        if about.typ == SheetTypeEnum.WorkSheet and (sheet := workbook.get_sheet_by_name(about.name)).height:
            if sheet.total_height * sheet.total_width > MOST_CELLS:
                raise _TooLargeError
            return sheet
    return None


def _written(sheet: CalamineSheet) -> io.BytesIO:
    data = io.BytesIO()
    text = io.TextIOWrapper(data, encoding="utf-8", errors="replace", newline="")
    writer = csv.writer(text)
    for row in sheet.iter_rows():
        cells = [_text(cell) for cell in row]
        # A row of empty cells is no row, but those after it keep the numbers that the spreadsheet shows.
        writer.writerow(cells if any(cells) else [])
        if data.tell() > MOST_UNPACKED:
            raise _TooLargeError
    text.flush()
    text.detach()
    return data


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT:
        return str(int(cell))  # a phone number is no 4805550101.0
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


if __name__ == "__main__":
    sys.exit(run())
