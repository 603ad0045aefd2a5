"""Words for segments: what a rule says, a whole tree as a sentence, and what cannot be saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.core.errors import OutreachError
from outreach.people.districts import districts_of
from outreach.people.facet_hashes import folded
from outreach.people.facets import tags_of
from outreach.people.segments import Expression, fold
from outreach.web.people_reads import lists_of

ZIPS_TOLD: Final = 5

READS: Final = {"en": lazy_gettext("reads English"), "es": lazy_gettext("reads Spanish")}
DEEDS: Final = {
    "called": lazy_gettext("has told you of a call"),
    "replied": lazy_gettext("has answered a text"),
    "never_answered": lazy_gettext("got a text and never answered"),
}
ERRORS: Final[dict[str, Any]] = {
    "segment_name": lazy_gettext("A segment's name has 1 to %(most)s characters."),
    "segment_name_taken": lazy_gettext("Your group has another segment with this name. Choose another name."),
    "segment_changed": lazy_gettext(
        "Somebody else changed this segment while you had it open. Nothing of yours is lost: compare, then save again."
    ),
    "segment_in_use": lazy_gettext(
        "The draft %(campaigns)s is going to text this segment. Launch the draft, throw it away or take the segment "
        "out of it, then delete the segment."
    ),
    "segment_blank": lazy_gettext("Choose at least one condition."),
    "segment_choice": lazy_gettext("This is not one of the conditions."),
    "segment_rule_unknown": lazy_gettext("This is not one of the conditions."),
    "segment_words": lazy_gettext("Type a city of at most %(most)s characters."),
    "segment_zip": lazy_gettext("“%(zip)s” is neither a ZIP code nor its first 3 or 4 digits."),
    "segment_zips": lazy_gettext("Type 1 to %(most)s ZIP codes."),
    "segment_tag_unknown": lazy_gettext("This tag is no longer there."),
    "list_unknown": lazy_gettext("This list is no longer there."),
    "district_unknown": lazy_gettext("This district is no longer there."),
    "district_name": lazy_gettext("A district's name has 1 to %(most)s characters."),
    "district_name_taken": lazy_gettext("Your group has another district with this name. Choose another name."),
    "district_no_zips": lazy_gettext("There is no ZIP code in this. Paste ZIP codes of five digits."),
    "district_zip": lazy_gettext("“%(zip)s” is not a ZIP code of five digits."),
    "district_in_use": lazy_gettext("%(segments)s saved segments ask for this district. Change or delete them first."),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What a group's rules may name: id -> name, sorted by name."""

    tags: Mapping[int, str]
    lists: Mapping[int, str]
    districts: Mapping[int, str]


def names_of(session: Session, vault: Vault, group_id: int) -> Names:
    """The group's tags, lists and districts."""
    return Names(
        tags={tag.id: tag.name for tag in tags_of(session, vault, group_id)},
        lists={row.id: row.name for row in lists_of(session, group_id)},
        districts={district.id: district.name for district in districts_of(session, group_id)},
    )


def error_in_words(error: OutreachError) -> str:
    """A use case's refusal in the person's language."""
    sentence = ERRORS.get(error.code)
    return str(sentence) % error.details if sentence else str(error)


def rule_in_words(kind: str, value: Any, names: Names) -> str:
    """What a rule says of a person: the end of a sentence that begins with who."""
    if kind == "tag":
        return str(gettext("has the tag “%(name)s”", name=value))
    if kind == "zip":
        told = ", ".join(value[:ZIPS_TOLD]) + (" …" if len(value) > ZIPS_TOLD else "")
        return str(ngettext("has the ZIP %(zips)s", "has one of the ZIPs %(zips)s", len(value), zips=told))
    if kind == "city":
        return str(gettext("lives in %(city)s", city=value))
    if kind == "district":
        return str(gettext("lives in the district “%(name)s”", name=names.districts.get(value, "?")))
    if kind == "list":
        return str(gettext("is in the list “%(name)s”", name=names.lists.get(value, "?")))
    if kind == "language":
        return str(READS[value])
    return str(DEEDS[value])


def tree_in_words(tree: Expression, names: Names) -> str:
    """A segment as one sentence. Parts of several rules stand in brackets."""

    def joined(parts: Sequence[tuple[str, int]], between: Any) -> tuple[str, int]:
        inside = [f"({words})" if size > 1 and len(parts) > 1 else words for words, size in parts]
        return str(between).join(inside), sum(size for _, size in parts)

    def no(part: tuple[str, int]) -> tuple[str, int]:
        return str(gettext("not: %(rule)s", rule=f"({part[0]})" if part[1] > 1 else part[0])), 1

    words, _ = fold(
        tree,
        lambda kind, value: (rule_in_words(kind, value, names), 1),
        lambda parts: joined(parts, gettext(" and ")),
        lambda parts: joined(parts, gettext(" or ")),
        no,
    )
    return words


def same_tag(one: str, other: str) -> bool:
    """Whether two spellings are one tag's."""
    return folded(one) == folded(other)
