"""Fixtures for every room."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sim.core import registry

# Machines are busy: no example and no drawing of examples is against the clock.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True, scope="session")
def _interrupts_arrive() -> None:
    """Take Ctrl-C as a terminal sends it, even where a shell began the tests with it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _models_stay_in_their_test() -> Iterator[None]:
    """Forget what a test registers: names of one test are not the next one's."""
    registry.load_plugins()
    known = {kind: dict(entries) for kind, entries in registry._known.items()}
    yield
    registry._known.clear()
    registry._known.update(known)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real networks beside the checkout; skips where they are absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("HUBBUB_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("the real data sets are not beside this checkout (HUBBUB_SHARED_DATA)")
    return folder
