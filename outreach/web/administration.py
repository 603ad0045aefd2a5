"""Administration: the doors to what is set up once and looked at seldom, each shown to whom it opens for."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from flask import Blueprint, current_app, render_template
from flask_babel import lazy_gettext
from flask_login import current_user

from outreach.web.roles import allow, declared_role, ranks

pages = Blueprint("administration", __name__, url_prefix="/administration")


class Door(NamedTuple):
    """A page, its name, and in a sentence what it is for."""

    endpoint: str
    label: Any
    about: Any


DOORS: Final = (
    Door(
        "colleagues.index",
        lazy_gettext("People of your group"),
        lazy_gettext("Who signs in for your group and what they may do; inviting, resetting, taking out."),
    ),
    Door(
        "groups.index",
        lazy_gettext("Groups of this site"),
        lazy_gettext("Making a group, and inviting its first admin."),
    ),
    Door(
        "inbox_settings.index",
        lazy_gettext("Inbox settings"),
        lazy_gettext("Ready-made answers, and after how many hours a waiting text is called late."),
    ),
    Door(
        "audit.show",
        lazy_gettext("Book of decisions"),
        lazy_gettext("Who launched, took out, corrected or decided what, and when; also as a file."),
    ),
    Door(
        "safety.index",
        lazy_gettext("Safety"),
        lazy_gettext("What your group may spend, a second person for launches, the sign-up page, regions."),
    ),
    Door(
        "queues.index",
        lazy_gettext("Queues"),
        lazy_gettext("What waits where, who works on it, alarms of the checks, and what to do about them."),
    ),
)


@pages.get("/")
@allow("staff")
def index() -> str:
    """The doors that open for who asks."""
    roles = ((door, declared_role(current_app, door.endpoint)) for door in DOORS)
    doors = [door for door, role in roles if role is not None and ranks(current_user.role, role)]
    return render_template("administration/index.html", doors=doors)
