"""Scenarios on the screen: chosen, made, played with everything that keys do, and over."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.widgets import OptionList

from sim import load
from sim.core import quiet
from sim.lab import story_card, story_of
from sim.scenario import gallery_names, read_scenario, run_plan
from sim.scenario.gallery import gallery_path
from tests.screens.test_app import command, frame_of, said, seen, settled, until
from tests.screens.test_app_real import hubbub
from tests.screens.test_durability import press
from tui.dialogs.dialog import Notice
from tui.dialogs.lab import GalleryDialog

STORY = """
[about]
title = "A bridge"

[network]
agents = 200
mean_degree = 6
seed = 3

[[messages]]
text = "The bridge is closed."
seeds = "random:5"
model = "sir"
parameters = { beta = 0.4, gamma = 0.1 }

[[commands]]
do = "mute"
agents = "random:20"
others = "top:3:degree"
at = 2

[[interventions]]
at = 3
do = "ban"
agents = "random:3"

[stop]
ticks = 6

[outputs]
json = "story.json"

[variants.short]
stop = { ticks = 4 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a scenario."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "story.toml").write_text(STORY)
    monkeypatch.chdir(here)
    return here


def ran(path: Path, variant: str = "", seed: int | None = None) -> str:
    """The digest that ``hubbub run`` comes to."""
    scenario = read_scenario(path, variant)
    plan, world = scenario.plan(), scenario.world(quiet, seed)
    plan.prepare(world)
    return run_plan(plan, world).world.digest()


async def test_a_scenario_is_played_and_comes_to_what_a_run_comes_to(folder: Path) -> None:
    async with hubbub(folder.parent, (80, 24)) as (app, pilot):
        await command(pilot, "scenario story seed=8")
        await until(pilot, lambda: frame_of(app).name == "story" and frame_of(app).program)
        assert (frame_of(app).seed, frame_of(app).state) == (8, "paused")
        await until(pilot, lambda: "space plays story from here" in said(app))
        told = [toast.message for toast in app._notifications]
        assert [each for each in told if "names [outputs], which hubbub run writes" in each]
        await pilot.press("full_stop")
        await until(pilot, lambda: frame_of(app).tick == 1)
        await pilot.press("space")
        await until(pilot, lambda: "Scenario story finished at tick 6" in said(app))
        await until(pilot, lambda: "PAUSED" in seen(app))
        await pilot.press("comma")
        await until(pilot, lambda: frame_of(app).tick == 5)
        await pilot.press("space")
        await until(pilot, lambda: said(app).count("Scenario story finished at tick 6") == 2)
        await until(pilot, lambda: "PAUSED" in seen(app) and frame_of(app).tick == 6)
        await command(pilot, "save end")
        await until(pilot, lambda: "Saved end.hub" in said(app))
        assert load(folder.parent / "end.hub").digest() == ran(folder / "story.toml", seed=8)
        assert not (folder / "story.json").exists()


@pytest.mark.parametrize("way", ["discard", "open other"])
async def test_one_that_ends_with_its_world_says_so(folder: Path, way: str) -> None:
    async with hubbub(folder.parent, (160, 48)) as (app, pilot):
        await until(pilot, lambda: app.frame is not None)
        await command(pilot, "save other")
        await until(pilot, lambda: "Saved other.hub" in said(app))
        await command(pilot, "scenario story")
        await until(pilot, lambda: frame_of(app).name == "story" and frame_of(app).program)
        await command(pilot, "step 2")
        await until(pilot, lambda: frame_of(app).tick == 2)
        await command(pilot, "save story")
        await until(pilot, lambda: "Saved story.hub" in said(app))
        await command(pilot, "step 1")
        await until(pilot, lambda: frame_of(app).tick == 3)
        await command(pilot, way)
        if way == "discard":
            await until(pilot, lambda: "Discard unsaved changes?" in seen(app))
            await press(app, pilot, "yes")
        sentence = (
            "story ended at tick 3, where you left it: a saved world does not resume its "
            "scenario. Type :scenario to play it again."
        )
        await until(pilot, lambda: sentence in [each.message for each in app._notifications])
        assert frame_of(app).program is None


async def test_one_is_chosen_where_worlds_are_opened(folder: Path) -> None:
    async with hubbub(folder.parent, (80, 24)) as (app, pilot):
        await pilot.press("0")
        await until(
            pilot, lambda: isinstance(app.screen, GalleryDialog) and "A bridge" in seen(app)
        )
        assert isinstance(app.screen, GalleryDialog)
        app.screen.complain("The scenario cannot be played here. " * 6)
        await until(
            pilot, lambda: "played here" in seen(app) and " c Compare variants " in seen(app)
        )
        assert app.screen.query_one(OptionList).highlighted == 0
        await pilot.press("enter")
        await until(pilot, lambda: frame_of(app).name == "story-short" and frame_of(app).program)


async def test_the_gallery_tells_a_story_and_holds_it_to_what_is_seen(folder: Path) -> None:
    async with hubbub(folder.parent, (120, 36)) as (app, pilot):
        await pilot.press("0")
        await until(pilot, lambda: isinstance(app.screen, GalleryDialog))
        names = [str(each.prompt) for each in app.screen.query_one(OptionList).options]
        app.screen.query_one(OptionList).highlighted = names.index("newcomers")
        await until(pilot, lambda: "Whom do newcomers join" in seen(app))
        assert "1 of 1 expectation held" in seen(app)
        await pilot.press("right")
        await until(pilot, lambda: "Plays  bridging" in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: frame_of(app).name == "newcomers-bridging")
        await command(pilot, "step 60")
        await until(pilot, lambda: isinstance(app.screen, Notice))
        assert "Expected   66.3%" in seen(app)
        assert "Holds      " in seen(app)


def test_every_scenario_of_the_gallery_has_a_still_of_each_variant() -> None:
    for name in gallery_names():
        story = story_of(f"gallery:{name}")
        assert set(story.variants) == set(story.still["ended"]) == set(story.still["courses"])
        assert story.course(story.variants[0])[0] >= 0
        assert "yes, within" in story_card(
            story, story.variants[0], story.still["ended"][story.variants[0]][1]
        )


async def test_the_gallery_goes_by_its_names_with_variant_and_size(folder: Path) -> None:
    async with hubbub(folder.parent, (80, 24)) as (app, pilot):
        await command(pilot, "scenario fact-check variant=narrow agents=300")
        await until(pilot, lambda: frame_of(app).name == "fact-check-narrow")
        await settled(app, pilot)
        assert (frame_of(app).agents, len(frame_of(app).interventions)) == (300, 1)
        assert app.upkeep.scenario_words[:2] == ["story.toml", "gallery:breaking-news"]
        await command(pilot, "step 100")
        await until(pilot, lambda: "finished at tick" in said(app))
        small = gallery_path("gallery:fact-check").read_text().replace("10000", "300")
        (folder / "small.toml").write_text(small)
        await command(pilot, "save end")
        await until(pilot, lambda: "Saved end.hub" in said(app))
        assert load(folder.parent / "end.hub").digest() == ran(folder / "small.toml", "narrow")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("scenario fact-chek", "no such file"),
        ("scenario gallery:fact-chek", "Did you mean 'fact-check'?"),
        ("scenario story variant=long", "no variant 'long'"),
        ("scenario story ticks=5", "No option of scenario named 'ticks'"),
        ("scenario story agents=few", "number after agents= must be a whole number from 1"),
        ("scenario wrong", "seeds = 'random:many': How many seeds"),
        ("scenario story agents=3", "mean_degree must be at"),
    ],
)
async def test_what_cannot_be_played_is_one_sentence_and_the_world_stays(
    folder: Path, typed: str, says: str
) -> None:
    (folder / "wrong.toml").write_text(STORY.replace("random:5", "random:many"))
    async with hubbub(folder.parent, (80, 24)) as (app, pilot):
        await command(pilot, typed)
        await until(pilot, lambda: says in said(app) or says in " ".join(seen(app).split()))
        assert frame_of(app).name == "lastfm-asia"


async def test_making_its_world_can_be_called_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.scenario import Scenario

    begun = threading.Event()

    def slow(_: Scenario, report: object, *_more: object, **_said: object) -> None:
        assert callable(report)
        while True:
            begun.set()
            threading.Event().wait(0.01)
            report("drawing ties", 0.5)

    monkeypatch.setattr(Scenario, "world", slow)
    async with hubbub(folder.parent, (80, 24)) as (app, pilot):
        await command(pilot, "scenario story")
        await until(pilot, lambda: app.work.shown is not None)
        await pilot.press("escape")
        await until(pilot, lambda: "nothing was changed" in said(app))
        assert frame_of(app).name == "lastfm-asia"
