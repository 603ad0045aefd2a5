"""Front-end files that others made: served out of installed packages, never copied into the repository.

The address carries the package's version, so browsers may keep a file for good.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib.metadata import version
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, send_file, url_for

from outreach.web.roles import PUBLIC, allow

pages = Blueprint("assets", __name__)

FILES = {
    "bootstrap.css": ("bootstrap-flask", "flask_bootstrap", "static/bootstrap5/css/bootstrap.min.css"),
    "htmx.js": ("django-htmx", "django_htmx", "static/django_htmx/htmx-2.min.js"),
}
"""Name -> distribution, package, path inside it. Packages are found, not imported: one of them needs Django."""
YEAR_SECONDS = 31_536_000
DAY_SECONDS = 86_400


@cache
def asset_path(name: str) -> Path:
    """Where a file lies on this machine. Raises FileNotFoundError when its package is not installed."""
    _, package, inside = FILES[name]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise FileNotFoundError(package)
    return Path(found.origin).parent / inside


@pages.get("/assets/<release>/<name>")
@allow(PUBLIC)
def serve(release: str, name: str) -> Response:
    """A file of ``FILES`` in the installed version."""
    if name not in FILES or release != version(FILES[name][0]):
        abort(404)
    answer = send_file(asset_path(name), max_age=YEAR_SECONDS)
    answer.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    return answer


@pages.get("/favicon.ico")
@allow(PUBLIC)
def icon() -> Response:
    """The site's icon, for what asks for one without having read a page. It is an SVG under any name."""
    answer: Response = current_app.send_static_file("icon.svg")
    answer.headers["Cache-Control"] = f"public, max-age={DAY_SECONDS}"
    return answer


def asset_url(name: str) -> str:
    """The address of a file, for templates."""
    return url_for("assets.serve", release=version(FILES[name][0]), name=name)
