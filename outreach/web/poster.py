"""A group's sign-up page for organizers: its address, its QR code, and a poster to print in either language."""

from __future__ import annotations

import io
from typing import Final

import segno
from flask import Blueprint, Response, abort, render_template
from flask_babel import force_locale
from flask_login import current_user

from outreach.people.caps import PER_WEEK
from outreach.serving import runtime
from outreach.web.i18n import LANGUAGES
from outreach.web.roles import allow
from outreach.web.sign_up_address import SignUpPage, may_join_by_text, our_number, page_of, public_address

pages = Blueprint("poster", __name__, url_prefix="/people/sign-up")

QUIET_ZONE: Final = 4
"""Modules of white around the code, as its standard (ISO/IEC 18004) asks for."""


@pages.get("")
@allow("organizer")
def show() -> str:
    """The address and the posters."""
    page, by_text = _page()
    return render_template(
        "people/sign_up.html", page=page, address=public_address(page), number=by_text, most=PER_WEEK
    )


@pages.get("/poster/<language>")
@allow("organizer")
def poster(language: str) -> str:
    """One printed page, in its own language whatever the site's is."""
    if language not in LANGUAGES:
        abort(404)
    page, by_text = _page()
    with force_locale(language):
        return render_template(
            "people/poster.html", page=page, address=public_address(page), number=by_text, most=PER_WEEK
        )


@pages.get("/qr.svg")
@allow("organizer")
def qr() -> Response:
    """The code as an image of its own: our policy lets nothing inline."""
    page, _ = _page()
    return Response(qr_svg(public_address(page)), mimetype="image/svg+xml")


def qr_svg(text: str) -> bytes:
    """A QR code as SVG, black on white, any size, that bears being torn or printed badly (level Q). Pure."""
    data = io.BytesIO()
    code = segno.make_qr(text, error="q", boost_error=False)
    code.save(data, kind="svg", border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, xmldecl=False)
    return data.getvalue()


def _page() -> tuple[SignUpPage, str | None]:
    """The group's page, and the number to text JOIN to where that can mean this group only."""
    with runtime().db.snapshot() as session:
        found, by_text = page_of(session, current_user.group_id), may_join_by_text(session)
    if found is None:
        abort(404)
    return found, our_number() if by_text else None
