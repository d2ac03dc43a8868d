import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sim import World
from sim.runtime.queries.members import inner_of
from sim.store import load, save
from tests.unit.cli.conftest import Hubbub


@pytest.fixture
def path(tmp_path: Path) -> Path:
    world = World.from_edges([0, 1, 2], [1, 2, 0], 5, ids=["ada", "bo", "cy", "di", "eva"], seed=2)
    world.agents.set_activity(range(5), [0.1, 0.3, 0.5, 0.7, 0.9])
    save(world, tmp_path / "a.hub")
    return tmp_path / "a.hub"


def test_members_are_listed_by_a_condition(hubbub: Hubbub, path: Path) -> None:
    said = hubbub("show", path, "agents", "--where", "activity > .2", "--limit", "2", "--json")
    assert said.json["count"] == 4
    assert [agent["id"] for agent in said.json["rows"]] == ["bo", "cy"]
    text = hubbub("show", path, "agents", "--limit", "2").out.splitlines()
    assert (text[0], text[-1]) == ("5 members.", "and 3 more (--limit)")
    assert hubbub("show", path, "agents", "--where", "activity > 1").out == "0 members.\n"


def test_members_are_changed_and_their_moves_shown(hubbub: Hubbub, path: Path) -> None:
    out = path.with_name("b.hub")
    words = ["--where", "activity > .6", "--set", "status=paused", "--set", "openness=0.4"]
    said = hubbub("edit", path, "agents", *words, "-o", out)
    assert said.out.startswith("Set 2 members to status=paused, openness=0.4.\nSaved ")
    assert load(out).agents_where("status == paused").tolist() == [3, 4]
    assert load(out).trail.acts[-1].author == "command line"
    words = ["--from", "0", "--to", "3", "--where", "id == di", "--json"]
    assert hubbub("show", out, "moves", *words).json["rows"] == [
        {"tick": 0, "agent": "di", "from": "active", "to": "paused"}
    ]
    assert hubbub("show", out, "moves", "--to", "0").out.splitlines()[2].split()[1] == "eva"
    assert "No lifecycle transitions" in hubbub("show", out, "moves", "--from", "3").out


def test_a_move_of_life_that_is_illegal_names_the_legal_ones(hubbub: Hubbub, path: Path) -> None:
    out = path.with_name("b.hub")
    hubbub("edit", path, "agents", "--set", "status=banned", "-o", out)
    said = hubbub("edit", out, "agents", "--set", "status=idle", "-o", path.with_name("c.hub"))
    said.refuses("Agent ada is banned and cannot become idle; ")
    assert "from banned it can go to: active, destroyed" in said.err
    assert not path.with_name("c.hub").exists()


def test_profiles_are_given_and_remarks_told(hubbub: Hubbub, path: Path) -> None:
    people, out = path.with_name("people.csv"), path.with_name("b.hub")
    people.write_text("id,name,bio,interests\nbo,Bo Li,Paints.,art;stamps\n")
    said = hubbub("edit", path, "agents", "--profiles", people, "-o", out, "--set", "activity=0.2")
    assert said.out.startswith("Loaded 1 profile.\nSet 5 members")
    assert "stamps" in said.err
    assert load(out).profile(1).biography == "Paints."
    listed = hubbub("show", out, "agents", "--where", "id == bo").out
    assert "Bo Li" in listed
    assert "Names and texts: 2 looked up, 50% already loaded." in listed


def test_every_column_of_a_profile_is_remarked_shown_exported_and_erased(
    hubbub: Hubbub, path: Path, tmp_path: Path
) -> None:
    people, out = tmp_path / "people.csv", tmp_path / "b.hub"
    people.write_text("id,name,bio,age,country\nbo,Bo Li,Paints.,36,Ruritania\n")
    said = hubbub("edit", path, "agents", "--profiles", people, "-o", out)
    assert "Columns used: id as id, name as name, bio as biography." in said.err
    assert "Also stored in the profile: age, country; " in said.err
    facts = hubbub("show", out, "agents", "bo", "--json").json
    assert facts["profile"] == {"name": "Bo Li", "age": "36", "country": "Ruritania"}
    assert "age: 36; country: Ruritania" in hubbub("show", out, "agents", "bo").out
    assert inner_of(load(out), 1).profile[1:] == (("age", "36"), ("country", "Ruritania"))
    for how in ((), ("--pseudonymise",)):
        for to in ("csv", "jsonl", "sqlite"):
            assert "Ruritania" in exported(hubbub, out, to)
        twin = tmp_path / "saves" / "twin.hub"
        twin.parent.mkdir(exist_ok=True)
        twin.write_bytes(out.read_bytes())
        hubbub("saves", "erase", "twin", "bo", "--yes", *how).well()
        assert hubbub("show", twin, "agents", "--where", "activity >= 0").code == 0
        for to in ("csv", "jsonl", "sqlite"):
            assert "Ruritania" not in exported(hubbub, twin, to)


def exported(hubbub: Hubbub, world: Path, to: str) -> str:
    """Return what an export says of the members."""
    out = world.with_name(f"out-{to}")
    hubbub("export", world, "--out", out, "--format", to, "--force").well()
    if to != "sqlite":
        return (out / f"agents.{to}").read_text()
    with closing(sqlite3.connect(out)) as file:
        return str(file.execute("SELECT * FROM agents").fetchall())


def test_a_network_is_imported_with_profiles(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text("source,target\n1,2\n2,3\n")
    (tmp_path / "people.json").write_text('[{"id": 2, "name": "Ada"}]')
    said = hubbub("import", "net.csv", "--profiles", "people.json", "-o", "a.hub")
    assert "Loaded 1 profile." in said.out
    assert "--profiles" in said.out
    (row,) = hubbub("show", "a.hub", "agents", "--where", "id == 2", "--json").json["rows"]
    assert row["name"] == "Ada"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["edit", "agents", "--set", "activity=0.1"], "Missing option '--out'"),
        (["edit", "agents", "-o", "x.hub"], "Nothing would change"),
        (["edit", "ties", "hug", "bo", "cy", "-o", "x.hub"], "hug"),
        (["show", "agents", "bo", "--where", "id == bo"], "--where and --state select members"),
        (["show", "agents", "--json", "--csv"], "exclude each other"),
        (["show", "moves", "--to", "soon"], "--to takes a whole number, got 'soon'"),
        (["show", "agents", "--where", "activity >"], "a number must stand here"),
    ],
)
def test_what_makes_no_sense_is_refused(
    hubbub: Hubbub, path: Path, words: list[str], said: str
) -> None:
    hubbub(words[0], path, *words[1:]).refuses(said)


def test_compatibility_is_explained(hubbub: Hubbub, path: Path) -> None:
    facts = hubbub("show", path, "compatibility", "ada", "bo", "--json").json
    assert facts["common_friends"] == 1
    assert facts["parts"]["friends"] == {"value": 0.25, "weight": 0.2, "adds": 0.05}
    adds = sum(part["adds"] for part in facts["parts"].values())
    assert facts["score"] == pytest.approx(adds, abs=0.0003)
    text = hubbub("show", path, "compatibility", "ada", "bo").out.splitlines()
    assert text[0].endswith(f"(bo): {facts['score']:.3f}")
    assert "1 member tied to both" in text[3]


def test_one_member_is_told_of_whole(hubbub: Hubbub, path: Path) -> None:
    world = load(path)
    platform = world.open_platform(mood_hours=24.0)
    platform.act(1, "direct message", other=0, text="Tea at five?")
    world.groups.create("gardeners", limit=3)
    world.groups.join([0], "gardeners")
    world.opinions.hold("bridge", [0.5, 0.1, 0.2, 0.3, 0.4], span=(0, 1))
    world.take_profiles([{"id": "ada", "biography": "Paints.", "interests": ["music"]}])
    world.note([0], "opened a shop")
    world.step()
    world.change_agents([0], status="paused")
    assert world.personal_history(0) == [(0, "opened a shop"), (1, "active -> paused")]
    save(world, path)
    facts = hubbub("show", path, "agents", "ada", "--json").json
    told = facts["status"], facts["groups"], facts["biography"]
    assert told == ("paused", ["gardeners"], "Paints.")
    assert facts["opinions"] == {"bridge": 0.5}
    assert list(facts["interests"]) == ["music"]
    assert {"archetype", "credulity", "verification", "mood", "reputation"} <= {*facts}
    assert facts["history"][1] == {"tick": 1, "line": "active -> paused"}
    text = hubbub("show", path, "agents", "ada").out
    assert "opened a shop" in text
    assert text.splitlines()[-1].split(maxsplit=2) == ["1", "bo", "Tea at five?"]
    assert "openness" in text
    assert hubbub("show", path, "agents", "zoe").code == 2
    assert "select members" in hubbub("show", path, "agents", "ada", "--where", "activity > 0").err


def test_one_member_is_told_where_it_stands_under_each_message(hubbub: Hubbub) -> None:
    world = World.from_edges([0, 1], [1, 2], 5)
    world.inject("Gone.", seeds=[3], model="si", beta=1.0)
    world.inject("First.", seeds=[0], model="sir", beta=1.0, gamma=1.0)
    world.inject("Second.", seeds=[2], model="si", beta=1.0)
    del world.cascades[0]
    world.step(2)
    save(world, Path("told.hub"))
    one = {"message": 2, "state": "susceptible", "adopted": None, "from": None, "text": "Second."}
    two = {"message": 1, "state": "recovered", "adopted": 1, "from": 0, "text": "First."}
    assert hubbub("show", "told.hub", "agents", "1", "--json").json["messages"] == [one, two]
    lines = hubbub("show", "told.hub", "agents", "1").out.splitlines()[-3:]
    assert [line.split() for line in lines] == [
        ["message", "state", "now", "adopted", "at", "from", "text"],
        ["#2", "susceptible", "Second."], ["#1", "recovered", "1", "0", "First."],
    ]  # fmt: skip
    seed = hubbub("show", "told.hub", "agents", "2", "--json").json["messages"][0]
    assert (seed["state"], seed["adopted"], seed["from"]) == ("infected", 0, None)


def test_groups_are_listed_with_their_limits(hubbub: Hubbub, path: Path) -> None:
    assert hubbub("show", path, "groups").out == "No groups.\n"
    world = load(path)
    world.groups.create("gardeners", limit=3)
    world.groups.create("all")
    world.groups.join([0, 2, 3], "gardeners")
    save(world, path)
    rows = [line.split() for line in hubbub("show", path, "groups").out.splitlines()]
    assert rows[1:] == [["gardeners", "3", "3"], ["all", "0", "any"]]
    facts = hubbub("show", path, "groups", "gardeners", "--json").json
    assert [each["id"] for each in facts["rows"]] == ["ada", "cy", "di"]
    said = hubbub("show", path, "groups", "gardeners", "--limit", "2").out
    assert said.endswith("and 1 more (--limit)\n")
    assert hubbub("show", path, "groups", "gardners").code == 2


def test_acts_of_one_member_and_between_two_are_shown(hubbub: Hubbub, path: Path) -> None:
    assert "no platform" in hubbub("show", path, "acts").err
    world = load(path)
    platform = world.open_platform(posting=0.0)
    world.unfollow(1, 0)
    world.groups.create("gardeners")
    for who, act, said in (
        (0, "post", {"text": "Hello."}), (1, "follow", {"other": 0}), (2, "mute", {"other": 1}),
        (3, "join group", {"group": "gardeners"}),
    ):  # fmt: skip
        platform.act(who, act, **said)
    world.step()
    platform.act(1, "like", message=0)
    world.step()
    save(world, path)
    done = hubbub("show", path, "acts", "--agent", "bo", "--json").json
    assert [(one["tick"], one["who"], one["act"]) for one in done["rows"]] == [
        (2, "bo", "like"), (1, "cy", "mute"), (1, "bo", "follow"),
    ]  # fmt: skip
    assert done["kept"] == [1, 2]
    pair = hubbub("show", path, "acts", "--agent", "ada", "--other", "bo", "--json").json["rows"]
    assert [one["act"] for one in pair] == ["like", "follow"]
    assert pair[0]["text"] == "Hello."
    groups = hubbub("show", path, "acts", "--act", "join-group", "--json").json["rows"]
    assert [(one["who"], one["whom"]) for one in groups] == [("di", "gardeners")]
    assert hubbub("show", path, "acts", "--from", "2", "--act", "like").out.split()[6:12] == [
        "2", "bo", "like", "0", "ada", "Hello.",
    ]  # fmt: skip
    assert "and 2 more" in hubbub("show", path, "acts", "--agent", "ada", "--limit", "2").out
    assert "on record (1 to 2)" in hubbub("show", path, "acts", "--act", "purchase").out
    assert "--other needs --agent" in hubbub("show", path, "acts", "--other", "bo").err
    assert "--from takes a whole number" in hubbub("show", path, "acts", "--from", "soon").err


def test_who_is_in_a_state_now_is_listed(hubbub: Hubbub) -> None:
    world = World.create(agents=60, mean_degree=4, seed=7)
    story = world.inject("x", seeds=[3, 9], model="sir", beta=0.0, gamma=0.0)
    world.step(2)
    save(world, "a.hub")
    said = hubbub("show", "a.hub", "agents", "--state", "0:infected", "--json").well()
    assert said.json["count"] == story.in_state("infected").size == 2
    for wrong, sentence in (("7:infected", "this world's messages are 0"), ("0:x", "state of sir")):
        assert sentence in hubbub("show", "a.hub", "agents", "--state", wrong).err


def test_when_members_were_last_active_is_listed_and_exported(hubbub: Hubbub, path: Path) -> None:
    world = load(path)
    world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step(1)
    save(world, path)
    said = hubbub("show", path, "agents", "--where", "last_active >= 0", "--json").json["rows"]
    assert [(each["id"], each["last_active"]) for each in said] == [("ada", 0), ("bo", 1)]
    assert hubbub("show", path, "agents").out.splitlines()[1].endswith("active at")
    hubbub("export", path, "--format", "csv", "-o", path.with_name("tables"))
    text = (path.with_name("tables") / "agents.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert [each["last_active"] for each in rows] == ["0", "1", "-1", "-1", "-1"]
