"""A draft's texts as people would get them: rendered for a sample person, measured, and held to the lint. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from outreach.core.errors import BadInputError
from outreach.core.plain import Odd, odd_characters, plain_template
from outreach.core.segments import Measure, measure
from outreach.escalations.lint import ERROR, Finding, Where, lint
from outreach.escalations.spoken import check_spoken, seconds_to_hear
from outreach.messaging.render import check_template, render
from outreach.messaging.tactics import CALLS

LONGEST: Final = 1_600
"""Characters of a template; the carrier takes no longer text."""

PARTS: Final[tuple[tuple[str, Where, str], ...]] = (
    ("text_en", "text", "en"),
    ("text_es", "text", "es"),
    ("text_b_en", "text", "en"),
    ("text_b_es", "text", "es"),
    ("script_en", "script", "en"),
    ("script_es", "script", "es"),
    ("spoken_en", "spoken", "en"),
    ("spoken_es", "spoken", "es"),
)
"""A draft's field, what it is, and its language."""

SAMPLES: Final[Mapping[str, Mapping[str, str]]] = {
    "known": {"first_name": "Ana", "city": "Phoenix", "zip": "85003"},
    "unknown": {},
}
"""Invented people to preview with: one of whom we know a name and a place, and one of whom we know only the number."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One text, script or spoken script for one sample person.

    ``body`` is None when the template cannot be used, and ``error`` says why. ``plain`` is what the same text would
    cost in plain characters; None when it costs that already. ``seconds``: about how long it takes to hear what is
    read aloud; None for what is written.
    """

    field: str
    where: Where
    language: str
    body: str | None
    error: BadInputError | None
    cost: Measure
    odd: tuple[Odd, ...]
    plain: Measure | None
    findings: tuple[Finding, ...]
    seconds: int | None = None

    @property
    def stops(self) -> int:
        """How many things must be mended before launch."""
        return (self.error is not None) + sum(finding.severity == ERROR for finding in self.findings)


def check_draft_text(template: str) -> None:
    """What a draft's text may hold: words and merge fields, up to a length. Raises BadInputError."""
    if not template.strip():
        raise BadInputError("text_empty")
    if len(template) > LONGEST:
        raise BadInputError("text_too_long", length=len(template), limit=LONGEST)
    check_template(template)


def preview(
    templates: Mapping[str, str],
    values: Mapping[str, Mapping[str, str]],
    sample: str = "known",
    tactic: str = CALLS,
) -> tuple[Preview, ...]:
    """The parts that ``templates`` has, for a sample person; the findings are those of any sample person."""
    return tuple(
        _preview(field, where, language, templates[field], values[language], SAMPLES.get(sample, {}), tactic)
        for field, where, language in PARTS
        if field in templates
    )


def _preview(
    field: str,
    where: Where,
    language: str,
    template: str,
    values: Mapping[str, str],
    person: Mapping[str, str],
    tactic: str,
) -> Preview:
    spoken = where == "spoken"
    kind = "script" if spoken else where
    try:
        (check_spoken if spoken else check_draft_text)(template)
        body = render(template, values, person, language, kind=kind)
        bodies = [render(template, values, one, language, kind=kind) for one in SAMPLES.values()]
        plain = measure(render(plain_template(template, values), values, person, language, kind=kind))
    except BadInputError as error:
        return Preview(field, where, language, None, error, measure(""), (), None, ())
    found: dict[str, Finding] = {}
    for one in bodies:
        for finding in lint(one, where, language, values, tactic):
            found.setdefault(finding.code, finding)
    if spoken:
        seconds, heard = seconds_to_hear(body), tuple(found.values())
        return Preview(field, where, language, body, None, measure(""), (), None, heard, seconds)
    cost = measure(body)
    cheaper = plain if plain.encoding != cost.encoding else None
    return Preview(field, where, language, body, None, cost, odd_characters(body), cheaper, tuple(found.values()))


def stops(previews: tuple[Preview, ...]) -> int:
    """How many things in all must be mended before launch."""
    return sum(one.stops for one in previews)
