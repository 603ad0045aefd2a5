"""What a captain's page shows: first names and how each stands, what the campaign asks, and nothing else of anybody."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from outreach.core.phone import as_people_write
from outreach.core.runtime import Runtime
from outreach.messaging.models import Gate
from outreach.messaging.tactics import CALLS
from outreach.officials.models import Meeting
from outreach.phone_tree.branch_reads import Member, branch_of
from outreach.phone_tree.captain_page import Call, Opened, can_call
from outreach.web.script_reads import call_opens, campaign_of, page_values, script_of


@dataclass(frozen=True, slots=True)
class CaptainPage:
    """The page in one language; ``met``: the outcome of the meeting that the campaign comes from."""

    group: str
    official: str
    policy: str
    met: str
    calls: bool
    script: str
    members: list[Member]
    call: Call
    call_opens: str
    our_number: str

    @property
    def answered(self) -> int:
        """How many of them have answered."""
        return sum(one.answered for one in self.members)


def captain_page(session: Session, runtime: Runtime, opened: Opened, language: str) -> CaptainPage:
    """For a link that is open. One snapshot; nothing is changed."""
    gate_id, now = opened.run.gate_id, runtime.clock.now()
    campaign = campaign_of(session, gate_id)
    values = page_values(session, campaign, language)
    ours = runtime.settings.twilio_from_number
    calls = session.get_one(Gate, gate_id).tactic in (None, CALLS)
    return CaptainPage(
        group=values["group"],
        official=values["official"],
        policy=values["policy"],
        met=session.get_one(Meeting, campaign.meeting_id).outcome,
        calls=calls,
        script=script_of(campaign, values, language, calls=calls),
        members=branch_of(session, runtime, opened.run, opened.seats),
        call=can_call(session, runtime, opened),
        call_opens=call_opens(opened.zones, now),
        our_number=as_people_write(ours) if ours else "",
    )
