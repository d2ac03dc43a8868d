import functools
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sim.errors import InputError, PluginError
from sim.lab import Messages
from sim.lab.runs import workers
from sim.lab.runs.experiment import code_of, facts_of


def among(values: Any) -> Any:
    return lambda world: float(sum(value for value in values if value))


@dataclass
class Own:
    name: str
    take: Any = None

    def begin(self, world: Any) -> None:
        """Do nothing."""

    def before(self, world: Any, done: int) -> None:
        """Do nothing."""

    def is_over(self, world: Any, done: int) -> bool:
        return True


class Other(Own):
    def is_over(self, world: Any, done: int) -> bool:
        return done > 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda world: world.tick, lambda world: world.seed),
        (lambda world: 1.0, lambda world: 2.0),
        (among([1, 2]), among([1, 3])),
        (lambda world, by=1: by, lambda world, by=2: by),
        (functools.partial(max, 1), functools.partial(max, 2)),
        (Own, Other),
        (lambda world: [+each for each in world], lambda world: [-each for each in world]),
        (among(np.arange(3)), among(np.arange(4))),
    ],
)
def test_functions_that_differ_are_told_apart(one: Any, other: Any) -> None:
    assert code_of(one) == code_of(one)
    assert code_of(one).partition(" ")[2] != code_of(other).partition(" ")[2]


def test_programs_are_told_apart_by_their_code_and_what_they_hold() -> None:
    assert facts_of(Own("a")) == facts_of(Own("a"))
    assert facts_of(Own("a", 1)) != facts_of(Own("a", 2))
    assert facts_of(Own("a", lambda world: 1)) != facts_of(Own("a", lambda world: 2))
    assert facts_of(Own("a")) != facts_of(Other("a"))

    class Longer(Messages):
        def is_over(self, world: Any, done: int) -> bool:
            return done > 9

    assert facts_of(Longer([{"text": "x"}])) != facts_of(Messages([{"text": "x"}]))


def test_what_holds_itself_is_refused_in_a_sentence() -> None:
    held: list[Any] = []
    held.append(held)
    with pytest.raises(InputError, match=r"'a' holds what no file can tell .* facts\(\)"):
        facts_of(Own("a", held))


def test_another_process_tells_a_function_the_same() -> None:
    said = (
        "from sim.lab.runs.experiment import code_of\n"
        "print(code_of(eval('lambda world: [(lambda: each)() for each in world]')))"
    )
    words = [sys.executable, "-c", said]
    one, two = (subprocess.run(words, capture_output=True, check=True).stdout for _ in range(2))
    assert one == two != b""


def test_a_worker_takes_the_plugin_as_who_asks_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    held = [SimpleNamespace(origin="a.py", sha256="1")]
    monkeypatch.setattr("sim.lab.runs.workers.foreign", lambda: tuple(held))
    monkeypatch.setattr("sim.lab.runs.workers.load_file", loaded.append)
    workers._load("a.py", "1")
    assert not loaded
    with pytest.raises(PluginError, match=r"a\.py.*has changed since it was loaded"):
        workers._load("a.py", "2")
    assert loaded == ["a.py"]
