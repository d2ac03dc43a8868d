"""Fixtures for every room."""

import contextlib
import functools
import gc
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

from sim.core import registry

P = ParamSpec("P")
T = TypeVar("T")

# Machines are busy: no example and no drawing of examples is against the clock.
# ``make test-all`` takes the thorough profile: more examples than a gate has time for.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
settings.register_profile("patient", PATIENT)
settings.register_profile("thorough", PATIENT, max_examples=200)
settings.load_profile("patient")


# Coverage is told by these rooms: golden runs, documents and rooms add next to nothing, and
# take half their time again where they are traced; compiled kernels are seen only uncompiled.
MEASURED = ("faults", "laws", "screens", "statistics", "unit")
COMPILED = ("unit", "kernels")


def measured(test: Path) -> bool:
    """Say whether coverage looks on while the tests of a file run."""
    rooms = test.relative_to(Path(__file__).parent).parts
    return rooms[0] in MEASURED and (
        rooms[:2] != COMPILED or bool(os.environ.get("NUMBA_DISABLE_JIT"))
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run tests that are not measured, and what they start, out of sight of coverage."""
    measuring = Coverage.current()
    if measuring is None or measured(item.path):
        return (yield)
    with pytest.MonkeyPatch.context() as patch, _paused(measuring):
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)


@contextlib.contextmanager
def _paused(measuring: Coverage) -> Iterator[None]:
    measuring.stop()
    try:
        yield
    finally:
        measuring.start()


@pytest.fixture(autouse=True, scope="session")
def _interrupts_arrive() -> None:
    """Take Ctrl-C as a terminal sends it, even where a shell began the tests with it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Look through what lives for the whole run, modules and tests, no more than once."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def _the_compiler_is_not_measured() -> Iterator[None]:
    """Compile kernels out of sight of coverage: to trace the compiler takes half its time again."""
    from numba.core import dispatcher

    kernels: Any = dispatcher.Dispatcher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "_compile_for_args", untraced(kernels._compile_for_args))
        yield


@pytest.fixture(autouse=True, scope="session")
def _who_strikes_is_not_measured() -> Iterator[None]:
    """Let the warden strike out of sight of coverage.

    In CPython 3.11 a traced thread that calls a function while a signal waits for the main thread
    tries the call again until that is handled: for ever, where the main thread is in SQLite.
    """
    from sim.core.threads import interruptible
    from sim.runtime.engine.warden import PluginTimeout

    striking = PluginTimeout._strike

    def untraced(warden: PluginTimeout, thread: int, block: interruptible | None) -> None:
        sys.settrace(None)
        striking(warden, thread, block)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginTimeout, "_strike", untraced)
        yield


def untraced(function: Callable[P, T]) -> Callable[P, T]:
    """Call what is not ours out of sight of coverage."""

    @functools.wraps(function)
    def call(*values: P.args, **named: P.kwargs) -> T:
        tracer = sys.gettrace()
        if tracer is None:
            return function(*values, **named)
        sys.settrace(None)
        try:
            return function(*values, **named)
        finally:
            sys.settrace(tracer)
            _called()

    return call


def _called() -> None:
    """Be called: a tracer that was set anew begins with the next call."""


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
