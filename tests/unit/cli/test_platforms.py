from pathlib import Path

from sim import World, explain, load, save
from sim.runtime.journal.writer import recover
from tests.unit.cli.conftest import Hubbub


def test_a_world_is_made_with_a_platform(hubbub: Hubbub, tmp_path: Path) -> None:
    said = hubbub("run", "new:200,platform=popularity,seed=3", "--ticks", "2", "--save", "a.hub")
    assert said.code == 0, said.err
    world = load(tmp_path / "a.hub")
    assert world.platform is not None
    assert world.platform.recommenders[0].plugin_name == "popularity"
    facts = hubbub("info", "a.hub", "--json").json
    assert (facts["recommenders"], facts["policies"]) == (["popularity"], ["rule"])
    assert hubbub("show", "a.hub", "agents", "7", "--json").json["policy"] == "rule"
    assert "popularity" in hubbub("info", "a.hub").out


def test_a_platform_and_its_phases_are_told_of(hubbub: Hubbub) -> None:
    facts = hubbub("info", "new:50,platform=blend,seed=3", "--json").json["platform"]
    assert (facts["recommenders"], facts["policy"], facts["slots"]) == (["blend"], "rule", 10)
    assert "recommenders" not in hubbub("info", "new:50").out
    facts = hubbub("phases", "--with-platform", "--json").json
    world = World.create(agents=20, mean_degree=2, platform=True)
    world.open_metrics()
    assert [each["name"] for each in facts] == [phase.name for phase in world.phases]
    assert {"wake", "feed", "relate", "watch"} <= {each["name"] for each in facts}


def test_a_run_opens_a_platform_where_there_is_none(hubbub: Hubbub, tmp_path: Path) -> None:
    save(World.create(agents=100, mean_degree=6, seed=3), tmp_path / "bare.hub")
    words = ("run", "bare.hub", "--platform", "popularity", "--ticks", "2", "--save", "a.hub")
    said = hubbub(*words)
    assert "--platform popularity" in said.out
    world = load(tmp_path / "a.hub")
    assert world.platform is not None
    assert world.platform.recommenders[0].plugin_name == "popularity"
    assert [act.kind for act in world.trail.acts] == ["create", "open_platform", "step"]
    again = World.create(agents=100, mean_degree=6, seed=3)
    again.open_platform(recommender="popularity")
    again.step(2)
    assert world.digest() == again.digest()
    assert hubbub("run", "a.hub", "--platform", "popularity", "--ticks", "1").code == 0
    assert "ranked by popularity; leave out" in hubbub("run", "a.hub", "--platform", "hot").err
    assert "Did you mean 'hot'?" in hubbub("run", "bare.hub", "--platform", "hott").err
    hubbub("run", "gallery:fact-check", "--platform", "hot").refuses("[platform]")


def test_a_journalled_run_keeps_its_platform(hubbub: Hubbub, tmp_path: Path) -> None:
    save(World.create(agents=100, mean_degree=6, seed=3), tmp_path / "bare.hub")
    words = ("run", "bare.hub", "--journal", "--platform", "hot", "--ticks", "2")
    assert [hubbub(*words).code, hubbub(*words).code] == [0, 0]
    assert recover(tmp_path / "bare.hub").world.tick == 4


def _saved(path: Path) -> tuple[World, list[tuple[int, int]]]:
    """Save a world at tick 6; returns it and what was shown in tick 4."""
    world = World.create(agents=200, mean_degree=6, seed=3, platform={"posting": 0.3})
    assert world.platform is not None
    world.step(3)
    world.platform.act(5, "post", text="music")
    world.step()
    shown = world.platform.exposures
    pairs = list(zip(shown.viewer.tolist(), shown.message.tolist(), strict=True))
    world.step(2)
    save(world, path)
    return world, pairs


def test_a_past_exposure_is_explained_by_running_its_tick_again(hubbub: Hubbub) -> None:
    world, pairs = _saved(Path("a.hub"))
    viewer, message = pairs[7]
    why = explain(Path("a.hub"), viewer, message, 4)
    assert (why.tick, why.viewer, why.message) == (4, viewer, message)
    assert abs(sum(why.parts.values()) - why.score) < 1e-5
    facts = hubbub("show", "a.hub", "why", str(viewer), str(message), "--tick", "4", "--json").json
    assert facts["parts"] == why.parts
    assert facts["slot"] == why.slot
    said = hubbub("show", "a.hub", "why", str(viewer), str(message), "--tick", "4")
    assert "ranked by" in said.out
    feed = hubbub("show", "a.hub", "feed", str(viewer), "--tick", "4", "--json").json["rows"]
    assert [each["message"] for each in feed] == [m for v, m in pairs if v == viewer]
    assert world.digest() == load(Path("a.hub")).digest()
    assert hubbub("run", "a.hub", "--journal", "--ticks", "1").code == 0  # it begins at tick 6
    words = ("show", "a.hub", "why", str(viewer), str(message), "--tick", "4", "--json")
    assert hubbub(*words).json == facts


def test_the_last_tick_of_a_file_is_explained_too(hubbub: Hubbub, tmp_path: Path) -> None:
    world, _ = _saved(tmp_path / "a.hub")
    assert world.platform is not None
    viewer = int(world.platform.exposures.viewer[0])
    shown = [int(m) for m in world.platform.exposures.message[world.platform.exposures.of(viewer)]]
    feed = hubbub("show", "a.hub", "feed", str(viewer))
    assert all(f"{message:,}" in feed.out for message in shown)
    asleep = next(a for a in range(200) if a not in set(world.platform.online.tolist()))
    assert "no impressions in tick 6" in hubbub("show", "a.hub", "feed", str(asleep)).out


def test_what_cannot_be_explained_is_one_sentence(hubbub: Hubbub, tmp_path: Path) -> None:
    _saved(tmp_path / "a.hub")
    assert "ticks 1 to 6; got 9" in hubbub("show", "a.hub", "why", "1", "2", "--tick", "9").err
    assert "was not shown" in hubbub("show", "a.hub", "why", "1", "0", "--tick", "6").err
    bare = World.create(agents=20, mean_degree=2, seed=1)
    bare.step()
    save(bare, tmp_path / "bare.hub")
    assert "no platform" in hubbub("show", "bare.hub", "why", "1", "2").err
    own = World(bare.agents, bare.ties, seed=1, tick_minutes=60)
    own.step()
    save(own, tmp_path / "own.hub")
    assert "Cannot go back" in hubbub("show", "own.hub", "why", "1", "2").err


def test_a_member_says_whose_place_is_taken(hubbub: Hubbub, tmp_path: Path) -> None:
    world = World.create(agents=30, mean_degree=4, seed=3, platform=True)
    meta, columns = world.dump()
    meta["platform"]["policy"]["name"] = "shy"
    save(World.restore(meta, columns), tmp_path / "a.hub")
    assert hubbub("show", "a.hub", "agents", "7", "--json").json["policy"] == "shy (not here)"
