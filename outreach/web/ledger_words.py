"""Words of the ledger: answers, where they come from, what a cell of the board says, how an official meets us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, NamedTuple

from flask_babel import gettext, lazy_gettext, ngettext

from outreach.core.errors import OutreachError
from outreach.officials.board import Cell
from outreach.officials.stances import STRUCK, Standing
from outreach.web.entry_forms import EntryForm
from outreach.web.official_words import ANSWERS, BASES, in_words

LEDGER_ANSWERS: Final = {
    **{answer: ANSWERS[answer] for answer in ("yes", "no", "evaded")},
    "unknown": lazy_gettext("We do not know"),
    STRUCK: lazy_gettext("Struck: it was entered by mistake"),
}
SOURCES: Final = {
    "meeting": lazy_gettext("in a meeting or a talk"),
    "letter": lazy_gettext("in a letter or e-mail"),
    "statement": lazy_gettext("in a public statement"),
    "manual": lazy_gettext("in their policy manual"),
    "report": lazy_gettext("as somebody else told us"),
}
KINDS: Final = {
    "secured": lazy_gettext("Yes, in writing"),
    "unsecured": lazy_gettext("Yes, but not in writing"),
    "no": lazy_gettext("No"),
    "evaded": lazy_gettext("Evaded"),
    "unknown": lazy_gettext("We do not know"),
    "not_asked": lazy_gettext("Not asked"),
}
SIGNS: Final = {"secured": "✓", "unsecured": "~", "no": "✕", "evaded": "…", "unknown": "?", "not_asked": "–"}
"""Beside the word, never alone: it is found faster than a word, and prints without colour."""
HOSTILITIES: Final = {
    "ally": lazy_gettext("Ally"),
    "open": lazy_gettext("Open to us"),
    "evasive": lazy_gettext("Evasive"),
    "hostile": lazy_gettext("Hostile"),
}
HOSTILITY_HINTS: Final = {
    "ally": lazy_gettext("With us, in public too. Even allies need to be asked."),
    "open": lazy_gettext("Listens, and has not decided."),
    "evasive": lazy_gettext("Gives no answer, or puts us off."),
    "hostile": lazy_gettext("Against us, or will not talk to us."),
}

ERRORS: Final = {
    "citation_missing": lazy_gettext("Say where it is written: the document and its section, or a link."),
    "citation_without_writing": lazy_gettext("You say where it is written, so choose “in writing” above."),
    "citation_long": lazy_gettext("Please use at most %(most)s characters."),
    "stance_corrected": lazy_gettext(
        "Somebody else has corrected this answer meanwhile. Look at what stands there now before you change it."
    ),
    "stance_struck": lazy_gettext("This entry was struck. Add a new answer instead."),
    "stance_day_future": lazy_gettext("This day is still to come."),
    "stance_heard_by": lazy_gettext("Say who heard it, in at most %(most)s characters."),
    "basis_without_answer": lazy_gettext("Only a yes or a no can be in writing or in practice."),
}
"""Error codes of the use cases behind these forms."""


class LedgerForm(EntryForm):
    """A form whose refusals have words of their own, and else those of the officials' pages."""

    sentences: ClassVar[Mapping[str, Any]] = ERRORS

    def refuse(self, error: OutreachError) -> None:
        """Show a use case's refusal where it belongs."""
        sentence = self.sentences.get(error.code)
        said = in_words(error) if sentence is None else str(sentence) % error.details
        name = self.field_of.get(error.code)
        if name and name in self:
            self.add_error(name, said)
        else:
            self.form_errors.append(said)


class Shown(NamedTuple):
    """A cell of the board in words."""

    kind: str
    sign: str
    words: str
    more: str


def cell_words(cell: Cell) -> Shown:
    """What a cell says, with its basis, and how often somebody was asked who gave no answer."""
    more = ""
    if cell.kind == "evaded":
        more = times_words(cell.asked)
    elif cell.kind == "unsecured":
        more = str(BASES["practice"]) if cell.entry and cell.entry.basis else gettext("how is not known")
    elif cell.kind == "no" and cell.entry and cell.entry.basis:
        more = str(BASES[cell.entry.basis])
    return Shown(cell.kind, SIGNS[cell.kind], str(KINDS[cell.kind]), more)


def times_words(times: int) -> str:
    """How often a question was asked."""
    return str(ngettext("asked once", "asked %(num)s times", times))


def still_to_do(standing: Standing) -> str:
    """What the group has to do about an answer that is none yet, or not in writing; empty when it is settled."""
    times, talks = standing.evaded
    current = standing.current
    said = ""
    if current is None:
        return said
    if current.answer == "yes" and not standing.secured:
        said = gettext("Not secured yet: a yes counts once it is in writing. Ask for the rule itself.")
    elif current.answer == "evaded":
        conversations = ngettext("in %(num)s conversation", "in %(num)s conversations", talks)
        said = gettext("%(times)s, %(conversations)s: ask until it is a yes or a no.", times=times_words(times),
                       conversations=conversations)  # fmt: skip
    elif standing.secured and not current.citation:
        said = gettext("Nobody has noted yet where it is written.")
    return str(said[:1].upper() + said[1:])


def ledger_words() -> dict[str, Any]:
    """What the partials of the ledger on an official's page need."""
    return {
        "ledger_answers": LEDGER_ANSWERS,
        "sources": SOURCES,
        "hostilities": HOSTILITIES,
        "still_to_do": still_to_do,
        "times_words": times_words,
    }
