"""Authenticator apps (TOTP, RFC 6238) and recovery codes. A code works once: the newest half-minute taken is kept."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.accounts.models import User
from outreach.accounts.sign_in_models import Authenticator, RecoveryCode
from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, OutreachError

CONTEXT: Final = "authenticator"
OFFER: Final = "authenticator offer"
STEP_SECONDS: Final = 30
DIGITS: Final = 6
OFFER_LASTS: Final = timedelta(hours=1)
RECOVERY_CODES: Final = 10
ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Of recovery codes: nothing that looks like something else. Ten of them are 49 bits."""
CODE_LENGTH: Final = 10


class Offer(NamedTuple):
    """A secret for an app to scan, not yet anybody's. ``sealed`` goes through the form and back."""

    secret: str
    sealed: str


def step_of(now: datetime) -> int:
    """The half-minute since 1970."""
    return int(now.timestamp()) // STEP_SECONDS


def matching_step(secret: str, typed: str, now: datetime, last_step: int) -> int | None:
    """The half-minute whose code this is: this one, the one before or after, and later than the last one taken."""
    digits = "".join(typed.split())
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdecimal()):
        return None
    code, found = pyotp.TOTP(secret), None
    for step in (step_of(now) - 1, step_of(now), step_of(now) + 1):  # all three, whichever it is: the same work
        if hmac.compare_digest(code.at(step * STEP_SECONDS), digits) and step > last_step:
            found = step
    return found


def make_offer(vault: Vault, user_id: int, now: datetime, secret: str | None = None) -> Offer:
    """A new secret (or the one of an offer whose code was wrong), bound to the user, for an hour."""
    secret = secret or pyotp.random_base32()
    sealed = vault.seal({"user": user_id, "secret": secret, "at": now.timestamp()}, OFFER)
    return Offer(secret, urlsafe_b64encode(sealed).decode())


def open_offer(vault: Vault, sealed: str, user_id: int, now: datetime) -> str | None:
    """The secret of an offer; None when it is old, another's, or none of ours."""
    try:
        found = vault.open(urlsafe_b64decode(sealed.encode("ascii", "replace")), OFFER)
    except (OutreachError, Base64Error, ValueError, IndexError):
        return None
    is_ours = found["user"] == user_id and now.timestamp() - found["at"] < OFFER_LASTS.total_seconds()
    return str(found["secret"]) if is_ours else None


def address_for_app(secret: str, sign_in_name: str, issuer: str) -> str:
    """What the QR code says (``otpauth:``)."""
    return pyotp.TOTP(secret).provisioning_uri(name=sign_in_name, issuer_name=issuer)


def enrol(tx: Transaction, vault: Vault, user_id: int, secret: str, typed: str, now: datetime) -> list[str]:
    """Take the app whose code was typed, in place of any other; the new recovery codes. Raises BadInputError."""
    step = matching_step(secret, typed, now, 0)
    if step is None:
        raise BadInputError("code_wrong")
    remove(tx, user_id)
    sealed = vault.seal({"user": user_id, "secret": secret}, CONTEXT)
    tx.add(Authenticator(user_id=user_id, sealed=sealed, last_step=step, created_at=now))
    _note(tx, user_id, "code_set_up", now)
    return _issue(tx, vault, user_id)


def remove(tx: Transaction, user_id: int) -> None:
    """Forget the app and its recovery codes."""
    for table in (Authenticator, RecoveryCode):
        tx.execute(delete(table).where(table.user_id == user_id))


def new_recovery_codes(tx: Transaction, vault: Vault, user_id: int, now: datetime) -> list[str]:
    """Ten new ones; the old ones open nothing any more."""
    _note(tx, user_id, "recovery_codes_made", now)
    return _issue(tx, vault, user_id)


def recovery_codes_left(session: Session, user_id: int) -> int:
    """How many have not been used."""
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.execute(select(func.count()).select_from(RecoveryCode).where(*unused)).scalar_one()


def spend_code(tx: Transaction, vault: Vault, user_id: int, typed: str, now: datetime) -> bool:
    """Take a code of the app. Of two at once with the same code, one is taken."""
    row = tx.execute(select(Authenticator).where(Authenticator.user_id == user_id)).scalar_one_or_none()
    if row is None:
        return False
    opened = vault.open(row.sealed, CONTEXT)
    if opened["user"] != user_id:
        return False
    step = matching_step(opened["secret"], typed, now, row.last_step)
    if step is None:
        return False
    taken = update(Authenticator).where(Authenticator.id == row.id, Authenticator.last_step < step)
    return tx.execute(taken.values(last_step=step).returning(Authenticator.id)).scalar() is not None


def spend_recovery_code(tx: Transaction, vault: Vault, user_id: int, typed: str, now: datetime) -> bool:
    """Take a recovery code. Of two at once with the same one, one is taken."""
    kept = _recovery_hash(vault, user_id, typed)
    own = (RecoveryCode.user_id == user_id, RecoveryCode.code_hash == kept, RecoveryCode.used_at.is_(None))
    taken = update(RecoveryCode).where(*own).values(used_at=now).returning(RecoveryCode.id)
    if tx.execute(taken).scalar() is None:
        return False
    _note(tx, user_id, "recovery_code_used", now)
    return True


def _issue(tx: Transaction, vault: Vault, user_id: int) -> list[str]:
    tx.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes: set[str] = set()
    while len(codes) < RECOVERY_CODES:
        codes.add("".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)))
    tx.add_all(RecoveryCode(user_id=user_id, code_hash=_recovery_hash(vault, user_id, one)) for one in codes)
    half = CODE_LENGTH // 2
    return [f"{one[:half]}-{one[half:]}" for one in sorted(codes)]


def _recovery_hash(vault: Vault, user_id: int, typed: str) -> bytes:
    plain = "".join(one for one in typed.casefold() if one not in "- \t\r\n")
    return vault.text_hash(f"recovery\0{user_id}\0{plain}")


def _note(tx: Transaction, user_id: int, action: str, now: datetime) -> None:
    user = tx.get_one(User, user_id)
    record_audit(tx, group_id=user.group_id, actor=user.name, action=action, subject=f"users:{user_id}", at=now)
