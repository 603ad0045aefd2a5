"""Who answers at the other end: a table of personas, and which number is which. Pure; no clock, no state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from outreach.rehearsal.draws import fraction, pick, weighted

STOPS = (
    "STOP",
    "stop",
    "Stop",
    "Unsubscribe",
    "QUIT",
    "cancel",
    "End",
    "STOPALL",
    "Alto",
    "ALTO",
    "Basta",
    "no mas",
    "please take me off this list",
    "Stop texting me",
    "remove my number please",
    "ya no me escriban",
    "no me manden más mensajes",
)
DIGITS = ("1", "2", "3", "4", "5")
WORDS = (
    "Left a voicemail",
    "I talked to a staffer and told her what we want",
    "The mailbox was full",
    "nobody picked up",
    "It was busy the whole morning",
    "They hung up on me",
    "Dejé un mensaje de voz",
    "Hablé con su asistente",
    "nadie contestó",
)
PROMISES = (
    "I'll call tomorrow after 3",
    "I will call in 20 minutes",
    "I can call later today",
    "Llamo mañana por la mañana",
    "llamo luego",
)
FREE = (
    "We must STOP this bill!",
    "When is the next meeting?",
    "Is this about the sheriff or the council?",
    "I already wrote to him last week, what else can I do?",
    "Thank you for doing this 💪",
    "¿Puedo llamar por la tarde?",
)
LEADS = ("1", "OK", "yes", "Sure, I am ready", "Sí", "claro")
LEADS_NOT = ("NO", "I can't today", "no puedo")


@dataclass(frozen=True, slots=True)
class Persona:
    """How one kind of person, or their phone, behaves."""

    name: str
    weight: float
    """Share of all numbers, per 1,000."""
    refusal: int | None = None
    """The create is refused with this code."""
    undelivered: int | None = None
    """Texts leave, and end undelivered with this code."""
    replies: tuple[str, ...] = ()
    """What may be answered to the first campaign text; one of these, once."""
    reports: tuple[str, ...] = ()
    """What may be texted when our answer to the reply has arrived."""
    waits: bool = False
    """Reports only when it is asked: when another text of ours has come than an answer."""


DEFAULT = (  # the last two are captains of phone trees: whoever wants some pins them to numbers
    Persona("delivered", 667),
    Persona("stop", 27, replies=STOPS),
    Persona("report_digit", 70, replies=DIGITS),
    Persona("report_words", 50, replies=WORDS),
    Persona("script", 22, replies=("SCRIPT", "script", "Script please"), reports=DIGITS),
    Persona("script_asked", 8, replies=("SCRIPT", "Guion"), reports=(*DIGITS, *WORDS), waits=True),
    Persona("call", 24, replies=("CALL", "Call"), reports=DIGITS),
    Persona("pledge", 6, replies=PROMISES, reports=DIGITS, waits=True),
    Persona("help", 20, replies=("HELP", "help", "INFO", "Ayuda")),
    Persona("free_text", 40, replies=FREE),
    Persona("spanish", 20, replies=("español", "Español", "En español por favor")),
    Persona("undelivered_30003", 30, undelivered=30003),
    Persona("undelivered_30005", 5, undelivered=30005),
    Persona("undelivered_30007", 1, undelivered=30007),
    Persona("refused_21610", 5, refusal=21610),
    Persona("refused_21614", 5, refusal=21614),
    Persona("leads", 0, replies=LEADS),
    Persona("leads_not", 0, replies=LEADS_NOT),
)
BY_NAME = {persona.name: persona for persona in DEFAULT}
SILENT: Mapping[str, float] = {"delivered": 1.0}


def default_weights() -> dict[str, float]:
    """Persona -> share per 1,000."""
    return {persona.name: persona.weight for persona in DEFAULT}


def choose(seed: int, number: str, weights: Mapping[str, float]) -> Persona:
    """The persona of a number: the same for the same seed and weights. The weights need not sum to anything."""
    return BY_NAME[weighted(BY_NAME, weights, fraction(seed, "persona", number))]


def reply_of(persona: Persona, seed: int, number: str) -> str | None:
    """What this number answers to the first campaign text; None when it stays silent."""
    return pick(persona.replies, seed, "reply", number) if persona.replies else None


def report_of(persona: Persona, seed: int, number: str) -> str | None:
    """What this number texts once our answer to its reply has arrived; None when nothing."""
    return pick(persona.reports, seed, "report", number) if persona.reports else None


def read_weights(given: Mapping[str, object], names: Collection[str] = BY_NAME) -> dict[str, float]:
    """Weights out of JSON. Raises ValueError with a sentence for the person who sent them."""
    weights: dict[str, float] = {}
    for name, weight in given.items():
        if name not in names:
            raise ValueError(f"no persona {name!r}; there are {', '.join(names)}")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < 1e9:
            raise ValueError(f"the weight of {name} must be a number, 0 or more")
        weights[name] = float(weight)
    if not sum(weights.values()) > 0:
        raise ValueError("at least one weight must be above 0")
    return weights
