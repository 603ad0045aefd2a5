"""Deployment settings and the tables of the domain: words, policies, hours, templates. Data, no behaviour."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@cache
def table(name: str) -> dict[str, Any]:
    """The parsed ``config/<name>.toml``, read once a process. Callers must not change it."""
    with (HERE / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)
