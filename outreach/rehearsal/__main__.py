"""Starts the rehearsal carrier: ``python -m outreach.rehearsal --port P --seed S --webhook-url BASE``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence

from aiohttp import web

from outreach.core.errors import SettingsError
from outreach.rehearsal.account import Account, account_from
from outreach.rehearsal.carrier import Carrier
from outreach.rehearsal.console import Console
from outreach.rehearsal.console_api import ConsoleApi
from outreach.rehearsal.control import Control
from outreach.rehearsal.desk import in_twilios_shape
from outreach.rehearsal.faults import Faults, Settings, default_settings, updated
from outreach.rehearsal.personas import SILENT, default_weights
from outreach.rehearsal.phones import Phones
from outreach.rehearsal.voice import parties
from outreach.rehearsal.voice.api import Calls
from outreach.rehearsal.voice.exchange import Exchange
from outreach.rehearsal.voice.parties import Cast

USAGE_ERROR = 2
LONGEST_REQUEST = 64 * 1024
GRACE_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code: 0, or 2 with one line on stderr."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(message)s")
    try:
        account = account_from(os.environ, options.webhook_url)
    except (ValueError, SettingsError) as problem:
        return _fail(str(problem))
    try:
        asyncio.run(_serve(account, options))
    except OSError as problem:
        return _fail(f"cannot listen on {options.host}:{options.port}: {problem.strerror or problem}")
    return 0


async def _serve(account: Account, options: argparse.Namespace) -> None:
    stop = _stop_signal()  # before anybody can know our address
    settings = default_settings() if options.faults == "default" else Settings()
    settings = updated(settings, {"latency_ms": options.latency_ms})
    weights = default_weights() if options.personas == "default" else SILENT
    carrier = Carrier(account, Faults(options.seed, settings), Phones(options.seed, weights))
    exchange = Exchange(account, carrier.delivery, *_casts(options))
    calls = Calls(account, carrier.desk, exchange)
    app = web.Application(middlewares=[in_twilios_shape], client_max_size=LONGEST_REQUEST)
    console = Console(account)
    apis = (carrier, calls, ConsoleApi(console, carrier.desk), Control(carrier, exchange, console))
    app.add_routes([route for api in apis for route in api.routes()])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, options.host, options.port, backlog=1024).start()
        host, port = runner.addresses[0][:2]
        shown = f"[{host}]" if ":" in host else host
        sys.stderr.write(f"rehearsal carrier on http://{shown}:{port}\n")
        sys.stderr.flush()
        await stop.wait()
    finally:
        await runner.cleanup()
        exchange.close()
        await carrier.delivery.close()


def _casts(options: argparse.Namespace) -> tuple[Cast, Cast]:
    """People and offices; without personas everybody picks up, and nobody presses a key."""
    silent = options.personas == "none"
    people = {"silent": 1.0} if silent else parties.default_weights(parties.PEOPLE)
    offices = {"answers": 1.0} if silent else parties.default_weights(parties.OFFICES)
    seed = options.seed
    return Cast("people", parties.PEOPLE, seed, people), Cast("offices", parties.OFFICES, seed, offices)


def _stop_signal() -> asyncio.Event:
    """Set once SIGTERM or SIGINT has come."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m outreach.rehearsal",
        description="A stand-in for the carrier: Twilio's REST API for texts, calls and account, personas and faults. "
        "Keys and numbers come from the environment, as for the application.",
    )
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed", type=int, default=1, help="decides personas, faults and delays")
    parser.add_argument(
        "--webhook-url",
        required=True,
        help="base URL; inbound texts go to <base>/twilio/sms, calls to <base>/twilio/voice",
    )
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to every create")
    parser.add_argument("--faults", choices=("none", "default"), default="default")
    parser.add_argument("--personas", choices=("none", "default"), default="default")
    parser.add_argument("--verbose", action="store_true", help="log webhooks that got no answer")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65_535:
        parser.error("--port must be 0 to 65535")
    if not 0 <= options.latency_ms <= 60_000:
        parser.error("--latency-ms must be 0 to 60000")
    return options


def _fail(sentence: str) -> int:
    sys.stderr.write(f"rehearsal carrier: {sentence}\n")
    return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
