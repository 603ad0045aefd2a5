"""The command lines of our processes, as the story, the tests and the measurements start them.

The Procfile holds the same lines for production; a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from outreach.stage.ports import LOOPBACK
from outreach.stage.processes import Program
from outreach.stage.readiness import answers_http

APP = "outreach.wsgi:app"


def web_arguments(host: str, port: str, workers: str) -> tuple[str, ...]:
    """What granian is told. Two threads a worker: one waits for the database while the other computes."""
    return (
        *("--interface", "wsgi", "--host", host, "--port", port, "--workers", workers, "--blocking-threads", "2"),
        *("--no-ws", "--no-access-log", APP),
    )


def web(port: int, env: Mapping[str, str], workers: int = 2) -> Program:
    """The pages and webhooks, on loopback; ready when ``/healthz`` answers."""
    argv = (sys.executable, "-m", "granian", *web_arguments(LOOPBACK, str(port), str(workers)))
    return Program("web", argv, env, answers_http(f"http://{LOOPBACK}:{port}/healthz"))


def worker(env: Mapping[str, str], sender_threads: int = 32) -> Program:
    """The RQ worker that plans and sends."""
    argv = (sys.executable, "-m", "workers.run", "--sender-threads", str(sender_threads))
    return Program("worker", argv, env, grace=25.0)


def importer(env: Mapping[str, str]) -> Program:
    """The RQ worker that reads and imports large contact files."""
    return Program("importer", (sys.executable, "-m", "workers.run", "--queues", "people"), env, grace=25.0)


def upkeep(env: Mapping[str, str]) -> Program:
    """The one process that folds, sweeps, reconciles and ticks deadlines."""
    return Program("upkeep", (sys.executable, "-m", "workers.upkeep"), env)


def carrier(port: int, seed: int, webhook_url: str, env: Mapping[str, str]) -> Program:
    """The simulated carrier, on loopback; it posts its webhooks below ``webhook_url``."""
    options = ("--port", str(port), "--seed", str(seed), "--webhook-url", webhook_url)
    ready = answers_http(f"http://{LOOPBACK}:{port}/_rehearsal/idle")
    return Program("carrier", (sys.executable, "-m", "outreach.rehearsal", *options), env, ready)
