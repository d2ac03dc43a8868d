"""Small cascades of one model share a pass; each is what it would be alone."""

import signal
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Exposure, Field, Floats, PerExposure, World
from sim.core.registry import spec
from sim.spread.cascade.faults import is_interruption
from sim.spread.cascade.model import PropagationModel
from sim.spread.exposure import exposures
from sim.spread.exposure import exposures as shared
from sim.testing import Given, tiny_world

Enter = Callable[[type], str]


def crowd(world: World, model: str, count: int, **options: Any) -> None:
    """Inject messages that differ in everything but the model and its parameters."""
    for number in range(count):
        seeds = [number % 60, (7 * number + 1) % 60]
        tags = 1 << (number % 5) if number % 3 else 0
        world.inject(f"m{number}", seeds=seeds, model=model, tags=tags, at=number % 4, **options)


def alone(model: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(spec(model).cls, "together", PropagationModel.together)


class Told(PerExposure):
    """Half of what one is told is believed, less of it each time."""

    span: int = Field(1, ge=1)

    def speaks_for(self) -> int:
        return self.span

    def chance(self, exposure: Exposure) -> Floats:
        return 0.5 * exposure.interest / np.exp(exposure.repeats)


class Curious(PerExposure):
    """Looks at everything there is."""

    asked: ClassVar[list[int]] = []

    def chance(self, exposure: Exposure) -> Floats:
        self.asked.append(len(exposure))
        share = exposure.adopted_share + exposure.interest * exposure.trust
        ages = exposure.age_ticks + exposure.fresh_hours(0.3) + exposure.adopted_sources
        own = exposure.viewer.openness * exposure.source.extraversion
        chance: Floats = share * exposure.novelty / (1 + exposure.repeats + ages) + own / 9
        return chance


@pytest.mark.parametrize(
    ("span", "chunk", "count"), [(1, 65_536, 1000), (3, 65_536, 100), (3, 40, 60)]
)
def test_a_thousand_messages_give_one_digest_together_or_alone(
    entered: Enter, span: int, chunk: int, count: int, monkeypatch: Any
) -> None:
    model, options = entered(Told), {"span": span}
    digests = set()
    for _ in range(2):
        world = tiny_world()
        crowd(world, model, count, **options)
        world.step(4)
        world.agents.set_status([3, 4, 5], 3)
        world.step(3)
        digests.add(world.digest())
        alone(model, monkeypatch)
        monkeypatch.setattr(exposures, "CHUNK", chunk)
    assert len(digests) == 1
    assert sum(story.size for story in world.cascades) > 2.1 * count


def test_every_column_of_a_shared_chunk_is_that_of_its_own_message(
    entered: Enter, monkeypatch: Any
) -> None:
    name = entered(Curious)
    digests, asked = [], []
    for _ in range(2):
        Curious.asked.clear()
        world = tiny_world()
        crowd(world, name, 30)
        world.step(6)
        digests.append(world.digest())
        asked.append(len(Curious.asked))
        alone(name, monkeypatch)
    assert digests[0] == digests[1]
    assert asked[0] < 8 < 60 < asked[1]


class Reader(PerExposure):
    """Wants to know which message it is."""

    def chance(self, exposure: Exposure) -> Floats:
        return np.full(len(exposure), 0.1 * (1 + exposure.message.id % 3))


def test_a_model_that_asks_for_the_message_is_asked_about_each(
    entered: Enter, monkeypatch: Any
) -> None:
    monkeypatch.setattr(shared, "_alone", set())
    name = entered(Reader)
    world, other = tiny_world(), tiny_world()
    crowd(world, name, 12)
    world.step(3)
    assert shared._alone == {spec(name).cls}
    alone(name, monkeypatch)
    crowd(other, name, 12)
    other.step(3)
    assert world.digest() == other.digest()


class Moody(PerExposure):
    """Fails for messages of one tag, in one way or another."""

    way: ClassVar[str] = "raise"

    def chance(self, exposure: Exposure) -> Floats:
        low = exposure.interest < 0.5
        if low.any() and self.way == "raise":
            raise RuntimeError("not this one")
        return np.where(low, np.nan, 0.5)

    def speaks_for(self) -> int:
        if self.way == "span":
            raise KeyboardInterrupt
        return 1


@pytest.mark.parametrize(
    ("way", "sentence"),
    [("raise", "RuntimeError: not this one"), ("nan", "NaN or infinity; check")],
)
def test_whoever_fails_in_a_batch_fails_alone(
    entered: Enter, monkeypatch: Any, way: str, sentence: str
) -> None:
    monkeypatch.setattr(Moody, "way", way)
    world = World.from_edges([0, 0, 0], [1, 2, 3])
    rare = next(
        bit
        for bit in range(64)
        if not (world.agents.interests >> np.uint64(bit) & np.uint64(1)).any()
    )
    name = entered(Moody)
    good, bad, best = (
        world.inject("x", seeds=[0], model=name, tags=tags) for tags in (0, 1 << rare, 0)
    )
    world.step()
    assert [story.status for story in (good, bad, best)] == ["running", "failed", "running"]
    assert (bad.size, len(bad.history)) == (1, 1)
    assert sentence in str(bad.error)
    assert len(good.history) == len(best.history) == 2


def test_a_span_that_cannot_be_told_stops_its_own_cascade(entered: Enter, monkeypatch: Any) -> None:
    monkeypatch.setattr(Moody, "way", "span")
    world, name = tiny_world(), entered(Moody)
    stories = [world.inject("x", seeds=[0], model=name) for _ in range(2)]
    other = world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step()
    assert [story.status for story in stories] == ["failed", "failed"]
    assert "KeyboardInterrupt" in str(stories[0].error)
    assert other.size > 1


def test_messages_in_other_channels_are_stepped_alone(entered: Enter) -> None:
    world = tiny_world()
    options: dict[str, Any] = {"seeds": [0], "model": entered(Curious)}
    heard = world.inject("x", channel=Given([7], [0]), **options)
    others = [world.inject("x", **options) for _ in range(3)]
    world.step()
    assert set(heard.adopters.tolist()) <= {0, 7}
    assert all(story.size > 1 for story in others)


def test_messages_with_other_parameters_are_another_batch(entered: Enter) -> None:
    world = tiny_world()
    options: dict[str, Any] = {"seeds": [0], "model": entered(Told)}
    short = [world.inject("x", span=1, **options) for _ in range(2)]
    long = [world.inject("x", span=2, **options) for _ in range(2)]
    assert short[0].group == short[1].group != long[0].group
    long[0].revise(span=1)
    assert long[0].group == short[0].group
    assert len(long[0].peers) == 3


class Stubborn(Told):
    """Fails, or is interrupted, whatever it is asked."""

    how: ClassVar[Callable[[], None]] = staticmethod(lambda: None)

    def chance(self, exposure: Exposure) -> Floats:
        type(self).how()
        return super().chance(exposure)


def fault() -> None:
    raise RuntimeError("never")


def test_large_cascades_fail_one_by_one(entered: Enter, monkeypatch: Any) -> None:
    monkeypatch.setattr(Stubborn, "how", staticmethod(fault))
    monkeypatch.setattr(exposures, "CHUNK", 1)
    world, name = tiny_world(), entered(Stubborn)
    stories = [world.inject("x", seeds=[0], model=name) for _ in range(2)]
    other = world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step()
    assert [story.status for story in stories] == ["failed", "failed"]
    assert other.size > 1


def test_a_batch_to_whom_nobody_listens_is_asked_nothing(entered: Enter, monkeypatch: Any) -> None:
    monkeypatch.setattr(Stubborn, "how", staticmethod(fault))
    world, name = World.from_edges([0], [1], 4), entered(Stubborn)
    stories = [world.inject("x", seeds=[2, 3], model=name) for _ in range(3)]
    world.step()
    assert [story.status for story in stories] == ["quiet"] * 3


@pytest.mark.parametrize("alone", [False, True])
def test_a_person_may_interrupt_a_batch(entered: Enter, monkeypatch: Any, alone: bool) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(Stubborn, "how", staticmethod(lambda: signal.raise_signal(signal.SIGINT)))
    if alone:
        monkeypatch.setattr(exposures, "CHUNK", 1)
    world, name = tiny_world(), entered(Stubborn)
    for _ in range(2):
        world.inject("x", seeds=[0], model=name)
    try:
        with pytest.raises(KeyboardInterrupt):
            world.step()
    finally:
        signal.signal(signal.SIGINT, before)


def test_only_the_main_thread_is_interrupted_by_a_person() -> None:
    assert not is_interruption(ValueError())
    assert is_interruption(KeyboardInterrupt())
    told: list[bool] = []
    worker = threading.Thread(target=lambda: told.append(is_interruption(KeyboardInterrupt())))
    worker.start()
    worker.join()
    assert told == [False]


def test_a_large_and_a_small_cascade_share_a_tick(entered: Enter, monkeypatch: Any) -> None:
    monkeypatch.setattr(exposures, "CHUNK", 60)
    name, digests = entered(Told), set()
    for _ in range(2):
        world = tiny_world()
        for seeds in ([0], list(range(0, 60, 2)), [5], [9, 11, 14], [3]):
            world.inject("x", seeds=seeds, model=name, tags=3)
        world.step(3)
        digests.add(world.digest())
        alone(name, monkeypatch)
    assert len(digests) == 1
