"""Words for the queue page: what is wrong and what to do about it, spans of time, queues and alarms."""

from __future__ import annotations

from typing import Final, NamedTuple

from flask_babel import gettext, lazy_gettext, ngettext

from outreach.watch.alarms import KINDS
from outreach.watch.facts import Facts
from outreach.watch.queues import Queues

DUE_SECONDS: Final = 300
UNFOLDED_SECONDS: Final = 30
OVERDUE_SECONDS: Final = 300
LEASE_SECONDS: Final = 120
CHECKED_SECONDS: Final = 3600
"""What may be so late without anything being wrong; ``config/alerts.yaml`` alerts by the same figures."""

QUEUES: Final = {
    "calls": lazy_gettext("Calls to people"),
    "messaging": lazy_gettext("Texts to people"),
    "phone_tree": lazy_gettext("Phone trees"),
    "campaigns": lazy_gettext("Planning of campaigns"),
    "people": lazy_gettext("Contact files"),
}
ALARMS: Final = {
    "states_counted": lazy_gettext(
        "The tally of a campaign is not what its texts are. Do not launch anything new; keep the database and ask "
        "whoever maintains the program."
    ),
    "recipients": lazy_gettext(
        "A wave has people without exactly one text that counts. Do not launch anything new; keep the database and ask "
        "whoever maintains the program."
    ),
    "replies_counted": lazy_gettext(
        "A tally counts other texts of people than are stored. Keep the database and ask whoever maintains the program."
    ),
    "two_attempts": lazy_gettext(
        "One text may have gone out twice. Pause the campaign, look the person up, and apologize if they got it twice."
    ),
    "two_texts": lazy_gettext(
        "One person has two texts of one campaign that both count. Pause the campaign and look the person up."
    ),
    "waits_after_stop": lazy_gettext(
        "A text waits for somebody who opted out. It is not sent, but it should not be there: pause the campaign and "
        "ask whoever maintains the program."
    ),
    "posted_after_stop": lazy_gettext(
        "A text was sent to somebody after they had opted out. Pause the campaign now, and ask whoever maintains the "
        "program before you resume."
    ),
}
assert ALARMS.keys() == set(KINDS)  # noqa: S101  an alarm without words would be a page that fails


class Problem(NamedTuple):
    """What is wrong, and what to do about it."""

    what: str
    advice: str


def queue_words(name: str) -> str:
    """A queue as people call it."""
    return str(QUEUES.get(name, name))


def alarm_words(kind: str) -> str:
    """What an alarm means, and what to do."""
    return str(ALARMS.get(kind, kind))


def span(seconds: float | None) -> str:
    """A span of time in words, to the unit that matters; nothing for None."""
    if seconds is None:
        return ""
    whole = max(0, int(seconds))
    if whole < 120:
        return str(ngettext("%(num)s second", "%(num)s seconds", whole))
    if whole < 7200:
        return str(ngettext("%(num)s minute", "%(num)s minutes", whole // 60))
    if whole < 172_800:
        return str(ngettext("%(num)s hour", "%(num)s hours", whole // 3600))
    return str(ngettext("%(num)s day", "%(num)s days", whole // 86_400))


def state_of(facts: Facts, queues: Queues | None) -> list[Problem]:
    """What needs somebody now, most pressing first; empty where all is well."""
    found = []
    if facts.alarms:
        found.append(Problem(
            gettext("The checks have found what must never be. Open alarms: %(count)s.",
                    count=sum(facts.alarms.values())),
            gettext("They stand at the top of this page; update it when one is new."),
        ))  # fmt: skip
    if facts.upkeep_left is None or facts.upkeep_left < 0:
        found.append(Problem(
            gettext("Nobody keeps up the site: reports are not counted, held texts are not released."),
            gettext("Start the upkeep process (python -m workers.upkeep)."),
        ))  # fmt: skip
    if queues is None:
        found.append(Problem(
            gettext("Redis does not answer: nobody is told to send, plan or call."),
            gettext("Start Redis again. Nothing is lost; the work is found in the database."),
        ))  # fmt: skip
    else:
        found += _workers(queues)
    if (facts.oldest_due or 0) > DUE_SECONDS:
        found.append(Problem(
            gettext("Texts have been due for %(span)s.", span=span(facts.oldest_due)),
            gettext("See below whether a worker runs for texts; if one does, the sender's rate may be the limit."),
        ))  # fmt: skip
    if (facts.unfolded_age or 0) > UNFOLDED_SECONDS:
        found.append(Problem(
            gettext("What was heard is counted %(span)s late.", span=span(facts.unfolded_age)),
            gettext("Tallies stay right, but breakers and second tries wait. Look at the upkeep process and the disk."),
        ))  # fmt: skip
    return found + _late(facts)


def _workers(queues: Queues) -> list[Problem]:
    idle = [one.name for one in queues.queues if not one.workers]
    if not idle:
        return []
    names = ", ".join(queue_words(name) for name in idle)
    return [Problem(
        gettext("No worker runs for: %(names)s.", names=names),
        gettext("Start one (python -m workers.run; for contact files with --queues people)."),
    )]  # fmt: skip


def _late(facts: Facts) -> list[Problem]:
    found = []
    if (facts.held_overdue or 0) > OVERDUE_SECONDS or (facts.lease_overdue or 0) > LEASE_SECONDS:
        found.append(Problem(
            gettext("Texts are stuck: their time, or their sender's, is over."),
            gettext("Look at the log of the upkeep process for upkeep_step_failed."),
        ))  # fmt: skip
    if (facts.check_overdue or 0) > OVERDUE_SECONDS:
        found.append(Problem(
            gettext("Texts without an answer of the carrier wait to be looked up for %(span)s.",
                    span=span(facts.check_overdue)),
            gettext("Look at the carrier's status page, and at the log of the upkeep process."),
        ))  # fmt: skip
    if (facts.checked_age or 0) > CHECKED_SECONDS:
        found.append(Problem(
            gettext("The books were last checked %(span)s ago.", span=span(facts.checked_age)),
            gettext("Look at the log of the upkeep process for books_not_checked."),
        ))  # fmt: skip
    return found
