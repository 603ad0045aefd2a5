"""What carriers must know of us before they let texts through: 10DLC, toll-free verification, who answers STOP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import select

from outreach.carrier.account import Campaign
from outreach.core.phone import mask
from outreach.doctor.examined import Examined, NotLooked
from outreach.doctor.findings import Finding, finding
from outreach.doctor.senders import is_short_code, is_toll_free
from outreach.messaging.inbound import BY_CARRIER
from outreach.messaging.models import Reply

FAILED: Final = frozenset({"FAILED", "SUSPENDED", "DELETED", "EXPIRED"})
BRAND_FAILED: Final = frozenset({"FAILED", "SUSPENDED", "DELETION_PENDING", "DELETION_FAILED"})


def look_at_campaign(held: Examined) -> Iterator[Finding]:
    """Local numbers need a 10DLC campaign on their Messaging Service; other senders do not."""
    local = [each for each in held.sending if not is_short_code(each) and not is_toll_free(each)]
    if not local:
        return
    service = held.service
    yield judge_campaigns(held.account.campaigns(service.sid) if service else None)


def judge_campaigns(campaigns: Sequence[Campaign] | None) -> Finding:
    """The best of them counts. None: there is no service that could have one."""
    if campaigns is None:
        return finding("registration.local", "no_service")
    if not campaigns:
        return finding("registration.local", "none")
    verified = [each for each in campaigns if each.status == "VERIFIED"]
    if any(each.brand in ("APPROVED", "") for each in verified):
        return finding("registration.local", "ok")
    if verified:
        outcome = "brand_failed" if verified[0].brand in BRAND_FAILED else "brand_pending"
        return finding("registration.local", outcome, state=verified[0].brand)
    pending = [each for each in campaigns if each.status not in FAILED]
    if pending:
        return finding("registration.local", "pending", state=pending[0].status or "unknown")
    return finding("registration.local", "failed", state=campaigns[0].status)


def look_at_toll_free(held: Examined) -> Iterator[Finding]:
    """Each toll-free number that sends needs its verification."""
    sending = [each for each in held.numbers if each.number in held.sending and is_toll_free(each.number)]
    if not sending:
        return
    found = held.account.toll_free_verifications()
    for number in sending:
        yield judge_verification(mask(number.number), number.sid, found)


def judge_verification(shown: str, sid: str, found: Mapping[str, str]) -> Finding:
    """``found``: sid of the number -> status."""
    status = found.get(sid, "")
    outcome = {"TWILIO_APPROVED": "ok", "TWILIO_REJECTED": "rejected", "": "none"}.get(status, "pending")
    return finding("registration.toll_free", outcome, number=shown, state=status)


def look_at_opt_outs(held: Examined) -> Iterator[Finding]:
    """No API says who answers STOP. What a text brought with it does, once there was one."""
    if held.rehearsal:
        mode = held.settings.twilio_opt_out
        yield finding("opt_out.mode", "rehearsed", mode=mode)
        return
    try:
        with held.tables() as session:
            by_carrier = session.execute(select(Reply.id).where(Reply.rule == BY_CARRIER).limit(1)).scalar() is not None
    except NotLooked:
        by_carrier = False
    yield judge_opt_out(held.settings.twilio_opt_out, by_carrier=by_carrier)


def judge_opt_out(mode: str, *, by_carrier: bool) -> Finding:
    """``by_carrier``: Advanced Opt-Out has told us of an opt-out, so it is on."""
    if by_carrier and mode != "advanced":
        return finding("opt_out.mode", "is_advanced", mode=mode)
    if by_carrier:
        return finding("opt_out.mode", "advanced_seen")
    return finding("opt_out.mode", f"look_{mode}")
