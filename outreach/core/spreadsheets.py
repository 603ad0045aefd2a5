"""The first sheet with anything in it of an XLSX file, as the CSV text that its program would have saved.

It is made in memory: a contact file stands on no disk in plain. A file that would unpack to more than ``MOST_UNPACKED``
is refused before anything of it is kept.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from datetime import date, time, timedelta
from typing import BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from outreach.core.errors import BadInputError

MOST_UNPACKED = 100 * 1024 * 1024
PIECE = 1024 * 1024
EXACT = 10**15
"""A spreadsheet's numbers are floats: above this, digits are gone."""

Cell = str | bool | int | float | date | time | timedelta | None


def as_csv(file: BinaryIO) -> io.BytesIO:
    """The sheet as UTF-8. Raises BadInputError: spreadsheet_too_large, spreadsheet_unreadable, csv_empty."""
    _check_size(file)
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        sheet = next((found for name in _sheets(workbook) if (found := workbook.get_sheet_by_name(name)).height), None)
    except CalamineError:
        raise BadInputError("spreadsheet_unreadable") from None
    if sheet is None:
        raise BadInputError("csv_empty")
    return _written(sheet)


def _check_size(file: BinaryIO) -> None:
    """Unpack everything once and keep nothing: what an archive says of its sizes may be a lie."""
    unpacked = 0
    try:
        with zipfile.ZipFile(file) as archive:
            for about in archive.infolist():
                about.file_size = MOST_UNPACKED + 1  # how far it reads; a lie about less then fails its checksum
                with archive.open(about) as part:
                    while chunk := part.read(PIECE):
                        unpacked += len(chunk)
                        if unpacked > MOST_UNPACKED:
                            raise BadInputError("spreadsheet_too_large", most=MOST_UNPACKED // 1024 // 1024)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError):  # also an encrypted or odd one
        raise BadInputError("spreadsheet_unreadable") from None
    file.seek(0)


def _sheets(workbook: CalamineWorkbook) -> list[str]:
    return [about.name for about in workbook.sheets_metadata if about.typ == SheetTypeEnum.WorkSheet]


def _written(sheet: CalamineSheet) -> io.BytesIO:
    data = io.BytesIO()
    text = io.TextIOWrapper(data, encoding="utf-8", errors="replace", newline="")
    writer = csv.writer(text)
    for row in sheet.iter_rows():
        cells = [_text(cell) for cell in row]
        # A row of empty cells is no row, but those after it keep the numbers that the spreadsheet shows.
        writer.writerow(cells if any(cells) else [])
    text.flush()
    text.detach()
    data.seek(0)
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
