import gc
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sim.jit import jit

SOURCE = """
from sim.jit.jit import inlined, kernel, lean

@inlined
def half(x):
    return x / 2

@lean
def third(x):
    return x / 3

@kernel
def total(values):
    out = 0.0
    for i in range(values.size):
        out += half(values[i]) + third(values[i])
    return out

@kernel
def half_of_constants():
    return half(2) + half(4) + half(6)
"""
compiled = pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="compiles")


def loaded(path: Path) -> Any:
    module = ModuleType("made_kernels")
    module.__file__ = str(path)
    sys.modules["made_kernels"] = module
    exec(compile(path.read_text(), str(path), "exec"), vars(module))  # noqa: S102 - ours
    return module


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "made_kernels.py").write_text(SOURCE)
    return tmp_path / "made_kernels.py"


def pair(values: Any) -> Any:
    return values[0], np.float32(1.5)


def hits(path: Path) -> int:
    """How many of the parts came from the disk, once the sum was asked for."""
    total = loaded(path).total
    assert total(np.array([6.0, 12.0])) == pytest.approx(15.0)
    return sum(total.stats.cache_hits.values())


def test_words_wrap_in_silence_whether_compiled_or_not() -> None:
    from sim.jit.mix import word

    with np.errstate(over="raise"):
        assert word(np.uint64(2**64 - 1), 3) == word(np.uint64(2**64 - 1), 3)


def test_numbers_are_those_of_python_whether_compiled_or_not() -> None:
    from sim.jit.claims import first_marked, is_open
    from sim.jit.mix import gate, uniform, word

    marks = np.zeros(1, np.uint64)
    found = word(np.uint64(1), 3), uniform(np.uint64(1)), gate(0.5), is_open(marks, np.uint64(3))
    assert [type(each) for each in found] == [int, float, int, bool]
    assert type(first_marked(np.zeros(1, np.uint32), marks)) is int


def test_pairs_of_numbers_are_those_of_python_too() -> None:
    made = jit.kernel(pair)
    assert made(np.array([3], np.uint32)) == (3, 1.5)
    assert [type(each) for each in made(np.array([3], np.uint32))] == [int, float]


@compiled
def test_kernels_come_from_the_disk_until_any_kernel_has_another_text(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (hits(path), hits(path)) == (0, 1)
    monkeypatch.setattr(jit, "_text_of_all", lambda: "another")
    assert (hits(path), hits(path)) == (0, 1)


@compiled
def test_constants_are_compiled_as_their_type_and_garbage_is_collected_after(path: Path) -> None:
    module = loaded(path)
    assert module.half_of_constants() == 6.0
    assert [str(each[0]) for each in module.half.signatures] == ["int64"]
    assert gc.isenabled()


@compiled
def test_an_index_that_names_what_is_gone_is_not_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hits(path) == 0
    (index,) = path.parent.rglob("*total*.nbi")
    head = index.read_bytes().partition(b"\x94.")[0] + b"\x94."
    index.write_bytes(head + b"cmade_kernels\nGone\n.")
    with pytest.raises(AttributeError):
        hits(path)
    monkeypatch.setattr(jit, "_text_of_all", lambda: "another")
    assert hits(path) == 0


def test_the_text_of_all_kernels_is_that_of_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "sim"
    for name in ("jit/jit.py", "jit/mix.py", "spread/table_kernels.py", "spread/table.py"):
        (room / name).parent.mkdir(parents=True, exist_ok=True)
        (room / name).write_text(name)
    monkeypatch.setattr(jit, "__file__", str(room / "jit/jit.py"))
    seen = []
    for name in ("", "spread/table.py", "jit/mix.py", "spread/table_kernels.py"):
        if name:
            (room / name).write_text("changed")
        jit._text_of_all.cache_clear()
        seen.append(jit._text_of_all())
    jit._text_of_all.cache_clear()
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3
