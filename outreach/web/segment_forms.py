"""The form in which a segment is put together: conditions for all or any, and conditions that keep people out.

Each condition is one choice from a list; only ZIP codes and a city are typed. What the page can say is a part of what
a segment can be: ``rows_of`` reads a tree back into the form, where that is possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired

from outreach.core.errors import BadInputError, OutreachError
from outreach.escalations.segments import NAME_LENGTH
from outreach.people.segments import DEEDS, LANGUAGES, Expression, read
from outreach.web import segment_words
from outreach.web.entry_forms import at_most, clean
from outreach.web.segment_words import Names, error_in_words
from outreach.web.wizard_forms import options

WITH, WITHOUT = "with", "without"
ROWS: Final = {WITH: 12, WITHOUT: 6}
"""How many conditions of each kind the page takes."""
TYPED_LENGTH: Final = 4_000
_BETWEEN = re.compile(r"[\s,;]+")


class Row(NamedTuple):
    """A condition as it stands in the form: ``what`` is its kind, with the id or word that was chosen after a colon."""

    what: str
    typed: str = ""


class SegmentForm(FlaskForm):  # type: ignore[misc]
    """A name, and the conditions; the rows are made below."""

    version = StringField()
    name = StringField(
        lazy_gettext("Name of the segment"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Give the segment a name.")), at_most(NAME_LENGTH)],
        render_kw={"autocomplete": "off"},
    )
    match = RadioField(
        lazy_gettext("Who is in it"),
        choices=options(
            {
                "all": lazy_gettext("who meets all of these conditions"),
                "any": lazy_gettext("who meets at least one of these conditions"),
            }
        ),
        default="all",
    )

    def rows(self, part: str, shown: int) -> list[tuple[Any, Any]]:
        """The fields of the first rows of a part."""
        return [(self[f"what_{part}_{n}"], self[f"typed_{part}_{n}"]) for n in range(1, shown + 1)]

    def fill(self, match: str, rows: Mapping[str, Sequence[Row]]) -> None:
        """Show a segment that is saved."""
        self.match.data = match
        for part, given in rows.items():
            for (what, typed), row in zip(self.rows(part, len(given)), given, strict=True):
                what.data, typed.data = row.what, row.typed

    def filled(self, part: str) -> int:
        """How many rows reach to the last one that says something."""
        rows = self.rows(part, ROWS[part])
        return max((n for n, (what, typed) in enumerate(rows, 1) if what.data or typed.data), default=0)

    def offer(self, names: Names) -> None:
        """The conditions to choose from, in every row."""
        flat = [(value, words) for _, group in choices_of(names) for value, words in group]
        for part, most in ROWS.items():
            for what, _ in self.rows(part, most):
                what.choices = [("", lazy_gettext("no condition")), *flat]

    def tree(self, names: Names) -> Expression | None:
        """What was put together; None when it cannot be, with the reasons at the fields."""
        parts = {part: list(self._rules(part, names)) for part in ROWS}
        wrong = any(field.errors for part, most in ROWS.items() for row in self.rows(part, most) for field in row)
        wanted, unwanted = parts[WITH], parts[WITHOUT]
        if wrong:
            return None
        if not wanted and not unwanted:
            self.form_errors.append(str(segment_words.ERRORS["segment_blank"]))
            return None
        chosen = {"any" if self.match.data == "any" else "all": wanted}
        kept_out = {"not": {"any": unwanted}}
        return read(chosen if not unwanted else {"all": [chosen, kept_out]} if wanted else kept_out)

    def _rules(self, part: str, names: Names) -> Iterator[Expression]:
        for what, typed in self.rows(part, ROWS[part]):
            try:
                rule = rule_of(Row(what.data or "", typed.data or ""), names)
            except BadInputError as error:
                (typed if error.code in {"segment_zip", "segment_zips", "segment_words"} else what).errors = [
                    error_in_words(error)
                ]
                continue
            if rule:
                yield rule
            elif typed.data:
                what.errors = [lazy_gettext("Choose whether this is a ZIP code or a city.")]

    def refuse(self, error: OutreachError) -> None:
        """Show a use case's refusal at the field that it is about."""
        if error.code.startswith("segment_name"):
            self.name.errors = [*self.name.errors, error_in_words(error)]
        else:
            self.form_errors.append(error_in_words(error))


for _part, _most in ROWS.items():
    for _n in range(1, _most + 1):
        _label = lazy_gettext("Condition") if _part == WITH else lazy_gettext("Exception")
        setattr(SegmentForm, f"what_{_part}_{_n}", SelectField(_label, validate_choice=False, default=""))
        setattr(
            SegmentForm,
            f"typed_{_part}_{_n}",
            StringField(lazy_gettext("ZIP codes, or a city"), filters=[clean], validators=[at_most(TYPED_LENGTH)]),
        )


class DistrictForm(FlaskForm):  # type: ignore[misc]
    """A district's name and its ZIPs, pasted."""

    name = StringField(
        lazy_gettext("Name of the district"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Give the district a name.")), at_most(NAME_LENGTH)],
        render_kw={"autocomplete": "off"},
    )
    zips = TextAreaField(
        lazy_gettext("ZIP codes"),
        filters=[clean],
        validators=[DataRequired(lazy_gettext("Paste the ZIP codes of the district."))],
        render_kw={"rows": 6},
    )

    def refuse(self, error: OutreachError) -> None:
        """Show a use case's refusal at the field that it is about."""
        field = self.name if error.code.startswith("district_name") else self.zips
        field.errors = [*field.errors, error_in_words(error)]


def choices_of(names: Names) -> list[tuple[Any, list[tuple[str, Any]]]]:
    """Groups of conditions: a label, and value and words of each."""

    def named(kind: str, label: Any, known: Mapping[int, str]) -> tuple[Any, list[tuple[str, Any]]]:
        return label, [(f"{kind}:{one}", f"{label}: {name}") for one, name in known.items()]

    groups: list[tuple[Any, list[tuple[str, Any]]]] = [
        named("tag", lazy_gettext("Tag"), names.tags),
        named("list", lazy_gettext("List"), names.lists),
        named("district", lazy_gettext("District"), names.districts),
        (
            lazy_gettext("Place: type it in the field"),
            [("zip", lazy_gettext("ZIP begins with")), ("city", lazy_gettext("lives in the city"))],
        ),
        (lazy_gettext("Language"), [(f"language:{code}", segment_words.READS[code]) for code in LANGUAGES]),
        (lazy_gettext("What they did"), [(f"did:{deed}", segment_words.DEEDS[deed]) for deed in DEEDS]),
    ]
    return [(label, group) for label, group in groups if group]


def rule_of(row: Row, names: Names) -> Expression | None:
    """The rule that a row says; None for a row that says none. Raises BadInputError."""
    kind, _, chosen = row.what.partition(":")
    if not kind:
        return None
    if kind == "zip":
        return read({"zip": [part for part in _BETWEEN.split(row.typed) if part]})
    if kind in {"language", "did", "city"}:
        return read({kind: row.typed if kind == "city" else chosen})
    named: Mapping[str, Mapping[int, str]] = {"tag": names.tags, "list": names.lists, "district": names.districts}
    if kind not in named:
        raise BadInputError("segment_rule_unknown", rule=kind)
    known = named[kind]
    wanted = int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19 else 0
    if wanted not in known:
        raise BadInputError("segment_tag_unknown" if kind == "tag" else f"{kind}_unknown", tag=chosen, name=chosen)
    return read({kind: known[wanted] if kind == "tag" else wanted})


def rows_of(tree: Expression, names: Names) -> tuple[str, dict[str, list[Row]]] | None:
    """``match`` and the rows of a tree; None for one that the page cannot show."""
    main, kept_out = tree, None
    if set(tree) == {"all"} and len(tree["all"]) == 2 and _is_kept_out(tree["all"][1]):
        main, kept_out = tree["all"]
    elif _is_kept_out(tree):
        main, kept_out = {"all": []}, tree
    ((match, parts),) = main.items()
    unwanted = kept_out["not"]["any"] if kept_out else []
    if match not in {"all", "any"}:
        match, parts = "all", [main]
    if len(parts) > ROWS[WITH] or len(unwanted) > ROWS[WITHOUT]:
        return None
    rows = {WITH: [_row(part, names) for part in parts], WITHOUT: [_row(part, names) for part in unwanted]}
    known = {part: [row for row in given if row] for part, given in rows.items()}
    return (match, known) if known == rows else None


def _is_kept_out(tree: Expression) -> bool:
    return set(tree) == {"not"} and set(tree["not"]) == {"any"}


def _row(tree: Expression, names: Names) -> Row | None:
    ((kind, value),) = tree.items()
    if kind in {"all", "any", "not"}:
        return None
    if kind == "zip":
        return Row("zip", " ".join(value))
    if kind == "city":
        return Row("city", value)
    if kind == "tag":
        value = next((one for one, name in names.tags.items() if segment_words.same_tag(name, value)), value)
    return Row(f"{kind}:{value}")
