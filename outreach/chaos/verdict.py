"""What the two books say: who was texted twice, who was lost, who was texted after their STOP. Pure.

Everything is counted from what the carrier received and from rows, never from a flag that the sender keeps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from outreach.chaos.books import Entry, Ours
from outreach.messaging.states import STATES

GRACE_SECONDS = 1.0
"""A create may come so much later than our 200 to the STOP: it was on its way (CONTRACTS.md)."""
LEAST_ACCEPTED = 0.95
MOST_IN_REVIEW = 0.01


def count(entries: Sequence[Entry], ours: Ours, stoppers: set[str], stop_sids: set[str]) -> dict[str, Any]:
    """The counted fields of CONTRACTS.md, and ``reachable`` with those of them whom the carrier accepted a text for.

    ``stoppers``: numbers whose every text is an opt-out; ``stop_sids``: other opt-outs by their MessageSid.
    """
    opted_out = stops(entries, stoppers, stop_sids)
    within_reach = reachable(entries, ours, opted_out)
    states = [standing.state for standing in ours.standings]
    return {
        "recipients": len(ours.standings),
        "duplicates": sum(entry.duplicate for entry in entries),
        "lost": sum(losses(entries, ours).values()),
        "accepted": sum(bool(standing.sids) for standing in ours.standings),
        "unknown": states.count("unknown"),
        "needs_review": states.count("needs_review"),
        "posts_after_stop": posts_after_stop(entries, opted_out),
        "stops": len(opted_out),
        "reachable": len(within_reach),
        "reached": sum(bool(standing.sids) for standing in ours.standings if standing.who in within_reach),
    }


def losses(entries: Iterable[Entry], ours: Ours) -> dict[str, int]:
    """Who or what nobody accounts for, by kind."""
    rows = list(entries)
    creates = {entry.sid for entry in rows if entry.kind == "create" and entry.sid}
    inbound = {entry.sid for entry in rows if entry.kind == "inbound" and entry.sid}
    return {
        "not_planned": max(0, ours.expected - len(ours.standings)),
        "without_state": sum(standing.state not in STATES for standing in ours.standings),
        "creates_unknown_to_us": len(creates - ours.message_sids),
        "texts_without_reply_row": len(inbound - ours.reply_sids),
    }


def stops(entries: Iterable[Entry], stoppers: set[str], stop_sids: set[str]) -> dict[str, list[Entry]]:
    """Number -> its opt-out texts, oldest first."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind == "inbound" and (entry.who in stoppers or entry.sid in stop_sids):
            found.setdefault(entry.who, []).append(entry)
    return found


def posts_after_stop(entries: Iterable[Entry], opted_out: Mapping[str, Sequence[Entry]]) -> int:
    """Creates that the carrier received, refused ones too, over a second after our 200 to that number's STOP.

    No persona ever texts START. A refusal counts because the carrier knows some stop words itself, and would
    hide our fault; a refused answer in TwiML is no create.
    """
    answered = {
        who: min(text.answered_at for text in texts if text.answered_at is not None)
        for who, texts in opted_out.items()
        if any(text.answered_at is not None for text in texts)
    }
    return sum(
        entry.who in answered and entry.received_at > answered[entry.who] + GRACE_SECONDS
        for entry in entries
        if entry.kind == "create" or (entry.kind == "refused" and entry.in_reply_to is None)
    )


def reachable(entries: Sequence[Entry], ours: Ours, opted_out: Mapping[str, Sequence[Entry]]) -> set[str]:
    """Recipients - suppressed - refused at create by the persona - opted out before their turn."""
    first_create: dict[str, float] = {}
    for entry in entries:
        if entry.kind == "create":
            first_create.setdefault(entry.who, entry.received_at)
    refused = {e.who for e in entries if e.kind == "refused" and e.in_reply_to is None and _is_persona(e.error_code)}
    refused -= first_create.keys()
    early = {who for who, texts in opted_out.items() if texts[0].received_at < first_create.get(who, math.inf)}
    return (
        {standing.who for standing in ours.standings if standing.state != "suppressed" or standing.sids}
        - refused
        - early
    )


def _is_persona(code: int | None) -> bool:
    """A refusal that the number itself brings; faults of the carrier have codes of their own (429, 500)."""
    return code is not None and code >= 21_000


def delays(entries: Iterable[Entry], ours: Ours) -> list[float]:
    """Seconds from each slice to the carrier's receipt of its create, shortest first."""
    return sorted(
        entry.received_at - ours.begun_at[entry.sid]
        for entry in entries
        if entry.kind == "create" and entry.sid in ours.begun_at
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that ``share`` of all do not exceed; None of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def next_after(moment: float, creates: Iterable[float]) -> float | None:
    """Seconds from a moment to the next create; None when there was no other."""
    later = [at for at in creates if at >= moment]
    return min(later) - moment if later else None


def longest_silence(creates: Sequence[float]) -> float:
    """The longest time between two creates that follow each other."""
    return max((after - before for before, after in pairwise(creates)), default=0.0)


def faults_of(report: Mapping[str, Any], wanted_kills: int) -> list[str]:
    """Why the run is not good enough; empty when it is."""
    reasons = [
        f"{name} is {report[name]}, not 0" for name in ("duplicates", "lost", "posts_after_stop") if report[name]
    ]
    if not report["reconciles"]:
        reasons.append("the database and the carrier's books do not reconcile")
    landed = sum(report["kills"].values())
    if landed != wanted_kills:
        reasons.append(f"{landed} of {wanted_kills} kills landed during work")
    reached, within_reach = report["conditions"]["reached"], report["conditions"]["reachable"]
    if reached < LEAST_ACCEPTED * within_reach:
        reasons.append(f"only {reached} of {within_reach} reachable people were accepted")
    if report["needs_review"] > MOST_IN_REVIEW * report["recipients"]:
        reasons.append(f"{report['needs_review']} of {report['recipients']} texts wait for a person")
    return reasons
