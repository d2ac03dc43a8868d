from pathlib import Path

import pytest

from sim import World
from sim.network.relations.types import Relation
from sim.store import load, save
from tests.unit.cli.conftest import Hubbub


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Ada follows Bo, and is heard by Cy and, behind a mute, by Di."""
    names = ["Ada", "Bo", "Cy", "Di", "Eva"]
    ids, trust = [name.lower() for name in names], [0.25, 1.0, 1.0]
    world = World.from_edges([1, 0, 0], [0, 2, 3], 5, ids=ids, names=names, trust=trust)
    world.step(2)
    world.mute(3, 0)
    world.block(4, 0)
    world.befriend(0, 1)
    world.groups.create("gardeners")
    world.groups.join([0], "gardeners")
    save(world, tmp_path / "a.hub")
    return tmp_path / "a.hub"


def test_ties_shows_kinds_trust_groups_and_history(hubbub: Hubbub, path: Path) -> None:
    said = hubbub("show", path, "ties", "ada")
    changes = hubbub("show", path, "ties", "ada", "--history")
    lines = [line.split() for each in (said, changes) for line in each.out.splitlines()]
    assert lines[0] == ["Ada", "(ada)"]
    assert ["Bo", "bo", "0.25", "friend"] in lines
    assert ["Cy", "cy", "1.00", "follow"] in lines
    assert ["Di", "di", "suspended", "by", "a", "mute"] in lines
    assert ["blocked", "by", "1", "id", "trust", "kind"] in lines
    assert ["groups:", "gardeners"] in lines
    assert ["2", "ada", "befriend", "bo"] in lines
    assert ["muted"] not in [line[:1] for line in lines]


def test_ties_of_one_kind_are_shown_though_there_are_none(hubbub: Hubbub, path: Path) -> None:
    said = hubbub("show", path, "ties", "ada", "--kind", "friends", "--json")
    friend = {"tie": "friends", "id": "bo", "name": "Bo", "trust": 0.25, "kind": "friend"}
    told = {"id": "ada", "name": "Ada", "count": 1, "rows": [friend], "groups": ["gardeners"]}
    assert said.json == told
    said = hubbub("show", path, "ties", "cy", "--kind", "muted")
    assert said.out.splitlines()[2].split()[:2] == ["muted", "0"]
    said = hubbub("show", path, "ties", "cy", "--history")
    assert said.out == "No tie changes on record.\n"


def test_a_long_list_is_cut_and_says_so(hubbub: Hubbub) -> None:
    said = hubbub("show", "new:300", "ties", "0", "--limit", "1", "--kind", "followers")
    assert "more" in said.out.splitlines()[-1]


def test_path_names_each_step(hubbub: Hubbub, path: Path) -> None:
    for one, other, told in (
        ("bo", "cy", "2 steps: Bo (bo) -> Ada (ada) -> Cy (cy)\n"),
        ("ada", "cy", "1 step: Ada (ada) -> Cy (cy)\n"),
        ("ada", "di", "No path from Ada to Di.\n"),
    ):
        assert hubbub("show", path, "path", one, other).out == told
    found = hubbub("show", path, "path", "ada", "di", "--json").json
    assert (found["steps"], found["rows"]) == (None, [])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ties", "adda"), "ada"),
        (("ties", "ada", "--kind", "friend"), "Did you mean 'friends'?"),
        (("path", "ada", "zoe"), "zoe"),
    ],
)
def test_what_there_is_not_is_said(
    hubbub: Hubbub, path: Path, words: tuple[str, ...], says: str
) -> None:
    hubbub("show", path, *words).refuses(says)


def test_what_is_around_a_member_is_shown(hubbub: Hubbub, path: Path) -> None:
    facts = hubbub("show", path, "ties", "bo", "--radius", "2", "--json").json
    assert [(one["id"], one["steps"]) for one in facts["rows"]] == [
        ("bo", 0), ("ada", 1), ("cy", 2),
    ]  # fmt: skip
    assert {"from": "ada", "to": "cy"} in facts["ties"]
    text = hubbub("show", path, "ties", "bo", "--radius", "2").out
    assert text.startswith("Around Bo (bo): 1 at 1, 1 at 2 steps; 3 ties.")
    assert "one thing" in hubbub("show", path, "ties", "bo", "--radius", "2", "--history").err


def test_what_is_between_two_is_shown(hubbub: Hubbub, path: Path) -> None:
    world = load(path)
    platform = world.open_platform(posting=0.0)
    platform.act(0, "post", text="Hello.")
    world.step()
    platform.act(1, "like", message=0)
    world.step()
    save(world, path)
    said = hubbub("show", path, "pair", "ada", "bo").out.splitlines()
    assert said[0] == "Ada is a friend of Bo, with trust 0.25."
    assert said[3].startswith("Compatibility 0.")
    assert [line.split() for line in said if "like" in line] == [["4", "Bo:", "like", "m0"]]
    assert [line.split() for line in said if "befriend" in line] == [["2", "Ada:", "befriend"]]
    facts = hubbub("show", path, "pair", "ada", "di", "--json").json
    assert facts["changes"] == [[2, "Di", "mute"]]
    assert "No tie between Bo and Cy" in hubbub("show", path, "pair", "bo", "cy").out


def test_types_and_properties_of_an_imported_tie_are_shown(hubbub: Hubbub, tmp_path: Path) -> None:
    table = "source,target,how,since\nbo,ada,friend,2010\nada,cy,,2011\ncy,bo,,\n"
    (tmp_path / "ties.csv").write_text(table)
    world = tmp_path / "typed.hub"
    words = ("--relations", "how", "--properties", "since")
    made = hubbub("import", tmp_path / "ties.csv", *words, "--out", world)
    assert "2 ties with a type or properties: friend 1." in made.out
    assert "--relations how --properties since" in made.out
    said = hubbub("show", world, "ties", "ada")
    lines = [line.split() for line in said.out.splitlines()]
    assert ["bo", "bo", "1.00", "follow", "friend", "since=2010"] in lines
    assert ["cy", "cy", "1.00", "follow", "since=2011"] in lines
    facts = hubbub("show", world, "ties", "ada", "--json").json["rows"]
    told = [(row["tie"], row.get("type"), row.get("properties")) for row in facts]
    assert ("follows", "friend", {"since": 2010}) in told
    assert ("followers", None, {"since": 2011}) in told
    bare = hubbub("show", world, "ties", "cy", "--json").json["rows"]
    assert [row["tie"] for row in bare if "type" not in row] == ["followers"]
    pair = hubbub("show", world, "pair", "ada", "bo")
    assert "ada follows bo, with trust 1.00, a tie of type friend." in pair.out
    assert hubbub("info", world, "--json").json["relations"] == {"friend": 1}
    assert "relations friend" in " ".join(hubbub("info", world).out.split())
    assert "relations" not in hubbub("info", "new:9").out


def test_a_tie_is_set_and_shown_by_its_type(hubbub: Hubbub, path: Path) -> None:
    out = path.with_name("b.hub")
    words = ("--type", "colleague", "--set", "since=2019", "--set", "note=true words")
    said = hubbub("edit", path, "ties", "set", "ada", "bo", *words, "-o", out)
    assert said.out.startswith("Ada, set: Bo.\n"), said.err
    rows = hubbub("show", out, "ties", "ada", "--type", "colleague", "--json").json["rows"]
    assert [(row["tie"], row["id"]) for row in rows] == [("follows", "bo"), ("friends", "bo")]
    assert rows[0]["properties"] == {"since": 2019, "note": "true words"}
    assert hubbub("show", path, "ties", "ada", "--type", "x", "--json").json["rows"] == []
    hubbub("edit", out, "ties", "set", "ada", "bo", "--set", "since=", "-o", path)
    assert load(path).relation(1, 0) == Relation("colleague", {"note": "true words"})
    for bad, said_of_it in (
        (("follow", "ada", "cy", "--type", "x"), "need: set AGENT OTHER"),
        (("set", "ada", "bo"), "need: set AGENT OTHER"),
        (("set", "ada", "cy", "--type", "x"), "Agent ada does not follow agent cy"),
    ):
        assert said_of_it in hubbub("edit", path, "ties", *bad, "-o", out).err


def test_the_network_of_a_condition_is_measured(hubbub: Hubbub, path: Path) -> None:
    whole = hubbub("show", path, "network", "--json").json
    assert (whole["agents"], whole["ties"]) == (5, load(path).ties.count)
    facts = hubbub("show", path, "network", "--where", "id in [bo, ada, eva]", "--json").json
    names = ("agents", "ties", "density", "components")
    assert [facts[name] for name in names] == [3, 2, 1 / 3, 2]
    assert {each["id"] for each in facts["influential"]} == {"ada", "bo", "eva"}
    assert "density" in hubbub("show", path, "network", "--where", "id == eva").out
    assert "No member matches" in hubbub("show", path, "network", "--where", "activity > 1").err
