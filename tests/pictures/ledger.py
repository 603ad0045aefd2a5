"""The ledger as a picture shows it: an answer that is evaded again and corrected, a judgement, a manual half read."""

from __future__ import annotations

from datetime import timedelta

from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.officials.hostility import set_hostility
from outreach.officials.manuals import (
    Described,
    Review,
    add_document,
    add_passage,
    mark_passage,
    note_passage,
    review_passage,
    version_of,
)
from outreach.officials.meetings import Answer
from outreach.officials.stances import Heard, correct_stance, record_stance

ASKING = (
    "Officers need not look further into a person's status unless there is reasonable suspicion that the person is "
    "unlawfully present.\nWhere there is, they ask for papers and call ICE."
)
HOLDING = "A person named in a detainer is held for up to 48 hours beyond release."


def read_a_manual(tx: Transaction, runtime: Runtime, group_id: int, official_id: int, who: str) -> dict[str, str]:
    """What the official said elsewhere, and their manual; the ids of an answer, the document and a passage."""
    today = runtime.clock.now().date()
    said = Heard(Answer(1, "evaded", None, 4), today - timedelta(days=30), "Luz", "statement")
    wrong = record_stance(tx, runtime, group_id, official_id, said, who)
    right = said._replace(said=Answer(1, "yes", "practice", 4))
    stance = correct_stance(tx, runtime, group_id, wrong.id, right, "Tomás")
    for value, why in (("open", ""), ("evasive", "Three meetings, no answer on the Don't Ask Rule")):
        set_hostility(tx, runtime, group_id, official_id, value, who, why)
    described = Described(
        "Policy manual, chapter 5", "Police Department", "Dry Wash, AZ", "https://example.org/manual.pdf",
        today - timedelta(days=900), official_id,
    )  # fmt: skip
    document = add_document(tx, runtime, group_id, described, who)
    passage, other = (
        add_passage(tx, runtime, group_id, document.id, section=section, text=text, reader=reader, by=who)
        for section, text, reader in (("Section 3", ASKING, "Luz"), ("Section 7", HOLDING, "Walter"))
    )
    for one, kind, words in (
        (passage, "asking", "ask for papers and call ICE"),
        (passage, "profiling", "reasonable suspicion that the person is unlawfully present"),
        (other, "hold", "held for up to 48 hours"),
    ):
        mark_passage(tx, runtime, group_id, one.id, kind=kind, words=words, by=who)
    given = Review(5, "It makes every stop a question about papers.", "Luz", done=True)
    review_passage(tx, runtime, group_id, passage.id, given, "Luz", version_of(passage))
    note_passage(tx, runtime, group_id, passage.id, answer="no", today=today, by="Luz")
    return {"stance": str(stance.id), "manual": str(document.id), "passage": str(passage.id)}
