"""Genuine webhooks, as Twilio writes and signs them: the parents of the mutants, and other ways of writing the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode, urlsplit

from tests.twilio_forms import sign

FORM = "application/x-www-form-urlencoded; charset=utf-8"
SMS = "/twilio/sms"
TEXTS = (
    "SCRIPT", "Stop", "1", "left a voicemail with the office", "Ya no me escriban, por favor", "👍🏽 yes!",
    "a+b & c=d; 100% \N{REPLACEMENT CHARACTER} \x00 end", "Call Dana Every Friday", "Cats and Dogs\nEggs",
    "I wrote From+16025550199 To+14805550100 MessageSid and OptOutTypeSTOP", "x" * 1_600, "",
    "hiFrom+16025550199FromCityFlagstaffNumMedia0NumSegments1", "Please don't STOP Calling Councilman Ellis",
)  # fmt: skip
"""What people text. No camel case behind a letter: that is what the signature cannot decide (ADR 14)."""


@dataclass(frozen=True, slots=True)
class Site:
    """Who is called: the public address, and the account that the site believes."""

    url: str
    account: str
    token: str
    ours: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One HTTP request. ``raw`` stands for all of it where it is no longer HTTP."""

    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    method: str = "POST"
    raw: bytes | None = None

    def wire(self) -> bytes:
        """Its bytes."""
        if self.raw is not None:
            return self.raw
        head = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*head, f"Content-Length: {len(self.body)}", "", ""]).encode("latin-1") + self.body

    def header(self, name: str, value: str | None) -> Sent:
        """With another value of a header, or without it."""
        kept = tuple(each for each in self.headers if each[0] != name)
        return replace(self, headers=kept if value is None else (*kept, (name, value)))


@dataclass(frozen=True, slots=True)
class Parent:
    """A webhook as it was signed."""

    site: Site
    path: str
    form: Mapping[str, str]

    @property
    def is_text(self) -> bool:
        """Whether a person sent it; else it is a report."""
        return self.path == SMS

    def signed(self, form: Mapping[str, str], path: str | None = None) -> str:
        """The signature that Twilio would give to this form."""
        return sign(self.site.token, self.site.url + (path or self.path), form)

    def sent(self, form: Mapping[str, str] | None = None, signature: str | None = None) -> Sent:
        """It, or another form under its signature, or under the given one."""
        headers = (
            ("Host", urlsplit(self.site.url).netloc),
            ("Content-Type", FORM),
            ("X-Twilio-Signature", self.signed(self.form) if signature is None else signature),
        )
        return Sent(self.path, headers, urlencode(self.form if form is None else form).encode())

    def others(self, dice: random.Random) -> Iterator[Sent]:
        """The same said otherwise, and what Twilio may add: each is to be taken, and none is a mutant."""
        shuffled = list(self.form.items())
        dice.shuffle(shuffled)
        plain = self.sent()
        yield plain
        yield self.sent(dict(shuffled))
        yield replace(plain, body=urlencode(self.form, quote_via=quote).encode())
        yield replace(plain, body=plain.body.replace(b"%2B", b"%2b"))
        yield plain.header("Host", "front.example").header("X-Forwarded-Proto", "https")
        yield plain.header("Content-Type", FORM.partition(";")[0])
        for more in ({"NewParam": "1"}, {"ExtraParam": "1 2"}, {"zeta": "å"}, {"ChannelPrefix": "sms"}):
            form = {**self.form, **more}
            if not self.form.get("Body", "x")[-1:].isspace():
                yield self.sent(form, self.signed(form))


def parents(site: Site, dice: random.Random) -> Iterator[Parent]:
    """Texts and reports of every kind, over and over, no MessageSid twice."""
    while True:
        for words in TEXTS:
            yield _text(site, dice, words)
            yield _report(site, dice)
        yield _text(site, dice, None)


def _text(site: Site, dice: random.Random, words: str | None) -> Parent:
    sid = f"{'SM' if words is not None else 'MM'}{dice.getrandbits(128):032x}"
    area = dice.choice(("602", "480", "520", "623", "928"))
    sender = dice.choice((f"+1{area}55501{dice.randrange(100):02d}",) * 5 + ("54321",))
    form = {
        "ToCountry": "US", "SmsMessageSid": sid, "NumMedia": "0", "SmsSid": sid, "SmsStatus": "received",
        "To": site.ours, "NumSegments": "1", "MessageSid": sid, "From": sender, "AccountSid": site.account,
        "ApiVersion": "2010-04-01",
    }  # fmt: skip
    if words is not None:
        form["Body"] = words
    if words is None or dice.random() < 0.2:
        media = f"https://api.twilio.com/2010-04-01/Accounts/{site.account}/Messages/{sid}/Media/ME{'0' * 32}"
        form |= {"NumMedia": "1", "MediaUrl0": media, "MediaContentType0": "image/jpeg"}
    if dice.random() < 0.5:
        form |= {"FromCity": "PHOENIX", "FromState": "AZ", "FromZip": "85001", "FromCountry": "US",
                 "ToCity": "", "ToState": "AZ", "ToZip": "85201"}  # fmt: skip
    if dice.random() < 0.5:
        form["MessagingServiceSid"] = "MG" + "7" * 32
    if dice.random() < 0.2:
        form["OptOutType"] = dice.choice(("STOP", "HELP", "START"))
    return Parent(site, SMS, form)


def _report(site: Site, dice: random.Random) -> Parent:
    sid, word = f"SM{dice.getrandbits(128):032x}", dice.choice(("sent", "delivered", "undelivered", "failed", "read"))
    form = {
        "AccountSid": site.account, "ApiVersion": "2010-04-01", "From": site.ours, "MessageSid": sid,
        "MessageStatus": word, "SmsSid": sid, "SmsStatus": word, "To": f"+160255501{dice.randrange(100):02d}",
    }  # fmt: skip
    if word in {"undelivered", "failed"}:
        form["ErrorCode"] = dice.choice(("30003", "30007", "30008"))
    if dice.random() < 0.4:
        form |= {"RawDlrDoneDate": "2612011900", "MessagingServiceSid": "MG" + "7" * 32}
    return Parent(site, f"/twilio/status/{dice.randrange(1, 2**40)}", form)
