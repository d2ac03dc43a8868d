"""What is counted is counted from the beginning, and begins anew only where it must."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest

from sim import Exposure, Field, Floats, Heard, PerExposure, World, after
from sim.errors import ParameterError

Enter = Callable[[type], str]


def tired(exposure: Exposure) -> Floats:
    return exposure.novelty


class LateReader(PerExposure):
    """Reads hearings from tick 4 on."""

    seen: ClassVar[dict[int, list[float]]] = {}

    def speaks_for(self) -> int:
        return 50

    def chance(self, exposure: Exposure) -> Floats:
        """Note what was heard before."""
        age = int(exposure.age_ticks[0])
        if age >= 4:
            self.seen[age] = exposure.repeats.tolist()
        return np.zeros(len(exposure))


class LateTired(LateReader):
    """As the other, through a function."""

    seen: ClassVar[dict[int, list[float]]] = {}

    def chance(self, exposure: Exposure) -> Floats:
        """Note what was heard before."""
        if exposure.age_ticks[0] >= 4:
            self.seen[int(exposure.age_ticks[0])] = (1 / tired(exposure) - 1).tolist()
        return np.zeros(len(exposure))


@pytest.mark.parametrize("model", [LateReader, LateTired])
@pytest.mark.parametrize("messages", [1, 3])
def test_hearings_count_from_the_first_tick(
    entered: Enter, model: type[LateReader], messages: int
) -> None:
    model.seen.clear()
    name = entered(model)
    world = World.from_edges([0], [1], 4)
    for _ in range(messages):
        world.inject("x", seeds=[0], model=name)
    world.step(6)
    assert {age: heard[0] for age, heard in model.seen.items()} == {4: 3, 5: 4, 6: 5}


@pytest.mark.parametrize("name", ["damage", "age_limit", "average", "my_age", "page"])
def test_only_the_name_age_itself_is_the_age(name: str) -> None:
    class Worn(Heard):
        """Its chance is a parameter whose name holds another."""

        states: ClassVar[tuple[str, ...]] = ("new", "worn", "broken")
        rules: ClassVar = (after("worn", "broken", chance=f"{name} * 2"),)

    Worn.__annotations__[name] = float
    made = type("Made", (Worn,), {"__annotations__": {name: float}, name: Field(0.4, ge=0, le=9)})
    made(**{name: 0.5}).check()
    with pytest.raises(ParameterError, match=r"must be in \[0, 1\], got 1.4"):
        made(**{name: 0.7}).check()


def test_a_chance_that_grows_with_age_ends_at_certainty() -> None:
    class Ageing(Heard):
        """Leaves ever more surely."""

        states: ClassVar[tuple[str, ...]] = ("new", "worn", "broken")
        rules: ClassVar = (after("worn", "broken", chance="0.4 * age"),)

    model = Ageing()
    model.check()
    assert model._alone(99).below.tolist() == [1.0]


@pytest.mark.parametrize("weights", ["uniform", "trust"])
@pytest.mark.parametrize("channel", ["broadcast", "feed"])
def test_trust_that_moves_begins_anew_only_the_sums_that_weigh_it(
    weights: str, channel: str
) -> None:
    told = {"rhythm": "flat", "posting": 0.2, "learning": 1.0}
    world = World.create(agents=300, mean_degree=8, seed=4, trust="uniform", platform=told)
    story = world.inject(
        "x", seeds=range(30), model="linear-threshold", weights=weights, channel=channel
    )
    assert world.platform is not None
    world.platform.behave("rule", None, follows=0.0, mutes=0.0)  # ties stay: trust alone moves
    renewed = []
    for _ in range(6):
        world.step()
        basis = story.held["_basis"].tolist()
        renewed.append(basis[0] > world.ties.count)
    assert any(renewed) == (weights == "trust" and channel == "broadcast")
