"""Every formula of the recommenders, by hand."""

from math import log, log10
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Act, Candidates, Platform, World, load, make, save
from sim.platform import tastes_of
from sim.platform.acts.log import ActColumns
from tests.unit.plugins.shown import around, candidates

f32 = np.float32


def scores(name: str, found: Candidates, slots: int = 10, **parameters: Any) -> list[float]:
    given: list[float] = make(name, "recommender", **parameters).scores_of(found, slots).tolist()
    return given


def running(**settings: Any) -> tuple[World, Platform]:
    told = {"posting": 0.2, "rhythm": "flat"} | settings
    world = World.create(agents=400, mean_degree=8, seed=7, platform=told)
    assert world.platform is not None
    return world, world.platform


def test_most_commented_counts_answers() -> None:
    found = candidates(replies=[3, 0, 3], age=[0, 10, 20])
    assert scores("most-commented", found) == pytest.approx([3, -0.001, 2.998])


@pytest.mark.parametrize(
    ("likes", "dislikes", "hours", "expected"),
    [
        (100, 0, 12.5, 1.0),  # 2 - 1
        (0, 10, 0.0, -1.0),
        (5, 5, 25.0, -2.0),  # no votes left: sign 0
        (1, 0, 0.0, 0.0),  # log 1
        (1010, 10, 1.0, 3 - 3600 / 45_000),
    ],
)
def test_hot_is_reddit_s_formula(
    likes: float, dislikes: float, hours: float, expected: float
) -> None:
    found = candidates(likes=[likes], dislikes=[dislikes], hours=[hours])
    assert scores("hot", found) == pytest.approx([expected], abs=1e-6)
    created = 1_700_000_000 - hours * 3600  # as Reddit writes it, for any now
    votes = likes - dislikes
    theirs = np.sign(votes) * log10(max(abs(votes), 1)) + (created - 1_134_028_003) / 45_000
    now = (1_700_000_000 - 1_134_028_003) / 45_000
    assert theirs - now == pytest.approx(expected, abs=1e-6)


def test_x_style_is_the_product_of_oasis() -> None:
    mine, tags = np.array([[0b0011] * 4, [0b0011, 0b0110, 0b1, 0b1]], np.uint64)
    told: Any = {"hours": [0, 100, 171.8, 500], "fans": [999_999, 0, 9, 9]}
    found = candidates(viewer_interests=mine, tags=tags, **told)
    expected = [log(2.718) * 2 * 1, log(1.718) * 1 * 0.5, 0, 0]
    assert scores("x-style", found) == pytest.approx(expected, abs=1e-5)
    minutes = scores("x-style", found, unit=6000.0)  # 100 hours are one unit
    assert minutes[1] == pytest.approx(log(2.708) * 0.5, abs=1e-5)


def test_trust_weighted_weighs_source_and_author() -> None:
    told: Any = {"trust": [0.5, 0.0], "reputation": [1.0, 3.0], "interest": [1.0, 0.0]}
    found = candidates(followed=np.array([True, False]), age=[0, 10], **told)
    expected = [0.5 * 0.5 * 2, 0.2 * 0.75 * 1 - 0.001]
    assert scores("trust-weighted", found) == pytest.approx(expected)


def test_similar_users_share_interests_and_traits() -> None:
    here = around(personality=np.array([[0] * 5, [255] * 5, [51] * 5], np.uint8))
    viewer, source = np.array([0, 0, 0], np.uint32), np.array([1, 2, 2], np.uint32)
    mine, theirs = np.array([[0b0111] * 3, [0b0111, 0b1110, 0b1000]], np.uint64)
    interests: Any = {"viewer_interests": mine, "source_interests": theirs}
    found = candidates(here, viewer=viewer, source=source, age=[0, 0, 5], **interests)
    assert scores("similar-users", found) == pytest.approx([0, 0.5 * 0.8, -0.0005], abs=1e-6)


def test_a_share_of_places_goes_to_those_followed() -> None:
    followed = np.array([True] * 5 + [False] * 5)
    found = candidates(age=[0, 1, 2, 3, 4, 0, 1, 2, 3, 4], followed=followed)
    given = np.array(scores("followed-ratio", found))
    assert given[:5] == pytest.approx([-(k + 0.5) / 0.6 for k in range(5)])
    assert given[5:] == pytest.approx([-(k + 0.5) / 0.4 for k in range(5)])
    assert followed[np.argsort(-given)[:5]].sum() == 3
    for ratio, places in ((1.0, 5), (0.0, 0)):
        given = np.array(scores("followed-ratio", found, ratio=ratio))
        order = np.argsort(-given)
        assert followed[order[:5]].sum() == places
        assert followed[order[5:]].sum() == 5 - places  # and then the others


def test_diversity_chooses_one_after_another() -> None:
    found = candidates(
        interest=[1.0, 0.9, 0.5, 0.45],
        tags=np.array([0b011, 0b011, 0b110, 0b100], np.uint64),
        author=np.array([1, 2, 3, 1], np.uint32),
    )
    plain = {"trust": 0, "followed": 0, "fresh": 0, "popular": 0, "friends": 0}
    given = scores("diversity", found, 4, variety=0.6, same_author=0.2, **plain)
    # 0 first; then 2: .5 - .6/3 = .3 of .9 - .6 = .3 (by the draw), .45 - .2 = .25
    assert given[0] == pytest.approx(1.0)
    assert given[1] == pytest.approx(0.9 - 0.6)
    assert given[2] == pytest.approx(0.5 - 0.6 / 3)
    assert given[3] == pytest.approx(0.45 - 0.2 - 0.6 / 2)
    assert scores("diversity", found, 4, variety=0, same_author=0) == scores("blend", found)


def test_bridging_counts_likes_of_other_communities() -> None:
    world, platform = running(recommender="bridging")
    world.agents.set_community(np.arange(400) % 2, ["even", "odd"])
    world.step(6)
    posts, counts = platform.posts, platform.held["bridging.counts"]
    expected = np.zeros((posts.next, 2))
    for tick, acts in platform.log:
        for who, act, message in zip(acts.agent, acts.act, acts.message, strict=True):
            if act in {Act.LIKE, Act.REPOST} and tick < platform.tick and message >= posts.first:
                author = int(posts.author[posts.row(int(message))])
                expected[message] += (int(who) % 2 != author % 2, 1)
    assert counts[:, 1].sum() > 100
    assert (counts == expected[posts.first :][: len(counts)]).all()
    found = candidates(platform, message=posts.numbers[:3], row=np.arange(3))
    bonus = np.array(scores("bridging", found)) - scores("blend", found)
    assert bonus == pytest.approx(1.5 * counts[:3, 0] / (counts[:3, 1] + 5), abs=1e-6)
    assert scores("bridging", found, bridge=0) == scores("blend", found)
    assert scores("bridging", candidates()) == scores("blend", candidates())


# Collaborative filtering


def test_tastes_tell_two_camps_apart() -> None:
    """Even members like the posts of even authors alone."""
    world, platform = running(recommender="chronological", log_ticks=48)
    world.step(2)
    posts, taste = platform.posts, make("collaborative-filtering", "recommender", rate=0.2)
    everybody = np.arange(400)
    for tick in range(3, 30):
        world.step()
        rows = len(posts) - 1 - (np.arange(400) * 7 + tick) % min(len(posts), 300)
        like = posts.author[rows] % 2 == everybody % 2
        code = np.where(like, Act.LIKE, Act.DISLIKE)
        platform.log._blocks[tick] = [
            ActColumns.of(everybody, code, posts.numbers[rows], posts.author[rows])
        ]
        taste.prepare(platform)
    rows = np.arange(len(posts) - 200, len(posts))
    found = candidates(
        platform, viewer=np.repeat([0, 1], 200).astype(np.uint32), row=np.tile(rows, 2)
    )
    given = taste.score(found).reshape(2, 200)
    mine = posts.author[rows] % 2 == 0
    assert given[0][mine].mean() > given[0][~mine].mean() + 0.2
    assert given[1][~mine].mean() > given[1][mine].mean() + 0.2


def test_tastes_are_saved_and_go_on_as_if_not(tmp_path: Path) -> None:
    world, platform = running(recommender="collaborative-filtering", window=5)
    world.step(8)
    save(world, tmp_path / "half.hub")
    again = load(tmp_path / "half.hub")
    for one in (world, again):
        one.step(4)
    assert again.digest() == world.digest()
    name = platform.recommenders[0]._name  # type: ignore[attr-defined]
    tastes: Any = tastes_of(platform, name)
    assert tastes.posts.shape[0] <= len(platform.posts)
    assert np.abs(tastes.bias).max() > 0.05
    assert not platform.faults


def test_tastes_take_in_newcomers_and_history() -> None:
    world, platform = running(recommender="chronological")
    world.step(5)
    platform.recommend("collaborative-filtering")
    world.step(1)  # learns what the log holds
    (name,) = {key.rpartition(".")[0] for key in platform.held} - {"reputation"}
    tastes: Any = tastes_of(platform, name)
    assert tastes.marks.tolist() == [0, 5]
    assert np.abs(tastes.bias).max() > 0
    nothing = candidates(around(held={}), row=np.zeros(2, np.int64))
    assert scores("collaborative-filtering", nothing) == [0, 0]
