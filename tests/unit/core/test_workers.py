"""One number says how many threads may compute at once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sim.core.threads import allow, workers


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    allow(None)


def test_there_is_one_a_core_unless_a_number_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workers() == os.cpu_count()
    allow(3)
    assert workers() == 3
    allow(0)
    assert workers() == 1
    allow(None)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert workers() == 1
