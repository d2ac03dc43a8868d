"""Minds from the screen, and talking to members; on the real simulator."""

import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, OptionList, Select

from sim import Settings
from sim.settings import load_settings
from tests.screens.test_app import command, frame_of, keys, said, seen, shows, until
from tests.screens.test_app_real import Hub, hubbub
from tests.unit.minds.server import Call, Server, body, completion
from tui.app import Hubbub
from tui.dialogs.dialog import Notice
from tui.dialogs.form import FormDialog
from tui.dialogs.minds import InterviewDialog, PlayDialog

LIKE = json.dumps({"act": "like", "post": 1, "text": ""})


def _now() -> Settings:
    return load_settings()


def answered_by(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HUBBUB_LLM_MODEL", "m")
    monkeypatch.setenv("HUBBUB_LLM_URL", url)
    for place in ("sim.runtime.minds", "sim.minds.deciding.estimate"):
        monkeypatch.setattr(f"{place}.current", _now)


async def test_minds_are_given_woken_and_put_to_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBBUB_LLM_MODEL", raising=False)
    with Server(body(completion(LIKE))) as server:
        async with hubbub(tmp_path, (160, 48)) as (app, pilot):
            await command(pilot, "llm on", "no platform")
            await command(pilot, "platform on rhythm=flat", "Platform opened")
            for line, answer in (
                ("minds share:0.02 colour=red", "nothing else"),
                ("minds share:0.02 goal=peace", "Language models assigned to"),
                ("llm on", "Until then rules decide"),
                ("llm off", "Language models are off"),
                ("llm off", "Language models are off"),
                ("llm budget many", "at least 0"),
                ("llm budget 900000 tokens", "0 of 900,000 tokens"),
                ("llm budget none", "Spent: 0 of 900,000 tokens."),
                ("llm least 60%", "models make less than 60% of decisions"),
                ("llm least much", "from 0 to 1"),
                ("llm least none", "never pauses"),
                ("interview", "Type an id"),
                ("interview 3", "No language model is set"),
                ("survey random:3", "Type `survey"),
                ("survey random:3 question=Well?", "No language model is set"),
            ):
                await command(pilot, line, answer)
            answered_by(monkeypatch, server.url)
            await command(pilot, "llm on", "Language models are on.")
            await command(pilot, "run 2", lambda: frame_of(app).tick == 2)
            await until(pilot, lambda: any("minds: " in line for _, line in frame_of(app).events))
            await keys(
                pilot, "5", then=lambda: "by model" in seen(app) and "available" in seen(app)
            )
            await until(pilot, lambda: "minds 100.0% model" in seen(app))
            await command(pilot, "llm status")
            await until(pilot, lambda: isinstance(app.screen, Notice) and "latency" in seen(app))
            await pilot.press("enter")
            await command(pilot, "llm budget 1 request")
            await command(pilot, "step")
            await shows(pilot, "budget of the language models is spent", "minds: using rules")
            await command(pilot, "llm", "Language models are off")
        assert server.calls


async def rubbish_or_words(call: Call) -> None:
    """Answer decisions by rubbish, and questions."""
    await call.send(completion("rubbish" if b"Acts:" in call.body else "Yes, [b]gladly[/b]."))


async def test_minds_are_given_by_a_dialog_and_members_talked_to_asked_and_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(rubbish_or_words) as server:
        answered_by(monkeypatch, server.url)
        async with hubbub(tmp_path, (80, 24)) as hub:
            app, pilot = hub
            await command(pilot, "platform on rhythm=flat posting=1", "Platform opened")
            await _given(hub)
            await command(pilot, "run 2", lambda: frame_of(app).tick == 2)
            await command(pilot, "llm")
            await until(pilot, lambda: "models are off" in said(app) or "None of" in said(app))
            asked = len(server.calls)
            assert b"What you want: peace" in server.calls[0].body
            assert server.calls[0].said["temperature"] == 0
            await _talked(hub)
            assert b"Well?" in server.calls[asked].body
            assert b"gladly" in server.calls[asked + 1].body
            await _surveyed(hub)
            await _played(hub)


async def _given(hub: Hub) -> None:
    app, pilot = hub
    await command(pilot, "minds", FormDialog)
    dialog = app.screen

    def expected() -> str:
        return str(dialog.query_one("#preview").render())

    def put(**typed: str) -> None:
        for name, text in typed.items():
            dialog.query_one(f"#{name.replace('_', '-')}", Input).value = text

    await pilot.press("enter")  # nobody was named yet: nothing is given unasked
    await until(pilot, lambda: "Type which members" in seen(app))
    assert dialog.query_one("#who", Input).value == ""
    put(who="random:40", budget="much", ticks="0")
    await keys(pilot, "enter", then="at least 0")
    put(budget="$0.5")
    await until(pilot, lambda: "from 1" in seen(app))
    put(ticks="10", said_goal="peace", options="temperature=0")
    await until(pilot, lambda: "40 members, 10 ticks" in expected())
    await keys(pilot, "enter", then=lambda: "from the next tick" in said(app))


async def _surveyed(hub: Hub) -> None:
    app, pilot = hub
    await command(pilot, "survey random:3 question=Really? choices=yes,no")
    await until(pilot, lambda: isinstance(app.screen, Notice) and "100.0%" in seen(app))
    await pilot.press("enter")
    await command(pilot, "survey", FormDialog)
    await keys(pilot, "enter", then="needs members and a question")
    await ask(app, pilot, "And now?")
    await until(pilot, lambda: isinstance(app.screen, Notice) and "And now?" in seen(app))
    await pilot.press("enter")


async def ask(app: Hubbub, pilot: Pilot[int], question: str) -> None:
    app.screen.query_one("#question", Input).value = question
    await pilot.press("enter")


async def _talked(hub: Hub) -> None:
    app, pilot = hub
    await command(pilot, "interview 3 Well?", InterviewDialog, lambda: "gladly" in seen(app))
    tick = frame_of(app).tick
    await keys(pilot, "enter", then="Type a question.")
    app.screen.query_one("#keep", Select).value = "yes"
    await ask(app, pilot, "Why?")
    await until(pilot, lambda: seen(app).count("gladly") == 2)
    await keys(pilot, "escape", then=lambda: not isinstance(app.screen, InterviewDialog))
    remembered = await app.simulation.query(_memories, 3)
    assert [text for _, text, _, _ in remembered] == [
        "You were asked: Why? You said: Yes, [b]gladly[/b]."
    ]
    assert frame_of(app).tick == tick
    await command(pilot, "llm budget 0 requests")
    await command(pilot, "interview 3 Whom do you like?", InterviewDialog)
    typed = app.screen.query_one("#question", Input)
    await until(pilot, lambda: typed.value == "Whom do you like?")  # it can be asked again
    await keys(pilot, "escape", then=lambda: not isinstance(app.screen, InterviewDialog))
    await command(pilot, "llm budget none requests")
    await command(pilot, "talk 3")
    await until(pilot, lambda: isinstance(app.screen, InterviewDialog) and "gladly" in seen(app))
    await keys(pilot, "escape", then=lambda: not isinstance(app.screen, InterviewDialog))


def _memories(world: Any, member: int) -> Any:
    return world.platform.minds.memories[member]


async def _played(hub: Hub) -> None:
    app, pilot = hub
    await command(pilot, "members", lambda: app.groups.member is not None)
    await keys(pilot, "A", then=PlayDialog)
    dialog = app.screen
    act, words = dialog.query_one("#act", Select), dialog.query_one("#words", Input)
    feed = dialog.query_one("#list", OptionList)
    for _ in range(30):
        if feed.option_count:
            break
        tick = frame_of(app).tick
        dialog.query_one("#step", Button).press()
        await until(pilot, lambda tick=tick: app.simulation.frame.tick > tick)
        await until(pilot, lambda: not dialog.query_one("#step", Button).disabled)
    act.value = "reply"
    yes = dialog.query_one("#yes", Button)
    yes.press()
    await until(pilot, lambda: "type a text" in seen(app))
    for name, text, shown in (
        ("reply", "Hear, hear.", "reply m"), ("post", "Good day.", "post"), ("follow", "", "follow")
    ):  # fmt: skip
        act.value, words.value = name, text
        yes.press()
        await until(pilot, lambda shown=shown: shown in str(dialog.query_one("#about").render()))
    dialog.query_one("#step", Button).press()
    await until(pilot, lambda: "Done: " in str(dialog.query_one("#about").render()))
    assert "reply m" in str(dialog.query_one("#about").render())
    dialog.offer(())  # type: ignore[attr-defined]
    act.value = "like"
    dialog._being = dialog._being.__class__(0, "x", 1, False, (), ())  # type: ignore[attr-defined]
    yes.press()
    await until(pilot, lambda: "select a message" in seen(app))
    await keys(pilot, "escape", then=lambda: "acts by itself again" in said(app))
