"""The form: ranges as states, shared topics, newcomers, rest, and what is refused."""

from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Cascade, Field, Floats, Meetings, OpinionModel, Voices, World, register, spec
from sim.core import rng
from sim.errors import ParameterError, UnknownNameError
from sim.spread import Gatherings
from sim.spread.opinions.model import check_start, clusters, measured, rescaled, started
from sim.testing import LAWS, Given, tiny_world
from tests.raising import raises


def model_of(story: Any) -> Any:
    return story.model


@register("test-halfway")
class Halfway(OpinionModel):
    """Goes half the way to the mean of what is heard, in [-1, 1]."""

    span: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    pull: float = Field(0.5, ge=0, le=1, description="share of the way")

    def update(self, own: Floats, heard: Voices) -> Floats:
        return own + self.pull * (heard.mean - own)


@register("test-crowd")
class Crowd(OpinionModel):
    """Takes up what more than half of those heard think; three opinions."""

    states: ClassVar[tuple[str, ...]] = ("no", "maybe", "yes")
    choices: ClassVar[tuple[float, ...]] = (0.0, 0.5, 1.0)

    def update(self, own: Floats, heard: Voices) -> Floats:
        out = own.copy()
        for choice in self.choices:
            out[heard.share(choice) > 0.5] = choice
        return out


@register("test-wrong")
class Wrong(OpinionModel):
    """Does what it should not."""

    how: str = Field("shape", description="what is wrong")

    def update(self, own: Floats, heard: Voices) -> Floats:
        if self.how == "first":
            return heard.first
        return {"shape": own[1:], "nan": own * np.nan, "range": own + 2.0}[self.how]


@register("test-friends")
class Friends(Meetings):
    """Takes up what a trusted one says; not compiled, for it looks into a dict."""

    weights: ClassVar[dict[str, float]] = {"all": 1.0}

    def meet(self, listener: float, speaker: float, coin: float, trust: float) -> float:
        return speaker if coin < trust * self.weights["all"] else listener


def told(world: World, model: str = "test-halfway", **options: Any) -> Cascade:
    given: Any = {"seeds": [3, 4], **options}
    return world.inject("Should the bridge be closed?", model=model, **given)


def test_a_model_of_ten_lines_keeps_the_laws() -> None:
    for cls in (Halfway, Crowd, Friends):
        for name in ("deterministic", "isolated", "order", "resumes", "untouched", "topical"):
            LAWS[name](cls, {})


def test_states_are_fifths_of_the_range_and_seeds_take_their_opinion() -> None:
    story = told(World.from_edges([0], [1], 11), initial="even", pull=0)
    assert list(story.counts.values()) == [2, 2, 2, 2, 3]  # a part holds its lower edge
    assert story.columns["opinion"].tolist() == pytest.approx(np.linspace(-1, 1, 11))
    story = told(tiny_world(), seed_opinion=0.75, initial="uniform:-1:0")
    assert (story.columns["opinion"] == 0.75).tolist() == [v in {3, 4} for v in range(60)]
    assert story.size == 2


def test_adopters_are_those_that_changed_sides() -> None:
    world = World.from_edges([0, 0, 0], [1, 2, 3], 4)
    world.opinions.hold("t", [0.8, -0.1, -1.0, 0.2])
    story = told(world, topic="t", seeds=[3])
    assert story.adopters.tolist() == [3]
    world.step()
    assert sorted(story.adopters.tolist()) == [1, 3]
    world.step()
    assert sorted(story.adopters.tolist()) == [1, 2, 3]
    assert story.adopted_at.tolist() == [-1, 1, 2, 0]
    assert story.source.tolist() == [-1] * 4


def test_three_opinions() -> None:
    world = World.from_edges([0, 1, 2], [3, 3, 3], 5)
    story = told(world, "test-crowd", initial="first", seed_opinion=1.0)
    assert story.counts == {"no": 3, "maybe": 0, "yes": 2}
    world.step()
    assert story.counts == {"no": 4, "maybe": 0, "yes": 1}
    assert story.adopters.tolist() == [3, 4]
    world.step()
    assert story.status == "quiet"


def test_several_messages_share_a_topic_of_another_range() -> None:
    world = tiny_world()
    first = told(world, "deffuant", topic="bridge", bound=0.1)
    assert world.opinions.span("bridge") == (0, 1)
    second = told(world, "test-halfway", topic="bridge", pull=0)
    np.testing.assert_allclose(model_of(second).held(second), 2 * world.opinions["bridge"] - 1)
    world.step(3)
    assert first.status == "running"
    again = World.restore(*world.dump())
    assert again.digest() == world.digest()
    again.step(4)
    world.step(4)
    assert again.digest() == world.digest()
    np.testing.assert_array_equal(again.opinions["bridge"], world.opinions["bridge"])


def test_an_opinion_that_nobody_changes_keeps_its_every_bit() -> None:
    world = tiny_world()
    world.opinions.hold("t", np.linspace(-1, 1, 60))
    before = world.opinions["t"].copy()
    told(world, "voter", topic="t", updates=1)
    world.step()
    changed = np.flatnonzero(world.opinions["t"] != before)
    assert changed.size <= 3  # the two seeds, and one update
    assert np.isin(world.opinions["t"][changed], [-1.0, 1.0]).all()


def test_a_discussion_rests_and_goes_on_when_others_stir_its_topic() -> None:
    world = World.from_edges([0, 1], [1, 0], 2)
    world.opinions.hold("t", [0.5, 0.5])
    told(world, topic="t", seeds=[0])
    told(world, "persuasion", topic="t", pull=0.5, base=0, seeds=[0])
    world.step()
    assert [story.status for story in world.cascades] == ["running", "quiet"]
    world.step(60)
    assert world.cascades[0].status == "quiet"


def test_a_discussion_at_rest_is_woken_by_a_message_on_its_topic() -> None:
    world = tiny_world()
    story = told(world, "degroot", topic="t", initial="uniform:0.5:0.5")
    world.step()
    assert [story.status] == ["quiet"]
    world.step(3)
    assert story.history.shape[0] == 2
    told(world, "persuasion", topic="t", pull=0.9, base=0)
    world.step(2)
    assert [story.status] == ["running"]
    again = World.restore(*world.dump())
    world.step(4)
    again.step(4)
    assert again.digest() == world.digest()


def test_newcomers_have_opinions() -> None:
    world = tiny_world()
    own = told(world, initial="uniform:0.5:1")
    shared = told(world, "friedkin-johnsen", topic="t", initial="uniform:0.2:0.3")
    voters = told(world, "voter")
    before = own.columns["opinion"].copy()
    world.create_agents(5)
    assert (own.columns["opinion"][:60] == before).all()
    assert (own.columns["opinion"][60:] >= 0.5).all()
    assert ((model_of(shared).held(shared) >= 0.2) & (model_of(shared).held(shared) <= 0.3)).all()
    world.step()
    for story in (own, shared, voters):
        assert story.error is None
        assert sum(story.counts.values()) == 65
    assert own.adopters.max() < 60  # they began on that side
    assert own.history.sum(axis=1).tolist() == [60, 65]


def test_those_who_are_away_neither_speak_nor_listen() -> None:
    world = World.from_edges([0, 1, 2, 0], [3, 3, 3, 1], 4)
    world.opinions.hold("t", [1.0, 0.0, -1.0, 0.0])
    told_of: Any = {"topic": "t", "pull": 1.0}
    world.inject("?", seeds=[0], model="test-halfway", **told_of)
    world.agents.set_status([2], "idle")
    world.step()
    assert world.opinions["t"].tolist() == [1.0, 1.0, -1.0, 0.5]
    world.agents.set_status([3], "idle")
    world.step()
    assert world.opinions["t"].tolist() == [1.0, 1.0, -1.0, 0.5]


def test_single_updates_leave_out_who_is_away() -> None:
    for model in ("deffuant", "voter", "q-voter", "majority-rule", "sznajd", "algorithmic-bias",
                  "weighted-hk", "algorithmic-bias-media"):  # fmt: skip
        world = tiny_world()
        story = world.inject("?", seeds=range(10), model=model, initial="uniform")
        world.agents.set_status(range(20, 30), "idle")
        before = story.columns["opinion"][20:30].copy()
        world.step(3)
        assert story.status in {"running", "quiet"}
        assert np.array_equal(story.columns["opinion"][20:30], before)


def test_listed_contacts_are_who_is_heard() -> None:
    world = tiny_world()
    world.opinions.hold("t", np.linspace(-1, 1, 60))
    channel = Given([1, 1, 2], [50, 59, 0])
    world.inject("?", seeds=[0], model="test-halfway", topic="t", pull=1.0, channel=channel)
    before = world.opinions["t"].copy()
    world.step()
    expected = before.copy()
    expected[1], expected[2] = before[[50, 59]].mean(), before[0]
    np.testing.assert_allclose(world.opinions["t"], expected)


def test_a_method_that_cannot_be_compiled_runs_as_it_stands() -> None:
    from sim.spread.opinions.meetings import formula_of

    assert not formula_of(Friends()).is_compiled
    world = tiny_world()
    story = told(world, "test-friends")
    before = np.unique(story.columns["opinion"]).size
    world.step(2)
    assert np.unique(story.columns["opinion"]).size < before


@pytest.mark.parametrize(
    ("how", "sentence"),
    [("shape", "one opinion an agent"), ("nan", "outside its range"), ("range", "outside its"),
     ("first", "keeps_first = True")],
)  # fmt: skip
def test_a_wrong_update_stops_its_own_cascade(how: str, sentence: str) -> None:
    world = tiny_world()
    story = told(world, "test-wrong", how=how)
    before = story.columns["opinion"].copy()
    world.step()
    assert story.status == "failed"
    assert sentence in str(story.error)
    assert np.array_equal(story.columns["opinion"], before)


def test_an_opinion_that_is_none_of_the_choices_stops_the_cascade() -> None:
    @register("test-lukewarm")
    class Lukewarm(Meetings):
        """Says neither."""

        states: ClassVar[tuple[str, ...]] = ("no", "yes")
        choices: ClassVar[tuple[float, ...]] = (0.0, 1.0)

        def meet(self, listener: float, speaker: float) -> float:
            return 0.3

    world = tiny_world()
    story = told(world, "test-lukewarm")
    world.step()
    assert "none of 0, 1" in str(story.error)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"initial": "odd"}, "must be one of uniform"),
        ({"seed_opinion": 1.5}, r"seed_opinion must be in \[-1, 1\]"),
        ({"topic": "a\x1b[2Jb"}, "topic must be plain text"),
    ],
)
def test_what_cannot_be_is_refused(options: Any, sentence: str) -> None:
    raises(ParameterError, sentence, told, tiny_world(), **options)


def test_opinions_of_seeds_are_among_the_choices() -> None:
    with pytest.raises(ParameterError, match=r"must be one of 0, 0\.5, 1"):
        told(tiny_world(), "test-crowd", seed_opinion=0.7)


def test_unknown_columns_are_refused_before_anything_changes() -> None:
    world = tiny_world()
    for model in ("test-halfway", "persuasion"):
        raises(UnknownNameError, "opennes", told, world, model, initial="column:opennes")
    assert not world.cascades


def test_signatures_of_formulas_are_checked() -> None:
    @register("test-wants-more")
    class Greedy(Gatherings):
        """Wants too much."""

        def listens(self) -> int:
            return 2

        def decide(self, own: float, heard: Floats, coin: float, more: float) -> float:
            return own

    world = tiny_world()
    story = told(world, "test-wants-more")
    world.step()
    assert "decide() takes 2 to 3 arguments beside self, it has 4" in str(story.error)


def test_nobody_hears_anybody() -> None:
    world = World.from_edges([], [], 3)
    for model in ("degroot", "deffuant", "voter", "sznajd", "majority-rule", "weighted-hk"):
        story = world.inject("?", seeds=[0], model=model)
        world.step(2)
        assert story.status in {"quiet", "running"}, (model, story.error)
        assert spec(model).name == story.model_name


def test_what_a_model_is_about_is_listed_first() -> None:
    assert list(spec("deffuant").cls.model_fields)[:3] == ["bound", "mu", "updates"]
    assert list(spec("voter").cls.model_fields) == [
        "updates", "topic", "initial", "seed_opinion", "tolerance",
    ]  # fmt: skip
    assert next(iter(spec("q-voter").cls(q=3).values().items())) == ("q", 3)


def test_contacts_and_memory_are_counted() -> None:
    world = tiny_world()
    together, apart = told(world), told(world, "deffuant", updates=7)
    world.step(2)
    assert together.contacts_seen == 2 * world.ties.count
    assert apart.contacts_seen == 14
    world = tiny_world()
    told(world, topic="t")
    assert world.opinions.nbytes == 480
    assert world.nbytes > 480


def test_two_camps_are_wholly_polarised_and_small_groups_do_not_count() -> None:
    found = measured(np.repeat([-1.0, 1.0], 50), (-1.0, 1.0))
    assert found == {"mean": 0.0, "variance": 1.0, "clusters": 2.0, "polarisation": 1.0}
    opinions = np.concatenate([np.full(90, 0.2), np.full(6, 0.6), np.full(4, 0.9)])
    assert measured(opinions, (0.0, 1.0))["clusters"] == 2
    assert [members for _, members in clusters(opinions, (0.0, 1.0))] == [90, 6]
    assert len(clusters(opinions, (0.0, 1.0), least=0)) == 3
    found = measured(np.linspace(0, 1, 1001), (0.0, 1.0))
    assert found["clusters"] == 1
    assert found["polarisation"] == pytest.approx(1 / 3, rel=0.01)


def test_those_without_an_opinion_are_left_out() -> None:
    found = measured(np.array([np.nan, 0.5, 0.5]), (0.0, 1.0))
    assert found["mean"] == 0.5
    assert found["clusters"] == 1
    empty = measured(np.array([np.nan]), (0.0, 1.0))
    assert np.isnan(empty["mean"])
    assert empty["clusters"] == 0


KEY = rng.key(3, rng.Stream.OPENINGS)
MANY = np.arange(200_000)


def begun(law: str, span: tuple[float, float] = (0.0, 1.0), agents: Any = MANY) -> Any:
    return started(check_start("x", law, span), span, agents, agents.size, KEY, None)


def test_uniform_fills_the_range() -> None:
    found = begun("uniform", (-1.0, 1.0))
    assert found.min() >= -1
    assert found.max() < 1
    assert abs(found.mean()) < 4 * np.sqrt(1 / 3 / MANY.size)
    np.testing.assert_allclose(begun("uniform:0.2:0.4"), 0.2 + 0.2 * (found + 1) / 2)


def test_normal_has_its_mean_and_spread() -> None:
    found = begun("normal:0.5:0.1")
    assert abs(found.mean() - 0.5) < 4 * 0.1 / np.sqrt(MANY.size)
    assert found.std() == pytest.approx(0.1, rel=0.01)
    assert np.mean(found > 0.7) == pytest.approx(0.02275, rel=0.1)
    assert (begun("normal:1:0.5") <= 1).all()


def test_even_first_and_column_and_a_larger_world_leaves_draws_alone() -> None:
    assert begun("even", agents=np.arange(5)).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert begun("even", agents=np.arange(1)).tolist() == [0]
    assert begun("first", (-1.0, 1.0), np.arange(2)).tolist() == [-1, -1]
    world = tiny_world()
    found = started(("column", ("openness",)), (-1.0, 1.0), np.arange(60), 60, KEY, world.people())
    np.testing.assert_allclose(found, 2 * world.people().column("openness") - 1)
    assert np.array_equal(begun("uniform", agents=np.arange(9))[:4], begun("uniform")[:4])


@pytest.mark.parametrize(
    "law",
    ["", "uniform:1", "uniform:0.5:0.2", "uniform:0:2", "normal:0.5", "normal:0.5:-1", "even:1",
     "normal:nan:1", "column", "column:", "uniform:a:b", "random"],
)  # fmt: skip
def test_no_law(law: str) -> None:
    raises(ParameterError, "x: start must be one of", check_start, "x", law, (0.0, 1.0))


def test_columns_outside_the_unit_range_are_refused() -> None:
    world = World.from_edges([0], [1], 3, community=[0, 1, 2])
    law = ("column", ("community",))
    with pytest.raises(ParameterError, match="must lie in"):
        started(law, (0.0, 1.0), np.arange(3), 3, KEY, world.people())
    with pytest.raises(ParameterError, match="no columns of agents"):
        started(law, (0.0, 1.0), np.arange(3), 3, KEY, None)


def test_rescaling_keeps_the_place_in_the_range() -> None:
    values = np.array([0.0, 0.25, 1.0])
    assert rescaled(values, (0.0, 1.0), (-1.0, 1.0)).tolist() == [-1, -0.5, 1]
    assert rescaled(values, (0.0, 1.0), (0.0, 1.0)) is values
