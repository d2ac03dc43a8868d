"""Messages that can never change again are packed away: no tick and no copy pays for them."""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any
from weakref import ref

import numpy as np
import pytest

import sim.spread.cascade.cascade
from sim import Cascade, Contacts, Draws, Field, PropagationModel, World, load, register, save
from sim.runtime import UndoHistory
from sim.store.journal.state import whole_state
from sim.world import cascades as packing
from sim.world import phases as ended
from sim.world.cascades import CALM_TICKS, EndedCascade, RecordPile
from sim.world.phases import AT_HAND
from sim.world.state.snapshot import still
from sim.world.state.state import digest_of

IN_CASCADE = str(Path(sim.spread.cascade.cascade.__file__))


def world_of(messages: int, model: str = "independent-cascade", **said: Any) -> World:
    """Return a world in which so many messages ended for good."""
    world = World.create(agents=300, mean_degree=8, seed=7)
    said = said or {"probability": 0.05}
    stories = [
        world.inject(f"News {number}", seeds=[number % 300], model=model, **said)
        for number in range(messages)
    ]
    world.step(80)
    assert not any(each.alive for each in stories)
    return world


def calls(world: World) -> int:
    """Return how many functions of messages a tick calls in which who follows whom changed."""
    found = 0

    def seen(frame: FrameType, event: str, _: object) -> None:
        nonlocal found
        found += event == "call" and frame.f_code.co_filename == IN_CASCADE

    sys.setprofile(seen)
    try:
        world.add_ties([0], [299 - world.tick % 2])
        world.step()
    finally:
        sys.setprofile(None)
    return found


def objects() -> int:
    gc.collect()
    return sum(issubclass(type(each), Cascade) for each in gc.get_objects())


def test_a_tick_asks_no_message_that_ended_for_good() -> None:
    few, many = calls(world_of(30)), calls(world_of(150))
    assert many == few


@pytest.mark.parametrize(
    ("model", "said"),
    [("independent-cascade", {"probability": 0.05}), ("sir", {"beta": 0.1, "gamma": 0.8})],
)
def test_ended_messages_are_no_objects_of_any_copy(model: str, said: dict[str, Any]) -> None:
    before = objects()
    world = world_of(100, model, **said)
    past = UndoHistory(world)
    past.step(8)
    copies = [still(world, lambda _name, column: np.array(column)) for _ in range(3)]
    assert objects() - before <= 12 * AT_HAND  # those at hand, and their twins
    kept = [each for each in world.cascades.items if isinstance(each, EndedCascade)]
    assert len(kept) == 100 - AT_HAND
    assert all(twin.cascades.items[: len(kept)] == kept for twin in copies)
    assert {twin.digest() for twin in copies} == {world.digest()}


def test_a_copy_of_a_world_with_ended_messages_is_gone_as_soon_as_nobody_holds_it() -> None:
    world = world_of(AT_HAND + 5)
    gc.collect()
    gc.disable()
    try:
        twin = still(world, lambda _name, column: np.array(column))
        gone = ref(twin)
        assert len(twin.cascades) == AT_HAND + 5
        del twin
        assert gone() is None
    finally:
        gc.enable()


def test_whoever_asks_for_a_message_that_ended_has_it_whole() -> None:
    world = world_of(60)
    shown = [(each.text, each.size, each.depth, each.status) for each in world.cascades]
    again = World.restore(*world.dump())
    assert shown == [(each.text, each.size, each.depth, each.status) for each in again.cascades]
    assert world.cascades[3] is world.cascades.find(3)
    assert world.cascades.find(60) is None
    assert [each.id for each in world.cascades.newest(20)] == list(range(40, 60))
    assert world.cascades.adoptions + sum(e.size for e in world.cascades.loose) == sum(
        each.size for each in world.cascades
    )


def test_a_message_that_ended_goes_on_when_its_parameters_are_others() -> None:
    world = world_of(60)
    held = world.cascades[2]
    before = held.size
    held.revise(probability=1.0)
    world.step(3)
    assert world.cascades[2] is held
    assert held.size >= before
    assert held.model.values()["probability"] == 1.0
    assert World.restore(*world.dump()).digest() == world.digest()


def test_who_joins_is_in_the_records_of_messages_that_ended() -> None:
    world = world_of(60)
    held = world.cascades[1]
    digest = world.digest()
    world.create_agents(5)
    world.step(2)
    assert world.digest() != digest
    assert held.agents == 305
    assert held.tally.sum() == 305
    assert [each.tally.sum() for each in world.cascades] == [305] * 60
    again = World.restore(*world.dump())
    assert again.digest() == world.digest()
    again.step(2)
    world.step(2)
    assert again.digest() == world.digest()


def test_whoever_holds_a_message_sees_it_go_back_and_forward() -> None:
    world = World.create(agents=300, mean_degree=8, seed=7)
    stories = [
        world.inject(f"News {number}", seeds=[number], model="sir", beta=0.3, gamma=0.7)
        for number in range(40)
    ]
    past = UndoHistory(world, 1 << 30)
    past.step(60)
    assert len(world.cascades.loose) <= AT_HAND
    sizes, digest = [each.size for each in stories], world.digest()
    past.go_to(1)
    assert any(each.alive for each in stories)
    assert list(world.cascades) == stories
    past.forward()
    assert world.digest() == digest
    assert [each.size for each in stories] == sizes
    assert all(mine is held for mine, held in zip(world.cascades, stories, strict=True))


def test_a_message_that_was_packed_is_forgotten_as_any_other() -> None:
    world = world_of(40)
    del world.cascades[0]
    assert len(world.cascades) == 39
    assert world.cascades[0].id == 1
    world.cascades.clear()
    assert not world.cascades
    assert world.cascades == []


def test_a_save_makes_no_ended_message_again(tmp_path: Path) -> None:
    world = world_of(60)
    before = objects()
    made: list[str] = []

    def seen(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "restore":
            made.append(frame.f_code.co_filename)

    sys.setprofile(seen)
    try:
        save(world, tmp_path / "a.hub", relational=False)
        world.digest()
        whole_state(world)
        still(world, lambda _name, column: np.array(column))
    finally:
        sys.setprofile(None)
    assert IN_CASCADE not in made
    assert objects() <= before + AT_HAND


def test_seals_tell_ended_messages_apart_and_copies_share_them() -> None:
    world, other = world_of(60), world_of(61)
    twin = still(world, lambda _name, column: np.array(column))
    assert twin.cascades.seals == world.cascades.seals != other.cascades.seals
    assert whole_state(twin) == whole_state(world)
    assert sorted(twin.cascades.at_rest) == sorted(world.cascades.at_rest)
    assert sorted(world.cascades.at_rest) == sorted(each.size for each in world.cascades)
    summed = 0
    for each in world.cascades.ended:
        summed ^= each.seal
    assert summed == world.cascades.seals
    world.cascades[2].revise(probability=0.9)
    assert whole_state(twin) != whole_state(world)
    assert twin.cascades.seals != world.cascades.seals


def test_a_message_is_found_in_the_list_of_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.create(agents=50, mean_degree=4, seed=3)
    for _ in range(3):
        world.inject("x", seeds=[0], model="si")

    def number(item: Any) -> int:
        world.cascades.clear()  # as another thread may, which goes back in time
        return int(item.id)

    monkeypatch.setattr("sim.world.cascades._number", number)
    found = world.cascades.find(1)
    assert found is not None
    assert found.id == 1


@register("aside-of-the-tests")
class Aside(PropagationModel):
    """Everybody hears it at once; its group is stepped by a static method."""

    is_grouped: bool = Field(False, description="whether its messages are a group")

    def together(self) -> bool | None:
        return self.is_grouped or None

    @staticmethod
    def step_together(
        cascades: Sequence[Cascade], contacts: Sequence[Contacts], _draws: Sequence[Draws]
    ) -> None:
        for cascade, heard in zip(cascades, contacts, strict=True):
            cascade.adopt(np.setdiff1d(np.arange(heard.agents, dtype=np.uint32), cascade.adopters))

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        self.step_together([cascade], [contacts], [draws])


@pytest.mark.parametrize("is_grouped", [False, True])
def test_a_model_may_step_a_group_by_a_static_method(is_grouped: bool) -> None:
    world = World.create(agents=30, mean_degree=4, seed=7)
    for seed in range(AT_HAND + 4):
        world.inject("x", seeds=[seed], model="aside-of-the-tests", is_grouped=is_grouped)
    world.step(5)
    assert [each.error for each in world.cascades] == [None] * (AT_HAND + 4)
    assert {each.size for each in world.cascades} == {30}
    assert len(world.cascades.loose) == AT_HAND


def counted(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[object]:
    """Return a list that grows by one with every call of a method."""
    found: list[object] = []
    own = getattr(owner, name)

    def seen(*args: Any) -> Any:
        found.append(args[0])
        return own(*args)

    monkeypatch.setattr(owner, name, seen)
    return found


def test_opinions_write_no_message_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds = []
    for at_hand in (AT_HAND, 1 << 30):
        monkeypatch.setattr(ended, "AT_HAND", at_hand)
        worlds.append(world_of(40, "persuasion", topic="bridges"))
    monkeypatch.setattr(packing, "CALM_TICKS", 0)
    world, whole = worlds
    puts = counted(monkeypatch, RecordPile, "put")
    for opinion in (0.1, 0.2, 0.3):
        before = whole_state(world)
        for one in (world, whole):
            opinions = np.array(one.opinions["bridges"])
            opinions[5] = opinion
            one.opinions.write("bridges", opinions)
        monkeypatch.setattr(ended, "AT_HAND", 0)
        world.step()
        monkeypatch.setattr(ended, "AT_HAND", 1 << 30)
        whole.step()
        assert whole_state(world) != before
    assert len(puts) == AT_HAND  # of those that were never packed before
    assert not world.cascades.loose
    assert len(whole.cascades.loose) == 40
    assert [each.rested for each in world.cascades] == [each.rested for each in whole.cascades]
    save(world, tmp_path / "a.hub")
    assert load(tmp_path / "a.hub").digest() == world.digest() == whole.digest()
    assert digest_of(*world.dump()) == digest_of(*world.packed()) == world.digest()


def test_a_message_that_was_cancelled_is_not_asked_when_opinions_change() -> None:
    world = world_of(AT_HAND + 4, "persuasion", topic="bridges")
    first = world.cascades[0]
    first.revise(pull=0.2)
    first.cancel()
    assert first.rested
    world.step()
    record = world.cascades.items[0]
    assert isinstance(record, EndedCascade)
    opinions = np.array(world.opinions["bridges"])
    opinions[5] = 0.1
    world.opinions.write("bridges", opinions)
    world.step()
    assert world.cascades.items[0] is record


def test_messages_stay_whole_until_no_tick_asks_them(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(60, "linear-threshold", weights="uniform")
    monkeypatch.setattr(ended, "AT_HAND", 1 << 30)
    whole = world_of(60, "linear-threshold", weights="uniform")
    monkeypatch.setattr(ended, "AT_HAND", AT_HAND)
    made = counted(monkeypatch, EndedCascade, "made")
    packed = counted(monkeypatch, EndedCascade, "__init__")
    for target in range(100, 105):
        for one in (world, whole):
            one.add_ties([0], [target])
        world.step()
        monkeypatch.setattr(ended, "AT_HAND", 1 << 30)
        whole.step()
        monkeypatch.setattr(ended, "AT_HAND", AT_HAND)
        assert world.digest() == whole.digest()
    assert len(made) == 60 - AT_HAND
    assert not packed
    world.step(CALM_TICKS + 2)
    assert len(world.cascades.loose) == AT_HAND


def test_two_threads_that_ask_for_one_have_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(AT_HAND + 4)
    gc.collect()
    own, found = EndedCascade.made, []
    other = Thread(target=lambda: found.append(world.cascades.find(1)), daemon=True)

    def made(self: EndedCascade, agents: int, rested: str) -> Cascade:
        if other.ident is None:
            other.start()
            other.join(0.2)  # it asks while this one is being made, and may have to wait
        return own(self, agents, rested)

    monkeypatch.setattr(EndedCascade, "made", made)
    found.append(world.cascades[1])
    other.join(30)
    assert len(found) == 2
    assert found[0] is found[1]
