"""An assistant's session over standard input and output, and what its tools refuse."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from sim import World, save
from sim.api import opening_of, tools
from sim.errors import HubbubError
from sim.settings.settings import load_settings, use
from sim.store.journal.reading import audit

RUMOUR = {"text": "The bridge is closed.", "seeds": "top:5:degree", "model": "sir", "beta": 0.3}
CITY = "new:300,network=planted-communities,mean_degree=8,seed=3"


@pytest.fixture
def saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUBBUB_SAVES", str(tmp_path))
    use(load_settings())
    return tmp_path


async def test_an_assistant_makes_a_world_and_compares_its_futures(saves: Path) -> None:
    words = ["-m", "sim", "serve", "demo", "--mcp"]
    (saves / "settings.toml").touch()
    env = {"HUBBUB_SAVES": str(saves), "HUBBUB_SETTINGS": str(saves / "settings.toml")}
    program = StdioServerParameters(command=sys.executable, args=words, env=env)
    async with stdio_client(program) as streams, ClientSession(*streams) as session:
        await session.initialize()
        listed = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert {"open_world", "inject", "step", "compare", "frame"} <= listed.keys()
        assert not {"watch", "me"} & listed.keys()
        assert listed["inject"].inputSchema["required"] == ["text", "seeds", "model"]

        async def told(tool: str, /, **given: Any) -> Any:
            found = await session.call_tool(tool, given)
            text = getattr(found.content[0], "text", "")
            return text if found.isError else json.loads(text)

        assert (await told("open_world", world=CITY))["agents"] == 300
        assert "Did you mean 'sir'?" in await told("inject", **RUMOUR | {"model": "sirr"})
        assert (await told("inject", **RUMOUR))["result"] == 0
        tick = 0
        while tick < 10:  # at most 20 s a call, while kernels compile
            tick = (await told("step", ticks=10 - tick))["tick"]
        assert (await told("frame"))["focus"]["reached"] > 5
        assert (await told("message", message=0))["tree"]
        assert (await told("members", query="a", most=2))["total"] > 2
        arms = {"baseline": {}, "banned": {"do": "ban", "agents": "top:20:degree"}}
        asked = await told("compare", arms=arms, messages=[RUMOUR], replicates=2, ticks=5)
        while asked["state"] == "running":
            asked = await told("job", number=asked["id"])
        assert asked["result"]["tables"]["differences"]
        assert (await told("follow", agents=[1], others=[7]))["tick"] == 10
        assert (await told("save", name="mine"))["path"].endswith("mine.hub")
    assert {act.author for act in audit(saves / "mine.hub").acts} == {"assistant"}


@asynccontextmanager
async def desk(where: str, said: list[str]) -> AsyncIterator[tools.Desk]:
    made = tools.Desk(partial(opening_of, author="assistant", tell=said.append), where)
    yield made
    await made.close()


async def _refused(at: tools.Desk, tool: str, /, **given: Any) -> str:
    with pytest.raises(HubbubError) as told:
        await at.call(tool, given)
    return str(told.value)


async def test_refusals_are_sentences(saves: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(CITY, []) as at:
        assert "Did you mean 'frame'?" in await _refused(at, "framee")
        assert "argument named 'limit'" in await _refused(at, "members", limit=5)
        assert "member needs member." in await _refused(at, "member")
        assert "open_world takes world" in await _refused(at, "open_world", name="demo")
        assert "no such file" in await _refused(at, "open_world", world=str(saves / "none.hub"))
        assert "There is no member 300" in await _refused(at, "member", member=300)
        assert json.loads(await at.call("open_world", {"world": CITY}))["tick"] == 0
        monkeypatch.setattr(tools, "_MOST_CHARACTERS", 10)
        assert "ask for less" in await _refused(at, "frame")
    assert not (saves / "new.hub").exists()


@pytest.mark.parametrize("journal", ["on", "off"])
async def test_changes_of_a_world_without_a_file_are_kept(
    saves: Path, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    monkeypatch.setenv("HUBBUB_JOURNAL", journal)
    use(load_settings())
    said: list[str] = []
    async with desk(CITY, said) as at:
        await at.call("step", {"ticks": 2})
    assert said == [f"Its changes are in {saves / 'new.hub'}; hubbub open new resumes there."]
    async with desk(str(saves / "new.hub"), said) as at:
        assert json.loads(await at.call("frame", {}))["tick"] == 2


async def test_a_world_that_cannot_be_opened_leaves_none(saves: Path) -> None:
    path = saves / "city.hub"
    save(World.create(agents=50, mean_degree=4, seed=3), path)
    async with desk(str(path), []) as one, desk(str(path), []) as other:
        await one.call("step", {"ticks": 1})
        assert "in use" in await _refused(other, "frame")
    assert audit(path).acts[-1].author == "assistant"
