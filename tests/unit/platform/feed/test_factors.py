"""Factors from tables and from platforms: what is refused, kept and taken in."""

import numpy as np
import pytest

from sim import World
from sim.errors import InputError
from sim.platform import Factors, Tastes, learn_tastes, tastes_of

NAME = "tried"


def test_the_first_guess_is_the_mean() -> None:
    found = Factors(3, 2, factors=2)
    found.learn([0, 1, 2], [0, 1, 0], [1.0, 2.0, 6.0], rounds=0)
    assert found.middle == 3
    assert np.abs(found.guess([0, 1], [1, 0]) - 3).max() < 0.03
    found.learn([0], [0], [9.0], rounds=1)
    found.learn([0], [0], [9.0], rounds=1)
    assert found.middle == 9  # until the first round is done


def test_the_same_seed_learns_the_same() -> None:
    told = np.arange(12) % 4, np.arange(12) % 3, np.arange(12) / 12
    guesses = []
    for seed in (1, 1, 2):
        found = Factors(4, 3, seed=seed)
        found.learn(*told, rounds=3, misses=2)
        guesses.append(found.guess([0, 1, 2], [0, 1, 2]).tolist())
    assert guesses[0] == guesses[1] != guesses[2]


@pytest.mark.parametrize(
    ("members", "items", "values", "sentence"),
    [
        ([0, 5], [0, 0], [1, 1], "5 members|members, numbered"),
        ([0], [-1], [1], "items, numbered"),
        ([0, 1], [0], [1], "one length"),
        ([0, 1], [0, 1], [1], "one value a pair"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    members: list[int], items: list[int], values: list[int], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Factors(3, 2).learn(members, items, values)


def test_rows_follow_the_table_of_posts_and_nothing_is_learned_twice() -> None:
    world = World.create(
        agents=150, mean_degree=6, seed=2,
        platform={"posting": 0.3, "rhythm": "flat", "window": 4, "recommender": "chronological"},
    )  # fmt: skip
    platform = world.platform
    assert platform is not None
    assert tastes_of(platform, NAME) is None
    for _ in range(9):
        world.step()
        learn_tastes(platform, NAME, factors=4, rate=0.1, pull=0.01, misses=1)
        found = tastes_of(platform, NAME)
        assert found is not None
        assert found.posts.shape == (len(platform.posts), 4)
        assert found.marks.tolist() == [platform.posts.first, platform.tick - 1]
    before = {name: column.copy() for name, column in platform.held.items()}
    learn_tastes(platform, NAME, factors=4, rate=0.1, pull=0.01, misses=1)
    assert all((before[name] == column).all() for name, column in platform.held.items())


@pytest.mark.parametrize("field", Tastes._fields)
def test_columns_that_do_not_go_together_are_learned_anew(field: str) -> None:
    """A file may say anything, and kernels would read beyond what it says."""
    world = World.create(agents=60, mean_degree=6, seed=2, platform={"posting": 0.5})
    platform = world.platform
    assert platform is not None
    world.step(3)
    learn_tastes(platform, NAME, factors=4, rate=0.1, pull=0.01, misses=1)
    whole = {name: column.copy() for name, column in platform.held.items()}
    platform.held[f"{NAME}.{field}"] = platform.held[f"{NAME}.{field}"][:-1]
    assert tastes_of(platform, NAME) is None
    learn_tastes(platform, NAME, factors=4, rate=0.1, pull=0.01, misses=1)
    assert all((whole[name] == column).all() for name, column in platform.held.items())


def test_members_come_to_what_they_write_and_like_and_what_it_is_about() -> None:
    world = World.create(
        agents=400, mean_degree=8, seed=2, platform={"posting": 0.3, "rhythm": "flat"}
    )
    platform = world.platform
    assert platform is not None
    for _ in range(20):
        world.step()
        learn_tastes(platform, NAME, factors=16, rate=0.05, pull=0.005, misses=1)
    found = tastes_of(platform, NAME)
    assert found is not None
    drawn = found.members.astype(np.float64) @ found.topics.T.astype(np.float64)
    have = (world.agents.interests[:, np.newaxis] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert drawn[have == 1].mean() > drawn[have == 0].mean() + 0.1
