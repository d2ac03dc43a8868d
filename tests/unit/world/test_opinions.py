"""Opinions by topic, kept with the world."""

import numpy as np
import pytest

from sim import World, load, save
from sim.errors import InputError, UnknownNameError
from sim.testing import tiny_world
from sim.world.opinions import Opinions


def test_what_is_read_cannot_be_written_through() -> None:
    opinions = Opinions(2)
    opinions.hold("bridge", [0.5, -0.5])
    with pytest.raises(ValueError, match="read-only"):
        opinions["bridge"][0] = 1
    assert list(opinions) == ["bridge"]
    assert len(opinions) == 1
    assert "tunnel" not in opinions
    for look in (opinions.__getitem__, opinions.span):
        with pytest.raises(UnknownNameError, match="tunnel"):
            look("tunnel")


def test_a_topic_keeps_its_range() -> None:
    opinions = Opinions(2)
    opinions.hold("t", [0.0, 1.0], span=(0, 1))
    opinions.hold("t", [0.5, 0.5], span=(-9, 9))
    assert opinions.span("t") == (0.0, 1.0)
    assert opinions["t"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("topic", "values", "span", "sentence"),
    [
        ("", [0, 0], (-1, 1), "1 to 64 printable"),
        ("a\nb\x07", [0, 0], (-1, 1), "1 to 64 printable"),
        ("t", [0], (-1, 1), "one number an agent"),
        ("t", [0, 2], (-1, 1), r"lie in \[-1, 1\]"),
        ("t", [0, 0], (1, 1), "low < high"),
    ],
)
def test_what_cannot_be_held(topic: str, values: object, span: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Opinions(2).hold(topic, values, span=span)  # type: ignore[arg-type]


def test_growing_leaves_newcomers_without_an_opinion() -> None:
    opinions = Opinions(1)
    opinions.hold("t", [0.5])
    copied = opinions.copied()
    opinions.grow(2)
    assert np.isnan(opinions["t"]).tolist() == [False, True, True]
    assert copied["t"].tolist() == [0.5]


def test_they_are_saved_and_part_of_the_digest(tmp_path: object) -> None:
    world = tiny_world()
    bare = world.digest()
    world.opinions.hold("bridge", np.linspace(-1, 1, 60))
    world.opinions.hold("a tunnel", np.full(60, np.nan), span=(0, 1))
    assert world.digest() != bare
    path = f"{tmp_path}/w.hub"
    save(world, path)
    again = load(path)
    assert again.digest() == world.digest()
    assert again.opinions.span("a tunnel") == (0, 1)
    assert np.array_equal(again.opinions["bridge"], world.opinions["bridge"])
    assert World.restore(*tiny_world().dump()).digest() == bare
