"""What a journal notes of a world: every change shows, and looking changes nothing."""

from collections.abc import Callable

import numpy as np
import pytest

from sim import World
from sim.store.journal import state as journal_state
from sim.store.journal.journal import EntryCounts, JournalEntry
from sim.store.journal.state import SLICES, Observer, whole_state
from sim.world import phases as ended


@pytest.fixture
def world() -> World:
    world = World.create(agents=200, mean_degree=6, seed=5)
    world.inject("Running", seeds=[1, 2], model="sir", beta=0.3)
    world.inject("Waiting", seeds=[3], model="si", at=9)
    world.opinions.hold("bridge", np.zeros(200))
    world.befriend([1, 2, 3], [11, 12, 13])
    world.unfriend([1], [11])
    world.mute([4], [2])
    world.step(2)
    return world


def test_adoptions_since_the_last_look_are_told_with_who_convinced_whom(world: World) -> None:
    observer = Observer(world)
    before, cascade = world.cascades[0].size, world.cascades[0]
    world.step(2)
    (told,), metrics, _ = observer.look(world, 1)
    count = cascade.size - before
    assert told.count == count > 0
    assert told.cascade == 0
    numbers = np.frombuffer(told.data, "<u4").reshape(3, count)
    assert numbers[0].tolist() == cascade.log.agents[before:].tolist()
    assert numbers[1].tolist() == cascade.log.ticks[before:].tolist()
    assert numbers[2].tolist() == cascade.log.sources[before:].tolist()
    assert (metrics.running, metrics.queued, metrics.adopters) == (1, 1, cascade.size)
    assert observer.look(world, 2).adoptions == ()


def test_looking_at_a_restored_world_gives_the_same(world: World) -> None:
    world.cascades[0].marks()  # what follows from the adopters may be there, or not
    again = World.restore(*world.dump())
    for number in range(SLICES):
        assert Observer(again).look(again, number) == Observer(world).look(world, number)
    assert whole_state(again) == whole_state(world)


CHANGES: dict[str, Callable[[World], object]] = {
    "status": lambda world: world.agents.set_status([7], 3),
    "opinion": lambda world: world.opinions.write("bridge", np.ones(200)),
    "ties": lambda world: world.add_ties([0, 0, 0], [150, 151, 152]),
    "mute": lambda world: world.mute([1], [13]),
    "block": lambda world: world.block([1], [13]),
    "cancel": lambda world: world.cascades[1].cancel(),
    "parameter": lambda world: world.cascades[0].revise(beta=0.9),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_look_at_everything_sees_any_change(world: World, change: str) -> None:
    before = whole_state(world)
    assert whole_state(world) == before
    CHANGES[change](world)
    assert whole_state(world) != before


@pytest.mark.parametrize("change", [*CHANGES][:-1])
def test_a_lasting_change_shows_within_sixteen_entries(world: World, change: str) -> None:
    other = World.restore(*world.dump())
    CHANGES[change](other)
    seen = [Observer(other).look(other, n) != Observer(world).look(world, n) for n in range(16)]
    assert any(seen)


def held(world: World) -> list[bool]:
    """Change a column of a running message, and return at which entries it shows."""
    other = World.restore(*world.dump())
    name, column = next((n, c) for n, c in world.cascades[0].held.items() if n != "done")
    changed = np.array(column[np.arange(200)])
    changed[150] ^= 1
    if isinstance(column, np.ndarray):
        other.cascades[0].held[name] = changed
    else:
        other.cascades[0].held[name][np.array([150])] = changed[150]
    return [Observer(other).look(other, n) != Observer(world).look(world, n) for n in range(16)]


def test_a_sparse_column_of_a_message_is_looked_at_in_turn(world: World) -> None:
    assert sum(held(world)) in {1, 16}


def test_large_columns_are_looked_at_in_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cascade = world.cascades[0]
    cascade.held["own"] = np.zeros(200, np.int64)
    cascade.held = {"own": cascade.held.pop("own"), **cascade.held}
    assert sum(held(world)) == 16
    monkeypatch.setattr(journal_state, "HOT_BYTES", 10)
    assert held(world) == [True] + [False] * 15


@pytest.mark.parametrize("at_hand", [16, 0])
def test_endings_are_looked_at_just_once(at_hand: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def lived(enough: int) -> World:
        monkeypatch.setattr(ended, "ENOUGH_BYTES", enough)
        monkeypatch.setattr(ended, "AT_HAND", at_hand)
        world = World.create(agents=200, mean_degree=6, seed=5)
        for number in range(3):
            world.inject(f"News {number}", seeds=[number], model="sir", beta=0.3, gamma=0.9)
        world.step(60)
        return world

    world = lived(0)
    before = whole_state(world)
    assert whole_state(world) == before
    if at_hand:
        assert before == whole_state(lived(1 << 60))  # nobody sees that it was laid by
    world.cascades[1].revise(beta=0.9)
    assert whole_state(world) != before


def test_an_entry_of_an_earlier_version_agrees_and_a_strange_one_does_not() -> None:
    world = World.create(agents=120, mean_degree=6, seed=5)
    for number in range(2):
        world.inject(
            f"News {number}", seeds=[number], model="competitive-threshold", rule="separate"
        )
    world.step(30)
    counts = EntryCounts(running=0, queued=0, adopters=3, contacts=10)

    def agrees(state: bytes, counts: EntryCounts = counts) -> bool:
        entry = JournalEntry(16, 30, 30, "step", "{}", "test", (), counts, state)
        return Observer(world).agrees(world, entry)

    now = Observer(world).look(world, 16).state
    earlier = bytes.fromhex("3afc1fb0154173269acad706b0968929")  # with columns of rivals that ended
    assert now != earlier
    assert agrees(now)
    assert agrees(earlier)
    assert not agrees(bytes(16))
    assert not agrees(now, EntryCounts(running=0, queued=0, adopters=4, contacts=10))
