"""A test call: an organizer hears a draft's words as its callers will, before anybody else does.

It is a session of source ``test`` whose words are sealed with it, so a draft needs no wave, and later edits change
nothing. No office is dialled: where a caller would be put through the call says so, and goes on to its questions.
Nothing of it is counted or reported. As with a test text there are no hours, because the person asked, but a number
that has opted out is never called, and 9 opts out here too. A group has five a day (UTC, real time).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select

from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.calls.asking import CONTEXT, PLACE, live_session, opened
from outreach.calls.models import TEST, CallSession
from outreach.calls.subject import LANGUAGES, offices_to_call
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.phone import check_phone
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import spoken_of, text_values
from outreach.escalations.models import Campaign
from outreach.escalations.preview import SAMPLES
from outreach.messaging.events import append, delta
from outreach.messaging.gates import answers_gate
from outreach.messaging.render import render
from outreach.messaging.testtext import PER_DAY, free_slot
from outreach.people.consent import is_suppressed, lock_people

SLOTS: Final = "test-call"


def place_test_call(
    tx: Transaction, runtime: Runtime, campaign: Campaign, *, phone: str, language: str, once: str
) -> str | None:
    """Have ``phone``, as somebody typed it, called with this campaign's words; its E.164 form.

    None when this very one was asked for before: ``once`` names the form that asks. Raises BadInputError with the
    number's reason or campaign_no_office_phone, ConflictError test_number_opted_out, test_call_under_way,
    test_calls_spent or calls_need_number.
    """
    verdict = check_phone(phone)
    if verdict.e164 is None:
        raise BadInputError(verdict.reason or "not_a_number")
    if not runtime.settings.twilio_from_number:
        raise ConflictError("calls_need_number")
    offices = offices_to_call(tx, campaign.official_id, campaign.office_id)
    if not offices:
        raise BadInputError("campaign_no_office_phone")
    number_hash, group_id = runtime.vault.number_hash(verdict.e164), campaign.group_id
    # One at a time in a group, so that the count holds; other writers of the group are not kept waiting.
    tx.execute(select(Group.id).where(Group.id == group_id).with_for_update(key_share=True))
    lock_people(tx, [number_hash])
    if is_suppressed(tx, number_hash, group_id):
        raise ConflictError("test_number_opted_out")
    if _was_asked(tx, runtime, group_id, number_hash, once):
        return None
    if live_session(tx, number_hash) is not None:
        raise ConflictError("test_call_under_way")
    slot, now = free_slot(tx, runtime, group_id, SLOTS, "test_calls_spent"), runtime.clock.now()
    gate_id = answers_gate(tx, group_id, runtime.clock)
    own = {"to": verdict.e164, "known": {}, "once": once, TEST: _words(tx, campaign)}
    tx.add(
        CallSession(
            group_id=group_id, gate_id=gate_id, constituent_id=None, number_hash=number_hash,
            sealed=runtime.vault.seal(own, CONTEXT), language=language, source=TEST, state="waiting",
            stage="greeting", office_ids=[office.id for office in offices], asked_at=now, not_before=now,
        )
    )  # fmt: skip
    tx.flush()
    append(tx, [delta(gate_id, None, None, 1, runtime.clock.real_now(), sid=slot)])  # it counts for nothing else
    tx.enqueue(PLACE)
    record_audit(tx, group_id=group_id, action="test_call_placed", subject=f"campaign:{campaign.id}")
    return verdict.e164


def _words(tx: Transaction, campaign: Campaign) -> dict[str, Any]:
    """What the call is about, for the first of the preview's people."""
    values, spoken = text_values(tx, campaign), spoken_of(campaign)
    return {
        "group": values["en"]["group"],
        "official": {one: values[one]["official"] for one in LANGUAGES},
        "policy": {one: values[one]["policy"] for one in LANGUAGES},
        "script": {
            one: render(spoken[f"spoken_{one}"], values[one], SAMPLES["known"], one, kind="script")
            for one in LANGUAGES
        },
    }  # fmt: skip


def _was_asked(tx: Transaction, runtime: Runtime, group_id: int, number_hash: bytes, once: str) -> bool:
    query = select(CallSession).where(
        CallSession.number_hash == number_hash, CallSession.group_id == group_id, CallSession.source == TEST
    )
    newest = tx.execute(query.order_by(CallSession.id.desc()).limit(PER_DAY)).scalars()
    return any(opened(runtime, session).get("once") == once for session in newest)
