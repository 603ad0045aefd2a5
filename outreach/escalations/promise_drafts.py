"""A promise that was not kept opens a draft: by upkeep on the day after its day, or at once when it is broken.

By itself each promise opens one, once ever: the row that says so and the draft are stored together under the promise's
lock, so that neither a second upkeep nor one that was killed opens a second.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

import structlog
from babel.dates import format_skeleton
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.clock import PHOENIX
from outreach.core.db import Transaction
from outreach.core.errors import ConflictError, NotFoundError
from outreach.core.plain import free_words, shortened
from outreach.core.runtime import Runtime
from outreach.core.segments import measure
from outreach.escalations.drafts import LANGUAGES, NAME_LENGTH
from outreach.escalations.models import STOOD_DOWN, Campaign
from outreach.escalations.promise_models import PromiseDraft
from outreach.escalations.spoken import usual_words
from outreach.messaging.render import render
from outreach.messaging.tactics import CALLS
from outreach.officials.models import STANDS, Meeting, Office, Official, Promise, Stance
from outreach.officials.promise_rules import BROKEN, WAITED_FOR, days_overdue
from outreach.officials.promises import DUE_ON, Heard, due_of, hear
from outreach.officials.roles import official_in

log = structlog.get_logger(__name__)

OVERDUE: Final = "overdue"
UPKEEP: Final = "upkeep"
CHUNK: Final = 20
LATELY: Final = timedelta(days=30)
"""Upkeep drafts for what has become overdue so lately: whoever begins with years of old promises is not flooded."""
PARTS: Final = {"text": 2, "script": 3}
SHORTER: Final = (120, 80, 50, 30, 15)
"""Characters that the promise's words may take in a text: as many as leave it in its parts."""
PERSON: Final = {"first_name": "Maximilianna", "city": "Lake Havasu City", "zip": "86403"}
"""Long values, so that nobody's text becomes longer than what was measured."""


def draft_overdue(runtime: Runtime) -> int:
    """A step of upkeep: draft for promises whose day has passed; how many drafts there are now that were not."""
    today = runtime.clock.now().astimezone(PHOENIX).date()
    with runtime.db.snapshot() as session:
        due = session.execute(
            select(Promise.id)
            .where(Promise.state.in_(WAITED_FOR), DUE_ON.between(today - LATELY, today - timedelta(days=1)))
            .where(~exists().where(PromiseDraft.promise_id == Promise.id), ~_committed_since())
            .order_by(Promise.id)
            .limit(CHUNK)
        ).scalars()
        promise_ids = list(due)
    drafted = 0
    for promise_id in promise_ids:
        with runtime.db.transaction() as tx:
            drafted += _draft_once(tx, runtime, promise_id, UPKEEP) is not None
    return drafted


def hear_of_promise(
    tx: Transaction, runtime: Runtime, group_id: int, promise_id: int, heard: Heard, *, seen: int, by: str
) -> Campaign | None:
    """Note what was heard of a promise; one that is broken opens its draft at once. Raises as ``promises.hear``."""
    promise = hear(tx, runtime, group_id, promise_id, heard, seen=seen, by=by)
    return _draft_once(tx, runtime, promise.id, by) if promise.state == BROKEN else None


def draft_again(tx: Transaction, runtime: Runtime, group_id: int, promise_id: int, *, by: str) -> int:
    """The campaign of a promise that was not kept: the one that lives, else a new draft; its id.

    Raises NotFoundError, and ConflictError promise_not_broken where it may be kept yet, or was.
    """
    promise = _locked(tx, promise_id)
    if promise is None or promise.group_id != group_id:
        raise NotFoundError("promise_unknown")
    row = tx.get(PromiseDraft, promise_id)
    if row is not None and tx.get_one(Campaign, row.campaign_id).state != "canceled":
        return row.campaign_id
    reason = reason_of(promise, runtime.clock.now())
    if reason is None:
        raise ConflictError("promise_not_broken")
    if row is not None:
        tx.delete(row)
        tx.flush()
    return _draft(tx, runtime, promise, reason, by).id


def reason_of(promise: Promise, now: datetime) -> str | None:
    """Why a campaign is opened for a promise at this domain time: overdue or broken; None: it may be kept yet."""
    if promise.state == BROKEN:
        return BROKEN
    today = now.astimezone(PHOENIX).date()
    return OVERDUE if days_overdue(promise.state, due_of(promise), today) else None


def drafts_of_promises(session: Session, group_id: int) -> list[Any]:
    """Drafts that a promise opened and nobody has launched: campaign and its name, reason, promise and its words."""
    query = (
        select(
            Campaign.id, Campaign.name, PromiseDraft.reason, PromiseDraft.promise_id, Promise.text,
            DUE_ON.label("due_on"),
        )
        .join(Campaign, Campaign.id == PromiseDraft.campaign_id)
        .join(Promise, Promise.id == PromiseDraft.promise_id)
        .where(PromiseDraft.group_id == group_id, Campaign.state == "draft")
        .order_by(Campaign.id.desc())
        .limit(CHUNK)
    )  # fmt: skip
    return list(session.execute(query).all())


def _draft_once(tx: Transaction, runtime: Runtime, promise_id: int, by: str) -> Campaign | None:
    """Its draft, unless it has opened one before, or needs none any more; looked at again under its lock."""
    promise = _locked(tx, promise_id)
    if promise is None or tx.get(PromiseDraft, promise_id) is not None:
        return None
    reason = reason_of(promise, runtime.clock.now())
    committed = tx.execute(select(Promise.id).where(Promise.id == promise_id, _committed_since())).first()
    if reason is None or (reason == OVERDUE and committed):
        return None
    return _draft(tx, runtime, promise, reason, by)


def _committed_since() -> Any:
    """Whether the official has committed since: in a later meeting, or so that a campaign for it was stood down. Then
    nobody presses them.
    """
    later, own = Meeting.__table__.alias("later"), Meeting.__table__.alias("own")
    stood_down = (
        exists()
        .where(
            Campaign.official_id == Promise.official_id, Campaign.state == STOOD_DOWN,
            Campaign.created_at >= Promise.created_at,
        )
        .correlate(Promise)
    )  # fmt: skip
    return stood_down | (
        exists()
        .where(
            own.c.id == Promise.meeting_id, later.c.official_id == Promise.official_id, later.c.outcome == "committed",
            later.c.held_on > own.c.held_on,
        )
        .correlate(Promise)
    )  # fmt: skip


def _locked(tx: Transaction, promise_id: int) -> Promise | None:
    return tx.execute(
        select(Promise)
        .where(Promise.id == promise_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar()


def _draft(tx: Transaction, runtime: Runtime, promise: Promise, reason: str, by: str) -> Campaign:
    official = tx.get_one(Official, promise.official_id)
    words = draft_words(reason, tx.get_one(Group, promise.group_id).name, official, promise.text, due_of(promise))
    office_id = tx.execute(
        select(Office.id)
        .where(Office.official_id == official.id, STANDS)
        .order_by(Office.phone.is_(None), Office.id)
        .limit(1)
    ).scalar()
    now = runtime.clock.now()
    draft = Campaign(
        group_id=promise.group_id, meeting_id=promise.meeting_id, official_id=official.id, office_id=office_id,
        policy=_policy_of(tx, promise.meeting_id), tactic=CALLS, state="draft",
        name=f"{official.name}: {promise.text}"[:NAME_LENGTH], spoken_en=usual_words("spoken_en"),
        spoken_es=usual_words("spoken_es"), audience={"lists": []}, created_by=by[:120], created_at=now, **words,
    )  # fmt: skip
    tx.add(draft)
    tx.flush()
    tx.add(
        PromiseDraft(
            promise_id=promise.id, group_id=promise.group_id, campaign_id=draft.id, reason=reason, created_at=now
        )
    )
    record_audit(
        tx, group_id=promise.group_id, actor=by, action="promise_drafted", subject=f"promise:{promise.id}",
        at=runtime.clock.real_now(), campaign=draft.id, reason=reason,
    )  # fmt: skip
    tx.flush()
    log.info("promise_drafted", promise_id=promise.id, campaign_id=draft.id, reason=reason)
    return draft


def _policy_of(tx: Transaction, meeting_id: int) -> int:
    """The first policy of the meeting that they said yes to, else the first that came up, else the first of all."""
    said = tx.execute(
        select(Stance.policy, Stance.answer).where(Stance.meeting_id == meeting_id).order_by(Stance.policy)
    ).all()
    promised = [row.policy for row in said if row.answer == "yes"]
    return next(iter([*promised, *(row.policy for row in said)]), 1)


def draft_words(reason: str, group: str, official: Official, what: str, due_on: date | None) -> dict[str, str]:
    """The texts and scripts of a draft, by field, with the promise in them as a template can hold it. Pure.

    Numbers in the promise are left out, its letters plain, and it is as short as the texts' parts ask for.
    """
    reason = BROKEN if due_on is None else reason
    free, texts, found = free_words(what), table("message_templates/promises"), {}
    for language in LANGUAGES:
        values = {
            "group": group, "official": official_in(official.name, official.role, language, "text_name"),
            "office_phone": "(602) 555-0142 ext 12345", "role": "", "policy": "",
        }  # fmt: skip
        day = format_skeleton("MMMd", due_on, locale=language).rstrip(".") if due_on else ""
        for kind, parts in PARTS.items():
            template = texts[reason if kind == "text" else "script"][language].replace("{{ day }}", day)
            for most in SHORTER:
                filled = template.replace("{{ what }}", shortened(free, most))
                if measure(render(filled, values, PERSON, language, kind)).segments <= parts:
                    break
            found[f"{kind}_{language}"] = filled
    return found
