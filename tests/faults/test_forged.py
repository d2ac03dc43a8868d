"""Files that are whole and hold values of no world are refused, or run on; no kernel is misled."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sim import World, names, spec
from sim.errors import InputError
from tests.faults.forged import PARTS, forged, started, told, wrongs

ROOT = Path(__file__).resolve().parents[2]
BUILT_IN = [name for name in names() if spec(name).origin.startswith("plugins.")]
MANY = 100


def tried(kind: str, step: int) -> list[str]:
    """What became of every step-th lie, in a process of its own."""
    words = [sys.executable, "-W", "ignore", "-m", "tests.faults.forged", kind, str(step)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (lines[-1:], done.stderr[-2000:])
    return lines


LONG = [pytest.param(k, marks=pytest.mark.slow) for k in ("watts", "limited-attention", "platform")]


@pytest.mark.parametrize("kind", ["sir", *LONG])
def test_some_forged_worlds_are_refused_or_run_on(kind: str) -> None:
    lines = tried(kind, 7)
    assert lines
    assert not [line for line in lines if ": raised: " in line]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*BUILT_IN, *PARTS])
def test_all_forged_worlds_are_refused_or_run_on(kind: str) -> None:
    lines = tried(kind, 1)
    assert len(lines) > MANY
    assert not [line for line in lines if ": raised: " in line]


@pytest.mark.parametrize(
    ("kind", "column", "value"),
    [
        ("sir", "cascade.0.own.state.values", 127),
        ("watts", "cascade.0.own._changed", 4_000_000),
        ("time-decay", "cascade.0.own.by.values", 4_000_000),
        ("limited-attention", "cascade.0.own.heads", 10),
        ("limited-attention", "cascade.0.own.authors", 130),
        ("platform", "platform.members.head", 4),
        ("platform", "platform.members.chronotype", 7),
        ("platform", "platform.members.recommender", 1),
        ("platform", "platform.trending", 4_000_000),
        ("platform", "platform.log.agent", 130),
    ],
)
def test_a_value_that_misleads_a_kernel_is_named(kind: str, column: str, value: int) -> None:
    meta, columns = started(kind).dump()
    name = column if column in columns else column.removesuffix(".values")
    wrong = columns[name].copy()
    wrong.reshape(-1)[-1 if wrong.ndim == 1 else 0] = value
    short = name.removesuffix(".values").rpartition(".")[2]
    with pytest.raises(InputError, match=short):
        World.restore(meta, columns | {name: wrong})


def test_what_was_not_forged_runs_on() -> None:
    assert told(*started("sir").dump()) == "ran on"


def test_every_way_to_be_wrong_differs() -> None:
    column = np.arange(6, dtype=np.int32).reshape(3, 2)
    found = list(wrongs(column))
    assert len({what for what, _ in found}) == len(found)
    assert all(c.shape != column.shape or (c != column).any() for _, c in found)
    assert next(forged("sir"))[0].startswith("cascade.0.")
