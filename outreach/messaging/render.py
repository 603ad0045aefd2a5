"""Personal text: a sandboxed template, allow-listed fields, and a fallback for what we do not know. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from config import table
from outreach.core.errors import BadInputError

PERSON_FIELDS = ("first_name", "city", "zip")
CAMPAIGN_FIELDS = (
    "group", "official", "role", "policy", "office_phone", "event_day", "event_place", "event_link", "office_address",
    "office_email", "newspaper", "newspaper_address", "word_limit",
)  # fmt: skip
MAX_BODY = 1600
ALLOWED_NODES = (nodes.Output, nodes.TemplateData, nodes.Name)
"""Text and fields, nothing else: an expression could keep a worker busy for hours."""

_environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,
    keep_trailing_newline=False,
)


@lru_cache(maxsize=512)
def _compiled(template: str) -> Template:
    return _environment.from_string(template)


def check_template(template: str) -> None:
    """Raises BadInputError for a syntax error or a field that is not on the list."""
    try:
        parsed = _environment.parse(template)
    except TemplateSyntaxError as error:
        raise BadInputError("template_syntax", line=error.lineno, problem=error.message or "") from None
    # Nothing but its nodes is looked at before this: Jinja's own search for variables works expressions out.
    if not all(isinstance(node, ALLOWED_NODES) for node in parsed.find_all(nodes.Node)):
        raise BadInputError("template_only_fields")
    unknown = {node.name for node in parsed.find_all(nodes.Name)} - {*PERSON_FIELDS, *CAMPAIGN_FIELDS}
    if unknown:
        raise BadInputError("template_field_unknown", field=", ".join(sorted(unknown)))


def render(
    template: str, values: Mapping[str, str], person: Mapping[str, str], language: str, kind: str = "text"
) -> str:
    """The text for one person; missing personal fields take the fallback of ``kind`` (text, script) and language.

    Raises BadInputError when it cannot be rendered or is longer than a message may be (1,600 characters).
    """
    fallbacks: dict[str, str] = table("message_templates/fallbacks")[kind][language]
    known = {field: (person.get(field) or fallbacks[field]) for field in PERSON_FIELDS}
    return fill(template, {**known, **values})


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template with these values and nothing else. Raises BadInputError."""
    try:
        text = printable(_compiled(template).render(values))
    except (TemplateError, TypeError, ValueError, OverflowError) as error:
        raise BadInputError("template_failed", problem=type(error).__name__) from None
    if len(text) > MAX_BODY:
        raise BadInputError("text_too_long", length=len(text), limit=MAX_BODY)
    if not text:
        raise BadInputError("text_empty")
    return text


def printable(text: str) -> str:
    """Without NUL and lone surrogates, which no carrier takes, and without white space around it."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8").strip()
