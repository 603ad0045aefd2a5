"""Tactics, and why one is suggested, in the words of the tables. Pure; the language is given."""

from __future__ import annotations

from config import table
from outreach.escalations.ladder import Reason


def tactic_name(tactic: str, language: str) -> str:
    """A tactic's name; one that the table no longer has is called as it is stored."""
    row = table("tactic_words").get(tactic)
    return str(row["name"][language]) if row else tactic


def reason_words(reason: Reason, language: str) -> str:
    """Why something is suggested, as a sentence."""
    values = dict(reason.values)
    if "tried" in values:
        values["tried"] = tactic_name(values["tried"], language)
    if reason.code == "unready":
        values["needs"] = table("tactic_words")[values["tactic"]]["needs"][language]
    return str(table("ladder")["reasons"][reason.code][language]).format(**values)
