"""Minds from the screen; on the real simulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.core.settings import Settings, load_settings
from tests.screens.test_app import command, frame_of, said, until
from tests.screens.test_app_real import hubbub
from tests.unit.llm.server import Server, body, completion

LIKE = json.dumps({"act": "like", "post": 1, "text": ""})


async def test_minds_are_given_woken_and_put_to_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBBUB_LLM_MODEL", raising=False)
    with Server(body(completion(LIKE))) as server:
        async with hubbub(tmp_path, (160, 48)) as (app, pilot):
            await command(pilot, "llm on")
            await until(pilot, lambda: "no platform" in said(app))
            await command(pilot, "platform on rhythm=flat")
            await until(pilot, lambda: "The platform is open" in said(app))
            for line, answer in (
                ("minds", "Nobody has a mind"),
                ("minds share:0.5 colour=red", "nothing else"),
                ("minds share:0.5 goal=peace", "have a mind of their own"),
                ("minds", "nothing is decided yet"),
                ("llm on", "Until then rules decide"),
                ("llm off", "The rules decide for all"),
                ("llm off", "The rules decide for all"),
            ):
                await command(pilot, line)
                await until(pilot, lambda answer=answer: answer in said(app))
            monkeypatch.setenv("HUBBUB_LLM_MODEL", "m")
            monkeypatch.setenv("HUBBUB_LLM_URL", server.url)
            monkeypatch.setattr("sim.run.minds_opening.current", _now)
            await command(pilot, "llm on")
            await until(pilot, lambda: "Minds decide now." in said(app))
            await command(pilot, "run 2")
            await until(pilot, lambda: frame_of(app).tick == 2)
            await until(pilot, lambda: any("minds: " in line for _, line in frame_of(app).events))
            await command(pilot, "llm off")
            await until(pilot, lambda: "The rules decide for all" in said(app))
            await command(pilot, "minds")
            await until(pilot, lambda: "decisions" in said(app))
        assert server.calls


def _now() -> Settings:
    return load_settings()
