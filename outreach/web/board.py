"""The board: officials against the nine policies, of one jurisdiction or of all."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, request
from flask_login import current_user

from outreach.officials.board import KINDS, jurisdictions, read_board
from outreach.serving import runtime
from outreach.web.ledger_words import KINDS as KIND_WORDS
from outreach.web.ledger_words import SIGNS, cell_words
from outreach.web.official_words import policies
from outreach.web.officials_reads import LAST_PAGE, Page
from outreach.web.roles import allow

pages = Blueprint("board", __name__, url_prefix="/officials")

ON_A_PAGE: Final = 12
"""As many as fit one sheet in landscape, Letter or A4, with the totals."""
PLACE_LENGTH: Final = 200


@pages.get("/board")
@allow("staff")
def show() -> str:
    """Where the officials of a jurisdiction stand."""
    place = request.args.get("jurisdiction", "").replace("\0", "").strip()[:PLACE_LENGTH]
    number = min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)
    with runtime().db.snapshot() as session:
        places = jurisdictions(session, current_user.group_id)
        board = read_board(
            session, current_user.group_id, place or None, first=(number - 1) * ON_A_PAGE, most=ON_A_PAGE
        )
    page = Page(number, number * ON_A_PAGE < board.officials, board.rows)
    return render_template(
        "ledger/board.html", board=board, page=page, place=place, places=places, policies=policies(), kinds=KINDS,
        words=KIND_WORDS, signs=SIGNS, cell_words=cell_words,
    )  # fmt: skip
