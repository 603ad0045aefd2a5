"""Key terms: their page, and the filter that links the first place of a page where a term stands."""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from flask import Blueprint, Flask, g, render_template

from config import table
from outreach.web.official_words import language
from outreach.web.roles import allow

pages = Blueprint("glossary", __name__, url_prefix="/glossary")

SEEN: Final = "terms_seen"
"""Where a request keeps the terms that its page has marked."""


class Term(NamedTuple):
    """A term in the language of this page."""

    key: str
    name: str
    meaning: str


@pages.get("/")
@allow("staff")
def show() -> str:
    """The key terms, and the words to avoid."""
    now = language()
    terms = sorted(
        (Term(row["key"], row["name"][now], row["meaning"][now]) for row in table("glossary")["terms"]),
        key=lambda term: term.name.casefold(),
    )
    avoided = [(row["word"][now], row["say"][now]) for row in table("glossary")["avoid"]]
    return render_template("glossary/show.html", terms=terms, avoided=avoided)


@cache
def _spelled(now: str) -> tuple[dict[str, str], re.Pattern[str]]:
    """Spelling in small letters -> key, and what finds any of them, the longest first."""
    keys = {
        spelling.casefold(): row["key"]
        for row in table("glossary")["terms"]
        for spelling in (row["name"][now], *row["also"][now])
    }
    longest = sorted(keys, key=len, reverse=True)
    return keys, re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)


def glossed(text: str, now: str | None = None) -> list[tuple[str, str | None]]:
    """The ``glossed`` filter: the text in pieces, with the key of the term that a page has there for the first time.

    ``now``: the language of the text, where it is not the page's. ``terms`` in ``glossary/parts.html`` shows it.
    """
    if SEEN not in g:
        setattr(g, SEEN, set())
    seen: set[str] = getattr(g, SEEN)
    keys, pattern = _spelled(now or language())
    done, pieces = 0, list[tuple[str, str | None]]()
    for found in pattern.finditer(text):
        key = keys.get(found[0].casefold())  # none: a letter like the dotless i, which is no i without case
        if key is not None and key not in seen:
            seen.add(key)
            pieces += [(text[done : found.start()], None), (found[0], key)]
            done = found.end()
    return [(words, key) for words, key in (*pieces, (text[done:], None)) if words]


def set_up_glossary(app: Flask) -> None:
    """Give templates the filter."""
    app.jinja_env.filters["glossed"] = glossed
