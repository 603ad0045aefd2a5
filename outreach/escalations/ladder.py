"""Which tactic comes next, in which tone, and why. Pure; the rules are ``config/ladder.toml``.

What has not worked in its time gives way to something new; what makes headway goes on. It is advice: organizers choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from config import table
from outreach.escalations.wording import OPEN, TACTICS, TONES

Judgement = Literal["early", "working", "not_working"]
ANSWERED: Final = "yes"


class Reason(NamedTuple):
    """Why something is suggested: a code of ``reasons`` in the table, and what fills its sentence."""

    code: str
    values: dict[str, Any] = {}  # noqa: RUF012  never changed


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tactic in a tone; ``reasons`` has at least one."""

    tactic: str
    tone: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """A campaign that was launched at an official. ``asked``: texts taken by the carrier; ``acted``: people who told.

    ``answer``: what the official has said on its policy since, yes, no or evaded; None: nothing that we know of.
    """

    campaign_id: int
    tactic: str
    tone: str
    launched_at: datetime
    asked: int
    acted: int
    answer: str | None = None
    running: bool = True


class Coming(NamedTuple):
    """An event that the group knows of where this official is to be met."""

    tactic: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What a suggestion rests on. ``hostility`` is None while nobody has judged the official.

    ``ready``: the tactics of which everything is known that a launch needs. ``tried``: in the order of their launch.
    """

    outcome: str
    hostility: str | None = None
    ready: frozenset[str] = frozenset({"calls"})
    tried: tuple[Tried, ...] = ()
    coming: tuple[Coming, ...] = field(default=())


def suggest(facts: Facts, now: datetime) -> list[Suggestion]:
    """The tactics to take next, best first; at least one, each once.

    One that was judged not working is not named again while another is left; when none is, it comes in another tone,
    and only when every tone was tried as well the one of longest ago is named as it was.
    """
    tone = tone_for(facts.outcome, facts.hostility)
    newest = {one.tactic: one for one in facts.tried}
    judged = {tactic: judge(one, now) for tactic, one in newest.items()}
    failed = {tactic for tactic, how in judged.items() if how == "not_working"}
    going = [
        Suggestion(one.tactic, one.tone, (_why_go_on(one, judged[one.tactic], now),))
        for one in reversed(facts.tried)
        if one is newest[one.tactic] and (judged[one.tactic] == "working" or (one.running and one.tactic not in failed))
    ]
    named = {one.tactic for one in going}
    fresh = [tactic for tactic in order(facts) if tactic not in failed | named]
    fresh.sort(key=lambda tactic: (tactic not in facts.ready, not _is_coming(facts, tactic, now)))
    ended = [one for one in facts.tried if one is newest[one.tactic] and one.tactic in failed]
    last_failed = ended[-1] if ended else None
    found = [*going, *(Suggestion(one, tone, _why(facts, one, last_failed, now)) for one in fresh)]
    return found or [_again(facts.tried, tone)]


def order(facts: Facts) -> list[str]:
    """Every tactic once: those that an official's hostility puts first, then those of the meeting's outcome. Pure."""
    rules = table("ladder")
    usual = rules["orders"].get(facts.outcome, rules["orders"]["evaded"])
    return list(dict.fromkeys([*rules["first"].get(facts.hostility, ()), *usual]))


def tone_for(outcome: str, hostility: str | None) -> str:
    """How to speak to an official: as they were judged; unjudged, who evades is asked for a yes or a no."""
    if hostility in TONES:
        return hostility
    return "evasive" if outcome == "evaded" else OPEN


def judge(tried: Tried, now: datetime) -> Judgement:
    """Whether a tactic works: enough of those asked act, and after a while the official answers as well. Pure."""
    rules, judging = table("ladder")["tactics"][tried.tactic], table("ladder")["judging"]
    if tried.answer == ANSWERED:
        return "working"
    age, time = now - tried.launched_at, timedelta(days=rules["days"])
    if age < time:
        return "early"
    acts = tried.asked > 0 and tried.acted >= max(1, rules["share"] * max(tried.asked, judging["least_asked"]))
    return "working" if acts and age < time * judging["patience"] else "not_working"


def judged_at(tried: Tried) -> datetime:
    """When it has had its time. Pure."""
    return tried.launched_at + timedelta(days=table("ladder")["tactics"][tried.tactic]["days"])


def needed(tried: Tried) -> int:
    """How many people must have acted for it to be making headway. Pure."""
    rules, judging = table("ladder")["tactics"][tried.tactic], table("ladder")["judging"]
    wanted = rules["share"] * max(tried.asked, judging["least_asked"])
    return max(1, -int(-wanted // 1))


def _figures(tried: Tried, now: datetime) -> dict[str, Any]:
    return {"acted": tried.acted, "asked": tried.asked, "days": (now - tried.launched_at).days}


def _why_go_on(tried: Tried, how: Judgement, now: datetime) -> Reason:
    if how == "early":
        return Reason("early", {**_figures(tried, now), "most": table("ladder")["tactics"][tried.tactic]["days"]})
    return Reason("headway", _figures(tried, now))


def _is_coming(facts: Facts, tactic: str, now: datetime) -> bool:
    return _next_event(facts.coming, tactic, now) is not None


def _next_event(coming: Sequence[Coming], tactic: str, now: datetime) -> Coming | None:
    """The first event of a tactic that people have time for."""
    judging = table("ladder")["judging"]
    least, most = (timedelta(days=judging[f"event_days_{end}"]) for end in ("least", "most"))
    fitting = [one for one in coming if one.tactic == tactic and least <= one.at - now <= most]
    return min(fitting, key=lambda one: one.at, default=None)


def _why(facts: Facts, tactic: str, failed: Tried | None, now: datetime) -> tuple[Reason, ...]:
    reasons = []
    if failed is not None:
        reasons.append(Reason("after", {"tried": failed.tactic, **_figures(failed, now)}))
    event = _next_event(facts.coming, tactic, now)
    if event is not None:
        reasons.append(Reason("event", {"days": (event.at - now).days}))
    rules = table("ladder")
    if tactic in rules["first"].get(facts.hostility, ()):
        reasons.append(Reason("friendly" if facts.hostility == "ally" else "public"))
    elif facts.outcome == "no_meeting" and tactic in rules["orders"]["no_meeting"][:3]:
        reasons.append(Reason("no_meeting"))
    if tactic not in facts.ready:
        reasons.append(Reason("unready", {"tactic": tactic}))
    return tuple(reasons) or (Reason("usual"),)


def _again(tried: Sequence[Tried], tone: str) -> Suggestion:
    """Every tactic has failed: the one of longest ago, in a tone that it was not tried in, firmer before friendlier."""
    used: Mapping[str, set[str]] = {tactic: {one.tone for one in tried if one.tactic == tactic} for tactic in TACTICS}
    firmer = [*TONES[TONES.index(tone) :], *reversed(TONES[: TONES.index(tone)])]
    last: dict[str, int] = {one.tactic: place for place, one in enumerate(tried)}
    by_age = sorted(TACTICS, key=lambda tactic: last.get(tactic, -1))
    for tactic in by_age:
        for one in firmer:
            if one not in used[tactic]:
                return Suggestion(tactic, one, (Reason("firmer"),))
    return Suggestion(by_age[0], firmer[0], (Reason("firmer"),))
