"""The forms of accounts. None of them validates a password but by the rules of ``accounts.passwords``."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired

from outreach.accounts.links import NAME_LENGTH
from outreach.accounts.passwords import LONGEST, NAME_LONGEST
from outreach.web.account_words import ROLES
from outreach.web.entry_forms import at_most, clean

NEEDED = lazy_gettext("Please fill this in.")


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Name and password."""

    sign_in_name = StringField(
        lazy_gettext("Sign-in name"), filters=[clean], validators=[DataRequired(NEEDED), at_most(NAME_LONGEST)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )  # fmt: skip
    password = PasswordField(
        lazy_gettext("Password"), validators=[DataRequired(NEEDED), at_most(LONGEST)],
        render_kw={"autocomplete": "current-password"},
    )  # fmt: skip
    next = HiddenField()


class CodeForm(FlaskForm):  # type: ignore[misc]
    """A code of the app, or a recovery code."""

    code = StringField(
        lazy_gettext("Code"), filters=[clean], validators=[DataRequired(NEEDED), at_most(40)],
        render_kw={"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "none"},
    )  # fmt: skip
    next = HiddenField()


class EnrolForm(CodeForm):
    """The first code of an app; ``offer`` is the sealed secret that the page showed."""

    offer = HiddenField()


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, twice."""

    password = PasswordField(
        lazy_gettext("New password"), validators=[DataRequired(NEEDED), at_most(LONGEST)],
        render_kw={"autocomplete": "new-password"},
    )  # fmt: skip
    again = PasswordField(
        lazy_gettext("The same password again"), validators=[DataRequired(NEEDED), at_most(LONGEST)],
        render_kw={"autocomplete": "new-password"},
    )  # fmt: skip

    def is_same(self) -> bool:
        """Whether both are the same; says so beside the second when they are not."""
        if self.password.data != self.again.data:
            self.again.errors = [lazy_gettext("This is not the same as above.")]
            return False
        return True


class FirstPasswordForm(NewPasswordForm):
    """The same for somebody who has no sign-in name yet."""

    sign_in_name = StringField(
        lazy_gettext("Sign-in name"), filters=[clean], validators=[DataRequired(NEEDED), at_most(NAME_LONGEST)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )  # fmt: skip


class AcceptForm(FirstPasswordForm):
    """Somebody who was invited."""

    name = StringField(
        lazy_gettext("Your name, as colleagues see it"), filters=[clean],
        validators=[DataRequired(NEEDED), at_most(NAME_LENGTH)], render_kw={"autocomplete": "name"},
    )  # fmt: skip


class InviteForm(FlaskForm):  # type: ignore[misc]
    """Whom an admin invites."""

    meant_for = StringField(
        lazy_gettext("Whom it is for"), filters=[clean], validators=[DataRequired(NEEDED), at_most(NAME_LENGTH)],
        render_kw={"autocomplete": "off"},
    )  # fmt: skip
    role = SelectField(lazy_gettext("Role"))

    def offer(self, roles: list[str]) -> InviteForm:
        """The roles to choose from."""
        self.role.choices = [SelectChoice(role, ROLES[role]) for role in roles]
        return self


class RoleForm(FlaskForm):  # type: ignore[misc]
    """A colleague's new role."""

    role = SelectField(lazy_gettext("Role"))

    def offer(self, roles: list[str]) -> RoleForm:
        """The roles to choose from."""
        self.role.choices = [SelectChoice(role, ROLES[role]) for role in roles]
        return self


class GroupForm(FlaskForm):  # type: ignore[misc]
    """A new group."""

    group_name = StringField(
        lazy_gettext("Name of the group"), filters=[clean], validators=[DataRequired(NEEDED), at_most(NAME_LENGTH)],
        render_kw={"autocomplete": "off"},
    )  # fmt: skip
