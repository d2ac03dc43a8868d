"""A message may carry a picture: models that see get it, all others its alt text."""

import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from sim import Ask, Thinker, Turn, World, load, picture, replay, save
from sim.core.pictures import url_of
from sim.errors import FileError, InputError
from sim.minds.models.provider import ServerQuirks
from sim.runtime import Simulation
from sim.runtime.journal.acts import perform
from sim.scenario import open_scenario
from sim.scenario.from_world import scenario_of
from sim.store import read_history
from tests.raising import raises
from tests.unit.runtime.minds_world import Script, minded, platform_of, run

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
URL = f"data:image/png;base64,{b64encode(PNG).decode()}"
SAID = "Look! [picture: A (flooded) bridge. \u2039/post\u203a]"
SENT: dict[str, Any] = {"seeds": [*range(40)], "model": "si", "beta": 0.2, "channel": "feed"}


def sent(mind: str = "rule", **options: Any) -> World:
    world = minded(mind)
    perform(world, "give_minds", (list(range(30)), mind), options)
    world.inject("Look!", image=URL, alt="A [flooded]\n bridge. </post>", **SENT)
    return world


@pytest.mark.parametrize("options", [{"sees": True}, {}, {"sees": True, "batch": 3}])
def test_models_that_see_get_the_picture_and_others_its_alt_text(options: dict[str, Any]) -> None:
    pool = Script(lambda _: '{"act": "like", "post": 1, "text": ""}')
    run(sent("model", **options), Thinker(pool), 2)
    users = [ask.turns[-1] for ask in pool.asks]
    seen = [turn for turn in users if turn.images]
    assert any(f">{SAID}</post>" in turn.text for turn in users) is (len(options) != 1)
    assert bool(seen) is ("sees" in options)  # alone, too, as no answer fits the batch
    assert not any("<member" in turn.text for turn in seen)
    for ask in (one for one in pool.asks if one.turns[-1].images):
        assert ask.turns[-1].images == (URL,)
        assert "Look! [picture 1]</post>" in ask.turns[-1].text
        text, image = ask.body("m")["messages"][-1]["content"]
        assert text == {"type": "text", "text": ask.turns[-1].text}
        assert image == {"type": "image_url", "image_url": {"url": URL, "detail": "low"}}
        bare = Ask((ask.turns[0], Turn("user", ask.turns[-1].text)), schema=ask.schema)
        assert ask.most_read == bare.most_read + 3000


def test_a_server_without_a_system_role_gets_text_and_picture_as_one_turn() -> None:
    quirks = ServerQuirks()
    quirks.system = False
    said = quirks.body(Ask((Turn("system", "Be."), Turn("user", "Hm?", (URL,)))), "m")["messages"]
    assert [part["type"] for part in said[0]["content"]] == ["text", "text", "image_url"]


def test_a_picture_is_kept_by_saves_replays_and_scenarios(tmp_path: Path) -> None:
    world = sent()
    perform(world, "step", (3,))
    save(world, tmp_path / "w.hub")
    assert "image" not in World.create(50).inject("Hm.", seeds=[0], model="si").dump()[1]
    for again in (load(tmp_path / "w.hub"), replay(world.trail.acts).world):
        assert again.digest() == world.digest()
        assert again.cascades[0].message.image == URL
        said = SAID.replace("\u2039", "<").replace("\u203a", ">")
        assert said in platform_of(again).written.values()
    plain = World.create(50)
    plain.inject("Look!", image=URL, alt="A bridge.", seeds=[0], model="si")
    text, left_out = scenario_of(plain.trail.acts)
    assert left_out == []
    for _ in range(2):
        plain.inject("Big", image=url_of(PNG + bytes(400_000)), alt="x", seeds=[0], model="si")
    assert "image" not in scenario_of(plain.trail.acts)[0]
    assert scenario_of(plain.trail.acts)[1][0].startswith("Left out: picture (3x)")
    path = tmp_path / "s.toml"
    (tmp_path / "b.png").write_bytes(PNG)
    for image in ("b.png", URL):
        path.write_text(text.replace(URL, image), "utf-8")
        (message,) = open_scenario(str(path)).plan().messages
        (tmp_path / "b.png").unlink(missing_ok=True)  # it was read when the plan was made
        message.check()
        assert message.inject(World.create(50)).message == plain.cascades[0].message


async def test_a_journal_names_the_pictures_that_there_are(tmp_path: Path) -> None:
    save(world := World.create(50), path := tmp_path / "w.hub")
    async with Simulation(world, path=path, journal=True) as live:
        await live.inject("Plain.", seeds=[0], model="si")
        await live.inject("Look!", seeds=[0], model="si", image=URL, alt="A bridge.")
        await live.step()
    told = [each.text for each in read_history(path).told]
    assert told == ["Plain.", "Look! [picture: A bridge.]"]


BAD_PICTURES = [
    ("/etc/passwd", "x", "A picture is a data URL"),
    (URL + "\u00e9", "x", "not valid base64"),
    ("data:image/png;base64,PHN2Zz4=", "x", "A picture is a PNG"),
    (URL[:30] + "A" * 800_000, "x", "A picture is a PNG"),
    (URL[:30] + "A" * 2_000_000, "x", "at most 524,288 bytes"),
    (URL, None, "belong together"),
    (None, "x", "belong together"),
    (URL, " \u2800", "belong together"),
    (URL, "x" * 1001, "at most 1,000 characters"),
]


def test_what_is_no_picture_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    world = World.create(50)
    before = world.digest()
    for image, alt, said in BAD_PICTURES:
        raises(InputError, said, world.inject, "x", seeds=[0], model="si", image=image, alt=alt)
    assert world.digest() == before
    (tmp_path / "x.png").write_bytes(b"GIF89" + PNG)
    os.mkfifo(tmp_path / "pipe")
    for file, said in ((tmp_path / "x.png", "a picture is a PNG"), (tmp_path, "regular file"),
                       (tmp_path / "pipe", "regular file"), (tmp_path / "y", "No such file"),
                       ("~nosuch/x.png", "home directory")):  # fmt: skip
        raises(FileError, said, picture, file)
