"""The platform: what is the same on any number of threads, what a feed holds, what acts change."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import (
    Act,
    Candidates,
    Platform,
    PlatformSettings,
    Policy,
    Recommender,
    World,
    load,
    make,
    names,
    register,
    save,
    spec,
)
from sim.core.threads import allow
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.platform.feed import serving
from tests.raising import raises


@pytest.fixture
def threads() -> Iterator[Any]:
    yield allow
    allow(None)


def small(agents: int = 400, seed: int = 7, **settings: Any) -> World:
    told = {"posting": 0.2, "rhythm": "flat"} | settings
    return World.create(agents=agents, mean_degree=8, seed=seed, platform=told)


def platform_of(world: World) -> Platform:
    assert world.platform is not None
    return world.platform


# The same on any number of threads, and after a rest


def test_two_threads_do_what_one_does(threads: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CHUNK", 50)
    digests = []
    for count in (1, 2):
        threads(count)
        world = small()
        world.inject("bridge", seeds=[1, 2], model="sir", beta=0.2)
        world.step(12)
        digests.append(world.digest())
    assert digests[0] == digests[1]


def test_the_size_of_chunks_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    one = small()
    one.step(5)
    monkeypatch.setattr(serving, "CHUNK", 17)
    other = small()
    other.step(5)
    assert one.digest() == other.digest()
    assert (platform_of(one).exposures.viewer == platform_of(other).exposures.viewer).all()


def test_a_world_saved_in_the_middle_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    world = small()
    platform_of(world).recommend("popularity", members=range(50))
    platform_of(world).act(3, "post", text="chess tonight")
    world.inject("bridge", seeds=[1, 2], model="independent-cascade", probability=0.2)
    world.step(6)
    platform_of(world).act(4, "mute", other=5)
    save(world, tmp_path / "half.hub")
    again = load(tmp_path / "half.hub")
    assert again.digest() == world.digest()
    for one in (world, again):
        one.step(6)
    assert again.digest() == world.digest()
    first, second = platform_of(world), platform_of(again)
    assert first.log.of(4) == second.log.of(4)
    assert (first.exposures.message == second.exposures.message).all()


def test_a_world_without_a_platform_says_nothing_of_one() -> None:
    meta, columns = World.create(agents=50, mean_degree=4, seed=1).dump()
    assert "platform" not in meta
    assert not [name for name in columns if name.startswith("platform")]


def test_a_still_twin_keeps_what_was(tmp_path: Path) -> None:
    from sim.world.state.snapshot import still

    world = small()
    world.step(3)
    twin, before = still(world, lambda _, column: column.copy()), world.digest()
    world.step(2)
    assert twin.digest() == before != world.digest()


# Waking


def test_realised_activity_follows_the_law_of_each_hour() -> None:
    world = World.create(agents=5000, mean_degree=2, seed=3, platform={"slots": 1})
    platform, days = platform_of(world), 6
    counts, law = np.zeros(24), np.zeros(24)
    for tick in range(24 * days):
        law[tick % 24] += platform.law(tick + 1)
        world.step()
        counts[tick % 24] += platform.online.size
    assert np.abs(counts / law - 1).max() < 0.06  # sd 1.5 % in the quietest hour
    assert abs(counts.sum() / law.sum() - 1) < 0.01
    assert counts.argmax() in {20, 21}
    assert counts.argmin() in {3, 4}


def test_a_flat_rhythm_keeps_the_share_of_ticks_online() -> None:
    world = small(2000, rhythm="flat")
    world.step()
    expected = float(world.agents.activity.sum())
    assert platform_of(world).law(1) == pytest.approx(expected, rel=1e-6)
    assert abs(platform_of(world).online.size - expected) < 4 * expected**0.5


def test_ticks_of_any_length_take_the_mean_of_the_curve() -> None:
    day = World.create(agents=50, mean_degree=2, seed=1, tick_minutes=1440.0, platform=True)
    day.step()
    assert platform_of(day).hourly() == pytest.approx([1.0] * 7)
    own = ",".join(["0"] * 12 + ["2"] * 12)
    half = World.create(
        agents=50, mean_degree=2, seed=1, tick_minutes=720.0, platform={"rhythm": own}
    )
    half.step()
    assert platform_of(half).hourly() == pytest.approx([2 * k / 12 for k in (3, 2, 1, 0, 1, 2, 3)])


def test_who_is_away_is_not_online_and_not_shown() -> None:
    world = small()
    world.step(6)
    away = np.arange(0, 400, 3)
    world.agents.set_status(away, "suspended")
    world.step(3)
    platform = platform_of(world)
    shown = platform.exposures
    assert not np.isin(platform.online, away).any()
    assert not np.isin(shown.source, away).any()
    assert not np.isin(platform.posts.author[shown.row(platform.posts)], away).any()


# Feeds


def test_feeds_hold_the_best_of_their_candidates_once_each() -> None:
    world = small(slots=4)
    world.step(8)
    shown = platform_of(world).exposures
    assert len(shown) > 200
    assert len(set(zip(shown.viewer.tolist(), shown.message.tolist(), strict=True))) == len(shown)
    assert shown.slot.max() == 3
    same = shown.viewer[1:] == shown.viewer[:-1]
    assert (shown.score[1:][same] <= shown.score[:-1][same]).all()
    assert (shown.viewer[1:] >= shown.viewer[:-1]).all()


def test_what_followed_members_share_comes_from_whom_the_viewer_hears() -> None:
    world = small(slots=6)
    world.step(8)
    shown, posts = platform_of(world).exposures, platform_of(world).posts
    hears = world.ties.reverse
    for viewer, source, followed, message in zip(
        shown.viewer.tolist(), shown.source.tolist(), shown.followed.tolist(),
        shown.message.tolist(), strict=True,
    ):  # fmt: skip
        author = posts.author[posts.row(message)]
        assert author != viewer
        assert (source in hears.listeners(viewer)) if followed else source == author


def test_a_message_is_shown_until_its_window_ends_and_counts_its_showings() -> None:
    world = small(window=4, slots=5)
    seen: dict[int, int] = {}
    for _ in range(12):
        world.step()
        platform = platform_of(world)
        assert platform.posts.created.min() > world.tick - 4
        for message in platform.exposures.message.tolist():
            seen[message] = seen.get(message, 0) + 1
        for row, shown in enumerate(platform.posts.shown.tolist()):
            assert seen.get(platform.posts.first + row, 0) == shown


def test_members_may_have_different_recommenders() -> None:
    world = small()
    platform = platform_of(world)
    platform.recommend("chronological")
    platform.recommend("popularity", members=np.arange(200))
    platform.recommend("popularity", members=[200])
    platform.recommend("popularity", members=[201], weight=3.0)
    assert [one.plugin_name for one in platform.recommenders] == [
        "chronological", "popularity", "popularity",
    ]  # fmt: skip
    world.step(6)
    shown = platform.exposures
    row = shown.row(platform.posts)
    old = shown.viewer > 201
    age = world.tick - platform.posts.created[row]
    assert (shown.score[old] == -age[old]).all()
    assert (shown.score[shown.viewer <= 201] >= 0).all()
    order = [part.recommender for part in shown.parts]
    assert order == sorted(order)


BUILT_IN = [n for n in names("recommender") if not spec(n, "recommender").is_foreign]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_recommender_ranks_and_explains(name: str) -> None:
    world = small(recommender=name, slots=5)
    world.step(4)
    platform = platform_of(world)
    shown = platform.exposures
    popular = int(np.bincount(shown.message).argmax())
    platform.act(1, "like", message=popular)
    platform.act(2, "reply", message=popular, text="yes")
    platform.act(3, "dislike", message=popular)
    world.step(1)
    assert not platform.faults
    shown = platform.exposures
    assert len(shown) > 100
    for e in range(0, len(shown), 37):
        why = platform.why(int(shown.viewer[e]), int(shown.message[e]))
        assert why.score == float(shown.score[e])
        assert sum(why.parts.values()) == pytest.approx(why.score, abs=1e-5)
        assert (why.slot, why.source) == (shown.slot[e], shown.source[e])
        assert why.followed == shown.followed[e]
        assert why.recommender in why.sentence


def test_the_formulas_of_the_built_in_recommenders() -> None:
    seen: dict[str, Any] = {}

    @register("spy")
    class Spy(Recommender):
        def score(self, candidates: Candidates) -> Any:
            for name in ("popularity", "content", "chronological", "blend", "random"):
                seen[name] = make(name, "recommender").score(candidates)
            columns = ("likes", "shares", "age", "interest", "trust", "followed", "hours",
                       "friends", "downranked", "draw")  # fmt: skip
            seen.update({f"c.{name}": getattr(candidates, name).copy() for name in columns})
            return candidates.likes

    world = small(recommender="spy")
    world.step(5)
    c = {name[2:]: column.astype(float) for name, column in seen.items() if name[:2] == "c."}
    n = c["likes"] + 2 * c["shares"]
    assert seen["popularity"] == pytest.approx(n)
    assert seen["chronological"] == pytest.approx(-c["age"])
    assert seen["content"] == pytest.approx(c["interest"] - 1e-4 * c["age"], abs=1e-6)
    assert (seen["random"] == seen["c.draw"]).all()
    blend = (
        c["interest"] + 0.6 * c["trust"] + 0.4 * c["followed"] + 0.8 * 8 / (8 + c["hours"])
        + 0.5 * n / (n + 20) + 0.2 * np.maximum(c["friends"] - 1, 0) - 2 * c["downranked"]
    )  # fmt: skip
    assert seen["blend"] == pytest.approx(blend, abs=1e-5)
    assert len(np.unique(c["draw"])) > 0.9 * len(c["draw"])


def test_every_column_of_candidates_has_a_value_for_each() -> None:
    told: dict[str, Any] = {}

    @register("spy")
    class Spy(Recommender):
        def score(self, candidates: Candidates) -> Any:
            more = ("viewer_openness", "author_community", "source_activity")
            for name in (*Candidates.names(), *more):
                told[name] = getattr(candidates, name)
                assert not told[name].flags.writeable
            told["count"] = len(candidates)
            with pytest.raises(AttributeError, match="no column 'like'"):
                _ = candidates.like
            return candidates.viewer_openness

    world = small(recommender="spy")
    world.step(3)
    assert not platform_of(world).faults
    sizes = {name: len(c) for name, c in told.items() if name not in {"stops", "count"}}
    assert set(sizes.values()) == {told["count"]}
    assert told["viewer_openness"].dtype == told["fans"].dtype == np.float32


# Plugins that fail


@pytest.mark.parametrize("fault", ["score", "shape", "nan", "prepare", "rerank"])
def test_a_recommender_that_fails_is_named_and_replaced(fault: str) -> None:
    @register("broken")
    class Broken(Recommender):
        def prepare(self, platform: Any) -> None:
            if fault == "prepare" and platform.tick == 2:
                raise ValueError("no")

        def score(self, candidates: Candidates) -> Any:
            if candidates.around.tick < 2 or fault in {"prepare", "rerank"}:
                return candidates.likes
            if fault == "score":
                raise ZeroDivisionError("oh")
            return np.zeros(3) if fault == "shape" else np.full(len(candidates), np.nan)

        def rerank(self, candidates: Candidates, scores: Any, slots: int) -> Any:
            return "no" if fault == "rerank" and candidates.around.tick > 1 else scores

    world = small(recommender="broken")
    world.step(1)
    assert not platform_of(world).faults
    world.step(2)
    assert "'broken' failed" in platform_of(world).faults[0]
    assert len(platform_of(world).faults) == 1
    assert len(platform_of(world).exposures) > 100


def test_a_recommender_may_bring_its_own_pool_and_rerank() -> None:
    @register("own")
    class Own(Recommender):
        def pool(self, platform: Any) -> Any:
            return platform.posts.numbers[-3:]

        def score(self, candidates: Candidates) -> Any:
            return 1.0

        def rerank(self, candidates: Candidates, scores: Any, slots: int) -> Any:
            return np.where(candidates.followed, scores, scores + 1)

    world = small(recommender="own")
    world.step(3)
    platform = platform_of(world)
    shown = platform.exposures
    strangers = shown.message[~shown.followed]
    assert strangers.size
    assert set(strangers.tolist()) <= set(platform.posts.numbers.tolist())
    assert (shown.score == np.where(shown.followed, 1, 2)).all()


def test_who_is_online_is_weighed_not_everybody_against_every_message() -> None:
    weighed: list[int] = []

    @register("counting")
    class Counting(Recommender):
        def score(self, candidates: Candidates) -> Any:
            weighed.append(len(candidates))
            return candidates.draw

    for posting in (0.2, 1.0):
        world = small(recommender="counting", posting=posting, window=30)
        world.step(12)
        platform = platform_of(world)
        weighed.clear()
        world.step()
        assert 0 < sum(weighed) <= platform.settings.candidates * platform.online.size
    many = len(platform.posts) * 400
    assert sum(weighed) < many / 50


def test_a_policy_may_be_anybodys() -> None:
    @register("all-likes")
    class AllLikes(Policy):
        def probabilities(self, exposures: Any, platform: Any) -> Any:
            return {Act.LIKE: np.ones(len(exposures)), Act.REPORT: 0.5}

    world = small(policy="all-likes")
    world.step(2)
    platform = platform_of(world)
    acted = platform.acted.act
    assert (acted[acted != Act.POST] == Act.LIKE).all()
    assert (acted == Act.LIKE).sum() == len(platform.exposures)
    assert platform.log.count(2, Act.LIKE) == len(platform.exposures)


# Messages in feeds


ONE_OF_A_FORM = {
    "bass", "competitive-cascade", "daley-kendall", "deffuant", "degroot", "independent-cascade",
    "linear-threshold", "sir", "sir-continuous", "viral", "voter", "watts",
}  # fmt: skip
"""What runs each time; the others in ``make test-all``."""
BUILT_IN = [name for name in names() if spec(name).origin.startswith("plugins.")]


@pytest.mark.parametrize(
    "model",
    [n if n in ONE_OF_A_FORM else pytest.param(n, marks=pytest.mark.slow) for n in BUILT_IN],
)
def test_every_model_runs_in_feeds(model: str) -> None:
    world = small(120, seed=3, slots=6)
    try:
        story = world.inject("music", seeds=range(6), model=model)
    except (InputError, ParameterError) as error:
        pytest.skip(f"needs parameters of its own: {error}")
    world.step(6)
    assert story.status != "failed", story.error
    assert sum(story.counts.values()) == len(world.agents)


def test_adopters_were_shown_the_message_by_their_source() -> None:
    world = small(1000, seed=5, slots=5)
    story = world.inject("music", seeds=range(20), model="si", beta=0.7)
    for _ in range(10):
        world.step()
        platform = platform_of(world)
        shown, number = platform.exposures, platform.injected[story.id]
        mine = shown.message == number
        pairs = set(zip(shown.viewer[mine].tolist(), shown.source[mine].tolist(), strict=True))
        fresh = story.log.ticks == world.tick
        adopted = zip(story.log.agents[fresh].tolist(), story.log.sources[fresh].tolist(),
                      strict=True)  # fmt: skip
        assert set(adopted) <= pairs
    assert story.size > 40
    assert platform.posts.shares[platform.posts.row(number)] == story.size - 20


def test_a_certain_message_convinces_everybody_who_is_shown_it() -> None:
    world = small(600, slots=8)
    story = world.inject("music", seeds=range(20), model="independent-cascade", probability=1.0)
    shown: set[int] = set(range(20))
    for _ in range(8):
        world.step()
        exposures = platform_of(world).exposures
        mine = exposures.message == platform_of(world).injected[story.id]
        shown |= set(exposures.viewer[mine].tolist())
        assert shown == set(story.adopters.tolist())
    assert len(shown) > 50


def test_a_message_rests_when_its_window_ends() -> None:
    world = small(window=5)
    story = world.inject("music", seeds=[1], model="si", beta=0.5)
    world.step(5)
    found = [story.status]
    world.step(1)
    size = story.size
    world.step(3)
    assert [*found, story.status] == ["running", "quiet"]
    assert (story.size, len(story.history)) == (size, 7)


def test_broadcast_on_a_platform_gives_the_numbers_of_a_bare_world() -> None:
    stories = []
    for told in (None, {"rhythm": "flat", "channel": "broadcast", "learning": 0.0}):
        world = World.create(agents=500, mean_degree=8, seed=2, platform=told)
        story = world.inject("music", seeds=[0, 1], model="sir", beta=0.1, gamma=0.2)
        if told:
            platform_of(world).policy = make("rule", "policy", follows=0.0, mutes=0.0)
        world.step(15)
        stories.append(story)
    bare, hosted = stories
    assert (bare.adopted_at == hosted.adopted_at).all()
    assert (bare.source == hosted.source).all()
    assert (bare.history == hosted.history).all()


def test_many_messages_travel_at_once() -> None:
    world = small(300, slots=10)
    stories = [
        world.inject(f"music {k}", seeds=[k % 300], model=model)
        for k in range(30)
        for model in ("si", "viral")
    ]
    world.step(5)
    assert {story.status for story in stories} == {"running"}
    assert sum(story.size for story in stories) > 65


def test_the_channel_feed_needs_a_platform() -> None:
    world = World.create(agents=10, mean_degree=2, seed=1)
    raises(InputError, "needs a platform", world.inject, "x", seeds=[0], model="si", channel="feed")


# How it is opened


def test_what_it_is_told_is_checked() -> None:
    world = World.create(agents=20, mean_degree=2, seed=1)
    for told, said in (
        ({"slots": 0}, "slots must be in"),
        ({"label_reports": 10**30}, "label_reports must be in"),
        ({"hide_reports": 10**30}, "hide_reports must be in"),
        ({"candidates": 5}, "candidates must be at least slots"),
        ({"rhythm": "weekly"}, "24 numbers"),
        ({"rhythm": ",".join(["0"] * 24)}, "24 numbers"),
        ({"speed": 3}, "speed"),
        ({"recommender": "populrity"}, "popularity"),
        ({"recommender": 3}, "a name or a Recommender"),
        ({"policy": 3}, "a name or a Policy"),
    ):
        raises((InputError, ParameterError, UnknownNameError), said, world.open_platform, told)
        assert world.platform is None
    world.open_platform(PlatformSettings(slots=3), recommender=make("random", "recommender"))
    raises(InputError, "a platform already", world.open_platform)


def test_agents_who_join_take_part() -> None:
    world = small(100)
    world.step(2)
    world.create_agents(50)
    with pytest.raises(InputError, match="signs up with the next tick"):
        platform_of(world).recommend("random", members=[149])
    digest = world.digest()
    assert World.restore(*world.dump()).digest() == digest
    world.step(1)
    log = platform_of(world).log
    assert log.at(3).agent[log.at(3).act == Act.SIGN_UP].tolist() == list(range(100, 150))
    world.step(11)
    assert (platform_of(world).online >= 100).any()


def test_a_lost_plugin_is_stood_in_for_and_kept() -> None:
    @register("mine")
    class Mine(Recommender):
        def score(self, candidates: Candidates) -> Any:
            return candidates.likes

    @register("my-rules")
    class MyRules(Policy):
        def probabilities(self, exposures: Any, platform: Any) -> Any:
            return {}

    world = small(recommender="mine", policy="my-rules")
    world.step(2)
    meta, columns = world.dump()
    meta["platform"]["recommenders"][0]["name"] = "gone"
    meta["platform"]["policy"]["name"] = "gone-too"
    again = World.restore(meta, {name: column.copy() for name, column in columns.items()})
    assert [word in " ".join(again.remarks) for word in ("'gone'", "'gone-too'")] == [True, True]
    assert again.dump()[0]["platform"] == meta["platform"]
    again.step(1)
    assert len(platform_of(again).exposures) > 50


def test_trust_of_ties_counts_and_is_explained() -> None:
    told = {"posting": 0.2, "rhythm": "flat", "recommender": "blend", "learning": 0.0}
    world = World.create(agents=300, mean_degree=8, seed=7, trust="uniform", platform=told)
    world.step(4)
    platform = platform_of(world)
    shown = platform.exposures
    hears = world.ties.reverse
    for e in range(0, len(shown), 11):
        viewer, source = int(shown.viewer[e]), int(shown.source[e])
        why = platform.why(viewer, int(shown.message[e]))
        trust = why.parts["trust"] / 0.6
        assert sum(why.parts.values()) == pytest.approx(why.score, abs=1e-5)
        assert trust == pytest.approx(float(shown.trust[e]), abs=1 / 255)
        if why.followed:
            start = int(hears.rows[viewer, 0])
            at = start + int(np.searchsorted(hears.listeners(viewer), source))
            assert trust == pytest.approx(hears.trust[at] / 65535, abs=1e-5)
        else:
            assert trust == 0
    assert 0 < platform.nbytes < world.nbytes
