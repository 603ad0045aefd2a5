"""Where a group's sign-up page is: an address that people can read, with the group's id at its end."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.accounts.models import Group
from outreach.core.phone import as_people_write
from outreach.serving import runtime

SLUG: Final = re.compile(r"(?:[a-z0-9-]{0,60}-)?([0-9]{1,18})", re.ASCII)
WORDS_LENGTH: Final = 40


class SignUpPage(NamedTuple):
    """A group's page."""

    group_id: int
    group: str
    slug: str


def slug_of(name: str, group_id: int) -> str:
    """The group's name in plain letters, and its id. Pure."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:WORDS_LENGTH].rstrip("-")
    return f"{words}-{group_id}" if words else str(group_id)


def page_of(session: Session, group_id: int) -> SignUpPage | None:
    """The page of a group."""
    name = session.execute(select(Group.name).where(Group.id == group_id)).scalar()
    return None if name is None else SignUpPage(group_id, name, slug_of(name, group_id))


def find_page(session: Session, slug: str) -> SignUpPage | None:
    """The page at an address; None where there is none."""
    match = SLUG.fullmatch(slug)
    found = page_of(session, int(match[1])) if match else None
    return found if found is not None and found.slug == slug else None


def public_address(page: SignUpPage) -> str:
    """The whole address, for posters."""
    return runtime().settings.public_base_url + url_for("sign_up.show", slug=page.slug)


def our_number() -> str | None:
    """The number that people may text, as people write it; None where only the carrier knows it."""
    number = runtime().settings.twilio_from_number
    return as_people_write(number) if number else None


def may_join_by_text(session: Session) -> bool:
    """Whether JOIN from somebody unknown can mean one group only: the groups of an instance share its number."""
    return session.execute(select(func.count()).select_from(Group)).scalar_one() == 1
