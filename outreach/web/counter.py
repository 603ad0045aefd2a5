"""The public counter of a campaign: a page, and the number for other sites. No login, no cookie, nobody in it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, current_app, jsonify, make_response, render_template, request
from flask_babel import force_locale
from sqlalchemy.orm import Session

from outreach.escalations.drafts import policy_name
from outreach.officials.roles import official_in
from outreach.serving import runtime
from outreach.tallies.pooling import LEAST
from outreach.tallies.public import PATH, STEP, Counted, acted, campaign_of_token, read_counter, shown_number
from outreach.web.link_pages import FORM_BYTES, language_of
from outreach.web.public_limits import may_look
from outreach.web.roles import PUBLIC, allow
from outreach.web.sign_up_address import may_join_by_text, our_number, page_of, public_address

pages = Blueprint("counter", __name__, url_prefix=PATH.rstrip("/"))

KEPT_SECONDS: Final = 30
WAIT_SECONDS: Final = 60
MOST_KEPT: Final = 1_000


class Lately:
    """What was counted in the last half minute, in this process: however often it is asked, it is counted once."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, int | None]] = {}

    def people(self, session: Session, campaign_id: int) -> int | None:
        """The number as it is shown."""
        kept = self._kept.get(campaign_id)
        if kept is None or kept[0] < time.monotonic():
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            kept = time.monotonic() + KEPT_SECONDS, shown_number(acted(session, campaign_id))
            self._kept[campaign_id] = kept
        return kept[1]


@pages.url_value_preprocessor
def take_little(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Strangers send nothing here."""
    request.max_content_length = FORM_BYTES


@pages.after_request
def open_to_all(answer: Response) -> Response:
    """Any site may read the number, without credentials, and no other site's page may be told by it who was here."""
    if request.endpoint == "counter.number":
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        answer.headers["Access-Control-Max-Age"] = "86400"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@pages.get("/<token>")
@allow(PUBLIC)
def show(token: str) -> Response:
    """The number, and how to take part."""
    language = language_of(None)
    with force_locale(language):
        if not may_look():
            return _answer(render_template("counter/gone.html", often=True), 429)
        counted = _counted(token, lambda session, found: (found, *_how(session, found)))
        if counted is None:
            return _answer(render_template("counter/gone.html", often=False), 404)
        found, page, number = counted
        body = render_template(
            "counter/show.html", found=found, official=official_in(found.official, found.role, language),
            policy=policy_name(found.policy, language), token=token, sign_up=public_address(page) if page else None,
            number=number, least=LEAST, step=STEP,
        )  # fmt: skip
    return _cacheable(make_response(body))


@pages.get("/<token>.json")
@allow(PUBLIC)
def number(token: str) -> Response:
    """The number for a program. ``people`` is null below ``least``, and goes by whole steps."""
    if not may_look():
        return _answer(jsonify(error={"code": "too_often", "message": "Ask again in a minute."}), 429)
    found = _counted(token, lambda _session, one: one)
    if found is None:
        return _answer(jsonify(error={"code": "counter_unknown", "message": "There is no such counter."}), 404)
    said = {"official": found.official, "policy": policy_name(found.policy, "en"), "action": found.tactic,
            "people": found.people, "least": LEAST, "step": STEP, "goal": found.goal}  # fmt: skip
    return _cacheable(jsonify(said))


def _counted(token: str, read: Callable[[Session, Counted], Any]) -> Any:
    """What ``read`` makes of the counter behind a token; None where there is none, or it was switched off."""
    held = runtime()
    campaign_id = campaign_of_token(held, token)
    if campaign_id is None:
        return None
    lately: Lately = current_app.extensions.setdefault("counted_lately", Lately())
    with held.db.snapshot() as session:
        found = read_counter(session, campaign_id, lambda: lately.people(session, campaign_id))
        return None if found is None else read(session, found)


def _how(session: Session, found: Counted) -> tuple[Any, str | None]:
    """The group's sign-up page, and the number to text JOIN to where that can mean this group only."""
    return page_of(session, found.group_id), our_number() if may_join_by_text(session) else None


def _answer(body: Any, status: int) -> Response:
    answer = make_response(body, status)
    if status == 429:
        answer.headers["Retry-After"] = str(WAIT_SECONDS)
    return answer


def _cacheable(answer: Response) -> Response:
    """For half a minute by anybody; after that it is asked whether anything has changed."""
    answer.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    answer.vary.add("Accept-Language")
    answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:32])
    answer.make_conditional(request)
    return answer
