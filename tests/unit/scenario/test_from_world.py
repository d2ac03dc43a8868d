from pathlib import Path

import pytest

from sim import PlatformSettings, RulePolicy, World, load, make, save
from sim.io import EdgeOptions, import_world
from sim.scenario.from_world import scenario_of
from sim.world import LoggedAct
from sim.world.log import said_of
from tests.unit.cli.conftest import Hubbub


def again(hubbub: Hubbub, world: World) -> tuple[World, str, str]:
    """Save a world, write its script, and run that; returns the world, the script, what is told."""
    save(world, "a.hub")
    told = hubbub("scenario", "from-world", "a.hub", "--out", "again.toml").err
    hubbub("run", "again.toml", "--save", "b.hub").well()
    return load("b.hub"), Path("again.toml").read_text(), told


def test_a_living_world_comes_out_the_same_bit_for_bit(hubbub: Hubbub) -> None:
    world = World.create(agents=200, mean_degree=6, seed=4, languages={"en": 0.6, "es": 0.4})
    world.open_platform(PlatformSettings(slots=5, rhythm="flat"), recommender="popularity")
    assert world.platform is not None
    world.platform.recommend(make("hot", "recommender", seconds=9000.0))
    world.open_metrics(every=1)
    world.at("share > 0.05", "ban", agents="top:3:degree")
    world.at(3, "shock", factor=2.0, agents=[3, 4], ticks=2)
    world.at(3, "inject", text="Late", seeds="ids:7", model="si")
    world.at(4, "act", act="like", agents="ids:8", message=0)
    world.inject("Music tonight", seeds=[1, 2, 3], model="si", beta=0.4)
    world.step()
    world.mute([1, 1, 2, 2, 3], [5, 6, 5, 6, 6])
    world.step(5)
    found, text, told = again(hubbub, world)
    assert (found.digest(), told) == (world.digest(), "")
    assert 'recommender = "hot"\nparameters = { "seconds" = 9000.0 }\nslots = 5\n' in text
    assert 'do = "mute"\nagents = [1, 2]\nothers = [5, 6]\n' in text
    assert 'at = 1\ndo = "mute"\nagents = [3]\nothers = [6]\n' in text
    assert found.metrics is not None


def test_what_was_done_by_hand_becomes_an_intervention(hubbub: Hubbub) -> None:
    world = World.create(agents=200, mean_degree=6, seed=4, platform=True)
    assert world.platform is not None
    story = world.inject("Sport", seeds=[9], model="si", beta=0.2)
    world.step(2)
    world.platform.recommend("popularity", [1, 2])
    world.add_ties([1], [199])
    world.step(2)
    found, text, told = again(hubbub, world)
    assert told == ""
    assert 'at = 2\ndo = "recommend"\nrecommender = "popularity"\nagents = "ids:1,2"\n' in text
    assert 'at = 2\ndo = "follow"\nagents = [199]\nothers = [1]\n' in text
    assert (found.cascades[0].log.agents == story.log.agents).all()
    assert (found.ties.targets == world.ties.targets).all()


def test_a_platform_that_opened_late_comes_out_the_same(hubbub: Hubbub) -> None:
    world = World.create(agents=200, mean_degree=6, seed=4)
    world.step(2)
    world.open_platform(slots=4, rhythm="flat")
    world.inject("Sport", seeds=[9], model="si", beta=0.2)
    world.step(2)
    assert world.platform is not None
    world.platform.act(3, "post", text="Music")
    world.step(2)
    found, _, told = again(hubbub, world)
    assert (found.tick, told) == (6, "")
    assert found.platform is not None
    assert (found.cascades[0].log.agents == world.cascades[0].log.agents).all()
    assert list(found.platform.written.values()) == ["Sport", "Music"]


def test_a_message_from_before_the_platform_stays_outside_of_feeds(hubbub: Hubbub) -> None:
    world = World.create(agents=200, mean_degree=6, seed=4)
    world.inject("Sport", seeds=[9], model="si", beta=0.2)
    world.open_platform()
    world.step(2)
    found, text, _ = again(hubbub, world)
    assert 'channel = "broadcast"' in text
    assert found.cascades[0].size == world.cascades[0].size


def act(tick: int, kind: str, /, *args: object, **said: object) -> LoggedAct:
    return LoggedAct(0, tick, "script", kind, said_of(args, said), "")


def told(*acts: LoggedAct) -> tuple[str, list[str]]:
    return scenario_of((act(0, "create", network="small-world", agents=9), *acts))


@pytest.mark.parametrize("done", [
    act(3, "open_platform", None, policy=RulePolicy(likes=1.0)),
    act(3, "at", "share > 0.1", "ban", agents=[1]), act(3, "set_status", [1], 5),
    act(3, "add_ties", [1], [2], [0.5]), act(3, "flag", 1, "pinned"),
    act(0, "follow", list(range(2000)), [k * k for k in range(2000)]),
])  # fmt: skip
def test_what_a_scenario_cannot_say_is_named(done: LoggedAct) -> None:
    text, left_out = told(done)
    assert left_out[0].startswith(f"Left out: {done.kind} (1x)")
    assert text.endswith("[stop]\nticks = 0\n")


def test_stages_of_life_parameters_and_alerts_are_said() -> None:
    text, left_out = told(
        act(0, "set_alert", "spread too fast", off=True),
        act(0, "set_alert", "polarisation", warning=0.5),
        act(2, "set_status", [1, 2], 6),
        act(3, "set_parameter", 0, "beta", 0.5),
        act(4, "remove_ties", [1], [2]),
        act(5, "recommend", "hot", None, seconds=9.0),
        act(5, "behave", "rule", [1], likes=1.0),
        act(6, "open_platform", {"slots": 4, "window": 72}),
        act(6, "act", 1, "reply", message=7, other=None, text="hi", group=None),
        act(6, "act", 1, "follow", other=2),
        act(7, "inject", "hi", seeds=[1], model="si", beta=0.5),
        act(7, "inject", "ho", seeds=[1], model="si", at=9),
    )
    left = "Left out: inject (1x); a scenario cannot say it, hubbub replay does it again."
    assert left_out == [left]
    assert 'do = "inject"\ntext = "hi"\nseeds = "ids:1"\nmodel = "si"\nchannel = "feed"\n' in text
    assert '[alerts]\n"spread too fast" = false\npolarisation = { "warning" = 0.5 }\n' in text
    assert 'at = 2\ndo = "ban"\nagents = "ids:1,2"\n' in text
    assert 'at = 3\ndo = "set"\nmessage = 0\nname = "beta"\nvalue = 0.5\n' in text
    assert 'at = 4\ndo = "unfollow"\nagents = [2]\nothers = [1]\n' in text
    assert 'recommender = "hot"\nparameters = { "seconds" = 9.0 }\n' in text
    assert 'do = "open-platform"\nrecommender = "blend"\nsettings = { "slots" = 4 }\n' in text
    assert 'do = "act"\nact = "reply"\nagents = "ids:1"\npost = 7\ntext = "hi"\n' in text
    assert 'do = "act"\nact = "follow"\nagents = "ids:1"\nother = "2"\n' in text
    assert 'policy = "rule"\nagents = "ids:1"\nparameters = { "likes" = 1.0 }\n' in text


@pytest.mark.parametrize(
    ("name", "text", "asked", "said"),
    [
        ("a.csv", "source,target,weight\na,b,4\nb,c,1\n", None, 'weights = "none"\n'),
        ("a.csv", "source,target,weight\na,b,4\nb,c,1\n", "auto", ""),
        ("a.gml", "graph [ node [ id 1 ] node [ id 2 ] node [ id 3 ] edge [ source 1 target 2 "
         "weight 4 ] edge [ source 2 target 3 weight 1 ] ]", None, ""),
    ],
)  # fmt: skip
def test_a_world_without_weights_comes_out_without(
    name: str, text: str, asked: str | None, said: str, hubbub: Hubbub
) -> None:
    Path(name).write_text(text)
    world = import_world(name, options=EdgeOptions(weight_column=asked)).world
    world.step()
    found, written, _ = again(hubbub, world)
    assert (found.digest(), 'weights = "none"\n' in written) == (world.digest(), bool(said))
