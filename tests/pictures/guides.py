"""The pictures of the guides in docs/: which page, how wide, and which part of it.

``scripts/screenshots.py --guides`` makes them. tests/unit/test_guides.py holds this table, the files, and what the
guides show together.
"""

from __future__ import annotations

from typing import Final, NamedTuple

PHONE, SCREEN = 390, 1280
MOST_BYTES: Final = 150_000


class GuideShot(NamedTuple):
    """One picture: a page, from the top of ``first`` to the end of ``last`` (CSS), at most ``most`` pixels high."""

    name: str
    guide: str
    path: str
    first: str = "main h1"
    last: str = "main"
    width: int = SCREEN
    most: int = 700
    language: str = "en"


GUIDES: Final = (
    GuideShot("organizer-home", "organizer", "/", most=860),
    GuideShot("official", "organizer", "/officials/{official}", last="#offices"),
    GuideShot("passage", "organizer", "/manuals/passages/{passage}", last="#marks"),
    GuideShot("plan", "organizer", "/meetings/plans/{plan}", most=800),
    GuideShot("meeting-form", "organizer", "/meetings/new/{official}", last="#outcome", width=PHONE, most=900),
    GuideShot("tactic", "organizer", "/campaigns/{draft}/draft/tactic/", last="#tactic"),
    GuideShot("review", "organizer", "/campaigns/{draft}/draft/review", most=640),
    GuideShot("campaign", "organizer", "/campaigns/{campaign}", most=760),
    GuideShot("tree-run", "organizer", "/trees/runs/{run}", most=820),
    GuideShot("promise", "organizer", "/promises/{late}", most=900),
    GuideShot("stand-down", "organizer", "/officials/{official}/stand-down"),
    GuideShot("pressure", "organizer", "/officials/{pressed}/pressure", first="article", last="article", most=900),
    GuideShot("counter", "organizer", "/count/{counter}", width=PHONE),
    GuideShot("inbox", "staff", "/inbox/", most=620),
    GuideShot("thread", "staff", "/inbox/{thread}"),
    GuideShot("tallies", "staff", "/tallies/", most=560),
    GuideShot("silent", "staff", "/campaigns/{campaign}/people", last=".why-table"),
    GuideShot("person-data", "staff", "/people/{person}/data"),
    GuideShot("captain-page", "captain", "/t/{captain}?l=en", width=PHONE, most=900),
    GuideShot("captain-page-es", "captain.es", "/t/{captain}?l=es", width=PHONE, most=900, language="es"),
)
