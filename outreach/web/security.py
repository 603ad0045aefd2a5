"""Headers, CSRF and error pages for every response."""

from __future__ import annotations

from flask import Flask, Response, g, render_template
from flask_babel import lazy_gettext
from flask_login import AnonymousUserMixin
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException

from config.settings import Settings
from outreach.serving import refuse_other_hosts

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
"""What browsers offer to pages and none of ours asks for; what is put into one some day gets none of it either."""
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in FEATURES),
    "Cross-Origin-Opener-Policy": "same-origin",
}
UNLESS_SAID = {
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What an answer may say otherwise: pages behind links, files of a version, the public number."""
HSTS = "max-age=31536000"
"""A year. For this host alone: what else stands under its name is not ours to decide."""


def cookie_settings(settings: Settings) -> dict[str, object]:
    """How the session's cookie is kept.

    Published, its name begins with ``__Host-``: browsers then take it from this host alone, over HTTPS, so that no
    neighbour under the same domain can put one of theirs in its place.
    """
    # Cookies know no ports: two rehearsals on one machine would sign each other's people out.
    name = f"session-{settings.port}" if settings.mode == "rehearsal" else "session"
    return {
        "SESSION_COOKIE_NAME": f"__Host-{name}" if settings.is_published else name,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.public_base_url.startswith("https://"),
        "WTF_CSRF_TIME_LIMIT": None,
        # A token that only this host's cookie can match says more than a Referer, which careful people do not send.
        "WTF_CSRF_SSL_STRICT": False,
    }


def protect(app: Flask, settings: Settings) -> None:
    """CSRF on every form; a strict policy without inline code on every response."""

    app.before_request(refuse_other_hosts)
    CSRFProtect(app)

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers.update(ALWAYS)
        for name, value in UNLESS_SAID.items():
            response.headers.setdefault(name, value)
        if settings.is_published:
            response.headers["Strict-Transport-Security"] = HSTS
        return response


WORDS = {
    400: (
        lazy_gettext("That did not work"),
        lazy_gettext("The page was open for too long, or is out of date. Go back, reload it and try again."),
    ),
    403: (lazy_gettext("Not allowed"), lazy_gettext("You may not do this. Ask an admin of your group.")),
    404: (lazy_gettext("Not found"), lazy_gettext("There is nothing here, or it belongs to another group.")),
    405: (lazy_gettext("That did not work"), lazy_gettext("This address cannot be used like that.")),
    429: (
        lazy_gettext("Please wait a minute"),
        lazy_gettext("You asked for this too often. Wait a minute, then try again."),
    ),
    413: (lazy_gettext("Too large"), lazy_gettext("The file or text is larger than this site takes.")),
    503: (
        lazy_gettext("That did not work"),
        lazy_gettext("A part of this site does not answer at the moment. Try again in a minute."),
    ),
    500: (lazy_gettext("Our mistake"), lazy_gettext("Something went wrong on our side, and it was noted.")),
}
"""Errors in words that say what to do."""


Page = tuple[str, int]


def error_page(code: int, text: str | None = None, back: str | None = None) -> Page:
    """An error in words that say what to do; ``back`` is the address of our page to return to, home when not given."""
    title, usual = WORDS.get(code, WORDS[400])
    return render_template("error.html", title=title, text=text or usual, back=back), code


def plain_error(error: HTTPException) -> Page:
    """An error as a page that says what to do, never a stack trace."""
    code = error.code or 500
    if code >= 500 and "_login_user" not in g:
        # Looking up who asks may be what failed, so the page is for nobody. flask_login keeps whom it found here.
        g._login_user = AnonymousUserMixin()
    given = error.description if error.description != type(error).description else None
    if code not in WORDS:
        return render_template("error.html", title=error.name, text=given or error.description, back=None), code
    return error_page(code, given)
