"""What pages say about accounts: roles, and what cannot be done, in the reader's language."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

import segno
from flask import request, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from markupsafe import Markup

from outreach.core.errors import OutreachError

ROLES: Final[dict[str, Any]] = {
    "staff": lazy_gettext("Staff: reads everything, takes threads in the inbox"),
    "organizer": lazy_gettext("Organizer: also sends, answers and handles data about people"),
    "admin": lazy_gettext("Admin: also invites people and sets the group up"),
    "instance": lazy_gettext("Instance admin: also makes groups and runs the site"),
}
SHORT: Final[dict[str, Any]] = {
    "staff": lazy_gettext("Staff"),
    "organizer": lazy_gettext("Organizer"),
    "admin": lazy_gettext("Admin"),
    "instance": lazy_gettext("Instance admin"),
}
WRONG: Final = lazy_gettext("This name and password do not fit together. Look at both, also at capital letters.")
CODE_WRONG: Final = lazy_gettext("This code is not right, or was used already. Wait for your app to show the next one.")
ERRORS: Final[dict[str, Any]] = {
    "sign_in_name_form": lazy_gettext("A sign-in name has 3 to 64 characters and no blanks."),
    "sign_in_name_taken": lazy_gettext("Somebody on this site signs in with this name. Please choose another one."),
    "name_taken": lazy_gettext(
        "Somebody in your group has this name. Please write yours so that it can be told apart."
    ),
    "name_missing": lazy_gettext("Please say your name."),
    "password_short": lazy_gettext("A password has at least 12 characters. A few words in a row are easy to remember."),
    "password_long": lazy_gettext("A password has at most 256 characters."),
    "password_is_name": lazy_gettext("A name is no password."),
    "password_mostly_name": lazy_gettext(
        "Without your name in it, less than 12 characters of this password are left. Please add a few words."
    ),
    "password_common": lazy_gettext(
        "This is one of the passwords that everybody tries first. Please choose another one."
    ),
    "sign_in_busy": lazy_gettext("Others are signing in at this very moment. Please try again."),
    "invitation_over": lazy_gettext(
        "This invitation was used already, was taken back, or is too old. Ask for a new one."
    ),
    "last_admin": lazy_gettext(
        "Your group would have no admin left who can sign in. Make somebody else an admin first."
    ),
    "last_instance_admin": lazy_gettext(
        "Nobody would be left to run this site. Make somebody else an instance admin first."
    ),
    "role_above": lazy_gettext("You may not do this for somebody above you, nor give a role above your own."),
    "group_taken": lazy_gettext("There is a group of this name already."),
    "group_has_admin": lazy_gettext("This group has an admin who can sign in; they invite their own people."),
    "code_wrong": CODE_WRONG,
}
FIELD_OF: Final = {
    "sign_in_name_form": "sign_in_name", "sign_in_name_taken": "sign_in_name", "name_taken": "name",
    "name_missing": "name", "group_taken": "group_name",
}  # fmt: skip
"""Which field an error is about; those of passwords are about ``password``."""


def account_error(error: OutreachError) -> str:
    """What went wrong, for the person who can mend it."""
    if error.code == "sign_in_wait":
        seconds = int(str(error.details["seconds"]))
        minutes = -(-seconds // 60)
        return str(
            ngettext(
                "Too many tries went wrong. Wait %(num)s minute.",
                "Too many tries went wrong. Wait %(num)s minutes.",
                minutes,
            )
        )
    return str(ERRORS.get(error.code, error))


def refuse(form: Any, error: OutreachError) -> None:
    """Put an error beside the field that it is about, else above the form."""
    name = "password" if error.code.startswith("password_") else FIELD_OF.get(error.code, "")
    if name in form:
        form[name].errors = [*form[name].errors, account_error(error)]
    else:
        form.form_errors.append(account_error(error))


def status_of(error: OutreachError) -> int:
    """How a refused form answers: 429 to wait, 503 for busy."""
    return {"sign_in_wait": 429, "sign_in_busy": 503}.get(error.code, 422)


def qr_code(text: str) -> Markup:
    """A QR code as inline SVG: black on white, also by night."""
    data = BytesIO()
    segno.make_qr(text, error="m", boost_error=False).save(
        data, kind="svg", border=4, dark="#000", light="#fff", omitsize=True, xmldecl=False, svgns=True
    )
    return Markup(data.getvalue().decode())  # noqa: S704  segno draws it; the text itself is not in it


def own_path(path: str | None) -> str:
    """A path of this site to lead on to; home for anything else."""
    found = path or ""
    plain = found.isprintable() and "\\" not in found and found.startswith("/") and not found.startswith("//")
    return found if plain else url_for("home.index")


def asked_for() -> str:
    """The page that this request asked for, to come back to."""
    return request.full_path.rstrip("?")


def too_old() -> str:
    """What a link says that opens nothing."""
    return str(gettext("This link was used already or is too old. Ask for a new one."))
