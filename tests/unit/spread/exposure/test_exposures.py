"""The per-exposure form: what a model is shown, and what is done with its answer."""

import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Exposure, Floats, PerExposure, World
from sim.spread.cascade.faults import is_interruption
from sim.spread.exposure import exposures
from sim.testing import tiny_world

Enter = Callable[[type], str]


class Watching(PerExposure):
    """Notes what it is shown, and convinces nobody but by order."""

    seen: ClassVar[list[Any]] = []
    wanted: ClassVar[Callable[[Exposure], Any]] = len
    answer: ClassVar[Any] = 0.0

    def chance(self, exposure: Exposure) -> Floats:
        cls = type(self)
        cls.seen.append(cls.wanted(exposure))
        answer: Floats = cls.answer(exposure) if callable(cls.answer) else cls.answer
        return answer


class Patient(Watching):
    """Speaks for three ticks."""

    def speaks_for(self) -> int:
        return 3


class Weighed(Patient):
    """Convinces by trust, the more the newer."""

    def chance(self, exposure: Exposure) -> Floats:
        return exposure.trust * exposure.novelty


@pytest.fixture
def watch(entered: Enter) -> Callable[..., Any]:
    def run(
        world: World,
        wanted: Any,
        *,
        answer: Any = 0.0,
        ticks: int = 1,
        cls: Any = Watching,
        **more: Any,
    ) -> Any:
        model: Any = type("Watcher", (cls,), {"__module__": __name__, "seen": []})
        model.wanted = staticmethod(wanted)
        model.answer = staticmethod(answer) if callable(answer) else answer
        story = world.inject("x", **{"seeds": [0], "model": entered(model), **more})
        world.step(ticks)
        return story, model.seen

    return run


@pytest.fixture
def star() -> World:
    # 1, 2, 3 hear 0; 3 also hears 4
    return World.from_edges([0, 0, 0, 4], [1, 2, 3, 3], trust=[0.2, 0.4, 1.0, 1.0], seed=1,
                            community=[0, 0, 1, -1, 1])  # fmt: skip


def test_trust_is_that_of_each_tie(star: World, watch: Callable[..., Any]) -> None:
    _, seen = watch(star, lambda e: e.trust)
    np.testing.assert_allclose(seen[0], [0.2, 0.4, 1.0], atol=1e-5)
    _, seen = watch(World.from_edges([0, 0], [1, 2]), lambda e: e.trust)
    assert seen[0].tolist() == [1.0, 1.0]


def test_columns_of_both_ends(star: World, watch: Callable[..., Any]) -> None:
    _, seen = watch(star, lambda e: (e.viewer.community, e.source.community, e.viewer.openness))
    assert seen[0][0].tolist() == [0, 1, -1]
    assert seen[0][1].tolist() == [0, 0, 0]
    assert seen[0][2].tolist() == (star.agents.personality[1:4, 0] / 255).tolist()


def test_columns_that_nobody_has_are_refused(star: World, watch: Callable[..., Any]) -> None:
    story, _ = watch(star, lambda e: e.viewer.opennes)
    assert "Did you mean 'openness'" in story.error
    story, _ = watch(star, lambda e: e.viewer._hidden)
    assert "_hidden" in story.error


def test_interest_is_the_share_of_the_message_s_tags(
    star: World, watch: Callable[..., Any]
) -> None:
    names = star.agents.vocabulary.names(0b1111)
    _, seen = watch(star, lambda e: e.interest, tags=names)
    interests = [int(mask) & 0b1111 for mask in star.agents.interests[1:4]]
    assert seen[0].tolist() == [mask.bit_count() / 4 for mask in interests]
    _, seen = watch(star, lambda e: e.interest, tags=[])
    assert seen[0].tolist() == [1.0, 1.0, 1.0]


def test_the_message_and_its_age(star: World, watch: Callable[..., Any]) -> None:
    star.step(5)
    wanted = lambda e: (e.message.text, e.message.created, e.age_ticks.tolist())  # noqa: E731
    _, seen = watch(star, wanted, ticks=2, cls=Patient)
    assert seen == [("x", 5, [1.0, 1.0, 1.0]), ("x", 5, [2.0, 2.0, 2.0])]


def test_repeats_count_hearings_of_earlier_ticks(watch: Callable[..., Any]) -> None:
    # 2 hears both 0 and 1 in each of three ticks
    world = World.from_edges([0, 1], [2, 2])
    wanted = lambda e: (e.repeats.tolist(), e.novelty.tolist())  # noqa: E731
    _, seen = watch(world, wanted, ticks=3, cls=Patient, seeds=[0, 1])
    assert seen == [([0, 0], [1, 1]), ([2, 2], [1 / 3, 1 / 3]), ([4, 4], [0.2, 0.2])]


def test_repeats_stop_at_255(watch: Callable[..., Any]) -> None:
    world = World.from_edges(np.arange(300), np.full(300, 300))
    _, seen = watch(world, lambda e: e.repeats, ticks=2, cls=Patient, seeds=np.arange(300))
    assert set(seen[1].tolist()) == {255.0}


def test_the_share_of_sources_that_adopted(star: World, watch: Callable[..., Any]) -> None:
    _, seen = watch(star, lambda e: e.adopted_share.tolist())
    assert seen == [[1.0, 1.0, 0.5]]
    _, seen = watch(star, lambda e: e.adopted_share.tolist(), seeds=[0, 4])
    assert seen == [[1.0, 1.0, 1.0, 1.0]]


def test_the_share_grows_with_those_that_adopt(watch: Callable[..., Any]) -> None:
    world = World.from_edges([0, 0, 1], [1, 2, 2])
    convince = lambda e: np.array([1.0, 0.0]) if len(e) == 2 else np.zeros(1)  # noqa: E731
    _, seen = watch(world, lambda e: e.adopted_share.tolist(), ticks=2, answer=convince)
    assert seen == [[1.0, 0.5], [1.0]]


def test_ties_have_their_kind_or_are_follows(star: World, watch: Callable[..., Any]) -> None:
    _, seen = watch(star, lambda e: e.tie_kind)
    assert seen[0].tolist() == [0, 0, 0]
    star.network().kind = np.array([1, 2, 3, 4], np.uint8)
    _, seen = watch(star, lambda e: e.tie_kind)
    assert seen[0].tolist() == [1, 2, 3]


def test_one_number_for_all_is_enough(star: World, watch: Callable[..., Any]) -> None:
    story, _ = watch(star, len, answer=1.0)
    assert story.adopters.tolist() == [0, 1, 2, 3]
    assert story.contacts_seen == 3


def test_nobody_is_asked_about_nothing(watch: Callable[..., Any]) -> None:
    story, seen = watch(World.from_edges([0], [1], 3), len, seeds=[2])
    assert seen == []
    assert story.status == "quiet"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda e: np.zeros(len(e) + 1), r"shape \(3,\), got \(4,\)"),
        (lambda e: np.zeros((len(e), 1)), r"shape \(3,\), got \(3, 1\)"),
        (lambda e: np.array([0.1, np.nan, 0.2]), "NaN or infinity; check for a division by 0"),
        (lambda e: np.array([0.1, np.inf, 0.2]), "NaN or infinity; check for a division by 0"),
        (lambda e: -np.inf, "NaN or infinity; check for a division by 0"),
        (lambda e: 0.1 if e.trust > 0.5 else 0.2, "numpy.where instead"),
        (lambda e: "often", "real numbers, got <U5"),
        (lambda e: np.full(len(e), 1j), "real numbers, got complex128"),
        (lambda e: np.full(len(e), None), "real numbers, got object"),
        (lambda e: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_answers_that_make_no_sense_stop_the_cascade(
    star: World, watch: Callable[..., Any], answer: Any, sentence: str
) -> None:
    story, _ = watch(star, len, answer=answer)
    assert story.status == "failed"
    assert re.search(sentence, story.error)
    assert story.size == 1


@pytest.mark.parametrize("chunk", [1, 2, 5, 64])
def test_the_size_of_chunks_decides_nothing(entered: Enter, monkeypatch: Any, chunk: int) -> None:
    options: dict[str, Any] = {"seeds": [0, 5], "model": entered(Weighed)}
    one, two = tiny_world(), tiny_world()
    whole = one.inject("x", **options)
    one.step(10)
    monkeypatch.setattr(exposures, "CHUNK", chunk)
    parts = two.inject("x", **options)
    two.step(10)
    assert one.digest() == two.digest()
    assert parts.size == whole.size > 10


def test_the_absent_are_not_shown_anything_until_they_are_back(
    star: World, watch: Callable[..., Any]
) -> None:
    star.agents.set_status([2], 3)
    story, seen = watch(star, len, ticks=2, cls=Patient)
    star.agents.set_status([2], 1)
    star.step()
    assert seen == [2, 2, 3]
    assert story.size == 1


class Moody(PerExposure):
    """Fails for messages of one tag, in one way or another."""

    way: ClassVar[Callable[[], Any]]

    def chance(self, exposure: Exposure) -> Floats:
        low = exposure.interest < 0.5
        return np.where(low, type(self).way(), 0.5) if low.any() else np.full(len(exposure), 0.5)


class Spanless(PerExposure):
    """Cannot say for how long it speaks."""

    def speaks_for(self) -> int:
        raise KeyboardInterrupt


def _raised() -> None:
    raise RuntimeError("not this one")


@pytest.mark.parametrize(
    ("way", "sentence"),
    [(_raised, "RuntimeError: not this one"), (lambda: np.nan, "NaN or infinity; check")],
)
def test_one_message_fails_alone(entered: Enter, monkeypatch: Any, way: Any, sentence: str) -> None:
    monkeypatch.setattr(Moody, "way", staticmethod(way), raising=False)
    world, name = World.from_edges([0, 0, 0], [1, 2, 3]), entered(Moody)
    held = np.bitwise_or.reduce(world.agents.interests)
    rare = next(bit for bit in range(64) if not int(held) >> bit & 1)
    good, bad, best = (
        world.inject("x", seeds=[0], model=name, tags=tags) for tags in (0, 1 << rare, 0)
    )
    world.step()
    assert [story.status for story in (good, bad, best)] == ["running", "failed", "running"]
    assert (bad.size, len(bad.history)) == (1, 1)
    assert sentence in str(bad.error)
    assert len(good.history) == len(best.history) == 2


def test_a_span_that_cannot_be_told_stops_its_own_cascade(entered: Enter) -> None:
    world, name = tiny_world(), entered(Spanless)
    stories = [world.inject("x", seeds=[0], model=name) for _ in range(2)]
    other = world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step()
    assert [story.status for story in stories] == ["failed", "failed"]
    assert "KeyboardInterrupt" in str(stories[0].error)
    assert other.size > 1


def test_a_person_may_interrupt_a_model(entered: Enter, monkeypatch: Any) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    name = entered(Watching)
    monkeypatch.setattr(Watching, "answer", lambda _: signal.raise_signal(signal.SIGINT))
    world = tiny_world()
    world.inject("x", seeds=[0], model=name)
    try:
        with pytest.raises(KeyboardInterrupt):
            world.step()
    finally:
        signal.signal(signal.SIGINT, before)


def test_only_the_main_thread_is_interrupted_by_a_person() -> None:
    assert not is_interruption(ValueError())
    assert is_interruption(KeyboardInterrupt())
    with ThreadPoolExecutor() as pool:
        assert not pool.submit(is_interruption, KeyboardInterrupt()).result()
