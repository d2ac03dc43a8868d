"""``hubbub agents`` and ``hubbub compatibility``."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.store import load, save
from sim.world.world import World
from tests.unit.cli.conftest import Hubbub


@pytest.fixture
def path(tmp_path: Path) -> Path:
    world = World.from_edges([0, 1, 2], [1, 2, 0], 5, ids=["ada", "bo", "cy", "di", "eva"], seed=2)
    world.agents.set_activity(range(5), [0.1, 0.3, 0.5, 0.7, 0.9])
    save(world, tmp_path / "a.hub")
    return tmp_path / "a.hub"


def test_members_are_listed_by_a_condition(hubbub: Hubbub, path: Path) -> None:
    said = hubbub("agents", path, "--where", "activity > .2", "--top", "2", "--json")
    assert said.json["count"] == 4
    assert [agent["id"] for agent in said.json["agents"]] == ["bo", "cy"]
    text = hubbub("agents", path, "--top", "2").out.splitlines()
    assert (text[0], text[-1]) == ("5 agents.", "and 3 more (--top)")
    assert hubbub("agents", path, "--where", "activity > 1").out == "0 agents.\n"


def test_members_are_changed_and_their_moves_shown(hubbub: Hubbub, path: Path) -> None:
    out = path.with_name("b.hub")
    words = ("--where", "activity > .6", "--set", "status=paused", "--set", "openness=0.4")
    said = hubbub("agents", path, *words, "-o", out)
    assert said.out.startswith("2 agents were set to status=paused, openness=0.4.\nSaved ")
    assert load(out).agents_where("status == paused").tolist() == [3, 4]
    assert load(out).trail.acts[-1].author == "command line"
    moves = hubbub("agents", out, "--moves", "0:3", "--where", "id == di", "--json").json
    assert moves["moves"] == [{"tick": 0, "agent": "di", "from": "active", "to": "paused"}]
    assert hubbub("agents", out, "--moves", "0").out.splitlines()[2].split()[1] == "eva"
    assert "No moves" in hubbub("agents", out, "--moves", "3:").out


def test_a_move_of_life_that_is_not_allowed_names_the_legal_ones(
    hubbub: Hubbub, path: Path
) -> None:
    out = path.with_name("b.hub")
    hubbub("agents", path, "--set", "status=banned", "-o", out)
    said = hubbub("agents", out, "--set", "status=idle", "-o", path.with_name("c.hub"))
    assert said.code == 2
    assert "from banned it can go to: active, destroyed" in said.err
    assert not path.with_name("c.hub").exists()


def test_profiles_are_given_and_remarks_told(hubbub: Hubbub, path: Path) -> None:
    people, out = path.with_name("people.csv"), path.with_name("b.hub")
    people.write_text("id,name,bio,interests\nbo,Bo Li,Paints.,art;stamps\n")
    said = hubbub("agents", path, "--profiles", people, "-o", out, "--set", "activity=0.2")
    assert said.out.startswith("1 profiles were given to agents.\n5 agents were set")
    assert "stamps" in said.err
    assert load(out).profile(1).biography == "Paints."
    assert "Bo Li" in hubbub("agents", out, "--where", "id == bo").out


def test_a_network_is_imported_with_profiles(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text("source,target\n1,2\n2,3\n")
    (tmp_path / "people.json").write_text('[{"id": 2, "name": "Ada"}]')
    said = hubbub(
        "import", tmp_path / "net.csv", "--profiles", tmp_path / "people.json", "-o", "a.hub"
    )
    assert "1 profiles were given to members." in said.out
    assert "--profiles" in said.out
    assert (
        hubbub("agents", "a.hub", "--where", "id == 2", "--json").json["agents"][0]["name"] == "Ada"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "activity=0.1"], "A changed world needs a file"),
        (["-o", "x.hub"], "Nothing would change"),
        (["--set", "activity=0.1", "-o", "x.hub", "--moves", "0:1"], "in two commands"),
        (["--moves", "soon"], "--moves takes ticks such as 0:48, got 'soon'"),
        (["--where", "activity >"], "a number must stand here"),
    ],
)
def test_what_makes_no_sense_is_refused(
    hubbub: Hubbub, path: Path, words: list[str], said: str
) -> None:
    found = hubbub("agents", path, *words)
    assert found.code == 2
    assert said in found.err


def test_compatibility_is_explained(hubbub: Hubbub, path: Path) -> None:
    facts = hubbub("compatibility", path, "ada", "bo", "--json").json
    assert facts["common_friends"] == 1
    assert facts["parts"]["friends"] == {"value": 0.25, "weight": 0.2, "adds": 0.05}
    adds = sum(part["adds"] for part in facts["parts"].values())
    assert facts["score"] == pytest.approx(adds, abs=0.0003)
    text = hubbub("compatibility", path, "ada", "bo").out.splitlines()
    assert text[0].endswith(f"(bo): {facts['score']:.3f}")
    assert "1 members tied to both" in text[3]
