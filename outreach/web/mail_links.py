"""A link that opens a mail program with everything filled in. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote

MOST: Final = 1_800
"""Characters of a link that every mail program takes: some cut off what is longer, without a word."""
SUBJECT: Final = 500
"""Of these, what the subject may take."""


class MailLink(NamedTuple):
    """The link, and whether the whole body is in it."""

    href: str
    is_whole: bool


def mail_link(to: str, subject: str, body: str, rest: str) -> MailLink:
    """A mailto link (RFC 6068: line ends are CR LF). A body that is too long ends at a line, and with ``rest``."""
    about = " ".join(subject.split())
    while len(_coded([about])) > SUBJECT:
        about = about[:-1]
    start = f"mailto:{quote(to, safe='@')}?subject={_coded([about])}&body="
    lines = body.replace("\r\n", "\n").split("\n")
    whole = _coded(lines)
    if len(start) + len(whole) <= MOST:
        return MailLink(start + whole, True)
    kept, room = 0, MOST - len(start) - len(_coded(["", rest]))
    for line in lines:  # forward, for a report may have thousands of lines
        room -= len(_coded([line, ""]))
        if room < 0:
            break
        kept += 1
    return MailLink(start + _coded([*lines[:kept], "", rest] if kept else [rest]), False)


def _coded(lines: list[str]) -> str:
    return quote("\r\n".join(lines).encode("utf-8", "replace"), safe="")
