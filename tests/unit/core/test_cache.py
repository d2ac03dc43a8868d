"""What is kept for a whole process is never taken away from under a reader."""

from __future__ import annotations

import re
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from sim.core.cache import BoundedCache
from sim.core.registry import make
from sim.spread.compartments import compartments
from sim.spread.continuous import continuous

ROOT = Path(__file__).resolve().parents[3]


def test_a_value_is_made_once_until_there_are_too_many() -> None:
    kept: BoundedCache[int] = BoundedCache(2)
    assert [kept.get(key, partial(int, key * 10)) for key in (1, 2, 1)] == [10, 20, 10]
    assert kept.get(1, lambda: 7) == 10
    assert len(kept) == 2
    assert kept.get(3, lambda: 30) == 30
    assert len(kept) == 1
    assert kept.get(1, lambda: 7) == 7


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for one value each, and threads that take turns all the time."""
    for module, name in (
        (compartments, "_tables"), (compartments, "_lives"),
        (continuous, "_rates"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, BoundedCache(1))


def test_models_find_their_rules_while_other_threads_make_room(hasty: None) -> None:
    models = [make("sir", beta=0.1 * n) for n in range(1, 7)]
    failed: list[BaseException] = []

    def look() -> None:
        try:
            for turn in range(300):
                model = models[turn % len(models)]
                model.table("coins")
                model.lives("coins")
        except BaseException as error:
            failed.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert failed == []


def test_no_cache_of_a_module_is_cleared() -> None:
    """One that others may be reading is replaced; :class:`BoundedCache` does that."""
    found = []
    for file in (ROOT / "sim").rglob("*.py"):
        text = file.read_text()
        names = re.findall(r"^(_[a-z_]+)(?:: dict\[.*\])? = \{\}$", text, re.MULTILINE)
        found += [(file.name, name) for name in names if f"{name}.clear()" in text]
    assert set(found) <= {
        ("models.py", "_worlds"),  # of one command line, which has one thread
        ("registry.py", "_known"),  # behind a lock
    }
