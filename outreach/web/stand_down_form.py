"""The form of a stand-down: which campaigns, why, and the thank-you."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired

from outreach.escalations.stand_down import WHY_LENGTH, Running
from outreach.web.entry_forms import at_most, clean
from outreach.web.wizard_forms import options


def _one_line_end(text: str | None) -> str:
    """Browsers send two characters for each, and both would be paid for."""
    return clean((text or "").replace("\r\n", "\n"))


class StandDownForm(FlaskForm):  # type: ignore[misc]
    """Everything is filled in already; the second press is enough."""

    why = StringField(
        lazy_gettext("What happened"),
        filters=[clean],
        validators=[
            DataRequired(lazy_gettext("Say in a few words what the official has committed to.")),
            at_most(WHY_LENGTH),
        ],
    )
    campaigns = SelectMultipleField(
        lazy_gettext("Campaigns to stand down"),
        coerce=int,
        validators=[DataRequired(lazy_gettext("Choose at least one campaign."))],
    )
    thanks = BooleanField(lazy_gettext("Thank everybody who took part, by one text"), default=True)
    text_en = TextAreaField(lazy_gettext("Thank-you in English"), filters=[_one_line_end])
    text_es = TextAreaField(lazy_gettext("Thank-you in Spanish"), filters=[_one_line_end])

    def offer(self, running: Sequence[Running]) -> None:
        """What there is to choose from."""
        self.campaigns.choices = options({one.id: one.name for one in running})

    def texts(self) -> dict[str, str] | None:
        """The thank-you per language; None where nobody is to get one."""
        return {"en": self.text_en.data, "es": self.text_es.data} if self.thanks.data else None
