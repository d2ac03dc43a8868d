import asyncio
from collections import Counter
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from sim import Act, World, lab
from sim.errors import Cancelled, HubbubError, InputError, UnknownNameError
from sim.lab import Futures, compare_now, replicates_needed
from sim.lab.futures import future_in_words, future_of, message_in_words
from sim.lab.runs.measures import RunObserver
from tests.raising import raises

RUMOUR: dict[str, Any] = {
    "text": "x", "seeds": [0, 1, 2], "model": "sir", "beta": 0.3, "gamma": 0.3,
}  # fmt: skip
HERE: dict[str, Any] = {"workers": 1, "backend": "threading"}


def made(platform: bool = False) -> World:
    return World.create(agents=300, mean_degree=6, seed=1, platform=platform)


def compared(arms: Any, world: World | None = None, **asked: Any) -> Futures:
    how: dict[str, Any] = {"messages": RUMOUR, "replicates": 4} | HERE | asked
    return compare_now(made() if world is None else world, arms, **how)


@dataclass(frozen=True)
class Nothing:
    """A program of one's own that changes nothing the futures could differ by."""

    name: str = "mine"

    def begin(self, world: World) -> None:
        world.inject(**RUMOUR)

    def before(self, world: World, done: int) -> None:
        """Do nothing."""

    def is_over(self, world: World, done: int) -> bool:
        return False


@pytest.fixture(scope="module")
def found() -> Futures:
    arms = {
        "as it is": {},
        "later": {"do": "ban", "agents": "top:30:degree", "at": 2},
        "banned": {"do": "ban", "agents": "top:30:degree"},
        "again": {"messages": [{**RUMOUR, "text": "y"}]},
    }
    return compared(arms, replicates=5)


def test_arms_meet_the_same_draws_in_pairs_of_one_seed(found: Futures) -> None:
    apart = found.difference("size", "again")
    assert (apart.mean, apart.interval.width, apart.pairs) == (0, 0, 5)
    assert "No difference: reach was the same in all 5" in found.conclusion("size")
    assert found.values("size", "as it is").std() > 0
    one, other = found.values("size", "as it is"), found.values("size", "banned")
    assert found.difference("size", "banned").mean == np.mean(other - one) < 0
    assert found.difference("size", "as it is", "banned").mean == -np.mean(other - one)
    assert found.seeds == (1, 2, 3, 4, 5)


def test_the_first_replicate_is_how_the_world_goes_on_and_digests_prove_it(found: Futures) -> None:
    world = made()
    story = world.inject(**RUMOUR)
    world.run_until_quiet(story)
    assert found.values("size", "as it is")[0] == story.size
    world = made()
    assert (found.tick, found.digest) == (0, world.digest())
    world.inject(**RUMOUR)
    assert found.begun[0] == world.digest()
    assert len(set(found.begun)) == 4  # what is planned, or sent on top, is part of a world


def test_curves_are_equally_long_and_equal_until_something_differs(found: Futures) -> None:
    one, other = found.curve("ever", "as it is"), found.curve("ever", "later")
    assert one.shape == other.shape
    assert np.array_equal(one[:, :3], other[:, :3])
    assert (one[:, -1] == found.values("size", "as it is")).all()
    assert np.isfinite(found.curve("new", "banned")).all()
    apart = found.difference_curve("ever", "later")
    assert apart["mean"][:3].tolist() == [0, 0, 0]
    assert apart["low"][-1] < apart["mean"][-1] < apart["high"][-1]
    assert apart["mean"][-1] == found.difference("size", "later").mean


def test_tables_hold_what_was_found(found: Futures) -> None:
    rows = found.differences.where(measure="size", arm="banned")
    apart = found.difference("size", "banned")
    assert rows["difference"].tolist() == [apart.mean]
    assert (rows["low"][0], rows["high"][0]) == apart.interval[:2]
    assert rows["needed"].tolist() == [replicates_needed(apart.effect.hedges)]
    assert isnan(found.differences.where(measure="size", arm="again")["needed"][0])
    assert "of twenty" in found.differences.caption
    means = found.means.where(measure="size", arm="banned")
    assert means["mean"][0] == found.values("size", "banned").mean()
    assert means["digest"][0] == found.begun[2]
    assert list(found.tables) == ["differences", "arms", "runs", "curves"]
    assert found.to_pandas("runs").shape[0] == 20
    new = found.curve("new", "banned")[0, 1:].mean()
    assert found.values("mean_new", "banned")[0] == pytest.approx(new)


def test_what_took_off_is_beyond_the_members_to_the_power_of_two_thirds() -> None:
    weak = {"messages": [{**RUMOUR, "beta": 0.12, "seeds": [5]}]}
    strong = {"messages": [{**RUMOUR, "seeds": [5]}]}
    found = compared({"weak": weak, "strong": strong}, messages=(), replicates=12)
    for arm in found.arms:
        sizes = found.values("size", arm)
        assert found.values("took_off", arm).tolist() == (sizes > 300 ** (2 / 3)).tolist()
    assert 0 < found.mean("took_off", "weak") < found.mean("took_off", "strong")
    assert "hare of runs that took off" in found.conclusion("took_off")
    two = compared({"a": {}, "b": {"do": "ban", "agents": "top:9:degree"}}, messages=[RUMOUR] * 2)
    assert "took_off" not in two.measures


def test_it_is_shown_and_drawn(found: Futures) -> None:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(found)
    assert "Differences are from as it is." in capture.get()
    assert "banned reaches " in capture.get()
    figure: Any = found.plot()
    above, below = figure.axes
    ghosts = 5 * 4
    assert len(above.lines) == ghosts + 4
    assert [text.get_text() for text in above.get_legend().get_texts()] == list(found.arms)
    assert len(below.lines) == 3 + 1
    mean = found.difference_curve("ever", "banned")["mean"].tolist()
    assert below.lines[1].get_ydata().tolist() == mean
    assert found.plot("new").axes[0].get_ylabel().startswith("new")


def test_corrections_are_not_measured_with_what_they_correct() -> None:
    world = made()
    world.inject(**RUMOUR)
    world.step(2)
    arms = {"as it is": None, "checked": [{"do": "fact-check", "message": 0, "reach": 0.2}]}
    apart = compared(arms, world, messages=()).difference("size")
    assert (apart.mean, apart.interval.width) == (0, 0)  # without a platform nobody is told of it


def test_parameters_of_messages_under_way_are_changed() -> None:
    world = made()
    world.inject(**RUMOUR)
    world.step(2)
    arms = {"as it is": {}, "weak": {"parameters": {"beta": 0.0}}}
    found = compared(arms, world, messages=(), ticks=6)
    reached = found.values("size", "weak")
    assert (reached == world.cascades[0].size).all()
    assert found.values("size", "as it is").std() > 0
    with pytest.raises(UnknownNameError, match="parameter of a message under way named 'bta'"):
        compared({"a": {}, "b": {"parameters": {"bta": 1}}}, world, messages=())


def test_messages_of_ones_own_are_compared_where_there_are_no_others() -> None:
    few = {**RUMOUR, "beta": 0.02}
    arms = {"loud": {"messages": [RUMOUR]}, "low": {"messages": [few]}}
    assert compared(arms, messages=()).difference("share").mean < 0


def test_recommenders_and_policies_differ_in_a_world_with_members_online() -> None:
    arms = {"as it is": {}, "popular": {"recommender": "popularity", "policy": "rule"}}
    found = compared(arms, made(platform=True), messages=(), ticks=4, replicates=2)
    assert "mean_acts" in found.measures
    assert found.main == "end_feed_inequality"
    opened = compared({"a": {"recommender": "random"}, "b": {"recommender": "blend"}},
                      messages=(), ticks=3, replicates=2)  # fmt: skip
    assert not np.isnan(opened.values("mean_online", "b")).any()


def test_what_members_are_shown_is_what_recommenders_are_compared_by() -> None:
    """Held against the exposures of the same run, summed in plain Python."""
    world = World.create(agents=300, mean_degree=6, seed=1, platform=True)
    world.agents.set_community(np.arange(300) % 3, ["a", "b", "c"])
    world.step(3)
    arms = {"as it is": {}, "popular": {"recommender": "popularity"}}
    found = compared(arms, world, messages=(), ticks=8, replicates=2)

    twin = World.restore(*world.packed())
    platform = twin.platform
    assert platform is not None
    platform.recommend("popularity")
    platform.settings = platform.settings.model_copy(update={"keep_feeds": True})
    first, shown, pleased, apart = platform.posts.next, Counter[int](), 0, [0, 0]
    total = 0
    for _ in range(8):
        twin.step()
        for part in platform.exposures.parts:
            total += part.message.size
            for viewer, message in zip(part.viewer.tolist(), part.message.tolist(), strict=True):
                shown[message] += message >= first
                author = int(platform.posts.author[platform.posts.rows(np.array([message]))][0])
                apart[viewer % 3 != author % 3] += 1
        acts = (Act.LIKE, Act.REPOST, Act.QUOTE, Act.REPLY)
        pleased += sum(int(act) in acts for act in platform.acted.act.tolist())
    counts = [shown[number] for number in range(first, platform.posts.next)]
    apart_by = sum(abs(one - other) for one in counts for other in counts)
    gini = apart_by / (2 * len(counts) * sum(counts))

    def of(name: str) -> float:
        return float(found.values(f"end_feed_{name}", "popular")[0])

    assert of("inequality") == pytest.approx(gini, rel=1e-12)
    assert of("outside") == pytest.approx(apart[1] / sum(apart), rel=1e-12)
    assert of("engagement") == pytest.approx(pleased / total, rel=1e-12)
    assert 0 < of("variety") < 1
    said = found.conclusion().splitlines()
    assert len(said) == 4
    assert "oncentration of impressions (Gini)" in said[0]
    assert "active" not in found.conclusion()
    assert len(found.conclusion("mean_acts").splitlines()) == 1


def test_feeds_are_measured_where_members_join_on_the_way() -> None:
    world = World.create(agents=100, mean_degree=6, seed=1, platform=True)
    watched = RunObserver(world, {}, {})
    watched.watch_feeds()
    watched.look()
    world.create_agents(20)
    for _ in range(3):
        world.step()
        watched.look()
    assert not np.isnan(watched.series()["feed_engagement"][1:]).any()


def test_what_one_arm_alone_has_is_told_of_it_and_compared_with_nothing() -> None:
    world = made()  # it has no platform, and the second arm opens one
    world.inject("old", seeds=[0], model="si", beta=0.1)
    world.step(2)
    found = compared({"plain": {}, "blend": {"recommender": "blend"}}, world, messages=(),
                     ticks=3, replicates=2)  # fmt: skip
    assert not np.isnan(found.values("mean_online", "blend")).any()
    assert np.isnan(found.values("mean_online", "plain")).all()
    assert np.isnan(found.values("mean_acts", "plain")).all()  # not 0, as of what is counted
    told = found.differences
    row = list(told["measure"]).index("mean_online")
    assert told["pairs"][row] == 0
    assert np.isnan(told["difference"][row])


def test_programs_of_ones_own_are_arms() -> None:
    found = compared({"a": Nothing(), "b": Nothing()}, messages=(), ticks=4)
    assert found.arms == ("a", "b")
    assert found.difference("size").interval.width == 0
    raises(InputError, "Programs send their own", compared, {"a": Nothing(), "b": {}})


def test_one_replicate_gives_no_interval() -> None:
    found = compared({"a": {}, "b": {"do": "ban", "agents": "top:30:degree"}}, replicates=1)
    assert "in one replicate; a single pair gives no interval" in found.conclusion()
    assert isnan(found.differences["low"][0])
    assert np.isnan(found.difference_curve("ever")["low"]).all()
    assert "one replicate" in found._repr_html_()


@pytest.mark.parametrize(
    ("arms", "asked", "said"),
    [
        ({"a": {}}, {}, "two conditions or more"),
        ([{}, {}], {}, "two conditions or more"),
        ({"a": {}, "b": {}}, {}, "'a' and 'b' are identical"),
        ({"a": {}, "b": {"do": "ban"}}, {"replicates": 0}, "Replicates"),
        ({"a": {}, "b": {"do": "bann"}}, {}, "Condition 'b': .*Did you mean 'ban'"),
        ({"a": {}, "b": {"do": "ban", "agents": []}}, {}, "Condition 'b': "),
        ({"a": {}, "b": {"interventions": [{"at": 3}]}}, {}, "needs do="),
        ({"a": {}, "b": {"interventions": 3}}, {}, "are mappings"),
        ({"a": {}, "b": {"do": "ban", "at": 1, "when": "share > 0.1"}}, {}, "not both"),
        ({"a": {}, "b": {"do": "ban", "agents": "top:3:degree", "at": -1}}, {}, "after the fork"),
        ({"a": {}, "b": {"recomender": "blend"}}, {}, "Did you mean 'recommender'"),
        ({"a": {}, "b": "ban"}, {}, "is a mapping"),
        ({"a": {}, "b": {"parameters": 3}}, {}, "Parameters are named"),
        ({"a": {}, "b": {"parameters": {"mind": "rule"}}}, {}, "compare --minds"),
        ({"a": {}, "b": {"minds": {}}}, {}, "compare --minds"),
        ({"a": {}, " ": {"do": "ban"}}, {}, "has a name"),
        ({"a": {}, "b": {"recommender": "blend"}}, {"messages": ()}, "Nothing would happen"),
        ({"a": {}, "b": {"do": "ban", "agents": "top:3:degree"}}, {"measure": "sizes"}, "'size'"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_sentence(
    arms: Any, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(HubbubError, match=said) as caught:
        compared(arms, **asked)
    assert "\n" not in str(caught.value)


def test_a_measure_that_no_run_has_is_refused_where_it_is_asked_for() -> None:
    arms = {"a": {}, "b": {"do": "ban", "agents": "top:9:degree"}}
    found = compared(arms, measure="mean_acts", replicates=1)
    assert found.difference("size").pairs == 1
    raises(UnknownNameError, "No measure named 'mean_acts'", found.conclusion)


def test_names_of_what_is_not_there_are_refused(found: Futures) -> None:
    for ask in (
        lambda: found.values("sizes", "banned"),
        lambda: found.values("size", "baned"),
        lambda: found.curve("evr", "banned"),
        lambda: found.plot("evr"),
        lambda: found.difference("size", "baned"),
    ):
        with pytest.raises(UnknownNameError):
            ask()


def test_a_future_is_the_same_however_it_is_said() -> None:
    ban = {"do": "ban", "agents": "top:5:degree"}
    every = [future_of("a", said) for said in (ban, [ban], {"interventions": ban})]
    assert every[0] == every[1] == every[2]
    assert every[0].facts()["interventions"] == (ban,)


async def test_it_runs_beside_an_event_loop_and_can_be_cancelled() -> None:
    arms = {"as it is": {}, "banned": {"do": "ban", "agents": "top:30:degree"}}
    told: list[str] = []
    found = await lab.compare(
        made(), arms, messages=RUMOUR, replicates=2, report=lambda stage, _: told.append(stage),
        **HERE,
    )  # fmt: skip
    assert found.difference("size").pairs == 2
    assert told[0] == "forking the world"
    work = asyncio.create_task(lab.compare(made(), arms, messages=RUMOUR, replicates=2_000, **HERE))
    await asyncio.sleep(0.3)
    work.cancel()
    with pytest.raises((asyncio.CancelledError, Cancelled)):
        await work


def test_changes_are_parted_by_semicolons() -> None:
    name, said = future_in_words(
        "checked: do=fact-check when='share > 0.1; so' reach=0.2; text='It is open.' seeds=ids:3;"
        "recommender=blend; policy=rule; beta=0.1 gamma=0.2;"
    )
    assert name == "checked"
    assert said == {
        "interventions": [{"do": "fact-check", "when": "share > 0.1; so", "reach": 0.2}],
        "messages": [{"text": "It is open.", "seeds": "ids:3"}],
        "recommender": "blend",
        "policy": "rule",
        "parameters": {"beta": 0.1, "gamma": 0.2},
    }


def test_a_name_alone_does_nothing_and_words_that_are_no_values_stay() -> None:
    assert future_in_words("as it is") == ("as it is", {})
    assert future_in_words(" as it is: ") == ("as it is", {})
    assert future_in_words("a: do=ban agents=top:5:degree at=2")[1]["interventions"] == [
        {"do": "ban", "agents": "top:5:degree", "at": 2}
    ]
    assert message_in_words("text=7 seeds=3") == {"text": "7", "seeds": "3"}
    assert message_in_words("It's; 5 = 5.") == {"text": "It's; 5 = 5."}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (": do=ban", "has no name"),
        ("a: ban", "key=value, with quotes"),
        ("a: =3", "key=value, with quotes"),
        ("a: do=ban agents=", "'agents=' has no value"),
        ("a: do=ban do=hide", "given twice"),
        ("a: text='x", "has no partner"),
        ("a: recommender=blend slots=3", "separate them by a semicolon"),
    ],
)
def test_what_is_not_understood_is_said(words: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        future_in_words(words)
