"""What the screen does to a platform: open one, flag messages, step in; on the real simulator."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from textual.widgets import Input, Select

from sim import World
from sim.errors import ParameterError
from sim.runtime import choices as offers
from sim.runtime.queries import feeds
from sim.scenario import NewWorld
from tests.screens.test_app import command, frame_of, said, seen, typed, until
from tests.screens.test_app import hubbub as scripted
from tests.screens.test_app_real import hubbub
from tui.dialogs.form import FormDialog
from tui.draw.now import NowPane, platform_metrics


async def test_a_platform_is_opened_flagged_and_stepped_into(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await command(pilot, "platform")
        await until(pilot, lambda: "has no platform" in said(app))
        app.action_act("platform")
        await until(pilot, lambda: isinstance(app.focused, Input))
        assert cast("Input", app.focused).value == "platform on "
        await typed(pilot, "platform on recommender=hot slots=5 rhythm=flat")
        await until(pilot, lambda: "Platform opened" in said(app))
        await command(pilot, "run 3")
        await until(pilot, lambda: frame_of(app).tick == 3)
        await until(pilot, lambda: "impressions" in seen(app))
        assert frame_of(app).platform.recommenders == ("hot",)
        await until(pilot, lambda: "act like" in seen(app))
        await command(pilot, "platform on recommender=random policy=rule")
        await until(pilot, lambda: "random ranks all feeds and rule is the policy" in said(app))
        for line, answer in (
            ("platform on", "Platform: "),
            ("platform on slots=3", "accepts only recommender= and policy="),
            ("platform off", "'off'"),
            ("flag hidden", "such as `flag m1204 hidden`"),
            ("flag m1", "Type a flag"),
            ("flag m999999999 hidden", "no message 999,999,999"),
            ("intervene now destroy", "'destroy'"),
            ("intervene destroy", "'destroy'"),
        ):
            await command(pilot, line)
            await until(pilot, lambda answer=answer: answer in said(app))
        await pilot.press("3")
        await until(pilot, lambda: "posts" in seen(app))
        app.action_act("flag")
        await until(pilot, lambda: isinstance(app.focused, Input))
        assert isinstance(app.focused, Input)
        start = app.focused.value
        app.focused.value = f"{start}hidden"
        await pilot.press("enter")
        await until(pilot, lambda: "is hidden" in said(app))
        await until(pilot, lambda: "hidden" in seen(app))
        await command(pilot, "intervene now ban agents=top:5:degree")
        await until(
            pilot,
            lambda: (
                "Before the next tick: Ban the 5 most followed members. Hits 5 of 7,624"
                in said(app)
            ),
        )
        await command(pilot, "intervene now behave agents=random:5 parameters='likes=2 quotes=1'")
        await until(pilot, lambda: "Before the next tick: Behave" in said(app))
        await command(pilot, "intervene ban the 10 most followed members at tick 90")
        await until(pilot, lambda: "After tick 90: Ban the 10 most followed" in said(app))
        await command(pilot, "intervene 'share > 0.5' freeze agents=ids:3")
        await until(pilot, lambda: "Once share > 0.5: Suspend member 3." in said(app))
        await pilot.press("2", "2")
        await until(pilot, lambda: "openness" in seen(app))
        await pilot.press("K")
        await until(pilot, lambda: bool(app.screen.query("#form Row")))
        assert isinstance(app.screen, FormDialog)
        assert "agents" in seen(app)
        app.screen.query_one("#when", Input).value = "40"
        who = app.screen.query_one("#form Input", Input)
        before, who.value = who.value, "top:none"
        app.screen.action_accept()
        await until(pilot, lambda: app.screen.has_class("-wrong") and "top:none" in seen(app))
        assert isinstance(app.screen, FormDialog)
        assert len(app.screen.query("#form Row.-wrong")) == 1
        who.value = before
        await pilot.pause()  # a change that comes later would take the wish back
        app.screen.action_accept()
        await until(pilot, lambda: "After tick 40" in said(app))
        await pilot.press("3", "K")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await until(pilot, lambda: bool(app.screen.query("#form Row")))
        app.screen.action_accept()
        await until(pilot, lambda: "Before the next tick: Label message" in said(app))
        await command(pilot, "run 1")
        await until(pilot, lambda: frame_of(app).tick == 4)
        await until(pilot, lambda: any("banned" in each for each in frame_of(app).interventions))
        assert any("post m" in each for each in frame_of(app).interventions)
        await pilot.press("space")  # a platform lives without a message
        await until(pilot, lambda: frame_of(app).tick > 5)
        await pilot.press("space")
        await until(pilot, lambda: frame_of(app).state == "paused")


async def test_a_wrong_field_is_refused_in_the_dialog(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (app, pilot):
        await pilot.press("K")
        await until(pilot, lambda: bool(app.screen.query("#form Row")))
        assert isinstance(app.screen, FormDialog)
        app.screen.query_one("#form Input", Input).value = "-1"
        app.screen.action_accept()
        await until(pilot, lambda: "message must be" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, FormDialog))


async def test_a_new_world_has_a_platform_where_one_is_chosen(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (app, pilot):
        await pilot.press("n")
        await until(
            pilot, lambda: isinstance(app.screen, FormDialog) and app.screen.query("#form Row")
        )
        app.screen.query_one("#platform", Select).value = "chronological"
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.simulator.orders))  # type: ignore[attr-defined]
        assert app.simulator.orders[-1].platform == "chronological"  # type: ignore[attr-defined]


def test_worlds_are_made_with_platforms() -> None:
    order = NewWorld(50, "preferential-attachment", 4.0, 7, platform="random")
    now = feeds.platform_now(order.make(lambda _stage, _share: None))
    assert now is not None
    assert now.recommenders == ("random",)
    assert offers.recommenders()[0] == "blend"
    assert {"ban", "fact-check"} <= {card.name for card in offers.interventions()}


def test_settings_and_fields_take_their_types() -> None:
    assert offers.platform_settings({"slots": "5", "recommender": "hot"}) == {
        "slots": 5,
        "recommender": "hot",
    }
    with pytest.raises(ParameterError, match="slots"):
        offers.platform_settings({"slots": "none"})
    by_name = {offer.name: offer for offer in offers.interventions()}
    assert by_name["fact-check"].checked({"message": "1", "reach": "0.5"})["reach"] == 0.5
    assert [spec.name for spec in by_name["set"].parameters] == ["name", "value", "message"]
    told: dict[str, object] = {"parameters": "likes=2.0, policy=mine fast=true", "policy": "rule"}
    assert by_name["behave"].checked(told)["parameters"] == {
        "likes": 2.0, "policy": "mine", "fast": True,
    }  # fmt: skip
    assert by_name["behave"].checked({"parameters": ""}) == {"parameters": {}}
    with pytest.raises(ParameterError, match="NAME=VALUE, got 'likes'"):
        by_name["behave"].checked({"parameters": "likes"})


def test_now_tells_who_is_online_and_what_they_did() -> None:
    world = World.create(agents=60, mean_degree=4, seed=1, platform={"rhythm": "flat"})
    world.step(3)
    now = feeds.platform_now(world)
    assert now is not None
    assert feeds.platform_now(World.create(agents=20, mean_degree=4, seed=1)) is None
    told = {metric.name: metric.value for metric in platform_metrics(now, 60)}
    assert told["online"] == str(world.platform.online.size)  # type: ignore[union-attr]
    assert sum(many for _, many in now.acts) == world.platform.acted.agent.size  # type: ignore[union-attr]
    assert "With a platform" in NowPane.HELP
