"""The guides against the site: their pictures, their links, and every word they say is on the screen or in a text.

In a guide **bold** are words of the screen, and a line that begins with > is a text that we send.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from outreach.web.i18n import read_catalog
from tests.pictures.guides import GUIDES, MOST_BYTES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = {"organizer": "en", "staff": "en", "accounts": "en", "captain": "en", "captain.es": "es"}
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
BOLD = re.compile(r"\*\*([^*]+)\*\*")
QUOTED = re.compile(r"^> (.+)$", re.MULTILINE)
FILLED = re.compile(r"%\\\((?:\w+)\\\)s|\\\{\\\{\\ \w+\\ \\\}\\\}")
LEAST = 12
"""Letters that a sentence with places to fill in has at least of its own: fewer fit almost anything."""
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def read(path: Path) -> str:
    return path.read_text("utf-8")


def all_texts(value: object, language: str) -> Iterator[str]:
    """The sentences of a table in ``config`` that are in this language, or in none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from all_texts(one, language)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key.rpartition("_")[2] not in {"en", "es"} or key.rpartition("_")[2] == language:
                yield from all_texts(one, language)


@cache
def said(language: str, *, by_text: bool) -> re.Pattern[str]:
    """Whatever the site says in a language: on its pages, or in texts (``by_text``)."""
    sentences: set[str] = set()
    for path in (ROOT / "config").rglob("*.toml"):
        if not path.name.startswith(("keywords", "leanings")):
            sentences.update(all_texts(tomllib.loads(read(path)), language))
    if not by_text:
        for message in read_catalog():
            words = message.id if language == "en" else message.string
            sentences.update([words] if isinstance(words, str) else words or ())
    patterns = (re.sub(FILLED, ".+", re.escape(one)) for one in sorted(sentences) if one)
    return re.compile("|".join(one for one in patterns if ".+" not in one or len(re.findall(r"\w", one)) >= LEAST))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the forge makes them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", text) if "```" in text else text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("guide", LANGUAGES)
def test_a_guide_says_what_the_site_says(guide: str) -> None:
    text, language = read(DOCS / f"{guide}.md"), LANGUAGES[guide]
    bold = {" ".join(one.split()) for one in BOLD.findall(text)}
    quoted = QUOTED.findall(text)
    assert len(bold) > 5
    assert sorted(one for one in bold if not said(language, by_text=False).fullmatch(one)) == []
    assert [one for one in quoted if not said(language, by_text=True).fullmatch(one)] == []


def test_every_picture_is_made_and_shown() -> None:
    shown = {
        (guide, Path(target).name)
        for guide in LANGUAGES
        for picture, target in LINK.findall(read(DOCS / f"{guide}.md"))
        if picture
    }
    assert shown == {(shot.guide, f"{shot.name}.png") for shot in GUIDES}
    made = {path.name: path.stat().st_size for path in (DOCS / "images" / "guides").iterdir()}
    assert set(made) == {name for _, name in shown}
    assert max(made.values()) <= MOST_BYTES


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    dead = []
    for _, target in LINK.findall(CODE.sub("", read(path))):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            goal = (path.parent / file).resolve() if file else path
            if not goal.exists() or (anchor and anchor not in anchors(read(goal))):
                dead.append(target)
    assert dead == []
