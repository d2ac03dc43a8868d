"""What a watch notices of a plugin's lines; called by hand, as nothing traces a tracer."""

import importlib
import os
import sys
import time
from datetime import date, datetime
from types import FrameType
from typing import Any

import pytest

from sim.testing.call_watch import CallWatch, source_of, state

plain: Any = importlib.import_module("random")
numbers: Any = importlib.import_module("numpy.random")


def here() -> FrameType:
    return sys._getframe(1)


@pytest.mark.parametrize(
    ("function", "clock", "randomness"),
    [
        (time.time, "time.time", ""), (time.perf_counter_ns, "time.perf_counter_ns", ""),
        (datetime.now, "datetime.now", ""), (date.today, "datetime.today", ""),
        (plain.random, "", "random.random"),
        (plain.Random(3).getrandbits, "", "random.getrandbits"), (os.urandom, "", "os.urandom"),
        (len, "", ""), (time.sleep, "", ""),
    ],
)  # fmt: skip
def test_built_in_calls_of_the_file_are_noticed(function: Any, clock: str, randomness: str) -> None:
    watch = CallWatch(__file__)
    watch._seen(here(), "c_call", function)
    for noticed, wanted in ((watch.clocks, clock), (watch.randomness, randomness)):
        assert [said.partition("(")[0] for said in noticed] == ([wanted] if wanted else [])


def test_what_has_no_source_and_other_files_are_not_noticed() -> None:
    watch = CallWatch("/elsewhere.py")
    watch._seen(here(), "c_call", time.time)
    watch._seen(here(), "return", None)
    assert not watch.clocks
    assert source_of(CallWatch).endswith("call_watch.py")
    assert source_of(int) == ""


def test_functions_of_python_s_random_are_noticed_by_who_calls_them() -> None:
    frames: list[FrameType] = []

    class Spy(plain.Random):  # type: ignore[misc]
        def getrandbits(self, k: int) -> int:
            frames.append(sys._getframe(1))
            return 1

    Spy().randrange(4)
    watch = CallWatch(__file__)
    inner = frames[0]
    while inner.f_back is not None and inner.f_back.f_code.co_filename != __file__:
        inner = inner.f_back
    watch._seen(inner, "call", None)
    assert next(iter(watch.randomness)).startswith("random.randrange() in line ")
    watch.forget()
    assert not watch.randomness


def test_functions_of_numpy_s_random_say_who_calls_them_and_are_put_back() -> None:
    before = numbers.random
    watch = CallWatch(__file__)
    with watch.on():
        numbers.default_rng(3)
    assert next(iter(watch.randomness)).startswith("numpy.random.default_rng() in line ")
    assert numbers.random is before
    other = CallWatch("/elsewhere.py")
    with other.around_numpy():
        numbers.default_rng(3)
    assert not other.randomness


def test_global_generators_are_compared_by_what_they_hold() -> None:
    kept = plain.getstate()
    first = state()
    assert state() == first
    plain.random()
    assert state() != first
    plain.setstate(kept)
