"""What a caller hears and what their keys do: from a place in the call and what was heard there to the next turn. Pure.

A call goes ``greeting -> script -> office -> outcome (-> answer) -> thanks``, back to ``office`` for the next one where
the last did not pick up, and to ``closed`` or ``all_busy`` where it cannot be dialled now. Keys that mean nothing are
said to mean nothing, and asked for again; a person who presses nothing three times is taken for a machine, or gone.

A phone tree's calls are shorter: a captain who is asked to lead says so by a key, and one who wants to talk with
somebody of their branch is put through to them; nothing is asked afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

EMPTY: Final[Mapping[str, str]] = {"en": "", "es": ""}
"""What a phrase does not speak of."""
ASKED_AT_MOST: Final = 3
"""So often a question is put before the call goes on without its answer."""
HEARD_AT_MOST: Final = 6
"""So often the script is read."""

Stage = Literal["greeting", "script", "closed", "all_busy", "office", "outcome", "answer", "over"]
Status = Literal["open", "closed", "all_busy", "gone"]
"""Of an office at this moment: ``gone`` was removed, or its campaign has ended.

Of a member of a branch: ``closed``, it is no hour to call them; ``all_busy``, they were called often enough today;
``gone``, they must not be called."""
Greeting = Literal["greeting", "dialed_in", "captain", "member"]
"""The first words of a call, and so what it is for: to an office, at our call or at theirs; a tree's."""
TO_OFFICES: Final = frozenset({"greeting", "dialed_in"})
BEFORE_OFFICE: Final = frozenset({"greeting", "script", "closed", "all_busy"})
"""Stages of a call in which nobody is put through yet."""

OUTCOME_KEYS: Final = {"1": "spoke", "2": "voicemail", "3": "mailbox_full", "4": "no_answer", "5": "refused"}
"""The same digits as after a text (``config/tactics.toml``)."""
ANSWER_KEYS: Final = {"1": "yes", "2": "no", "3": "would_not_say"}
NOT_PICKED_UP: Final = {"busy": "busy", "no-answer": "no_answer", "failed": "failed", "canceled": "canceled"}
"""The carrier's word for an office leg that nobody took -> ours."""
TRY_NEXT_AFTER: Final = frozenset({"mailbox_full", "no_answer", "busy"})
"""What a person reports of an office after which another one is tried."""


class Line(NamedTuple):
    """An office that may be dialled, or a member, as it is at this moment. ``opens``: when, in the caller's words."""

    office_id: int
    name: str
    e164: str
    extension: str | None
    status: Status
    opens: str = ""


class Facts(NamedTuple):
    """What the words are about. ``script``: by language. ``lines``: the offices, in the order of trying them.

    ``test``: an organizer hears what their callers will, and is put through to nobody. ``people``: of a captain.
    ``won``: the official has committed, so whoever is not put through yet hears the thanks instead.
    """

    group: str
    official: str
    policy: dict[str, str]
    script: dict[str, str]
    lines: tuple[Line, ...]
    greeting: Greeting = "greeting"
    test: bool = False
    people: Mapping[str, str] = EMPTY
    won: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call is. ``line``: the office's place among the lines. ``asked``: how often this question was put."""

    stage: Stage = "greeting"
    language: str = "en"
    line: int = 0
    asked: int = 0


class Heard(NamedTuple):
    """What the carrier tells: the call was taken (``answered``), keys after a question, or how an office leg ended.

    ``status`` and ``seconds`` are the leg's; ``sid`` too.
    """

    kind: Literal["answered", "keys", "dialed"]
    keys: str = ""
    status: str = ""
    seconds: int = 0
    sid: str | None = None


class Say(NamedTuple):
    """A phrase of ``config/call_words.toml``."""

    phrase: str


class Dial(NamedTuple):
    """Put the caller through."""

    line: Line


class Note(NamedTuple):
    """What is to be kept: opt_out, language, dialed, ended, reported, answered, call_later, leads; with its value."""

    what: Literal["opt_out", "language", "dialed", "ended", "reported", "answered", "call_later", "leads"]
    value: str = ""


class Turn(NamedTuple):
    """What the caller hears, and then: a question (``asks``), an office (``dial``), or the end."""

    place: Place
    says: tuple[Say, ...]
    asks: bool = False
    dial: Dial | None = None
    notes: tuple[Note, ...] = ()


def take(place: Place, heard: Heard, facts: Facts) -> Turn:
    """The turn after this was heard at this place. Whatever is heard where it does not belong asks again."""
    if facts.won and place.stage in BEFORE_OFFICE and heard.kind != "dialed" and heard.keys != "9":
        return _end(place, "stood_down")
    if heard.kind == "answered":
        return _ask(Place("greeting", place.language), facts.greeting)
    if heard.kind == "dialed":
        return _left_office(place, heard, facts) if facts.greeting in TO_OFFICES else _left_member(place, heard)
    if heard.keys == "9":
        return _end(place, "stopped", Note("opt_out"))
    return AT[place.stage](place, heard.keys, facts)


def _at_greeting(place: Place, keys: str, facts: Facts) -> Turn:
    does = AT_GREETING[facts.greeting].get(keys)
    if does is not None:
        return does(place, facts)
    return _again(place, keys, facts.greeting, give_up=lambda: _end(place, NO_KEY[facts.greeting]))


def _to_script(place: Place, facts: Facts) -> Turn:
    """The script before the first office that is open; else what can be done about one that is not."""
    for status, stage in (("open", "script"), ("all_busy", "all_busy"), ("closed", "closed")):
        number = next((number for number, line in enumerate(facts.lines) if line.status == status), None)
        if number is not None:
            reached: Stage = stage  # type: ignore[assignment]  # the tuple above holds stages
            return _ask(replace(place, stage=reached, line=number, asked=0), stage)
    return _end(place, "over")


def _other_language(place: Place, facts: Facts) -> Turn:
    other = "en" if place.language == "es" else "es"
    return _ask(Place("greeting", other), facts.greeting, notes=(Note("language", other),))


def _leads(place: Place, _facts: Facts) -> Turn:
    """What they are told may be something else: it depends on what has become of their branch (``talking``)."""
    return _end(place, "captain_started", Note("leads", "confirm"))


def _leads_not(place: Place, _facts: Facts) -> Turn:
    return _end(place, "captain_declined", Note("leads", "refuse"))


def _to_member(place: Place, facts: Facts) -> Turn:
    line = facts.lines[0] if facts.lines else None
    if line is None or line.status != "open":
        return _end(replace(place, line=0), UNABLE[line.status if line else "gone"])
    dial = Dial(line)
    return Turn(
        replace(place, stage="office", asked=0, line=0), (Say("connecting"),), dial=dial, notes=(Note("dialed"),)
    )


def _at_script(place: Place, keys: str, facts: Facts) -> Turn:
    if keys == "0" and place.asked < HEARD_AT_MOST:
        return _ask(place, "script")
    return _dial(place, facts)  # silence too: they were told that waiting connects them


def _at_office(place: Place, keys: str, facts: Facts) -> Turn:
    """The leg has ended, and its end was not told: ask how it was."""
    return _at_outcome(place, keys, facts) if facts.greeting in TO_OFFICES else _end(place, "member_thanks")


def _at_closed(place: Place, keys: str, facts: Facts) -> Turn:
    if keys == "1" and place.stage == "closed":
        return _dial(place, facts)
    if keys == "2":
        return _end(place, "will_call", Note("call_later", place.stage))
    return _again(place, keys, place.stage, give_up=lambda: _end(place, "thanks"))


def _at_outcome(place: Place, keys: str, facts: Facts) -> Turn:
    outcome = OUTCOME_KEYS.get(keys)
    if outcome is None:
        return _again(place, keys, "how_was_it", give_up=lambda: _end(place, "thanks"))
    note = Note("reported", outcome)
    if outcome == "spoke":
        return _ask(replace(place, stage="answer", asked=0), "what_did_they_say", notes=(note,))
    if outcome in TRY_NEXT_AFTER:
        return _next(place, facts, note)
    return _end(place, "thanks", note)


def _at_answer(place: Place, keys: str, _facts: Facts) -> Turn:
    answer = ANSWER_KEYS.get(keys)
    if answer is None:
        return _again(place, keys, "what_did_they_say", give_up=lambda: _end(place, "thanks"))
    return _end(place, "thanks", Note("answered", answer))


def _at_end(place: Place, _keys: str, _facts: Facts) -> Turn:
    return _end(place, "thanks")


AT: Final[dict[Stage, Callable[[Place, str, Facts], Turn]]] = {
    "greeting": _at_greeting,
    "script": _at_script,
    "closed": _at_closed,
    "all_busy": _at_closed,
    "office": _at_office,
    "outcome": _at_outcome,
    "answer": _at_answer,
    "over": _at_end,
}

AT_GREETING: Final[dict[Greeting, dict[str, Callable[[Place, Facts], Turn]]]] = {
    "greeting": {"1": _to_script, "2": _other_language},
    "dialed_in": {"1": _to_script, "2": _other_language},
    "captain": {"1": _leads, "2": _other_language, "3": _leads_not},
    "member": {"1": _to_member, "2": _other_language},
}
"""What the keys of each greeting do; 9 opts out wherever it is pressed."""
NO_KEY: Final[dict[Greeting, str]] = {
    "greeting": "nobody_there", "dialed_in": "nobody_there", "captain": "captain_silent", "member": "no_key",
}  # fmt: skip
"""What is said to whoever presses none of them."""
UNABLE: Final[dict[Status, str]] = {"closed": "member_asleep", "all_busy": "member_often", "gone": "member_gone"}
"""Why somebody of a branch is not called."""


def _left_office(place: Place, heard: Heard, facts: Facts) -> Turn:
    ended = Note("ended", heard.status)
    if heard.status in NOT_PICKED_UP:
        return _next(place, facts, ended, "could_not_connect")
    asking = replace(place, stage="outcome", asked=0)
    return _ask(asking, "how_was_it", notes=(ended,))


def _left_member(place: Place, heard: Heard) -> Turn:
    words = "member_silent" if heard.status in NOT_PICKED_UP else "member_thanks"
    return _end(place, words, Note("ended", heard.status))


def _next(place: Place, facts: Facts, note: Note, *before: str) -> Turn:
    """Another office, if there is one that can be dialled now; a call ends with thanks."""
    after = range(place.line + 1, len(facts.lines))
    found = next((number for number in after if facts.lines[number].status == "open"), None)
    if found is None:
        turn = _end(place, "thanks", note)
        return turn._replace(says=(*map(Say, before), *turn.says))
    turn = _dial(replace(place, line=found), facts)
    return turn._replace(says=(*map(Say, before), Say("next_office"), *turn.says), notes=(note, *turn.notes))


def _dial(place: Place, facts: Facts) -> Turn:
    """Removed or ended in the meantime: nobody is dialled. In a test nobody ever is; the questions follow at once."""
    line = facts.lines[place.line] if place.line < len(facts.lines) else None
    if line is None or line.status == "gone":
        return _end(place, "over")
    if facts.test:
        turn = _ask(replace(place, stage="outcome", asked=0), "how_was_it")
        return turn._replace(says=(Say("test_office"), *turn.says))
    return Turn(replace(place, stage="office", asked=0), (Say("connecting"),), dial=Dial(line), notes=(Note("dialed"),))


def _ask(place: Place, phrase: str, *, notes: tuple[Note, ...] = ()) -> Turn:
    return Turn(replace(place, asked=place.asked + 1), (Say(phrase),), asks=True, notes=notes)


def _again(place: Place, keys: str, phrase: str, *, give_up: Callable[[], Turn]) -> Turn:
    """Put the question once more, unless it was put often enough."""
    if place.asked >= ASKED_AT_MOST:
        return give_up()
    turn = _ask(place, phrase)
    return turn._replace(says=(Say("not_a_key"), *turn.says)) if keys and keys != "0" else turn


def _end(place: Place, phrase: str, *notes: Note) -> Turn:
    return Turn(replace(place, stage="over", asked=0), (Say(phrase),), notes=notes)
