"""The report of a meeting and the news of it, in words of one language, whatever the page's is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import force_locale, format_date, gettext

from outreach.messaging.tactics import CALLS
from outreach.officials.reports import Added
from outreach.officials.roles import official_in
from outreach.web.official_words import ANSWERS, BASES, OUTCOMES, policies
from outreach.web.promise_words import STATES, lateness


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a meeting for words about it. ``action``: a campaign of it with its office's phone, or None."""

    group: str
    official: Any
    meeting: Any
    answers: dict[int, Any]
    promises: Sequence[Any]
    campaigns: Sequence[Any]
    today: date
    action: Any = None
    page: str = ""

    def named(self, language: str) -> str:
        """The official, as a sentence names them."""
        return official_in(self.official.name, self.official.role, language)


@dataclass(frozen=True, slots=True)
class Told:
    """Words to copy in one language. ``short``: for social media."""

    language: str
    subject: str
    body: str
    short: str = ""


def report(facts: Facts, added: Added, language: str) -> Told:
    """The report for the state office."""
    with force_locale(language):
        day = format_date(facts.meeting.held_on, "long")
        subject = gettext("Meeting with %(official)s, %(day)s", official=facts.named(language), day=day)
        blocks = ["\n".join(block) for block in _report(facts, added, language, day) if block]
    return Told(language, subject, "\n\n".join(blocks))


def _report(facts: Facts, added: Added, language: str, day: str) -> Iterator[list[str]]:
    meeting = facts.meeting
    head = [gettext("Who met: %(group)s, volunteers", group=facts.group)]
    where = f", {facts.official.jurisdiction}" if facts.official.jurisdiction else ""
    head.append(gettext("With: %(official)s", official=facts.named(language)) + where)
    if staff := ", ".join(filter(None, (meeting.staff_name, meeting.staff_role))):
        head.append(gettext("Met in their place: %(staff)s", staff=staff))
    head.append(gettext("On: %(day)s", day=day))
    if added.with_attendees and meeting.attendees:
        head.append(gettext("Who was there: %(names)s", names=meeting.attendees))
    yield [*head, gettext("How it ended: %(outcome)s", outcome=OUTCOMES[meeting.outcome])]
    asked, silent = [], []
    for policy in policies():
        said = facts.answers.get(policy.number)
        if said is None:
            silent.append(str(policy.number))
            continue
        basis = f" ({BASES[said.basis]})" if said.basis else ""
        asked.append(f"- {policy.number}. {policy.name}: {ANSWERS[said.answer]}{basis}")
    if asked:
        yield [gettext("What we asked, and what we heard:"), *asked]
    if silent and asked:
        yield [gettext("Not asked: policies %(numbers)s", numbers=", ".join(silent))]
    if facts.promises:
        yield [gettext("What they promised:"), *(f"- {_promise(one, facts.today)}" for one in facts.promises)]
    for title, words in (
        (gettext("What they said:"), added.said), (gettext("What they did not say:"), added.not_said),
        (gettext("What we do next:"), added.next_step or next_step(facts)),
    ):  # fmt: skip
        if words:
            yield [title, words.replace("\r\n", "\n")]
    yield [gettext("Reported by: %(name)s", name=meeting.recorded_by)]


def next_step(facts: Facts) -> str:
    """What follows, where nobody has written it: out of campaigns and outcome. In the language that is in force."""
    states = {row.state: row.name for row in reversed(facts.campaigns)}
    said = ""
    if "launched" in states:
        said = gettext("We ask people to act: %(name)s.", name=states["launched"])
    elif "scheduled" in states:
        said = gettext("We will ask people to act: %(name)s.", name=states["scheduled"])
    elif "draft" in states:
        said = gettext("We are preparing a call to action: %(name)s.", name=states["draft"])
    elif facts.meeting.outcome == "committed":
        said = gettext("We agree with their office when and how it is announced, and ask for it in writing.")
    return str(said)


def _promise(promise: Any, today: date) -> str:
    parts = [promise.text]
    if promise.due_on:
        parts.append(gettext("by %(day)s", day=format_date(promise.due_on, "long")))
    if promise.approver:
        parts.append(gettext("to be approved by %(name)s", name=promise.approver))
    late = lateness(promise.state, promise.due_on, today)
    state = str(STATES[promise.state]) if promise.state != "open" else ""
    return "; ".join(part for part in (*parts, state, late) if part)


def news(facts: Facts, language: str) -> Told:
    """News for the group's own people and for social media: good news, or bad news with its action in it."""
    with force_locale(language):
        official, day = facts.named(language), format_date(facts.meeting.held_on, "long")
        if facts.meeting.outcome == "committed":
            return _good_news(facts, language, official, day)
        action = _action(facts)
        what = _what_happened(facts, official, day)
        closing = gettext("We are %(group)s, a volunteer group.", group=facts.group)
        body = "\n\n".join(part for part in (what, action, _joining(facts), closing) if part)
        short = " ".join((what, action))
        return Told(language, gettext("What %(official)s said, and what you can do", official=official), body, short)


def _good_news(facts: Facts, language: str, official: str, day: str) -> Told:
    thanks = gettext(
        "Thank you, %(official)s: on %(day)s they committed to what we asked for.", official=official, day=day
    )
    all_of_us = gettext(
        "Thank you to everybody who called, wrote and came along. We will see that it is put in writing."
    )
    closing = gettext("We are %(group)s, a volunteer group.", group=facts.group)
    body = "\n\n".join((thanks, all_of_us, closing))
    return Told(language, gettext("%(official)s committed", official=official), body, thanks)


def _what_happened(facts: Facts, official: str, day: str) -> str:
    said: str = {
        "declined": gettext("On %(day)s we met %(official)s. They did not commit.", official=official, day=day),
        "evaded": gettext("On %(day)s we asked %(official)s, and got no clear answer.", official=official, day=day),
        "no_meeting": gettext("%(official)s would not meet us.", official=official),
        "unreasonable_conditions": gettext("%(official)s set conditions that kept us from meeting.", official=official),
    }[facts.meeting.outcome]
    if facts.action is None:
        return str(said)
    names = {policy.number: policy.name for policy in policies()}
    about = gettext("It is about: %(policy)s.", policy=names[facts.action.policy])
    return f"{said} {about}"


def _action(facts: Facts) -> str:
    if facts.action is None:
        return ""
    said = gettext("Tell them now that you want a yes in writing. We text you how.")
    if facts.action.office_phone and facts.action.tactic == CALLS:
        said = gettext(
            "Call their office now: %(phone)s. Say your name and where you live, and ask for a yes in writing.",
            phone=facts.action.office_phone,
        )
    elif facts.official.email:
        said = gettext("Write to them now, and ask for a yes in writing: %(email)s.", email=facts.official.email)
    return str(said)


def _joining(facts: Facts) -> str:
    return gettext("Get our texts: %(address)s", address=facts.page) if facts.page else ""
