import csv
from pathlib import Path

import pytest

from sim import World, save
from tests.unit.cli.conftest import Hubbub


def test_export_says_what_it_wrote_and_replaces_nothing_unless_forced(hubbub: Hubbub) -> None:
    said = hubbub("export", "new:50,mean_degree=4,seed=1", "--out", "out put", "--format", "csv")
    assert said.code == 0
    assert said.out.startswith("Exported 'out put' (4 files): 2")
    with Path("out put/agents.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 51
    Path("a.graphml").write_text("mine")
    words = ("export", "new:50,mean_degree=4,seed=1", "--out", "a.graphml")  # as it ends
    hubbub(*words).refuses("replace it with --force", 3)
    assert Path("a.graphml").read_text() == "mine"
    assert hubbub(*words, "--force").out.startswith("Exported a.graphml: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "xlsx"), "No export format named"),
        (("--format", "Csv"), "No export format named"),
        ((), "'out' does not say which format; add --format"),
    ],
)
def test_a_format_that_is_unknown_is_refused_before_work(
    hubbub: Hubbub, words: tuple[str, ...], said: str
) -> None:
    hubbub("export", "absent", "--out", "out", *words).refuses(said)


def test_ticks_of_which_nothing_is_kept_are_told(hubbub: Hubbub) -> None:
    world = World.create(agents=60, mean_degree=4, seed=1, platform={"log_ticks": 3})
    world.step(10)
    save(world, "a.hub")
    said = hubbub("export", "a.hub", "--out", "a", "--format", "csv")
    assert said.err.strip() == (
        "No record of what members did in ticks 1-7: it was not recorded, or dropped by the "
        "setting history_mb."
    )
    assert hubbub("export", "a.hub", "--out", "a.graphml").err == ""
