"""Texts that a person had to correct, as candidates for the classifier's tests: who wrote them is masked.

Numbers, addresses of mail and of pages are replaced, and the writer's own name where the group knows it. Other names
in a text cannot be known, so a person reads every line before it becomes a test. The words go when the replies' do,
30 days after their campaign; what was corrected to what stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.crypto import Vault
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging.classify import ASKED, CLASSIFIER_VERSION, classify
from outreach.messaging.inbox_models import Correction
from outreach.messaging.models import Reply
from outreach.people.models import Constituent
from outreach.privacy.reasons import valid_reason

log = structlog.get_logger(__name__)

ACTION: Final = "export"
MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
PAGE = re.compile(
    r"(?:https?://|www\.)\S+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|gov|edu|info|us|mx|io|co|ly)\b\S*", re.I
)
NUMBER = re.compile(r"\+?\(?\d(?:[\s().·•–-]*\d){6,}")
"""Seven digits or more, however they are spelled: an id or an account may go with them, a "1" or an hour stays."""


def candidates(runtime: Runtime, group_id: int, *, reason: str, actor: str) -> list[dict[str, Any]]:
    """A group's corrected texts, oldest correction first, ready for JSON; who takes them and why goes into the book.

    Texts whose words are gone are left out. Raises BadInputError without a reason.
    """
    because = valid_reason(reason)
    with runtime.db.snapshot() as session:
        found = list(_masked(session, runtime.vault, group_id))
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, actor=actor, action=ACTION, subject="corrections", at=runtime.clock.real_now(),
            what="classifier candidates", texts=len(found), because=because,
        )  # fmt: skip
    return found


def _masked(session: Session, vault: Vault, group_id: int) -> Iterator[dict[str, Any]]:
    rows = session.execute(
        select(Reply, Correction.intent, Correction.outcome, Constituent.sealed)
        .join(Correction, Correction.reply_id == Reply.id)
        .outerjoin(Constituent, Constituent.id == Reply.constituent_id)
        .where(Correction.group_id == group_id, Reply.sealed.is_not(None))
        .order_by(Correction.at, Reply.id)
    )
    for reply, intent, outcome, sealed in rows:
        try:
            text = str(vault.open(reply.sealed or b"", "reply")["body"])
            person = vault.open(sealed, "constituent") if sealed else {}
        except (OutreachError, IndexError, KeyError) as error:  # one damaged document must not hide the others
            log.error("document_not_opened", context="reply", id=reply.id, error=str(getattr(error, "code", error)))
            continue
        names = [str(person.get(key) or "") for key in ("first_name", "last_name")]
        yield {
            "text": without_traces(text, names),
            "lang": reply.language,
            "before": {"intent": intent, "outcome": outcome},
            "after": {"intent": reply.intent, "outcome": reply.outcome},
            "rule": reply.rule,
            "classifier": reply.classifier,
            "asked": asked_then(text, intent, reply.rule) if reply.classifier == CLASSIFIER_VERSION else None,
        }


def without_traces(text: str, names: list[str]) -> str:
    """The text with what could lead to somebody replaced; ``names``: the writer's own. Pure."""
    for pattern, instead in ((MAIL, "<e-mail>"), (PAGE, "<page>"), (NUMBER, "<number>")):
        text = pattern.sub(instead, text)
    for word in {word for name in names for word in name.split() if len(word) > 1}:
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "<name>", text, flags=re.IGNORECASE)
    return text


def asked_then(text: str, intent: str, rule: str) -> str | None:
    """The question after which the text is taken as it was: it is not kept, but the rule tells. Pure."""
    for asked in sorted(ASKED, key=lambda one: one or ""):
        verdict = classify(text, asked)
        if (verdict.intent, verdict.rule) == (intent, rule):
            return asked
    return None
