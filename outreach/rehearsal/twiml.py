"""Reads the TwiML that answers an inbound message. Pure; entities and document types are refused."""

from __future__ import annotations

from dataclasses import dataclass
from xml.parsers import expat

NOT_XML = 12100
UNKNOWN_VERB = 12200
EMPTY_BODY = 14103
MAX_BODY = 1600


class TwimlError(Exception):
    """The document cannot be carried out; ``code`` is Twilio's."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(slots=True)
class Reply:
    """One ``<Message>`` of the document."""

    body: str
    to: str | None = None
    callback: str | None = None
    """``statusCallback`` as written; it may be relative to the webhook's URL."""


def read_twiml(document: str) -> list[Reply]:
    """The messages of a document, in order; an empty document or ``<Response/>`` has none. Raises TwimlError."""
    if not document.strip():
        return []
    reader = _Reader()
    try:
        reader.parser.Parse(document.encode(), True)
    except expat.ExpatError:
        raise TwimlError(NOT_XML) from None
    for reply in reader.replies:
        reply.body = reply.body.strip()
        if not reply.body or len(reply.body) > MAX_BODY:
            raise TwimlError(EMPTY_BODY)
    return reader.replies


class _Reader:
    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.path: list[str] = []
        self.loose = ""
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        match self.path:
            case ["Response"]:
                pass
            case ["Response", "Message"]:
                self.loose = ""
                self.replies.append(Reply("", attributes.get("to"), attributes.get("statusCallback")))
            case ["Response", "Message", "Body"]:
                # Text that stands beside a <Body> is layout, not message.
                self.replies[-1].body = ""
            case _:
                raise TwimlError(UNKNOWN_VERB)

    def _end(self, name: str) -> None:
        if self.path == ["Response", "Message"] and not self.replies[-1].body:
            self.replies[-1].body = self.loose
        self.path.pop()

    def _text(self, text: str) -> None:
        match self.path:
            case ["Response", "Message"]:
                self.loose += text
            case ["Response", "Message", "Body"]:
                self.replies[-1].body += text

    def _doctype(self, *_: object) -> None:
        raise TwimlError(NOT_XML)
