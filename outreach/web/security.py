"""Headers, CSRF and error pages for every response."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, render_template
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def protect(app: Flask, exempt: Blueprint) -> None:
    """CSRF on every form but the signed webhooks; a strict policy without inline code on every response."""
    CSRFProtect(app).exempt(exempt)

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response


def plain_error(error: HTTPException) -> Response | tuple[str, int]:
    """An error as a page that says what to do, never a stack trace."""
    code = error.code or 500
    return render_template("error.html", code=code, name=error.name, description=error.description), code
