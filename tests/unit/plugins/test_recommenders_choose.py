"""Every recommender does what its name says, at its defaults and those of a platform."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sim import World, names, spec
from sim.lab import Comparison, compare_recommenders_now
from sim.lab.runs.measures import chosen, liking, taste

SAYS = {
    "blend": (("engagement", "random", 0.012, 0.015), ("agreement", "random", 0.05, 0.08)),
    "bridging": (("votes", "blend", 0.2, 2.0),),
    "chronological": (("age", "random", -0.8, -3.0),),
    "collaborative-filtering": (
        ("taste", "random", 0.05, 0.05),
        ("liking", "random", 0.03, 0.07),
        ("agreement", "popularity", 0.03, 0.03),
    ),
    "content": (("taste", "random", 0.4, 0.4), ("agreement", "random", 0.12, 0.2)),
    "diversity": (("variety", "blend", 0.015, 0.03),),
    "followed-ratio": (("strangers", "chronological", -0.05, -0.08),),
    "hot": (("votes", "chronological", 0.8, 5.0), ("age", "popularity", -0.9, -2.0)),
    "most-commented": (("answers", "random", 0.03, 0.8),),
    "popularity": (("votes", "random", 1.2, 8.0), ("inequality", "random", 0.05, 0.05)),
    "random": (("coverage", "popularity", 0.02, 0.02),),
    "similar-users": (("likeness", "random", 0.02, 0.03),),
    "trust-weighted": (("trust", "random", 0.08, 0.08),),
    "x-style": (("taste", "random", 0.4, 0.4), ("agreement", "random", 0.12, 0.2)),
}
"""What each has more (or less) of than which other: by at least how much soon, and in the end."""
OURS = [
    name
    for name in names("recommender")
    if spec(name, "recommender").origin.startswith(("plugins.", "sim."))
]


def made(agents: int, seed: int, **settings: Any) -> World:
    """A world at the defaults, where it is always the same time of day."""
    told = {"rhythm": "flat"} | settings
    return World.create(agents=agents, mean_degree=20, seed=seed, platform=told)


@cache
def side_by_side(agents: int, ticks: int, seeds: int, **settings: Any) -> Comparison:
    many = range(1, seeds + 1)
    return compare_recommenders_now(
        lambda seed: made(agents, seed, **settings), [*SAYS], ticks=ticks, seeds=many
    )


def holds(found: Comparison, name: str, *, soon: bool) -> None:
    for measure, other, quick, slow in SAYS[name]:
        more, least = found.difference(other, name, measure).mean, quick if soon else slow
        assert more * np.sign(least) >= abs(least), (measure, other, more)


def test_each_of_ours_says_what_it_does() -> None:
    assert {*SAYS} == {*OURS}


@pytest.mark.parametrize("name", sorted(SAYS))
def test_each_does_what_its_name_says(name: str) -> None:
    holds(side_by_side(400, 16, 1, posting=0.3), name, soon=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SAYS))
def test_each_does_what_its_name_says_in_larger_worlds(name: str) -> None:
    holds(side_by_side(4000, 48, 3), name, soon=False)


def bridged(agents: int, ticks: int, **settings: Any) -> float:
    """How much less bridging keeps communities to themselves than the blend does."""
    told, kind = {"rhythm": "flat"} | settings, "planted-communities"
    found = compare_recommenders_now(
        lambda seed: World.create(agents, kind, mean_degree=20, seed=seed, platform=told),
        ["bridging", "blend"], ticks=ticks, seeds=[1, 2],
    )  # fmt: skip
    return found.difference("bridging", "blend", "separation").mean


def test_bridging_shows_more_of_other_communities() -> None:
    assert bridged(400, 16, posting=0.2) > 0.004


@pytest.mark.slow
def test_bridging_shows_more_of_other_communities_in_larger_worlds() -> None:
    assert bridged(2000, 48) > 0.015


def test_feeds_are_full_of_a_choice() -> None:
    """Ten of 36 and more; at 24 candidates, a quarter of them from beyond, it was 7 of 12."""
    world = made(1500, 3)
    platform: Any = world.platform
    platform.recommend("random")
    world.step(30)
    assert platform.exposures.parts
    counts = np.concatenate([part.counts for part in platform.exposures.parts])
    assert counts.mean() > 0.95 * platform.settings.slots


def test_what_members_did_tells_their_taste() -> None:
    """AUC 0.66 to 0.69 after two days; 0.500 while vectors began all but at 0."""
    assert taste_learned(1200, 40) > 0.6


@pytest.mark.slow
def test_what_members_did_tells_more_of_their_taste_the_longer_it_lasts() -> None:
    assert taste_learned(4000, 48) > 0.65
    assert taste_learned(4000, 120) > 0.69


def taste_learned(agents: int, ticks: int) -> float:
    """The chance that who has an interest is guessed to like it more, in the last tenth."""
    world = made(agents, 5)
    platform: Any = world.platform
    platform.recommend("collaborative-filtering")
    world.step(ticks - ticks // 10)
    right = pairs = 0.0
    for _ in range(ticks // 10):
        world.step()
        told = chosen(world, platform)["taste"]
        right, pairs = right + told[0], pairs + told[1]
    assert not platform.faults
    return right / pairs


def offered(**columns: Any) -> Any:
    kinds = {"message": np.uint32, "stops": np.int64}
    given = {k: np.array(v, kinds.get(k, np.float32)) for k, v in columns.items()}
    return SimpleNamespace(**given)


def test_taste_is_the_area_under_a_curve_within_messages() -> None:
    one = offered(message=[7, 7, 7, 8, 8, 9], interest=[1, 0, 0, 0.5, 0, 1])
    scores = np.array([0.3, 0.1, 0.3, 0.2, 0.9, 5.0], np.float32)
    # of 7: above one, level with the other; of 8: below; of 9 there is only one
    assert taste(one, scores) == (1.5, 3.0)
    assert taste(offered(message=[], interest=[]), scores[:0]) == (0.0, 0.0)


def test_liking_counts_pairs_of_one_member_s_candidates() -> None:
    two = offered(stops=[0, 3, 4], appeal=[1, 1, 0.5, 1], interest=[1, 0, 1, 1])
    # likings 1, 1/4, 5/8: 1 above 1/4 right, 1 above 5/8 level, 5/8 above 1/4 right
    assert liking(two, np.array([0.3, 0.1, 0.3, 0.2], np.float32)) == (2.5, 3.0)
