"""Every example of a docstring runs and gives what it says."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import plugins
import sim
import tui


def modules() -> Iterator[str]:
    for package in (sim, tui, plugins):
        yield package.__name__
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield found.name


@pytest.mark.parametrize("name", list(modules()))
def test_examples_of_a_module_hold(name: str) -> None:
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.testmod(importlib.import_module(name), optionflags=options).failed == 0
