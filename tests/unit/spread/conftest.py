"""What tests of models share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sim import register
from sim.core import registry


@pytest.fixture
def entered() -> Iterator[Callable[[type], str]]:
    """Register a model class for one test; returns its name."""
    registry.names()
    before = {kind: dict(known) for kind, known in registry._known.items()}

    def enter(cls: Any) -> str:
        name = f"test-{cls.__name__.lower()}"
        register(name)(cls)
        return name

    yield enter
    registry._known.clear()
    registry._known.update(before)
