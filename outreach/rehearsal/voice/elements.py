"""XML as elements, without document types, entities of one's own, or depth. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from outreach.rehearsal.twiml import NOT_XML, UNKNOWN_VERB, TwimlError

DEEPEST: Final = 4


@dataclass(slots=True)
class Element:
    """An element; ``text`` is all the text that stands directly in it."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)


def read_elements(text: str) -> Element:
    """The root element. Raises TwimlError for what is no XML, bears a document type, or is nested too deep."""
    reader = _Reader()
    try:
        reader.parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError:
        raise TwimlError(NOT_XML) from None
    return reader.top.children[0]


class _Reader:
    def __init__(self) -> None:
        self.top = Element("", {})
        self.path = [self.top]
        # The text is decoded already: what its declaration says about bytes does not hold any more.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.path) > DEEPEST:
            raise TwimlError(UNKNOWN_VERB)
        element = Element(name, attributes)
        self.path[-1].children.append(element)
        self.path.append(element)

    def _end(self, name: str) -> None:
        self.path.pop()

    def _text(self, text: str) -> None:
        self.path[-1].text += text

    def _doctype(self, *_: object) -> None:
        raise TwimlError(NOT_XML)
