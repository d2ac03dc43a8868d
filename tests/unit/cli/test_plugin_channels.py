import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import PrivateAttr

from sim import Channel, ChannelView, load_file, names, spec
from sim.core import registry
from sim.core.cards import missing
from sim.errors import PluginError
from sim.testing.channel_laws import CHANNEL_LAWS, check_channel
from sim.testing.trial import LAWS_BY_KIND, kinds_of
from tests.unit.cli.conftest import Hubbub, written

STRANGER = '''"""Bridges."""

from typing import Any

from sim import Channel, ChannelView, Field, register


@register("stranger-bridges")
class StrangerBridges(Channel):
    """Messages cross from one community to another, and go no other way."""

    least: float = Field(0.0, ge=0, le=1, description="trust from which a bridge carries")

    def contacts(self, network: ChannelView) -> Any:
        crosses = network.speaker.community != network.listener.community
        return crosses & (network.trust >= self.least)
'''


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    file = tmp_path / "stranger_bridges.py"
    file.write_text(STRANGER)
    assert len(STRANGER.splitlines()) <= 25
    return file


def test_what_new_writes_keeps_the_laws(hubbub: Hubbub, tmp_path: Path) -> None:
    said, cls = written(hubbub, "channel", tmp_path)
    assert "--channel made-channel --plugin" in said.out
    assert check_channel(cls) == tuple(CHANNEL_LAWS) == tuple(LAWS_BY_KIND["channel"])


@pytest.mark.parametrize("name", names("channel"))
def test_every_channel_keeps_the_laws(name: str) -> None:
    cls: Any = spec(name, "channel").cls
    assert "channel" in kinds_of(name)
    assert check_channel(cls) == tuple(CHANNEL_LAWS)
    assert missing(cls) == ()


def test_a_strangers_file_passes_check_and_slips_do_not(hubbub: Hubbub, stranger: Path) -> None:
    said = hubbub("plugin", "check", stranger)
    assert (said.code, said.err) == (0, "")
    assert f"stranger-bridges: passes {len(CHANNEL_LAWS)} checks" in said.out
    run = ("run", "new:30", "--plugin", stranger, "--inject", "x", "--ticks", "1", "--channel")
    assert "Did you mean 'stranger-bridges'" in hubbub(*run, "stranger-bridge").err
    assert "least must be in [0, 1]" in hubbub(*run, "stranger-bridges,least=7").err
    assert hubbub(*run, "stranger-bridges,least=7").code != 0


@pytest.mark.parametrize("model", ["sir", "viral"])
def test_a_strangers_channel_runs_and_is_saved(hubbub: Hubbub, stranger: Path, model: str) -> None:
    words = (
        "run", "new:600,network=planted-communities", "--plugin", stranger, "--inject", "x",
        "--model", model, "--channel", "stranger-bridges,least=0.5", "--ticks", "6",
        "--save", "after.hub", "--json",
    )  # fmt: skip
    said = hubbub(*words).well()
    (story,) = said.json["cascades"]
    assert (story["status"], story["channel"]) == ("running", "stranger-bridges,least=0.5")
    assert story["size"] > 10
    assert "--channel stranger-bridges,least=0.5" in said.err  # how to repeat it
    on = hubbub("run", "after.hub", "--plugin", stranger, "--ticks", "2", "--json")
    assert on.json["cascades"][0]["size"] >= story["size"]
    for kind in ("propagation", "channel"):
        registry._known[kind].pop("stranger-bridges", None)
    gone = hubbub("run", "after.hub", "--ticks", "2", "--json")
    assert gone.json["cascades"][0]["status"] == "failed"
    assert "'stranger-bridges,least=0.5' is not here (version 1" in gone.err


def test_a_scenario_names_it_and_plans_it(hubbub: Hubbub, stranger: Path, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        '[network]\nkind = "planted-communities"\nagents = 300\n'
        '[[messages]]\ntext = "x"\nmodel = "sir"\nchannel = "stranger-bridges,least=0.1"\n'
        '[[interventions]]\nat = 1\ndo = "inject"\ntext = "y"\nchannel = "stranger-bridges"\n'
        "[stop]\nticks = 3\n"
    )
    said = hubbub("run", "s.toml", "--plugin", stranger, "--json").well()
    used = [story["channel"] for story in said.json["cascades"]]
    assert used == ["stranger-bridges,least=0.1", "stranger-bridges,least=0.0"]


def test_channels_are_listed_and_told_of(hubbub: Hubbub, stranger: Path) -> None:
    load_file(stranger)
    assert "stranger-bridges" in hubbub("models", "--kind", "channel").out
    assert "trust from which a bridge carries" in hubbub("models", "stranger-bridges").out
    facts = {each["name"]: each for each in hubbub("plugin", "list", "--json").json}
    assert facts["broadcast"]["kind"] == facts["stranger-bridges"]["kind"] == "channel"
    assert "Did you mean 'stream'" in hubbub("models", "strem", "--kind", "channel").err


class Plain(Channel):
    """Every tie."""

    def contacts(self, network: ChannelView) -> Any:
        return np.ones(network.ties, bool)


def carrying(contacts: Callable[[ChannelView], Any]) -> Any:
    """Return a channel of these contacts."""
    does = {"__module__": __name__, "contacts": lambda _, network: contacts(network)}
    return type("Carrying", (Plain,), does)


class Printing(Plain):
    def contacts(self, network: ChannelView) -> Any:
        sys.stdout.write("hello")
        return super().contacts(network)


class Remembering(Plain):
    _asked: int = PrivateAttr(0)

    def contacts(self, network: ChannelView) -> Any:
        self._asked += 1
        assert network.tick >= 0
        return network.listeners % 7 == self._asked


class Writing(Plain):
    def contacts(self, network: ChannelView) -> Any:
        network.column("community")[:] = 0
        return super().contacts(network)


class Stale(Plain):
    _first: list[Any] = PrivateAttr(default_factory=list)

    def contacts(self, network: ChannelView) -> Any:
        self._first[:] = self._first or [network.column("community").copy()]
        return self._first[0][network.speakers] != self._first[0][network.listeners]


@pytest.mark.parametrize(
    ("cls", "law", "said"),
    [
        (carrying(lambda _: 1 / 0), "runs", "ZeroDivisionError: division by zero"),
        (carrying(lambda net: (np.array([0]), np.array([net.agents]))), "runs",
         "whole numbers from 0 to 59"),
        (Writing, "runs", "writes into a column"),
        (Printing, "silent", "take the print out"),
        (carrying(lambda net: np.random.default_rng().random(net.ties) < 0.5), "own draws",
         "numpy.random.default_rng"),
        (carrying(lambda net: np.full(net.ties, time.time() > 0)), "own draws", "reads a clock"),
        (Remembering, "deterministic", "keep nothing of its own"),
        (Stale, "current", "what the world was once"),
        (Remembering, "resumes", "did not go on as it was"),
    ],
)  # fmt: skip
def test_a_law_sees_its_mistake(cls: type[Channel], law: str, said: str) -> None:
    registry.register(cls.__name__.lower())(cls)
    with pytest.raises(PluginError, match=said):
        CHANNEL_LAWS[law](cls, {})
