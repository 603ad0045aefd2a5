"""Who answers a word: the carrier or we, in each of its three modes, to whoever is on the list, is not, or was."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from outreach.core.runtime import Runtime
from outreach.messaging.inbound import InboundText
from outreach.people.consent import is_suppressed
from outreach.replies import answer_text
from tests.factories import make_world, number

WORDS: Final = {
    "STOP": ("STOP", "no more texts"), " unsubscribe ": ("STOP", "no more texts"), "alto": (None, "Ya no le llegan"),
    "START": ("START", "back on our list"), "YES": ("START", None), "HELP": ("HELP", "volunteer group"),
    "info": ("HELP", "volunteer group"), "ayuda": (None, "grupo de voluntarios"),
    "please take me off this list": (None, "no more texts"), "HELP me call": (None, None),
}  # fmt: skip
"""What is written: the carrier's own word for it, and what our answer holds (None: looked at by its silence alone)."""
ALONE: Final = frozenset({"STOP", " unsubscribe ", "START", "YES", "HELP", "info"})
"""What the carrier's default mode answers itself: its words by themselves."""
STATES: Final = ("known", "opted_out", "stranger")


def text(runtime: Runtime, sender: str, body: str, sid: str, opt_out_type: str | None = None) -> str | None:
    at = runtime.clock.real_now()
    answer = answer_text(runtime, InboundText(f"SM{sid:0>32}", sender, "+14805550199", body, at, opt_out_type))
    return answer.body if answer else None


@pytest.mark.parametrize("mode", ["default", "advanced", "none"])
def test_silence_exactly_where_the_carrier_has_answered(runtime: Runtime, mode: str) -> None:
    make_world(runtime, 80)
    held = replace(runtime, settings=runtime.settings.model_copy(update={"twilio_opt_out": mode}))
    for index, (words, (kind, holds)) in enumerate(WORDS.items()):
        for place, state in enumerate(STATES):
            person = 10 * place + index if state != "stranger" else 100 + index
            sid = f"{index}{place}"
            if state == "opted_out":
                text(held, number(person), "please take me off this list", f"a{sid}")
            answer = text(held, number(person), words, f"b{sid}", kind if mode == "advanced" else None)
            case = (mode, words, state, answer)
            carrier_answers = (mode == "default" and words in ALONE) or (mode == "advanced" and kind is not None)
            asks_for_an_answer = kind in {"START", "HELP"} or words == "ayuda"
            if carrier_answers or (state == "opted_out" and not asks_for_an_answer):
                assert answer is None, case
            elif holds:
                assert answer is not None, case
                assert holds in answer, case
            if kind == "STOP" or words == "please take me off this list":
                with held.db.snapshot() as session:
                    hashed = held.vault.number_hash(number(person))
                    assert is_suppressed(session, hashed, 1), case
