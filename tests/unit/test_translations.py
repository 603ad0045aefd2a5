"""Every sentence of the site has its Spanish, and no Spanish is left without a sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

from outreach.web.i18n import catalogue, read_catalog

WEB = Path(__file__).parents[2] / "outreach" / "web"
METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
FILLED = re.compile(r"%\((\w+)\)|\{(\w+)\}")


def sentences() -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    """Each sentence of the code, and what it speaks of where that is said."""
    keywords = {
        "_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2),
        "pgettext": ((1, "c"), 2), "lazy_pgettext": ((1, "c"), 2),
    }  # fmt: skip
    options = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
    for _, _, message, _, context in extract_from_dir(str(WEB), METHODS, options, keywords=keywords):
        yield message, context


def flat(text: object) -> list[str]:
    return [part for part in text if part] if isinstance(text, tuple | list) else [str(text)] if text else []


def test_every_sentence_is_translated() -> None:
    catalog = read_catalog()
    found = set(sentences())
    assert len(found) > 40
    missing = sorted(str(one) for one, about in found if not flat(getattr(catalog.get(one, about), "string", "")))
    assert missing == []


def test_no_sentence_hides_in_another() -> None:
    """What stands inside an f-string the search for sentences does not see."""
    hidden = [
        f"{path.name}:{node.lineno}"
        for path in WEB.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FormattedValue)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id.endswith("gettext")
    ]
    assert hidden == []


def test_no_translation_is_left_over() -> None:
    known = {(message.id, message.context) for message in read_catalog() if message.id}
    assert sorted(map(str, known - set(sentences()))) == []


def test_translations_fill_the_same_places() -> None:
    for message in read_catalog():
        if message.id:
            wanted = {name for text in flat(message.id) for name in FILLED.findall(text)}
            for text in flat(message.string):
                assert set(FILLED.findall(text)) <= wanted, text


def test_one_english_word_has_two_spanish_ones_by_what_it_speaks_of() -> None:
    spanish = catalogue("es")
    assert [spanish.pgettext(about, "None.") for about in ("invitations", "texts")] == ["Ninguna.", "Ninguno."]
