"""What people said, in the consent ledger: how long their words stay, and sealing those that an older version did not.

An opt-in is proof by its exact wording (COMPLIANCE.md), so its words stay with it. An opt-out needs no words to be
obeyed or proved: that it was said, when, and where stays for good, and what else stood in the text goes after 30 days,
as replies do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select, text, update

from outreach.core.runtime import Runtime
from outreach.people.consent import sealed_words
from outreach.people.models import WORDS_IN_PLAIN, WORDS_OF_OPT_OUT, ConsentEvent

CHUNK: Final = 500
_event: Any = ConsentEvent.__table__
_GOING = select(_event.c.id).where(text(WORDS_OF_OPT_OUT), _event.c.at <= bindparam("oldest")).limit(CHUNK)
_PLAIN = select(_event.c.id, _event.c.wording).where(text(WORDS_IN_PLAIN)).order_by(_event.c.id).limit(CHUNK)
"""Word for word what their indexes say: without them each look would read the whole ledger."""
_EMPTY = update(_event).where(_event.c.id.in_(bindparam("ids", expanding=True))).values(sealed=None)
_SEAL = (
    update(_event)
    .where(_event.c.id == bindparam("its_id"), _event.c.wording.is_not(None))
    .values(sealed=bindparam("words"), wording=None)
)


def purge_ledger_words(runtime: Runtime, oldest: datetime) -> int:
    """Empty the words of opt-outs that were said by then (real time); how many. 500 rows a transaction."""
    emptied = 0
    while True:
        with runtime.db.transaction() as tx:
            ids = list(tx.connection().execute(_GOING, {"oldest": oldest}).scalars())
            if ids:
                tx.connection().execute(_EMPTY, {"ids": ids})
        if not ids:
            return emptied
        emptied += len(ids)


def seal_plain_words(runtime: Runtime) -> int:
    """Seal what people said before words were sealed; how many. May be killed and run again."""
    sealed = 0
    while True:
        with runtime.db.transaction() as tx:
            rows = tx.connection().execute(_PLAIN).all()
            if rows:
                words = [{"its_id": row.id, "words": sealed_words(runtime.vault, row.wording)} for row in rows]
                tx.connection().execute(_SEAL, words)
        if not rows:
            return sealed
        sealed += len(rows)
