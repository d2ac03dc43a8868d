"""Runs of scenarios by the command, as of ``tests/unit/cli``."""

from functools import partial

import pytest

from sim.runtime import IsolatedSimulation
from tests.unit.cli.conftest import elsewhere, hubbub
from tests.unit.runtime.isolating import Thread

__all__ = ["elsewhere", "hubbub", "in_a_thread"]


@pytest.fixture
def in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let engines of other processes be threads of the test: nothing has to start."""
    isolated = partial(IsolatedSimulation, spawn=Thread)
    monkeypatch.setattr("sim.runtime.simulation.IsolatedSimulation", isolated)
