"""``python -m outreach.bench.raw_http``: the ceiling of sending: creates over bare kept-alive connections, no SDK.

Each thread has one ``http.client`` connection and posts the form that the SDK would post, made beforehand, one after
the other: no database, no template, no parsing of the answer beyond its status.
"""

from __future__ import annotations

import argparse
import http.client
import resource
from base64 import b64encode
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from urllib.parse import urlencode, urlsplit

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.crowd import number
from outreach.bench.load import at_once

TEXT = ("Hi Marisol, we are volunteers with People Power Valley. Your supervisor would not put a promise in writing. "
        "Reply CALL and we connect you, or SCRIPT for words to say. Reply STOP to opt out.")  # fmt: skip


def forms(settings: Settings, first: int, count: int) -> list[bytes]:
    """The bodies of ``count`` creates, each to another number."""
    service = settings.twilio_messaging_service_sid
    sender = {"MessagingServiceSid": service} if service else {"From": settings.twilio_from_number}
    return [
        urlencode(
            {
                "To": number(first + index),
                "StatusCallback": f"{settings.public_base_url}/twilio/status/{index}",
                "ValidityPeriod": "36000",
                "Body": TEXT,
                **sender,
            }
        ).encode()
        for index in range(count)
    ]


def post_all(settings: Settings, bodies: Sequence[bytes], threads: int) -> float:
    """Post them; seconds until the last answer. Raises RuntimeError when one was refused."""
    where = urlsplit(settings.twilio_base_url)
    path = f"/2010-04-01/Accounts/{settings.twilio_account_sid}/Messages.json"
    login = f"{settings.twilio_account_sid}:{settings.twilio_auth_token.get_secret_value()}"
    headers = {
        "Authorization": "Basic " + b64encode(login.encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    waiting: SimpleQueue[bytes] = SimpleQueue()
    for body in bodies:
        waiting.put(body)
    refused: list[int] = []

    def work() -> None:
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        try:
            while True:
                connection.request("POST", path, waiting.get_nowait(), headers)
                response = connection.getresponse()
                response.read()
                if response.status != http.HTTPStatus.CREATED:
                    refused.append(response.status)
        except Empty:
            return
        finally:
            connection.close()

    seconds = at_once(work, threads)
    if refused or not waiting.empty():
        raise RuntimeError(f"{len(refused)} creates were refused: {refused[:5]}; {waiting.qsize()} not posted")
    return seconds


def main() -> None:
    """Post, and say how long it took."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.raw_http", description=__doc__)
    parser.add_argument("--first", type=int, required=True, help="the first number's place in the crowd")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    settings = Settings.from_environment()
    bodies = forms(settings, options.first, options.count)
    before = resource.getrusage(resource.RUSAGE_SELF)
    seconds = post_all(settings, bodies, options.threads)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answer({"messages": options.count, "seconds": seconds, "cpu_seconds": cpu})


if __name__ == "__main__":
    main()
