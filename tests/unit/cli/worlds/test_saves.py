import io
import json
import sys
from pathlib import Path

import pytest

from sim import World, info, save
from sim.store import Lineage
from sim.store.journal.journal import folder_of
from sim.store.journal.lineage import note_lineage
from tests.unit.cli.conftest import Hubbub


@pytest.fixture(autouse=True)
def _worlds(elsewhere: Path) -> None:
    (elsewhere / "saves").mkdir()
    for number, name in enumerate("ab"):
        world = World.create(30, mean_degree=4, seed=number)
        save(world, elsewhere / "saves" / f"{name}.hub", note=f"note {name}")
    (elsewhere / "saves" / "bad.hub").write_text("hello")


def test_saves_are_listed(hubbub: Hubbub) -> None:
    said = hubbub("saves", "list")
    heading, *rows = said.out.splitlines()
    assert heading.split()[:4] == ["name", "size", "tick", "agents"]
    assert [row.split()[0] for row in rows] == ["a", "b"]
    assert rows[0].endswith("note a")
    assert said.err.startswith("bad: not a Hubbub world file (it looks like text")
    assert [each["name"] for each in hubbub("saves", "list", "--json").json] == ["a", "b", "bad"]


def test_a_branch_is_listed_with_its_origin(hubbub: Hubbub, elsewhere: Path) -> None:
    path = elsewhere / "saves" / "b.hub"
    folder_of(path).mkdir()
    note_lineage(path, Lineage(str(elsewhere / "a.hub"), 1200, 7, "d"))
    assert "a at tick 1,200" in hubbub("saves", "list").out.splitlines()[2]
    (folder_of(path) / "lineage").write_text("hello")
    assert "a at tick" not in hubbub("saves", "list").out


def test_all_are_verified_also_in_an_empty_folder(hubbub: Hubbub) -> None:
    assert hubbub("--saves", "none", "saves", "list").out.startswith("No saved worlds in ")
    assert hubbub("--saves", "none", "saves", "verify", "--all").code == 0
    said = hubbub("saves", "verify", "--all")
    assert said.code == 3
    assert said.out.splitlines()[:2] == ["a    whole", "b    whole"]
    assert hubbub("saves", "verify", "a", "--json").json[0]["reason"] == ""
    assert hubbub("saves", "verify").code == hubbub("saves", "verify", "a", "--all").code == 2


def test_saves_are_renamed_copied_noted_and_compacted(hubbub: Hubbub) -> None:
    assert hubbub("saves", "rename", "a", "c").out.startswith("Renamed to ")
    assert hubbub("saves", "duplicate", "c", "d").out.startswith("Copied to ")
    assert hubbub("saves", "note", "d", "the second").out.startswith("Noted in ")
    assert " MB now." in hubbub("saves", "compact", "d").out
    assert info("saves/d.hub").note == "the second"
    assert sorted(path.name for path in Path("saves").iterdir()) == [
        "b.hub", "bad.hub", "c.hub", "d.hub",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["../a", "a/b", ".hidden", "a b"])
def test_names_are_confined(hubbub: Hubbub, name: str) -> None:
    hubbub("saves", "delete", name, "--yes").refuses("is no name for a saved world")


def test_deleting_asks_nobody_if_nobody_is(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    said = hubbub("saves", "delete", "a")
    assert (said.code, Path("saves/a.hub").exists()) == (2, True)
    assert "add --yes" in said.err
    assert hubbub("saves", "delete", "a", "--yes").out.startswith("Deleted ")
    assert not Path("saves/a.hub").exists()


class Person(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "there"), [("yes\n", False), ("no\n", True), ("", True)])
def test_deleting_asks(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch, answer: str, there: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Person(answer))
    said = hubbub("saves", "delete", "a").well()
    assert "for good? Type yes:" in said.err
    assert Path("saves/a.hub").exists() == there
    assert ("Nothing was deleted." in said.out) == there


def test_backups_come_back(hubbub: Hubbub) -> None:
    said = hubbub("saves", "backup", "--out", "away", "--keep", "3")
    assert said.code == 3  # one of them is no world
    assert [row.split()[1] for row in said.out.splitlines()[:2]] == ["copied", "copied"]
    assert hubbub("saves", "restore", "a", "--backups", "away").code == 3
    trying = ("saves", "restore", "a", "--backups", "away", "--test")
    assert "can be restored" in hubbub(*trying).out
    assert "history" not in hubbub(*trying).out
    (kept,) = Path("away").glob("a.*.hub")
    Path(f"{kept}.history").write_bytes(b"what members did")
    assert "damaged (file is not a database)" in hubbub(*trying).out
    Path(f"{kept}.history").unlink()
    hubbub("saves", "delete", "a", "--yes")
    assert hubbub("saves", "restore", "a", "--backups", "away").out.startswith("Restored ")
    Path("saves/bad.hub").unlink()
    again = hubbub("saves", "backup", "--out", "away", "--json")
    assert [each["reason"] for each in again.json] == ["unchanged since"] * 2


def test_profiles_are_taken_out_after_a_question(hubbub: Hubbub) -> None:
    people = [{"name": "Ada Lovelace-Quux", "biography": "A mathematician of engines."}]
    Path("people.json").write_text(json.dumps(people))
    words = ("--profiles", "people.json", "--out", "saves/a.hub")
    assert hubbub("edit", "a", "agents", *words).code == 0
    assert b"Lovelace-Quux" in Path("saves/a.hub").read_bytes()
    assert "add --yes" in hubbub("saves", "erase", "a", "all").err
    said = hubbub("saves", "erase", "a", "all", "--yes")
    assert said.out.startswith("Deleted 30 profiles from a.hub, from ")
    assert b"Quux" not in Path("saves/a.hub").read_bytes()
    assert hubbub("saves", "erase", "a", "nobody-such", "--yes").code != 0
    again = hubbub("saves", "erase", "a", "0", "--pseudonymise", "--yes", "--json")
    assert again.json["members"] == 0


def test_a_world_that_was_never_saved_is_listed_as_that(hubbub: Hubbub, elsewhere: Path) -> None:
    path = elsewhere / "saves" / "alive.hub"
    save(World.create(30, mean_degree=4, seed=1), path)
    assert hubbub("run", "alive", "--inject", "x", "--ticks", "3", "--journal").code == 0
    path.unlink()
    rows = hubbub("saves", "list").out.splitlines()
    row = next(row.split() for row in rows if row.startswith("alive"))
    assert row[3:5] == ["3", "30"]
    assert "never saved; exists only in its journal" in rows[2]
    facts = {each["name"]: each["is_saved"] for each in hubbub("saves", "list", "--json").json}
    assert facts == {"a": True, "alive": False, "b": True, "bad": True}
    for words in (("info", "alive"), ("verify", "alive"), ("run", "alive", "--ticks", "1")):
        hubbub(*words).refuses(
            "was never saved and exists only in its journal; resume it with `hubbub open`", 3
        )
    assert "tick 4" in hubbub("run", "alive", "--ticks", "1", "--journal").err
    assert hubbub("saves", "delete", "alive", "--yes").code == 0
    assert not folder_of(path).exists()
