"""English and Spanish. Sentences are English in the code; ``translations/*.po`` hold the Spanish, a file a subject.

The catalogues are compiled in memory when the app is made: nothing binary is committed, no build step stands between
editing a sentence and seeing it, and a process that is killed leaves nothing behind on a disk. Where one
English word has two Spanish ones, by what it speaks of, ``pgettext`` says what that is (``msgctxt``).
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Blueprint, Flask, redirect, request, session
from flask_babel import Babel, Domain, get_locale
from werkzeug.wrappers import Response

from outreach.serving import own_address
from outreach.web.official_words import official_words, role_after, role_words
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
                known = merged.get(message.id, message.context) if message.id else None
                if known is not None and known.string != message.string:
                    raise ValueError(f"{path.name}: {message.id!r} is translated in two ways")
                if message.id:
                    merged.add(message.id, message.string, flags=message.flags, context=message.context)
    return merged


@cache
def catalogue(language: str) -> NullTranslations:
    """A language's sentences as Babel asks for them; English is what the code says."""
    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_catalog(language))
    compiled.seek(0)
    return Translations(compiled)


class Catalogues(Domain):  # type: ignore[misc]  # flask-babel is not typed
    """Sentences out of ``catalogue``, where flask-babel would look for files."""

    def get_translations(self) -> NullTranslations:
        """Of the request's language."""
        locale = get_locale()
        return catalogue(locale.language if locale else "en")


class Languages(Babel):  # type: ignore[misc]  # flask-babel is not typed
    """Babel with these catalogues."""

    domain_instance = Catalogues()


def set_up_languages(app: Flask) -> None:
    """Give templates and forms their sentences in the person's language."""
    for language in LANGUAGES:
        catalogue(language)
    Languages(app, locale_selector=chosen_language)
    app.jinja_env.globals.update(get_locale=get_locale, languages=LANGUAGES)
    app.jinja_env.filters.update(role=role_words, role_after=role_after, official=official_words)
    app.register_blueprint(pages)


@pages.post("/language/<code>")
@allow(PUBLIC)
def choose(code: str) -> Response:
    """Switch, and go back to the page."""
    if code in LANGUAGES:
        session["language"] = code
    return redirect(own_address(request.form.get("back", "")), code=303)
