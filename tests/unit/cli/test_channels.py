import shlex
from pathlib import Path

from tests.unit.cli.conftest import Hubbub

MET = "a b 0\nb c 60\na d 60\nc e 170\nb c 170\n"
"""Source, target, second."""


def timed(hubbub: Hubbub, folder: Path) -> Path:
    (folder / "met.txt").write_text(MET)
    made = hubbub(
        "import", "met.txt", "--columns", "0,1", "--times", "2", "--direction", "influences",
        "--tick-minutes", "1", "--out", "met.hub",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert "5 timed interactions in 3 ticks of 1 minutes" in made.out
    return folder / "met.hub"


def test_a_stream_is_played_from_the_command_line(hubbub: Hubbub, tmp_path: Path) -> None:
    world = timed(hubbub, tmp_path)
    words = (
        "run", world, "--inject", "x", "--seeds", "ids:a", "--model", "si", "-p", "beta=1",
        "--channel", "stream", "--ticks", "5", "--json",
    )  # fmt: skip
    said = hubbub(*words).well()
    (story,) = said.json["cascades"]
    assert (story["size"], story["channel"]) == (5, "stream:1")
    assert story["history"]["infected"][:4] == [1, 2, 4, 5]
    again = next(line for line in said.err.splitlines() if "--channel" in line)
    assert "stream" in shlex.split(again)


def test_a_channel_needs_its_world_and_a_message_is_alone_on_its_line(hubbub: Hubbub) -> None:
    for words, said in (
        (("--channel", "stream"), "--times"),
        (("--channel", "strem"), "stream"),
        (("--inject", "y"), "[[messages]]"),
    ):
        hubbub("run", "new:30", "--inject", "x", *words, "--ticks", "1").refuses(said)
