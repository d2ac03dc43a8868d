"""What tests of models share."""

from collections.abc import Callable
from typing import Any

import pytest

from sim import register


@pytest.fixture
def entered() -> Callable[[type], str]:
    """Register a model class for one test; returns its name."""

    def enter(cls: Any) -> str:
        name = f"test-{cls.__name__.lower()}"
        register(name)(cls)
        return name

    return enter
