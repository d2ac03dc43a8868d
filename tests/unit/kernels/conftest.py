"""What tests of kernels share."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _wrapping_words() -> Iterator[None]:
    """Let words wrap: uncompiled, numpy warns where a mix overflows on purpose."""
    with np.errstate(over="ignore"):
        yield
