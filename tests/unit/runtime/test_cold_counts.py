"""How often cold records need not be unpacked is shown with the other figures."""

from __future__ import annotations

import pytest

from sim.agents import records as cold
from sim.runtime.health import Meter, caches


def test_the_hit_rate_of_cold_records_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cold, "_tally", [0, 0])
    assert Meter().read(0.0).cold_hit_rate == 1.0
    assert "cold data" not in caches()
    store = cold.ColdRecords()
    store.put({1: {"name": "Ada"}})
    store.dump()
    assert [store.text(1, "name") for _ in range(4)] == ["Ada"] * 4
    assert Meter().read(0.0).cold_hit_rate == 0.75
    assert caches()["cold data"] == (3, 4)
