import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sim import World
from sim.errors import InputError
from sim.runtime.journal.writer import JournalWriter
from sim.scenario.from_world import scenario_of
from sim.store import load, save
from sim.world import LoggedAct
from sim.world.log import said_of
from tests.unit.cli.conftest import Hubbub
from tests.unit.store.fake import edit


@pytest.fixture
def path(hubbub: Hubbub, tmp_path: Path) -> Path:
    """A world that three commands made."""
    hubbub("new", "--agents", "300", "--mean-degree", "6", "--seed", "5", "--out", "a.hub")
    said = ("--inject", "Hello, world.", "--seeds", "random:4", "--ticks", "3", "--seed", "9")
    assert hubbub("run", "a.hub", *said, "--save", "b.hub").code == 0
    again = ("--inject", "Again", "--model", "sir", "-p", "beta=0.2", "--ticks", "2")
    assert hubbub("run", "b.hub", *again, "--save", "c.hub").code == 0
    return tmp_path / "c.hub"


def test_audit_shows_each_act(hubbub: Hubbub, path: Path) -> None:
    said = hubbub("show", path, "audit")
    head, *lines = said.out.splitlines()
    assert head.split() == ["act", "tick", "author", "what", "result", "arguments"]
    acts = ["create", "reseed", "inject", "step", "inject", "step"]
    assert [line.split()[4] for line in lines] == acts
    assert lines[0].split()[2:4] == ["command", "line"]
    assert "text=Hello, world. " in lines[2]
    assert said.code == 0


def test_a_log_printed_for_programs_can_be_replayed(hubbub: Hubbub, path: Path) -> None:
    log = Path("log.json")
    log.write_text(hubbub("show", path, "audit", "--json").out)
    said = hubbub("replay", log, "--check", "--save", "again.hub").well()
    assert "The digest is that of the saved world." in said.out
    digest = json.loads(log.read_text())["digest"]
    assert load("again.hub").digest() == load(path).digest() == digest


def test_a_changed_log_is_told_and_checked(hubbub: Hubbub, path: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(hubbub("show", path, "audit", "--json").out.replace("Hello", "Jello"))
    said = hubbub("replay", log, "--check")
    assert said.code == 3
    wrong = "Act 2 of the log ('inject' at tick 0 by 'command line') is not as it was noted."
    assert wrong in said.out


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"acts": [{"number": 1}]}', '{"acts": 7}'])
def test_what_is_no_log_is_refused(hubbub: Hubbub, tmp_path: Path, text: str) -> None:
    (tmp_path / "log.json").write_text(text)
    no_log = "log.json: is no log of acts; write one with hubbub show FILE audit --json.\n"
    assert hubbub("replay", "log.json") == (3, "", no_log)
    assert hubbub("replay", "absent.json").code == 3


def test_a_log_too_large_to_be_one_is_refused(
    hubbub: Hubbub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.cli.audit._MOST_BYTES", 3)
    (tmp_path / "log.json").write_text("[[[]]]")
    assert "larger than 512 MiB" in hubbub("replay", "log.json").err


def test_replay_tells_how_it_compares(hubbub: Hubbub, path: Path) -> None:
    assert "The digest is that of the saved world." in hubbub("replay", path, "--check").out
    part = hubbub("replay", path, "--to", "2", "--json").json
    assert (part["tick"], part["ticks"], part["same"], part["begun"]) == (2, 2, True, 0)
    later = hubbub("replay", path, "--base", "b.hub", "--check")
    assert later.out.startswith("Replayed from act 3: 2 log entries, 2 ticks, to tick 5 in ")
    assert later.code == 0


def test_a_world_changed_outside_of_its_log_is_told(hubbub: Hubbub, path: Path) -> None:
    world = load(path)
    world.agents.set_status([3], 4)
    save(world, path)
    said = hubbub("replay", path)
    assert (said.code, "something changed outside the log" in said.out) == (0, True)
    assert hubbub("replay", path, "--check").code == 3
    assert "outside" not in hubbub("replay", path, "--to", "1").out


def test_a_changed_row_of_a_file_is_named(hubbub: Hubbub, path: Path) -> None:
    edit(path, "UPDATE world SET value = replace(value, 'Hello', 'Jello') WHERE key = 'acts 0'")
    assert "Act 2 of the log ('inject' at tick 0" in hubbub("show", path, "audit").err
    assert hubbub("show", path, "audit").code == 3
    said = hubbub("verify", path)
    assert (said.code, "Act 2 of the log" in said.err) == (3, True)
    assert "would be wrong" in hubbub("scenario", "from-world", path).err


def test_verify_counts_acts_and_a_script_says_what_it_lacks(hubbub: Hubbub, path: Path) -> None:
    assert "6 log entries in one chain" in hubbub("verify", path).out
    assert hubbub("verify", path, "--json").json["acts"] == 6
    left = "Left out: reseed (1x); a scenario cannot say it, hubbub replay does it again.\n"
    assert hubbub("scenario", "from-world", path).err == left


def test_verify_checks_the_journal_too(hubbub: Hubbub, path: Path) -> None:
    assert hubbub("run", path, "--journal", "--ticks", "3").code == 0
    entries = hubbub("verify", path, "--json").json["entries"]
    told = hubbub("verify", path).out.splitlines()[1]
    assert told == f"{path}.live: {entries} entries in one chain."
    with closing(sqlite3.connect(path.with_name("c.hub.live") / "journal")) as file, file:
        file.execute("UPDATE entries SET command = '{}' WHERE number = 1")
    said = hubbub("verify", path)
    assert (said.code, "entry 1 does not match its digest" in said.err) == (3, True)


def given(path: Path) -> World:
    """Save a world that a program made of arrays."""
    world = World.from_edges([0, 1, 2], [1, 2, 0], seed=4)
    world.inject("hi", seeds=[0], model="si")
    save(world, path)
    return world


def test_a_world_of_unknown_beginning_begins_from_a_save_or_its_journal(hubbub: Hubbub) -> None:
    path = Path("given.hub")
    world = given(path)
    assert "begin with an earlier save (--base FILE)" in hubbub("replay", path).err
    keeper = JournalWriter(world, path)
    for _ in range(2):
        world.step()
        keeper.ticked(world)
        keeper.checkpoint(world).result()
    world.step()
    keeper.ticked(world)
    keeper.close(world)
    assert hubbub("replay", path).out.startswith(
        "Replayed from act 2: 1 log entry, 1 tick, to tick 3"
    )
    for to, told in (("1", "act 2: 0 log entries, 0 ticks"), ("0", "act 1: 0 log entries")):
        assert hubbub("replay", path, "--to", to).out.startswith(f"Replayed from {told}")
    for checkpoint in keeper.folder.glob("checkpoint-*.hub"):
        with checkpoint.open("r+b") as file:
            file.seek(100_000)
            file.write(b"flipped")
    assert hubbub("replay", path).code in {2, 3}


def test_a_script_runs_again(hubbub: Hubbub, tmp_path: Path) -> None:
    hubbub("new", "--agents", "300", "--mean-degree", "6", "--tick-minutes", "30", "--out", "a.hub")
    hubbub("run", "a.hub", "--inject", "One", "--author", "5", "--ticks", "3", "--save", "b.hub")
    hubbub("run", "b.hub", "--inject", "Two", "-p", "probability=0.2", "--tags", "music",
           "--ticks", "2", "--save", "c.hub")  # fmt: skip
    said = hubbub("scenario", "from-world", "c.hub", "--out", "again.toml")
    told = "Wrote again.toml: 5 log entries. Run it: hubbub run again.toml\n"
    assert (said.err, said.out) == ("", told)
    assert hubbub("scenario", "from-world", "c.hub").out == (tmp_path / "again.toml").read_text()
    assert hubbub("run", "again.toml", "--save", "d.hub").code == 0
    ours, theirs = load("c.hub"), load("d.hub")
    assert [c.size for c in theirs.cascades] == [c.size for c in ours.cascades]
    assert theirs.tick_minutes == 30
    assert theirs.cascades[1].model.values()["probability"] == 0.2


def test_a_script_of_an_imported_world_names_its_members(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "edges.csv").write_text('from,to,trust\n"b, c",a,0.5\na,d,0.25\nd,"b, c",1\n')
    words = ["--columns", "from,to", "--weights", "trust", "--out", "a.hub"]
    assert hubbub("import", "edges.csv", *words).code == 0
    words = ["--inject", "Hi", "--seeds", 'ids:"b, c"', "--ticks", "2", "--save", "b.hub"]
    hubbub("run", "a.hub", *words)
    script = hubbub("scenario", "from-world", "b.hub").out
    assert 'columns = "from,to"\nweights = "trust"\n' in script
    assert 'seeds = "ids:\\"b, c\\""' in script
    (tmp_path / "again.toml").write_text(script)
    assert hubbub("run", "again.toml", "--save", "c.hub").code == 0
    assert load("c.hub").digest() == load("b.hub").digest()


def act(kind: str, /, *args: object, **said: object) -> LoggedAct:
    return LoggedAct(0, 0, "script", kind, said_of(args, said), "")


DEMO = act("demo", seed=7, tick_minutes=60.0)


@pytest.mark.parametrize(
    ("acts", "match"),
    [
        ((), "cannot say how this world began"),
        ((act("given"),), "cannot say how this world began"),
        ((act("create", network="configuration", degrees=[[1, 1]]),), "degree pairs"),
        ((DEMO, LoggedAct(1, 0, "script", "inject", '{"unsaid": "long"}', "")), "not in the log"),
        ((DEMO, act("inject", "hi", seeds=[0], kind="story")), "a kind of message"),
    ],
)
def test_what_a_scenario_cannot_say_is_refused(acts: tuple[LoggedAct, ...], match: str) -> None:
    with pytest.raises(InputError, match=match):
        scenario_of(acts)


def test_a_scenario_says_the_limit_the_delay_odd_texts_labels_and_times() -> None:
    sent = act("inject", text='"\x7f\n', seeds=[0], at=5, draws="coins", tags=["a"])
    text, left_out = scenario_of((DEMO, act("limit", 7), sent, act("step", 3), act("step", 2)))
    assert left_out == []
    assert 'world = "demo"\nseed = 7\n' in text
    assert "[population]\nmax_running = 7\n" in text
    assert 'text = "\\"\\u007f\\n"\nseeds = "ids:0"\nat = 5\ntags = ["a"]\ndraws = "coins"' in text
    assert text.endswith("[stop]\nticks = 5\n")
    options = {"direction": "follows", "directed": True, "signed": False, "time_column": 2}
    begun = act("import", path="e.txt", seed=1, options=options, labels="l.csv", digests=[])
    assert 'times = "2"\nlabels = "l.csv"\n' in scenario_of((begun,))[0]
