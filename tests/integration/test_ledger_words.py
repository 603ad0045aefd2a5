"""What people say is sealed in the consent ledger; an opt-in keeps its words, an opt-out's go after 30 days."""

from __future__ import annotations

from sqlalchemy import insert, select, text

from outreach.core.runtime import Runtime
from outreach.people.consent import WORDS, is_suppressed, record_opt_in, record_opt_out
from outreach.people.models import WORDS_IN_PLAIN, WORDS_OF_OPT_OUT, ConsentEvent
from outreach.privacy.ledger_words import seal_plain_words
from outreach.privacy.retention import purge
from tests.factories import make_group, number
from tests.integration.test_retention import DAY, later


def words(runtime: Runtime) -> list[tuple[str, str | None, str | None]]:
    """Kind, what stands in plain, what was sealed."""
    with runtime.db.snapshot() as session:
        rows = session.execute(select(ConsentEvent).order_by(ConsentEvent.id)).scalars().all()
    return [
        (row.kind, row.wording, runtime.vault.open(row.sealed, WORDS)["words"] if row.sealed else None) for row in rows
    ]


def test_words_are_sealed_and_only_an_opt_outs_go(runtime: Runtime) -> None:
    group, hashed = make_group(runtime), runtime.vault.number_hash(number(0))
    at = runtime.clock.real_now()
    with runtime.db.transaction(durable=True) as tx:
        record_opt_in(tx, runtime.vault, group, hashed, wording="JOIN 480-555-0100", source="reply", at=at - DAY)
        record_opt_out(tx, runtime.vault, group, hashed, wording="STOP 4805550100", source="reply", at=at)
    kept = [("opt_in", None, "JOIN 480-555-0100"), ("opt_out", None, "STOP 4805550100")]
    assert words(runtime) == kept
    assert purge(later(runtime, 29 * DAY)).opt_outs == 0
    assert words(runtime) == kept
    assert purge(later(runtime, 31 * DAY)).opt_outs == 1
    assert words(runtime) == [kept[0], ("opt_out", None, None)]
    assert purge(later(runtime, 31 * DAY)).opt_outs == 0
    with runtime.db.snapshot() as session:
        assert is_suppressed(session, hashed, group)


def test_what_an_older_version_kept_in_plain_is_sealed(runtime: Runtime) -> None:
    group = make_group(runtime)
    rows = [
        {
            "group_id": group, "number_hash": runtime.vault.number_hash(number(index)), "kind": kind, "source": source,
            "wording": f"words {index}", "recorded_by": "person", "at": runtime.clock.real_now(),
        }
        for index, (kind, source) in enumerate([("granted", "import"), ("opt_out", "reply"), ("opt_in", "page")])
    ]  # fmt: skip
    with runtime.db.transaction() as tx:
        tx.execute(insert(ConsentEvent), rows)
    assert seal_plain_words(runtime) == 2
    assert words(runtime) == [("granted", "words 0", None), ("opt_out", None, "words 1"), ("opt_in", None, "words 2")]
    assert seal_plain_words(runtime) == 0


def test_both_looks_go_by_their_index(runtime: Runtime) -> None:
    if not runtime.db.is_sqlite:
        return  # PostgreSQL reads so small a table whole, whatever there is
    for condition, index in ((WORDS_OF_OPT_OUT, "words"), (WORDS_IN_PLAIN, "plain")):
        with runtime.db.snapshot() as session:
            asked = select(ConsentEvent.id).where(text(condition)).limit(5)
            plan = session.execute(text(f"EXPLAIN QUERY PLAN {asked.compile(compile_kwargs={'literal_binds': True})}"))
            assert f"ix_consent_event_{index}" in " ".join(str(row) for row in plan)
