"""Pages behind the links of our texts: no login and no cookie, for the address itself is the secret.

Whoever can send their forms knows it, and no other site does. So forms carry a token made of the link in place of one
of a session (``app`` exempts them), and work where a browser keeps no cookies. A GET changes nothing: programs that
preview links follow them too.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request
from flask_babel import get_locale

from outreach.web.i18n import LANGUAGES

FORM_BYTES: Final = 4 * 1024
LANGUAGE: Final = "l"
"""The parameter that chooses the language: short, and no cookie remembers it."""


def link_pages(name: str, module: str, path: str) -> Blueprint:
    """A blueprint of such pages, below a path."""
    pages = Blueprint(name, module, url_prefix=path.rstrip("/"))
    pages.url_value_preprocessor(_take_little)
    pages.after_request(_keep_private)
    return pages


def _take_little(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Strangers send a form of two fields, so no more is read."""
    request.max_content_length = FORM_BYTES


def _keep_private(response: Response) -> Response:
    """The address goes to nobody, and no search engine keeps the page."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def choice() -> str | None:
    """The language that was chosen on the page."""
    found = request.args.get(LANGUAGE)
    return found if found in LANGUAGES else None


def chosen() -> dict[str, Any]:
    """The same for the page's addresses."""
    found = choice()
    return {LANGUAGE: found} if found else {}


def language_of(persons: str | None) -> str:
    """What was chosen, else the person's, else the browser's."""
    return str(choice() or persons or get_locale().language)
