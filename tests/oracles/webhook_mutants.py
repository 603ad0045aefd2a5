"""What is done to a genuine webhook: forged, cut elsewhere, sent elsewhere, garbled. Every result must be refused."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from urllib.parse import parse_qsl, urlencode

from tests.oracles.webhook_parents import FORM, Parent, Sent
from tests.twilio_forms import sign

Mutants = Iterator[Sent]
Kind = Callable[[Parent, random.Random], Mutants]
PIECES = (
    b"&", b"&&", b"&x", b"=", b"&=", b"&=x", b"%", b"%0", b"%zz", b"%FF", b"%C0%AF", b"%ED%A0%80", b"\xff", b"\x00",
    b"%00", b" ", b"\r\n", b";", b"\xe2\x82\xac", b"+", b"%26", b"%3D", b"\xef\xbb\xbf",
)  # fmt: skip
LETTERS = "aZ0 +&=%\x00\x7f\u00e9\u202e\U0001f44d"


def forged(parent: Parent, dice: random.Random) -> Mutants:
    """Signed by somebody else, for another address, or for another form."""
    site, genuine = parent.site, parent.signed(parent.form)
    for token in ("", "x" * 32, site.token[:-1], site.token.upper(), site.account):
        yield parent.sent(signature=sign(token, site.url + parent.path, parent.form))
    for url in ("http://evil.example", site.url + "/", site.url.replace("http", "https"), site.url + "1", ""):
        yield parent.sent(signature=sign(site.token, url + parent.path, parent.form))
    yield parent.sent(signature=parent.signed({}))
    for name in parent.form:
        yield parent.sent(signature=parent.signed({k: v for k, v in parent.form.items() if k != name}))
        value = parent.form[name]
        at = dice.randrange(len(value) + 1)
        yield parent.sent({**parent.form, name: value[:at] + dice.choice(LETTERS) + value[at:]}, genuine)
        if value:
            yield parent.sent({**parent.form, name: value[:-1]}, genuine)
        yield parent.sent({k: v for k, v in parent.form.items() if k != name}, genuine)
    for name, value in (("OptOutType", "STOP"), ("Body", "STOP"), ("ErrorCode", "30006"), ("Extra", "")):
        if parent.form.get(name) != value:
            yield parent.sent({**parent.form, name: value}, genuine)


def signature_garbled(parent: Parent, dice: random.Random) -> Mutants:
    """The right signature, written wrongly."""
    right, plain = parent.signed(parent.form), parent.sent()
    text = parent.site.url + parent.path + "".join(k + parent.form[k] for k in sorted(parent.form))
    longer = base64.b64encode(hmac.new(parent.site.token.encode(), text.encode(), hashlib.sha256).digest()).decode()
    wrong = {
        right.lower(), right.upper(), right.rstrip("="), right + "=", right[1:], right[:-2] + "A=", right.swapcase(),
        right.replace("+", "-").replace("/", "_").rstrip("="), base64.b64decode(right).hex(), longer, f'"{right}"',
        f"sha1={right}", f"{right},{right}", f"{right}, x", f"x,{right}", right[:9] + " " + right[9:], "", "=",
        "\xff\xfe", right.replace("=", "%3D"), right[::-1], right * 2,
    }  # fmt: skip
    for value in sorted(wrong - {right}):
        yield plain.header("X-Twilio-Signature", value)
    for _ in range(6):
        at = dice.randrange(len(right) - 2)
        yield plain.header("X-Twilio-Signature", right[:at] + chr(ord(right[at]) ^ 1) + right[at + 1 :])
    yield plain.header("X-Twilio-Signature", None)
    yield replace(plain, headers=(*plain.headers, ("X-Twilio-Signature", right)))
    yield replace(plain, headers=(*plain.headers, ("X-Twilio-Signature", "x")))
    yield plain.header("X-Twilio-Signature", None).header("Authorization", f"Basic {right}")
    yield plain.header("X-Twilio-Signature", None).header("X-Twilio-Webhooks-Signature-Settings", "algorithm=none")


def cut_elsewhere(parent: Parent, dice: random.Random) -> Mutants:
    """The same characters under the same signature, as other names and values."""
    pairs = sorted(parent.form.items())
    signed = _run_together(pairs)
    found: list[list[tuple[str, str]]] = []
    for index, (name, value) in enumerate(pairs):
        before, after = pairs[:index], pairs[index + 1 :]
        found += [[*before, (name[:at], name[at:] + value), *after] for at in range(len(name))]
        found += [[*before, (name + value[:at], value[at:]), *after] for at in range(1, len(value[:80]) + 1)]
        found += [[*before, (name, value[:at]), (value[at:], ""), *after] for at in range(len(value[:80]))]
        for _ in range(12):
            first, second = sorted(dice.choices(range(len(value) + 1), k=2))
            found.append([*before, (name, value[:first]), (value[first:second], value[second:]), *after])
            found.append([*before, (name, value[:first]), (value[first : first + 4], value[first + 4 :]), *after])
        for capital in re.finditer("[A-Z]", value):
            start, end = capital.start(), capital.start() + dice.randint(1, 8)
            found.append([*before, (name, value[:start]), (value[start:end], value[end:]), *after])
    for index, ((name, value), (next_name, next_value)) in enumerate(pairwise(pairs)):
        before, after = pairs[:index], pairs[index + 2 :]
        joined = value + next_name + next_value
        found += [[*before, (name, joined), *after], [*before, (name + joined[:3], joined[3:]), *after]]
        for _ in range(8):
            at = dice.randrange(len(joined) + 1)
            found.append([*before, (name, joined[:at]), (joined[at : at + 5], joined[at + 5 :]), *after])
    found.append([("", signed)])
    found.append([(signed, "")])
    found += list(_by_their_own_words(parent, pairs))
    for cut in found:
        whole = dict(cut)
        if len(whole) == len(cut) and _run_together(sorted(cut)) == signed and whole != parent.form:
            yield parent.sent(whole, parent.signed(parent.form))


def _by_their_own_words(parent: Parent, pairs: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Where a text itself holds parameters: theirs for ours, and ours somewhere in a value behind them."""
    words = parent.form.get("Body", "")
    known = [name for name in (*parent.form, "FromCity", "NumMedia", "OptOutType", "To", "MessageSid") if name in words]
    behind = "".join(name + value for name, value in pairs if name > "Body")
    for name in known:
        head, _, tail = words.partition(name)
        rest = [(k, v) for k, v in pairs if k < "Body"]
        yield [*rest, ("Body", head), (name, tail[:12]), ("G" + tail[12:13], tail[13:] + behind)]
        yield [*rest, ("Body", head), (name, tail[:12]), ("FromCity", tail[20:] + behind)]
        yield [*rest, ("Body", head), (name, tail), *((k, v) for k, v in pairs if k > "Body" and k != name)]


def _run_together(pairs: list[tuple[str, str]]) -> str:
    return "".join(name + value for name, value in pairs)


def not_ours(parent: Parent, _dice: random.Random) -> Mutants:
    """Rightly signed, and yet not what Twilio sends to us."""
    sid = parent.form["MessageSid"]
    wrong: dict[str, tuple[str | None, ...]] = {
        "AccountSid": (None, "", "AC" + "9" * 32, parent.site.account.lower(), parent.site.account + " "),
        "MessageSid": (None, "", "SM", sid + "0", sid[:-1], "XX" + sid[2:], sid[:-1] + "g", sid + "\n", " " + sid,
                       "SM" + "٠" * 32),
        "ApiVersion": ("", "v1", "2010-04-01 "),
        "SmsStatus": ("RECEIVED", "", "rec eived"),
    }  # fmt: skip
    if parent.is_text:
        senders = (None, "", "somebody", "+", "+0602555010", "602-555-0101", "+1602555010x", "anonymous", "+1" * 9,
                   "12", "whatsapp:+16025550101", "client:dana", "+16025550101\n", "+١٦", "123456789")  # fmt: skip
        wrong |= {"From": senders, "To": senders, "NumMedia": ("-1", "a", ""), "OptOutType": ("stop", "S T", "*")}
        if "NumMedia" in parent.form and parent.form["NumMedia"] == "0":
            wrong["Body"] = (None,)
    else:
        wrong |= {"MessageStatus": (None, "", "Sent", "no", "x" * 21, "sent\n", "se nt", "sent;"),
                  "ErrorCode": ("x", "-1", "1e5", "3000000", " 30006", "٣٠٠٠٦")}  # fmt: skip
    for name, values in wrong.items():
        for value in values:
            form = {k: v for k, v in parent.form.items() if k != name} | ({} if value is None else {name: value})
            yield parent.sent(form, parent.signed(form))
    for name in ("", " ", "a b", "Über", "\x00", "A" * 65, "1A", "[]", "ToZi", "NumMedi", "Bod", "BodyX", "ErrorCod"):
        form = {
            **parent.form,
            name: {"ToZi": "p85001", "NumMedi": "a0", "Bod": "y", "ErrorCod": "e30006"}.get(name, "1"),
        }
        yield parent.sent(form, parent.signed(form))
    many = {**parent.form, **{f"Zz{number}": "" for number in range(100)}}
    yield parent.sent(many, parent.signed(many))


def doubled(parent: Parent, _dice: random.Random) -> Mutants:
    """A parameter twice, under the old signature and under that of the SDK, which signs each value once."""
    for name, value in parent.form.items():
        for other in (value, "", "STOP", value[::-1] + "x"):
            once = "".join(
                key + each
                for key in sorted(parent.form)
                for each in (sorted({value, other}) if key == name else [parent.form[key]])
            )
            for signature in (sign(parent.site.token, parent.site.url + parent.path + once, {}), None):
                plain = parent.sent(signature=signature)
                yield replace(plain, body=plain.body + b"&" + urlencode({name: other}).encode())
                yield replace(plain, body=urlencode({name: other}).encode() + b"&" + plain.body)


def body_garbled(parent: Parent, dice: random.Random) -> Mutants:
    """Bytes that are no form, or not that form."""
    plain = parent.sent()
    body = plain.body
    for piece in PIECES:
        yield replace(plain, body=body + piece)
        yield replace(plain, body=piece + body)
        at = dice.randrange(1, len(body))
        yield replace(plain, body=body[:at] + piece + body[at:])
    for _ in range(30):
        at = dice.randrange(len(body))
        yield replace(plain, body=body[:at] + bytes([body[at] ^ (1 << dice.randrange(8))]) + body[at + 1 :])
        yield replace(plain, body=body[:at])
        yield replace(plain, body=body[:at] + body[at + 1 :])
    yield replace(plain, body=body.replace(b"&", b";"))
    yield replace(plain, body=body.replace(b"=", b"%3D"))
    yield replace(plain, body=body.replace(b"%EF%BF%BD", b"%FF"))
    yield replace(plain, body=gzip.compress(body, mtime=0)).header("Content-Encoding", "gzip")
    yield plain.header("Content-Encoding", "deflate")
    yield replace(plain, body=json.dumps(dict(parent.form)).encode()).header("Content-Type", "application/json")
    yield replace(plain, body=body + b"&Zz=" + b"z" * 1_100_000) if dice.random() < 0.02 else replace(plain, body=b"")
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", "", FORM + "; charset=utf-16",
                 FORM.replace("utf-8", "utf-7"), FORM + ", text/plain", FORM[:-15] + "x", None):  # fmt: skip
        yield plain.header("Content-Type", kind)


def elsewhere(parent: Parent, dice: random.Random) -> Mutants:
    """A genuine request by another way or to another place."""
    plain, path = parent.sent(), parent.path
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "post"):
        yield replace(plain, method=method)
    yield replace(plain, method="GET").header("X-HTTP-Method-Override", "POST")
    places = [
        path + "/", "/" + path, path + "?a=b", path + "?" + plain.body.decode(), path + ";a", path.upper(),
        path + "%20", path + "%00", path.replace("/", "//"), path + "/../sms", "/x/.." + path,
        path + ".",
        f"/twilio/status/{dice.randrange(1, 99)}" if parent.is_text else "/twilio/sms", "/twilio/status/0", "/sign-in",
        f"/twilio/status/{dice.randrange(1, 2**40)}", "/twilio/status/" + "9" * 20, "/twilio/voice", "/twilio/", "/",
        "/twilio/status/-1", "/twilio/status/+1", "/twilio/status/1.0", "/twilio/status/0x1", "/twilio/status/%D9%A1",
    ]  # fmt: skip
    if not parent.is_text:
        places += [path.replace("status/", "status/0"), path + "0", path[:-1]]
    for place in places:
        if place != path:
            yield replace(plain, target=place)
    for host in ("", "a b", "x" * 300, "a..b", "[::g]", "http://evil"):
        yield plain.header("Host", host).header("X-Twilio-Signature", "x")


def is_genuine(parent: Parent, mutant: Sent) -> bool:
    """Whether it says, after all, what its parent said: then it is none."""
    if mutant.raw is not None:
        return False
    if mutant.wire() == parent.sent().wire():
        return True
    pairs = parse_qsl(mutant.body.decode("latin-1"), keep_blank_values=True, errors="surrogateescape")
    same: Mapping[str, str] = dict(pairs)
    clean = mutant.body.count(b"&") == len(pairs) - 1 == len(parent.form) - 1
    return clean and same == parent.form and replace(mutant, body=b"") == replace(parent.sent(), body=b"")


KINDS: dict[str, Kind] = {
    "forged": forged,
    "signature garbled": signature_garbled,
    "cut elsewhere": cut_elsewhere,
    "not ours": not_ours,
    "doubled": doubled,
    "body garbled": body_garbled,
    "elsewhere": elsewhere,
}
