"""What one look has found, in the words of ``config/doctor.toml``. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from config import table

EVERY: Final = "every"
"""The section whose outcomes any check may have: what kept it from being made."""
STATUSES: Final = ("ok", "warning", "problem", "unknown")


@dataclass(frozen=True, slots=True)
class Finding:
    """``check`` is stable, ``section.subject``; ``mend`` says what to do, and is empty where all is well."""

    check: str
    status: str
    """ok, warning (look at it), problem (mend it before anybody is texted), or unknown (could not be looked at)."""
    message: str
    mend: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def finding(check: str, outcome: str, **details: object) -> Finding:
    """The finding of a check in one of its outcomes. Details are shown, so they hold no secret and no whole number."""
    section, _, subject = check.partition(".")
    said = table("doctor")[section][subject].get(outcome) or table("doctor")[EVERY][outcome]
    return Finding(check, said["status"], said["message"].format(**details), said.get("mend", "").format(**details))


def title(check: str) -> str:
    """The heading that a check stands under."""
    return str(table("doctor")[check.partition(".")[0]]["title"])


def counted(findings: Iterable[Finding]) -> dict[str, Any]:
    """How many there are of each status, and whether people may be texted: nothing is a problem."""
    counts = Counter(each.status for each in findings)
    return {
        "ready": not counts["problem"],
        "problems": counts["problem"],
        "warnings": counts["warning"],
        "unknown": counts["unknown"],
    }
