"""What several of these tests set up alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from config.settings import Settings
from outreach.core.runtime import Runtime, open_runtime
from outreach.people import pacing, undo
from tests.factories import make_group
from tests.model.carrier import ModelClock


@pytest.fixture
def group(runtime: Runtime) -> int:
    return make_group(runtime)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports and their undoing go in steps of a few rows."""
    monkeypatch.setattr(pacing.Pacing, "BUSY", 10)
    monkeypatch.setattr(pacing.Pacing, "MOST", 10)
    monkeypatch.setattr(pacing.Pacing, "BREATH", 0)
    monkeypatch.setattr(undo, "CHUNK", 9)


@pytest.fixture
def clock() -> ModelClock:
    return ModelClock()


@pytest.fixture
def clocked(settings: Settings, clock: ModelClock) -> Iterator[Runtime]:
    """A runtime whose time passes as the test says."""
    opened = open_runtime(settings)
    yield replace(opened, clock=clock)
    opened.db.dispose()
