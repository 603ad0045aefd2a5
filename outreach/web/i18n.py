"""English and Spanish. Sentences are English in the code; ``translations/*.po`` hold the Spanish, a file a subject.

The catalogues are compiled when the app is made, into a directory of the process: nothing binary is committed, and
no build step stands between editing a sentence and seeing it.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Blueprint, Flask, redirect, request, session
from flask_babel import Babel, get_locale
from werkzeug.wrappers import Response

from outreach.web.official_words import official_words, role_words
from outreach.web.roles import PUBLIC, allow

LANGUAGES = {"en": "English", "es": "Español"}
TRANSLATIONS = Path(__file__).parent / "translations"

pages = Blueprint("language", __name__)


def chosen_language() -> str:
    """What the person chose, else the best of what their browser asks for."""
    chosen = session.get("language")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES)) or "en"


def read_catalog(language: str = "es") -> Catalog:
    """All of a language's sentences in one catalogue. Raises ValueError when two files translate one differently."""
    merged = Catalog(locale=language)
    for path in sorted(TRANSLATIONS.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                known = merged.get(message.id) if message.id else None
                if known is not None and known.string != message.string:
                    raise ValueError(f"{path.name}: {message.id!r} is translated in two ways")
                if message.id:
                    merged.add(message.id, message.string, flags=message.flags)
    return merged


@cache
def compiled() -> str:
    """A directory with the compiled catalogues, removed when the process ends."""
    directory = tempfile.mkdtemp(prefix="outreach-translations-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    target = Path(directory) / "es" / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, read_catalog())
    return directory


def set_up_languages(app: Flask) -> None:
    """Give templates and forms their sentences in the person's language."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = compiled()
    Babel(app, locale_selector=chosen_language)
    app.jinja_env.globals.update(get_locale=get_locale, languages=LANGUAGES)
    app.jinja_env.filters.update(role=role_words, official=official_words)
    app.register_blueprint(pages)


@pages.post("/language/<code>")
@allow(PUBLIC)
def choose(code: str) -> Response:
    """Switch, and go back to the page."""
    if code in LANGUAGES:
        session["language"] = code
    back = request.form.get("back", "/")
    return redirect(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/", code=303)
