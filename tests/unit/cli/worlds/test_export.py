"""``hubbub export``."""

import csv
from pathlib import Path

import pytest

from sim import World, save
from sim.io import EXPORTS
from tests.unit.cli.conftest import Hubbub


def test_export_writes_and_says_so(hubbub: Hubbub) -> None:
    said = hubbub("export", "new:50,mean_degree=4,seed=1", "--out", "out put", "--format", "csv")
    assert said.code == 0
    assert said.out.startswith("Exported 'out put' (4 files): 2")
    with Path("out put/agents.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 51


def test_export_replaces_nothing_unless_forced(hubbub: Hubbub) -> None:
    Path("a.graphml").write_text("mine")
    words = ("export", "new:50,mean_degree=4,seed=1", "--out", "a.graphml")  # as it ends
    said = hubbub(*words)
    assert (said.code, Path("a.graphml").read_text()) == (3, "mine")
    assert "replace it with --force" in said.err
    assert hubbub(*words, "--force").out.startswith("Exported a.graphml: ")


@pytest.mark.parametrize("to", ["xlsx", "Csv"])
def test_an_unknown_format_is_refused_before_work(hubbub: Hubbub, to: str) -> None:
    said = hubbub("export", "absent", "--out", "out", "--format", to)
    assert said.code == 2
    assert "No export format named" in said.err


def test_a_file_that_does_not_say_its_format_is_refused_before_work(hubbub: Hubbub) -> None:
    said = hubbub("export", "absent", "--out", "out")
    assert (said.code, said.err.startswith("'out' does not say which format; add --format")) == (
        2, True,
    )  # fmt: skip


def test_formats_are_completed() -> None:
    from sim.cli.start import completed

    assert completed("exports")("") == list(EXPORTS)


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
