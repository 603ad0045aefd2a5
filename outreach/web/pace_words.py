"""The pace of a running campaign in words: how many texts a minute, or when its office is there again."""

from __future__ import annotations

from datetime import datetime

from flask_babel import format_time, gettext, ngettext
from sqlalchemy.orm import Session

from outreach.calls.pacing import paced_gates, paced_of
from outreach.escalations.models import Campaign
from outreach.escalations.pacing import next_time, sends_until
from outreach.web.campaign_words import GROUP_ZONE
from outreach.web.script_words import day_and_hour


def pace_in_words(session: Session, campaign_id: int, now: datetime) -> str | None:
    """A sentence, or None for a campaign that is not paced."""
    gates = paced_gates(session, campaign_id)
    paced = paced_of(session, session.get_one(Campaign, campaign_id), gates) if gates else None
    if paced is None:
        return None
    is_open, closes_at, _ = paced.office(now)
    until = sends_until(paced.office(now))
    if is_open and closes_at is not None and until is not None and now < until:
        closes = format_time(closes_at.astimezone(GROUP_ZONE), "short", rebase=False)
        told = ngettext(
            "Paced: %(rate)s texts a minute. The office has %(num)s line and is open until %(time)s.",
            "Paced: %(rate)s texts a minute. The office has %(num)s lines and is open until %(time)s.",
            paced.lines, rate=f"{paced.per_minute:.0f}", time=closes,
        )  # fmt: skip
        return str(told)
    opens = next_time(paced.office, now)
    if opens is None:
        return str(gettext("Paced: the office is closed, and no time is in sight at which it opens."))
    words = day_and_hour(opens, GROUP_ZONE)
    if is_open:
        return str(gettext("Paced: the office closes soon. Texts leave again %(time)s.")) % {"time": words}
    return str(gettext("Paced: the office is closed. Texts leave again %(time)s.")) % {"time": words}
