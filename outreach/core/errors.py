"""Errors carry a code; the words for a person stand in one map, filled by whoever shows them."""

from __future__ import annotations

from functools import cache

from config import table


class OutreachError(Exception):
    """Something a person can mend. ``code`` is stable; ``details`` fill the wording and hold no phone number."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details = details

    def __str__(self) -> str:
        return message_for(self.code, self.details)


class SettingsError(OutreachError):
    """A setting is missing or cannot be used; the process must not start."""


class BadInputError(OutreachError):
    """What a person or file gave us cannot be used; nothing was stored."""


class NotFoundError(OutreachError):
    """No such row in this group."""


class ConflictError(OutreachError):
    """The row is no longer in the state this needs; someone else was first."""


@cache
def sentences() -> dict[str, str]:
    """Code -> sentence, from ``config/errors.toml`` (its sections only group)."""
    return {code: text for section in table("errors").values() for code, text in section.items()}


def halt_sentence(reason: str) -> str:
    """Why a gate was halted and how to mend it, for its reason ``carrier:<code>``."""
    code = reason.partition(":")[2]
    known = f"halted_{code}" if f"halted_{code}" in sentences() else "halted_other"
    return message_for(known, {"code": code})


def message_for(code: str, details: dict[str, object]) -> str:
    """The sentence for a code, or the code itself with its details when no sentence is known."""
    template = sentences().get(code)
    if template is None:
        return f"{code}: {details}" if details else code
    return template.format(**details)
