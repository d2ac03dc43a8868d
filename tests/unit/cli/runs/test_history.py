from pathlib import Path

from sim import load
from sim.cli.exits import OK
from sim.store import read_history, record_of
from sim.store.history.database import history_file
from tests.unit.cli.conftest import Hubbub

HOSTED = ("run", "new:agents=120,seed=7", "--platform", "popularity")


def ticks_of(hubbub: Hubbub, path: Path) -> tuple[int, str]:
    """Return how many ticks have an act of anybody, and what is said of others."""
    told = hubbub("show", path, "history", "--agent", "1").err
    return len(record_of(load(path), path).ticks), told


def histories(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if "history" in path.name}


def test_a_run_leaves_its_history_beside_its_world(hubbub: Hubbub, tmp_path: Path) -> None:
    assert hubbub(*HOSTED, "--ticks", "60", "--save", "a.hub").code == OK
    assert ticks_of(hubbub, tmp_path / "a.hub") == (60, "")
    assert hubbub("run", "a.hub", "--ticks", "60", "--save", "b.hub").code == OK
    assert ticks_of(hubbub, tmp_path / "b.hub") == (120, "")
    assert ticks_of(hubbub, tmp_path / "a.hub") == (60, "")
    assert hubbub("run", "b.hub", "--ticks", "5", "--save", "b.hub").code == OK
    assert ticks_of(hubbub, tmp_path / "b.hub") == (125, "")
    assert histories(tmp_path) == {"a.hub.history", "b.hub.history"}


def test_what_is_not_saved_leaves_nothing_and_is_named(hubbub: Hubbub, tmp_path: Path) -> None:
    assert hubbub(*HOSTED, "--ticks", "5").code == OK
    assert not [*tmp_path.glob("**/*history*")]
    hubbub(*HOSTED, "--ticks", "60", "--save", "a.hub")
    history_file(tmp_path / "a.hub").unlink()
    said = ticks_of(hubbub, tmp_path / "a.hub")[1]
    assert "No record of what members did in ticks 1-12" in said


def test_a_journalled_run_keeps_its_history_where_the_journal_is(hubbub: Hubbub) -> None:
    hubbub(*HOSTED, "--ticks", "3", "--save", "a.hub")
    hubbub("run", "a.hub", "--ticks", "55", "--journal", "--save", "b.hub")
    lived = read_history(Path("a.hub"))
    assert (lived.tick, lived.record is not None and len(lived.record.ticks)) == (58, 58)
    assert ticks_of(hubbub, Path("b.hub")) == (58, "")


def test_an_isolated_run_keeps_every_tick_as_any_other(hubbub: Hubbub, tmp_path: Path) -> None:
    assert hubbub(*HOSTED, "--ticks", "60", "--isolated", "--save", "a.hub").code == OK
    assert ticks_of(hubbub, tmp_path / "a.hub") == (60, "")
    assert hubbub("run", "a.hub", "--ticks", "60", "--isolated", "--save", "b.hub").code == OK
    assert ticks_of(hubbub, tmp_path / "b.hub") == (120, "")
    assert ticks_of(hubbub, tmp_path / "a.hub") == (60, "")
    assert hubbub(*HOSTED, "--ticks", "60", "--save", "c.hub").code == OK
    words = ("history", "--agent", "1", "--json")
    assert hubbub("show", "a.hub", *words).out == hubbub("show", "c.hub", *words).out
    assert histories(tmp_path) == {"a.hub.history", "b.hub.history", "c.hub.history"}
    assert hubbub(*HOSTED, "--ticks", "3", "--isolated").code == OK
    assert len([*tmp_path.glob("**/*history*")]) == 3


def test_history_tells_acts_posts_and_their_texts(hubbub: Hubbub, tmp_path: Path) -> None:
    said = ("--inject", "The bridge is closed.", "--model", "si", "--ticks", "60")
    hubbub(*HOSTED, *said, "--save", "a.hub")
    record = record_of(load(tmp_path / "a.hub"), tmp_path / "a.hub")
    deeds = [deed for agent in range(120) for deed in record.of(agent)]
    some = next(deed for deed in deeds if deed.act.says == "reply")
    told = ("show", "a.hub", "history", "--agent", str(some.agent))
    facts = hubbub(*told, "--json").json["rows"]
    reply = next(f for f in facts if f["did"] == "reply" and f["tick"] == some.tick)
    assert reply["text"]
    assert (reply["post"], reply["message"]) == (some.message, None)
    assert f"m{some.message}" in hubbub(*told, "--limit", "500").out
    about = next(deed for deed in deeds if deed.act.says == "like" and deed.message == 0)
    pair = ("--pair", str(about.agent), str(about.other), "--json")
    liked = hubbub("show", "a.hub", "history", *pair).json["rows"]
    assert "The bridge is closed." in {f["text"] for f in liked}
