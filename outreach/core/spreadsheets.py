"""The first sheet with anything in it of an XLSX file, as the CSV text that its program would have saved.

It goes through memory only: a contact file stands on no disk in plain. A small file can unpack to anything, name a
cell a million rows away, or make the library give up without a word to Python, so it is unpacked and read by a process
of its own (``sheet_process``), which has little memory and little time. Whatever becomes of that is one refused file.
"""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from typing import BinaryIO, Final

from outreach.core.errors import BadInputError
from outreach.core.sheet_process import EMPTY, LARGE, MOST_UNPACKED

_OUT_OF_BOUNDS: Final = (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGXCPU, -signal.SIGSEGV)
"""How it ends where it asks for more memory than it may have, or more time."""


def as_csv(file: BinaryIO) -> io.BytesIO:
    """The sheet as UTF-8. Raises BadInputError: spreadsheet_too_large, spreadsheet_unreadable, csv_empty."""
    command = (sys.executable, "-P", "-m", "outreach.core.sheet_process")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        try:
            with suppress(BrokenPipeError), process.stdin as sink:  # it says why by how it ends
                shutil.copyfileobj(file, sink)
            data = process.stdout.read()
        except BaseException:  # the file went away meanwhile: nobody waits for what is left of it
            process.kill()
            raise
    status = process.returncode
    if status == 0:
        return io.BytesIO(data)
    if status == LARGE or status in _OUT_OF_BOUNDS:
        raise BadInputError("spreadsheet_too_large", most=MOST_UNPACKED // 1024 // 1024)
    raise BadInputError("csv_empty" if status == EMPTY else "spreadsheet_unreadable")
