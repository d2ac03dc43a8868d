from math import isnan, nan, sqrt
from typing import Any

import numpy as np
import pytest

from sim import Candidates, Recommender, World, names, register
from sim.errors import InputError, UnknownNameError
from sim.lab import Comparison, compare_recommenders_now, suggested
from sim.lab.paired import Difference
from sim.lab.recommenders import CLAIMS, claims_of
from sim.lab.runs.measures import FEED_MEASURES, ExposureSums, _gini
from tests.raising import raises


def made(seed: int) -> World:
    return World.create(agents=300, mean_degree=8, seed=seed, platform={"posting": 0.2})


def test_a_recommender_beside_its_own_twin_differs_in_nothing() -> None:
    @register("twin")
    class Twin(Recommender):
        def score(self, candidates: Candidates) -> Any:
            return -candidates.age

    found = compare_recommenders_now(made, ["chronological", "twin"], ticks=8, seeds=[3, 4])
    for measure in FEED_MEASURES:
        apart = found.difference("chronological", "twin", measure)
        assert isnan(apart.mean) or apart.mean == apart.half == 0
    assert not isnan(found.mean("twin", "variety"))
    assert isnan(found.mean("twin", "adopted"))


def test_runs_are_repeatable_and_told() -> None:
    told: list[tuple[str, float]] = []
    pair = ["random", "popularity"]
    how: dict[str, Any] = {"ticks": 6, "seeds": [1]}
    first = compare_recommenders_now(made, pair, report=lambda *said: told.append(said), **how)
    again = compare_recommenders_now(made, pair, **how)
    assert np.array_equal(first.values, again.values, equal_nan=True)
    assert told[0] == ("seed 1, random", 0.0)
    assert [share for _, share in told] == sorted(share for _, share in told)


def test_popularity_makes_success_more_unequal_than_chance() -> None:
    two = ("chronological", "popularity")
    found = compare_recommenders_now(made, two, ticks=24, seeds=[1, 2, 3])
    assert found.difference(*two, "inequality").sign == 1
    verdicts = {j.claim: j.verdict for j in found.judged(*two)}
    assert verdicts["popularity has more inequality than chronological"] == "agrees"


def compared(column: int, second: Any, names: tuple[str, str] = ("a", "b")) -> Comparison:
    """Return a comparison whose second recommender has these numbers, and the first zeros."""
    values = np.full((2, 3, len(FEED_MEASURES)), nan)
    values[:, :, column] = [[0, 0, 0], second]
    return Comparison(names, (4, 5, 6), 9, values)


def test_it_has_the_faces_of_every_result() -> None:
    found = compared(0, [1, 2, 3])
    one = next(iter(FEED_MEASURES))
    rows = found.to_pandas()
    told = rows.loc[0, ["measure", "recommender", "against", "pairs"]].tolist()
    assert told == [one, "b", "a", 3]
    assert (rows["low"][0] + rows["high"][0]) / 2 == pytest.approx(2)
    runs = found.table("runs")
    assert runs.where(recommender="b")[one].tolist() == [1, 2, 3]
    assert runs["seed"].tolist() == [4, 5, 6, 4, 5, 6]
    assert found.plot(one).axes[0].get_ylabel() == one
    assert "9 ticks, 3 seeds" in found._repr_html_()
    assert repr(found) == f"Comparison(differences {len(FEED_MEASURES)}, runs 6)"


def test_intervals_are_those_of_student() -> None:
    found = compared(0, [1, 2, 3])
    found.values[:, 0, 1] = [0, 5]
    one, two = list(FEED_MEASURES)[:2]
    apart = found.difference("a", "b", one)
    assert apart.mean == 2
    assert apart.half == pytest.approx(4.302653 / sqrt(3), rel=1e-6)  # t(.975; 2)
    assert apart.sign == 0
    assert found.difference("b", "a", one).mean == -2
    assert found.difference("a", "b", two)[::2] == (5, 1)
    assert isnan(found.difference("a", "b", two).half)
    assert found.difference("a", "b", two).sign == 1
    assert isnan(found.difference("a", "b", list(FEED_MEASURES)[3]).mean)


@pytest.mark.parametrize(
    ("mean", "half", "verdict"),
    [(0.3, 0.1, "agrees"), (-0.3, 0.1, "disagrees"), (0.3, 0.5, "undecided")],
)
def test_claims_are_held_to_the_interval(mean: float, half: float, verdict: str) -> None:
    spread = half / 4.302653 * sqrt(3)
    names, column = ("chronological", "hot"), list(FEED_MEASURES).index("inequality")
    found = compared(column, mean + spread * np.array([-1, 0, 1]), names)
    assert [j.verdict for j in found.judged("chronological", "hot")] == [verdict]
    turned = Comparison(names[::-1], found.seeds, 9, found.values[::-1])
    assert [j.verdict for j in turned.judged("hot", "chronological")] == [verdict]
    assert Difference(nan, nan, 0).sign == 0


def test_claims_speak_of_what_there_is() -> None:
    for claim in CLAIMS:
        assert {claim.name, *claim.others} <= {*names("recommender")}
        assert claim.measure in FEED_MEASURES
        assert claim.sign in {1, -1}
    assert claims_of("random", "random") == ()


@pytest.mark.parametrize(
    ("chosen", "ticks", "sentence"),
    [
        (["hot"], 5, "two recommenders"),
        (["hot", "hot"], 5, "each once"),
        (["hot", "random"], 0, "1 tick"),
        (["hot", "popularty"], 5, "popularity"),
    ],
)
def test_what_cannot_be_compared_is_refused(chosen: list[str], ticks: int, sentence: str) -> None:
    raises(InputError, sentence, compare_recommenders_now, made, chosen, ticks=ticks)


def test_a_recommender_that_fails_ends_the_comparison() -> None:
    @register("broken")
    class Broken(Recommender):
        def score(self, candidates: Candidates) -> Any:
            raise ValueError("no")

    with pytest.raises(InputError, match="broken"):
        compare_recommenders_now(made, ["broken", "random"], ticks=3, seeds=[1])


def test_measures_by_hand() -> None:
    """Against plain loops over every exposure of a run."""
    world = made(5)
    platform = world.platform
    assert platform is not None
    labels = np.arange(300) % 3 - 1
    seen = ExposureSums(world, labels)
    shown: dict[int, int] = {}
    pairs: list[float] = []
    sides: list[int] = []
    tags_of: dict[int, int] = {}
    for _ in range(6):
        world.step()
        seen.look()
        feed: dict[int, list[int]] = {}
        posts = platform.posts
        for viewer, message in zip(
            platform.exposures.viewer.tolist(), platform.exposures.message.tolist(), strict=True
        ):
            row = posts.row(message)
            mask, author = int(posts.tags[row]), int(posts.author[row])
            shown[message] = shown.get(message, 0) + 1
            tags_of[viewer] = tags_of.get(viewer, 0) | mask
            pairs += [
                1 - (mask & other).bit_count() / max((mask | other).bit_count(), 1)
                for other in feed.get(viewer, [])
            ]
            feed.setdefault(viewer, []).append(mask)
            if labels[viewer] >= 0 and labels[author] >= 0:
                sides.append(1 if labels[viewer] == labels[author] else -1)
    found = seen.measures()
    assert found["variety"] == pytest.approx(np.mean(pairs))
    assert found["separation"] == pytest.approx(np.mean(sides))
    assert found["coverage"] == pytest.approx(len(shown) / platform.posts.next)
    bits = [mask.bit_count() for mask in tags_of.values() if mask]
    assert found["breadth"] == pytest.approx(np.mean(bits))
    most = max(1, int(platform.posts.next * 0.01))
    assert found["top_reach"] == pytest.approx(np.mean(sorted(shown.values())[-most:]) / 300)


def test_opinions_are_measured_where_a_model_moves_them() -> None:
    world = made(2)
    assert isnan(ExposureSums(world, np.zeros(300)).measures()["opinions"])
    world.inject("Is it safe?", seeds=range(50), model="deffuant", topic="safety")
    world.step(3)
    opinions, (low, high) = world.opinions["safety"], world.opinions.span("safety")
    found = ExposureSums(world, np.zeros(300)).measures()
    assert found["opinions"] == pytest.approx(4 * np.nanvar(opinions) / (high - low) ** 2)
    assert 0 < found["two_camps"] < 1


def test_inequality_is_the_gini_coefficient_and_of_nothing_no_number() -> None:
    assert _gini(np.array([5, 5, 5, 5])) == 0
    assert _gini(np.array([8, 0, 0, 0])) == pytest.approx(0.75)
    assert _gini(np.array([3, 1])) == pytest.approx(0.25)
    assert isnan(_gini(np.zeros(3)))
    world = made(1)
    found = ExposureSums(world, np.zeros(300)).measures()
    assert isnan(found["coverage"])
    assert isnan(found["variety"])
    with pytest.raises(RuntimeError, match="without a platform"):
        ExposureSums(World.create(agents=10, mean_degree=2, seed=1), np.zeros(10))


def test_worlds_without_ties_have_no_communities_to_find() -> None:
    alone = compare_recommenders_now(
        lambda seed: World.from_edges([], [], 20, seed=seed), ["hot", "random"], ticks=2, seeds=[1]
    )
    assert isnan(alone.mean("hot", "separation"))


def test_friends_are_suggested_through_friends() -> None:
    world = World.from_edges([0, 0, 1, 2, 2], [1, 2, 3, 3, 4], 6, directed=False)
    first, second = suggested(world, 0)
    assert (first.agent, first.through) == (3, (1, 2))
    assert (second.agent, second.through) == (4, (2,))
    alone = suggested(world, 5, count=9)  # who hears nobody: by interests
    assert {one.agent for one in alone} == {0, 1, 2, 3, 4}
    assert [one.score for one in alone] == sorted((one.score for one in alone), reverse=True)
    assert suggested(World.from_edges([], [], 1), 0) == ()
    assert len(suggested(world, 0, "random-walk", count=1, steps=3)) == 1
    world.open_platform()
    assert suggested(world, 0)[0] == first
    for agent, count in ((6, 1), (-1, 1), (0, 0)):
        raises(InputError, "below 6", suggested, world, agent, count=count)
    raises(UnknownNameError, "jaccard", suggested, world, 0, "jacard")
