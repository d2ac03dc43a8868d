from pathlib import Path

import numpy as np
import pytest

from sim.cli.exits import FILE, OK, USAGE
from sim.runtime.journal.writer import recover
from sim.store import history_of, load
from tests.unit.cli.conftest import Hubbub

SAID = ("--inject", "The bridge is closed.", "--model", "sir", "--seeds", "ids:3", "--ticks", "8")


@pytest.fixture
def world(hubbub: Hubbub, tmp_path: Path) -> Path:
    """A world of 300 that ran eight ticks with a journal."""
    hubbub("new", "--agents", "300", "--out", "a.hub")
    hubbub("run", "a.hub", *SAID, "--journal")
    return tmp_path / "a.hub"


def test_counts_over_time_and_their_size(hubbub: Hubbub, world: Path) -> None:
    said = hubbub("show", world, "history", "--limit", "3")
    found = recover(world).world
    assert said.code == OK
    assert said.out.splitlines()[0].split() == ["tick", "first", "ever", "r", "contacts", "running"]
    story = found.cascades[0]
    told = f"{story.size:,} first adoptions of 1 message, {story.now:,} spreading now, to"
    assert told in said.out
    assert said.out.endswith(" Each row sums 3 ticks.\n")
    assert "Each row sums" not in hubbub("show", world, "history").out
    assert "the journal takes" in said.out
    facts = hubbub("show", world, "history", "--json", "--from", "2", "--to", "5").json
    assert [row["tick"] for row in facts["rows"]] == [2, 3, 4, 5]
    assert facts["journal_bytes"] > 0
    assert facts["checkpoint_bytes"] > 0
    new = [int((story.adopted_at == tick).sum()) for tick in (2, 3, 4, 5)]
    assert [row["new"] for row in facts["rows"]] == new
    known = [None if np.isnan(r) else r for r in story.r[2:6].tolist()]
    assert [row["r"] for row in facts["rows"]] == pytest.approx(known)
    assert facts["holding"] == story.now


@pytest.mark.parametrize("beside", [["--save", "c.hub"], []])
@pytest.mark.parametrize("model", ["sis", "sir", "seir"])
def test_r_is_that_of_frames_with_and_without_a_journal(
    hubbub: Hubbub, model: str, beside: list[str]
) -> None:
    options = ("--inject", "x", "--seeds", "top:5:degree", "--model", model, "--ticks", "30")
    if beside:
        hubbub("run", "new:agents=300", *options, *beside)
        story = load("c.hub").cascades[0]
    else:
        hubbub("new", "--agents", "300", "--out", "c.hub")
        hubbub("run", "c.hub", *options, "--journal")
        story = recover("c.hub").world.cascades[0]
    known = [None if np.isnan(r) else r for r in story.r.tolist()]
    assert {type(r) for r in known} == {float, type(None)}  # some are whole, some are open
    facts = hubbub("show", "c.hub", "history", "--json", "--limit", "100").json
    assert [row["r"] for row in facts["rows"]] == pytest.approx(known)
    assert facts["holding"] == story.now < story.size


def test_a_plain_snapshot_answers_from_its_records(hubbub: Hubbub) -> None:
    hubbub("run", "new:300", *SAID, "--save", "b.hub")
    expected = history_of(load("b.hub")).message(0)
    said = hubbub("show", "b.hub", "history", "--message", "0", "--json").json["rows"]
    assert [each["agent"] for each in said] == expected.agents.tolist()
    assert said[0] == {"agent": 3, "tick": 0, "from": None}
    assert "journal" not in hubbub("show", "b.hub", "history").out


def test_members_pairs_and_messages(hubbub: Hubbub, world: Path) -> None:
    rows = hubbub("show", world, "history", "--message", "0", "--json").json["rows"]
    late = rows[-1]
    one, other = str(late["agent"]), str(late["from"])
    said = hubbub("show", world, "history", "--agent", one)
    assert "adopted" in said.out
    assert "The bridge is closed." in said.out
    both = hubbub("show", world, "history", "--pair", other, one, "--json").json["rows"]
    assert [(each["did"], each["other"]) for each in both] == [("adopted", late["from"])]
    few = hubbub("show", world, "history", "--message", "0", "--limit", "2")
    assert f"{len(rows) - 2:,} more" in few.out
    seed = hubbub("show", world, "history", "--agent", "3").out
    assert "began with" in seed
    assert hubbub("show", world, "history", "--pair", "1", "1").out == "Nothing on record.\n"


def test_one_thing_is_asked_of_what_there_is(hubbub: Hubbub, world: Path) -> None:
    assert hubbub("show", world, "history", "--agent", "1", "--message", "0").code == USAGE
    assert "No message 7" in hubbub("show", world, "history", "--message", "7").err
    assert hubbub("show", world, "history", "--agent", "nobody").code == USAGE
    assert hubbub("show", "missing.hub", "history").code == FILE
    assert hubbub("show", "missing.hub", "history", "--agent", "1").code == FILE


def test_bookmarks_are_set_listed_and_removed(hubbub: Hubbub, world: Path) -> None:
    assert hubbub("past", "bookmark", world).out == "No bookmarks.\n"
    made = hubbub("past", "bookmark", world, "start", "--at", "2")
    assert made.out == "Bookmarked tick 2 as start.\n"
    hubbub("past", "bookmark", world, "now")
    marks = ["tick", "bookmark", "2", "start", "8", "now"]
    assert hubbub("past", "bookmark", world).out.split() == marks
    told = hubbub("past", "bookmark", world, "--json").json
    assert [(each["name"], each["tick"]) for each in told] == [("start", 2), ("now", 8)]
    assert "start (tick 2), now (tick 8)" in hubbub("info", world).out
    assert "Removed bookmark now." in hubbub("past", "bookmark", world, "now", "--remove").out
    assert "No bookmark named 'now'" in hubbub("past", "bookmark", world, "now", "--remove").err
    assert hubbub("past", "bookmark", world, "later", "--at", "9").code == USAGE
    again = hubbub("past", "bookmark", world, "outset", "--at", "start")
    assert again.out == "Bookmarked tick 2 as outset.\n"
    assert "No bookmark named '-1'" in hubbub("past", "bookmark", world, "x", "--at", "-1").err


def test_a_branch_is_made_at_a_tick_or_bookmark_of_its_parent(hubbub: Hubbub, world: Path) -> None:
    hubbub("past", "bookmark", world, "start", "--at", "2")
    assert hubbub("past", "branch", world, "--name", "b", "--at", "5").code == OK
    made = hubbub("past", "branch", world, "--name", "c.hub", "--at", "start", "--json").json
    assert made["tick"] == 2
    assert hubbub("past", "branch", world, "--name", "d").out == 'Created branch "d" at tick 8.\n'
    assert [recover(f"{name}.hub").tick for name in "bcd"] == [5, 2, 8]
    assert hubbub("info", "b.hub", "--json").json["branch_of"]["parent"] == str(world)
    assert hubbub("info", "b.hub", "--json").json["journal"]["tick"] == 5
    assert hubbub("past", "branch", world, "--name", "b").code == FILE
    assert hubbub("past", "branch", world, "--name", "../e").code == USAGE


def test_without_a_journal_there_is_nothing_to_branch_or_name(hubbub: Hubbub) -> None:
    hubbub("new", "--agents", "300", "--out", "a.hub")
    for words in (("branch", "a.hub", "--name", "b"), ("bookmark", "a.hub", "start")):
        hubbub("past", *words).refuses("has no journal", FILE)


def test_a_world_goes_back_and_by_a_bookmark_to_where_it_was(hubbub: Hubbub, world: Path) -> None:
    hubbub("past", "bookmark", world, "late")
    assert hubbub("past", "back", world, "2").out == "a is at tick 2; it was at tick 8.\n"
    assert recover(world).world.tick == 2
    assert hubbub("past", "back", world, "late").out == "a is at tick 8; it was at tick 2.\n"
    assert recover(world).world.tick == 8
    assert hubbub("past", "back", world, "9").code == USAGE


@pytest.mark.parametrize("world", ["demo", "new:60", "new:60,platform=blend"])
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("history",), OK, "0 first adoptions of 0 messages to tick 0."),
        (("audit",), OK, "script"),
        (
            ("why", "0", "0"),
            USAGE,
            "The world is at tick 0, so there are no feeds yet; run it first.",
        ),
    ],
)
def test_worlds_that_are_no_files_have_a_past(
    hubbub: Hubbub, world: str, words: tuple[str, ...], code: int, said: str
) -> None:
    told = hubbub("show", world, *words)
    assert told.code == code
    assert said in told.out + told.err
