"""A long log of acts is packed, and reads like a list."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import World, load, save
from sim.core import scratch as spill
from sim.store import audit
from sim.world import LoggedAct
from sim.world import log as trail_acts
from sim.world.log import PackedActs, steps_of

WORDS = st.text(max_size=30)
STEPS = st.lists(
    st.tuples(st.sampled_from(["append", "append", "append", "renew", "copy", "clear"]), WORDS),
    max_size=60,
)


def act(number: int, said: str) -> LoggedAct:
    return LoggedAct(number, number, "script", "inject", said, "done", f"{number:064d}")


@given(STEPS, st.integers(-70, 70), st.integers(-70, 70))
def test_acts_are_a_list(steps: list[tuple[str, str]], low: int, high: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trail_acts, "OPEN_ACTS", 3)
        patch.setattr(trail_acts, "FILED_BYTES", 0)
        patch.setattr(spill, "LEAST_BYTES", 1)
        acts, copies, plain = PackedActs(), [(PackedActs(), list[LoggedAct]())], list[LoggedAct]()
        for number, (what, said) in enumerate(steps):
            if what == "append":
                acts.append(act(number, said))
                plain.append(act(number, said))
            elif what == "clear" and number % 7 == 0:
                acts.clear()
                plain.clear()
            elif what == "copy":
                copies.append((acts.copy(), list(plain)))
            elif plain and what == "renew":
                acts.renew(act(number, said))
                plain[-1] = act(number, said)
        for packed, told in [*copies, (acts, plain)]:
            assert list(packed) == told
            assert len(packed) == len(told)
            assert [packed[place] for place in range(len(told))] == told
            assert packed[low:high] == told[low:high]
            assert packed[-5:] == told[-5:]
            assert not told or packed[-1] == told[-1]
        with pytest.raises(IndexError):
            acts[len(plain)]


class Watched(list[LoggedAct]):
    """A list that notes how long it is at each change, as another thread may see it."""

    def __init__(self, acts: Sequence[LoggedAct]) -> None:
        super().__init__(acts)
        self.lengths: list[int] = []

    def append(self, act: LoggedAct) -> None:
        self.lengths.append(len(self))
        super().append(act)

    def pop(self, *place: Any) -> LoggedAct:
        found = super().pop(*place)
        self.lengths.append(len(self))
        return found


def test_a_step_that_becomes_longer_is_never_missing() -> None:
    world = World.create(agents=50, mean_degree=4, seed=3)
    world.step(2)
    world.trail.seal(world)
    acts = world.trail.acts
    watched = Watched(acts._state[1])
    acts._state = (acts._state[0], watched)
    world.step(3)
    world.trail.seal(world)
    assert (len(acts), steps_of(acts[-1])) == (2, 5)
    assert min(watched.lengths, default=2) >= 2


def crowded(messages: int) -> World:
    world = World.create(agents=5000, mean_degree=4, seed=3)
    draw = np.random.default_rng(1)
    for number in range(messages):
        seeds = draw.choice(5000, 300, replace=False)
        world.inject(f"News {number}", seeds=seeds, model="si").cancel()
        world.step()
    return world


def test_a_long_log_is_whole_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_acts, "OPEN_BYTES", 20_000)
    world = crowded(150)
    acts = world.trail.acts
    words = sum(len(each.said) for each in acts)
    kept = acts._state[1]
    assert len(acts) == 300
    assert len(kept) <= trail_acts.OPEN_ACTS + 1
    assert sum(len(each.said) for each in kept) <= 2 * trail_acts.OPEN_BYTES
    assert acts.packed < words
    path = tmp_path / "long.hub"
    save(world, path)
    found = audit(path)
    assert found.is_whole
    assert found.acts == tuple(acts)
    again = load(path)
    assert again.trail.acts == acts
    assert again.trail.head == world.trail.head


def test_packed_acts_lie_in_a_file_once_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_acts, "FILED_BYTES", 4096)
    acts = PackedActs(act(number, f"{number}" * 50) for number in range(5000))
    parts = acts._state[0]
    assert sum(spill.is_filed(part.packed) for part in parts) > len(parts) // 2
    assert [each.number for each in acts] == list(range(5000))
