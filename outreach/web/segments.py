"""Segments under People: the saved ones with their live counts, and the page on which one is put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from outreach.core.errors import ConflictError, NotFoundError, OutreachError
from outreach.escalations.audience import IN, Audience, count_audience, count_segment
from outreach.escalations.segments import (
    Saved,
    change_segment,
    create_segment,
    delete_segment,
    find_segment,
    frozen,
    segments_of,
    stored,
)  # fmt: skip
from outreach.people.facets import is_indexed
from outreach.people.segments import Expression
from outreach.serving import runtime
from outreach.web.roles import allow
from outreach.web.segment_forms import ROWS, WITH, WITHOUT, SegmentForm, choices_of, rows_of
from outreach.web.segment_words import Names, error_in_words, names_of, tree_in_words
from outreach.web.wizard_words import OUT

pages = Blueprint("segments", __name__, url_prefix="/people/segments")

Page = str | Response | tuple[str, int]
ON_A_PAGE = 10
BLANK_ROWS = {WITH: 2, WITHOUT: 1}
"""How many rows a page begins with, at least one of them blank."""


class Counted(NamedTuple):
    """A saved segment in words, with the people in it now."""

    segment: Saved
    words: str
    people: int
    texted: int
    out: Mapping[str, int]


class Listing(NamedTuple):
    """A page of the saved segments, by name."""

    entries: list[Counted]
    number: int
    more: bool


@pages.get("/")
@allow("staff")
def index() -> str:
    """The saved segments: how many people are in each, who of them may be texted, and why the others may not."""
    held, number = runtime(), max(1, min(request.args.get("page", 1, type=int), 10_000))
    now, group_id = held.clock.now(), current_user.group_id
    first = (number - 1) * ON_A_PAGE
    with held.db.snapshot() as session:
        every = segments_of(session, held.vault, group_id)
        names = names_of(session, held.vault, group_id)
        entries = []
        for one in every[first : first + ON_A_PAGE]:
            counts = count_segment(session, group_id, frozen(session, group_id, one.stored), now)
            out = {reason: people for reason, people in counts.items() if people and reason != IN}
            words = tree_in_words(one.written, names)
            entries.append(Counted(one, words, sum(counts.values()), counts[IN], out))
        indexed = is_indexed(session, group_id)
    listing = Listing(entries, number, len(every) > first + ON_A_PAGE)
    return render_template("segments/index.html", listing=listing, indexed=indexed, reasons=OUT)


@pages.route("/new", methods=["GET", "POST"])
@allow("organizer")
def new() -> Page:
    """Put a segment together. It is saved when a button says so; other buttons show what was chosen again."""
    form, names = SegmentForm(), _names()
    form.offer(names)
    valid, tree = _read(form, names)
    if valid and tree is not None:
        try:
            with runtime().db.transaction() as tx:
                create_segment(tx, runtime(), current_user.group_id, form.name.data, tree, by=current_user.name)
        except OutreachError as error:
            form.refuse(error)
        else:
            flash(gettext("The segment is saved."))
            return redirect(url_for("segments.index"), code=303)
    return _show(form, names, tree)


@pages.route("/<int:segment_id>", methods=["GET", "POST"])
@allow("organizer")
def edit(segment_id: int) -> Page:
    """Another name, other conditions. What was launched with it stays as it was."""
    saved, names = _find(segment_id), _names()
    form = SegmentForm()
    form.offer(names)
    shown = rows_of(saved.written, names)
    if shown is None:
        return render_template("segments/show.html", segment=saved, words=tree_in_words(saved.written, names),
                               audience=_count(saved.written), reasons=OUT)  # fmt: skip
    if not form.is_submitted():
        form.name.data, form.version.data = saved.name, saved.version
        form.fill(*shown)
    (valid, tree), clash = _read(form, names), False
    if valid and tree is not None:
        try:
            with runtime().db.transaction() as tx:
                change_segment(tx, runtime(), current_user.group_id, segment_id, name=form.name.data, written=tree,
                               version=form.version.data or "")  # fmt: skip
        except OutreachError as error:
            form.refuse(error)
            clash = isinstance(error, ConflictError) and error.code == "segment_changed"
        else:
            flash(gettext("The segment is saved."))
            return redirect(url_for("segments.index"), code=303)
    if clash:
        saved = _find(segment_id)
        form.version.data = saved.version
    return _show(form, names, tree, saved=saved, clash=clash)


@pages.post("/count")
@allow("organizer")
def count() -> str:
    """The counts of what is chosen, for the page's live part."""
    form, names = SegmentForm(), _names()
    _, tree = _read(form, names)
    return render_template("segments/counts.html", audience=_count(tree), reasons=OUT)


@pages.post("/<int:segment_id>/delete")
@allow("organizer")
def delete(segment_id: int) -> Response:
    """Forget a segment; one that a draft is going to text stays."""
    try:
        with runtime().db.transaction() as tx:
            delete_segment(tx, current_user.group_id, segment_id)
    except NotFoundError:
        abort(404)
    except ConflictError as error:
        flash(error_in_words(error), "error")
        return redirect(url_for("segments.edit", segment_id=segment_id), code=303)
    flash(gettext("The segment is deleted. The people in it stay."))
    return redirect(url_for("segments.index"), code=303)


def _find(segment_id: int) -> Saved:
    held = runtime()
    try:
        with held.db.snapshot() as session:
            return find_segment(session, held.vault, current_user.group_id, segment_id)
    except NotFoundError:
        abort(404)


def _names() -> Names:
    held = runtime()
    with held.db.snapshot() as session:
        return names_of(session, held.vault, current_user.group_id)


def _read(form: SegmentForm, names: Names) -> tuple[bool, Expression | None]:
    """Whether it is to be saved and may be, and what it says now. Before it is to be saved it may say nothing yet."""
    saving = request.form.get("action") == "save"
    valid = saving and bool(form.validate_on_submit())  # first, because it forgets what was found wrong before
    tree = form.tree(names)
    if not saving:
        form.form_errors.clear()
    return valid, tree


def _count(tree: Expression | None) -> Audience | None:
    if tree is None:
        return None
    held, group_id = runtime(), current_user.group_id
    try:
        with held.db.snapshot() as session:
            asked = frozen(session, group_id, stored(session, held.vault, group_id, tree))
            return count_audience(session, group_id, (), held.clock.now(), [asked])
    except OutreachError:  # what it names was deleted a moment ago: saving it says so
        return None


def _show(form: SegmentForm, names: Names, tree: Expression | None, **more: Any) -> Page:
    action = request.form.get("action", "")
    shown = {part: _shown(form, part, more=action == f"add-{part}") for part in ROWS}
    saved, groups = more.get("saved"), choices_of(names)
    page = render_template(
        "segments/edit.html",
        form=form,
        rows={part: form.rows(part, n) for part, n in shown.items()},
        full={part: n >= ROWS[part] for part, n in shown.items()},
        groups=groups,
        known={value for _, group in groups for value, _ in group},
        audience=_count(tree),
        reasons=OUT,
        saved_words=tree_in_words(saved.written, names) if saved else None,
        **{"saved": None, **more},
    )
    refused = action == "save" and bool(form.errors)
    return page, 409 if more.get("clash") else 422 if refused else 200


def _shown(form: SegmentForm, part: str, *, more: bool) -> int:
    """How many rows a page has: those that it was sent with, or one more than are filled."""
    sent: Mapping[str, str] = request.form
    came = sum(name.startswith(f"what_{part}_") for name in sent)
    begun = max(form.filled(part) + (0 if came else 1), BLANK_ROWS[part])
    return min(max(came + more, begun), ROWS[part])
