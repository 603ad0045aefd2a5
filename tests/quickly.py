"""What makes hundreds of apps in one process cheap; none of it changes what an app does.

An app is made for nearly every test, and most of making it and its first page went into compiling what the last one had
compiled: werkzeug's functions that build addresses, and templates.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

Build = Callable[..., Any]
NEW_OBJECTS = 20_000
"""So many more than were freed, and Python looks for garbage; by itself it does at 700."""


class Compiled(BytecodeCache):
    """Templates once compiled, for every app of this process; a changed source has another checksum."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


def seldom_look_for_garbage() -> None:
    """To look through all that the tests have imported took a quarter of the time of many of them."""
    gc.set_threshold(NEW_OBJECTS, 10, 10)


def share_what_is_compiled() -> None:
    """From now on templates are compiled once, and the builder of a rule's address when one is first built."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Compiled()}
    rules: Any = Rule
    compile_now: Callable[[Rule, bool], Build] = rules._compile_builder

    def compile_later(rule: Rule, append_unknown: bool = True) -> Build:
        made: list[Build] = []

        def build(*values: Any, **named: Any) -> Any:
            if not made:
                made.append(compile_now(rule, append_unknown))
            return made[0](*values, **named)

        return build

    rules._compile_builder = compile_later
