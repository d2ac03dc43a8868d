import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sim.cli.exits import CANCELLED, FILE, OK, USAGE
from sim.errors import Cancelled
from sim.runtime import open_live
from sim.runtime.journal.writer import JournalWriter, recover
from sim.runtime.saves.places import place_of
from sim.store import audit, load, read_history
from sim.store.journal.journal import folder_of
from sim.store.journal.lease import Lease
from sim.store.journal.reading import saved_acts
from tests.unit.cli.conftest import Hubbub

RUN = ("--model", "sir", "--ticks", "6", "--journal")


@pytest.fixture
def world(hubbub: Hubbub, tmp_path: Path) -> Path:
    assert hubbub("new", "--agents", "300", "--out", "a.hub").code == OK
    return tmp_path / "a.hub"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_run_with_a_journal_goes_on_where_it_ended(hubbub: Hubbub, world: Path) -> None:
    first = hubbub("run", world, "--inject", "The bridge is closed.", *RUN).well()
    assert "Saved to tick 6 " in first.err
    second = hubbub("run", world, "--ticks", "4", "--journal")
    assert "Recovered to tick 6:" in second.err
    assert "Saved to tick 10 " in second.err
    assert load(world).tick == 0  # the file is as it was
    hubbub("run", world, "--inject", "The bridge is closed.", "--model", "sir", "--ticks", "10",
           "--save", "b.hub")  # fmt: skip
    assert recover(world).world.digest() == load("b.hub").digest()


def test_checkpoints_of_a_run_come_as_asked(hubbub: Hubbub, world: Path) -> None:
    hubbub("run", world, "--ticks", "6", "--journal", "--checkpoint", "2")
    taken = [path.name for path in (world.with_name(f"{world.name}.live")).glob("checkpoint-*")]
    assert len(taken) > 1
    refused = hubbub("run", world, "--ticks", "6", "--journal", "--checkpoint", "often")
    assert "every 500 (ticks) or 30s (seconds)" in refused.err
    bare = hubbub("run", world, "--ticks", "6", "--checkpoint", "2")
    assert "--checkpoint needs --journal" in bare.err


def test_a_run_without_a_journal_says_that_the_world_goes_on(hubbub: Hubbub, world: Path) -> None:
    assert "its journal" not in hubbub("run", world, "--ticks", "1").err
    hubbub("run", world, "--inject", "The bridge is closed.", *RUN)
    again = hubbub("run", world, "--ticks", "1", "--no-journal")
    assert (
        "a.hub is the world as saved; its journal continues to tick 6. `hubbub open` and "
        "`run --journal` resume from there." in again.err
    )
    assert "tick 1;" in again.out
    opened = open_live(world)
    assert opened.told == "Resumed at tick 6 (saved at 0, then 6 ticks from the journal)."


def test_what_is_recovered_is_told_and_saved(hubbub: Hubbub, world: Path) -> None:
    hubbub("run", world, "--inject", "The bridge is closed.", *RUN)
    said = hubbub("recover", world).well()
    assert "Recovered to tick 6: checkpoint at tick 0" in said.out
    assert "Nothing is missing." in said.out
    assert "Nothing was changed." in said.out
    saved = hubbub("recover", world, "--save", "b.hub", "--json")
    assert [saved.json[name] for name in ("tick", "whole", "saved")] == [6, True, "b.hub"]
    assert load("b.hub").digest() == saved.json["digest"]


def test_a_gap_is_told_and_no_run_goes_on_from_it(hubbub: Hubbub, world: Path) -> None:
    hubbub("run", world, "--inject", "The bridge is closed.", *RUN)
    live = world.with_name("a.hub.live")
    (live / "acked").unlink()
    said = hubbub("recover", world)
    assert said.code == FILE
    assert "No record of the last acknowledged entry" in said.out
    assert hubbub("recover", world, "--json").json["acknowledged"] is None
    assert hubbub("run", world, "--ticks", "1", "--journal").code == FILE
    flip(live / "checkpoint-0.hub")
    assert hubbub("recover", world).code == FILE


def test_a_journal_lies_beside_the_file_that_is_saved(hubbub: Hubbub, tmp_path: Path) -> None:
    assert hubbub("run", "new:300", "--ticks", "2", "--journal").code == USAGE
    assert hubbub("run", "new:300", "--ticks", "2", "--journal", "--save", "c.hub").code == OK
    assert recover(tmp_path / "c.hub").tick == 2
    said = hubbub("run", "c.hub", "--ticks", "2", "--journal", "--save", "d.hub").err
    assert said.splitlines()[-1] == "The journal is of c.hub: past and history go by it."
    said = hubbub("run", "d.hub", "--ticks", "2", "--journal", "--save", "d.hub").err
    assert "The journal is of" not in said


def test_nothing_is_saved_inside_the_journal(hubbub: Hubbub, world: Path) -> None:
    hubbub("run", world, *RUN)
    assert hubbub("recover", world, "--save", "a.hub.live/x.hub").code == USAGE
    assert hubbub("run", "a.toml", "--journal").code == USAGE  # a scenario has none


def test_a_run_that_is_cancelled_keeps_every_tick(
    hubbub: Hubbub, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ticked(self: JournalWriter, world: object, *, wait: bool = True) -> None:
        noted(self, world, wait=wait)  # type: ignore[arg-type]
        if self.durable_tick >= 0 and getattr(world, "tick", 0) == 3:
            raise Cancelled("Enough.")

    noted = JournalWriter.ticked
    monkeypatch.setattr(JournalWriter, "ticked", ticked)
    assert hubbub("run", world, "--inject", "Hi", *RUN).code == CANCELLED
    found = recover(world)
    assert found.is_whole
    assert found.tick == 3


def test_a_run_never_replaces_a_later_state_of_its_world_unasked(
    hubbub: Hubbub, world: Path
) -> None:
    later = world.with_name("b.hub")
    assert hubbub("run", world, "--ticks", "5", "--save", later).code == 0
    said = hubbub("run", world, "--ticks", "2", "--save", later)
    assert said.code == FILE
    told = "holds this world at tick 5, later than the current tick 2; it was not overwritten"
    assert told in said.err
    assert [load(path).tick for path in (later, world.with_name("b-2.hub"))] == [5, 2]
    assert hubbub("run", world, "--ticks", "2", "--save", later, "--force").code == 0
    assert load(later).tick == 2


def test_what_was_recovered_replaces_nothing_later_unasked(hubbub: Hubbub, world: Path) -> None:
    hubbub("run", world, "--ticks", "2", "--journal")
    later = world.with_name("b.hub")
    hubbub("run", world, "--ticks", "5", "--save", later)
    refused = hubbub("recover", world, "--save", later)
    assert refused.code == FILE
    assert "add --force to replace it or choose another name" in refused.err
    assert load(later).tick == 5
    assert hubbub("recover", world, "--save", later, "--force").code == 0
    assert load(later).tick == 2


def test_a_run_goes_on_from_a_damaged_journal_only_if_told_to(hubbub: Hubbub, world: Path) -> None:
    hubbub("run", world, "--ticks", "2", "--journal")
    (world.with_name("a.hub.live") / "journal").write_bytes(b"nothing")
    refused = hubbub("run", world, "--ticks", "1", "--journal")
    assert refused.code == FILE
    assert "not a journal of Hubbub; --force continues without that" in refused.err
    forced = hubbub("run", world, "--ticks", "1", "--journal", "--force").well()
    assert "was kept as a-damaged-1.hub.live" in forced.err


def test_a_run_saves_over_its_own_file_and_its_journal_goes_on(hubbub: Hubbub, world: Path) -> None:
    first = hubbub("run", world, "--inject", "It is closed.", *RUN, "--save", world)
    assert (first.code, load(world).tick) == (OK, 6)
    for tick in (10, 14):
        again = hubbub("run", world, "--ticks", "4", "--journal")
        assert (again.code, f"Saved to tick {tick} " in again.err) == (OK, True)
    assert hubbub("recover", world, "--save", world).code == OK
    assert (load(world).tick, hubbub("run", world, "--ticks", "1", "--journal").code) == (14, OK)
    opened = open_live(world)
    assert (opened.world.tick, opened.findings) == (15, ())
    assert not list(world.parent.glob("a-*"))


def test_what_lives_beside_a_replaced_file_is_put_aside_whole(hubbub: Hubbub, world: Path) -> None:
    words = ("--platform", "hot", "--out", world, "--force")
    assert hubbub("new", "--agents", "300", *words).code == OK
    hubbub("run", world, "--inject", "Ours.", *RUN)
    lived = recover(world).world.digest()
    done = hubbub("run", world, "--inject", "Another.", "--ticks", "3", "--save", world)
    assert (done.code, "journal was moved to a-before-1" in done.err) == (OK, True)
    assert "journal" not in hubbub("info", world, "--json").json
    assert open_live(world).world.digest() == load(world).digest()
    aside = world.with_name("a-before-1.hub")
    assert open_live(aside).world.digest() == lived
    with closing(sqlite3.connect(f"{aside}.history")) as history:
        (last,) = history.execute("select max(tick) from acts").fetchone()
    assert last == 6
    hubbub("run", world, "--ticks", "1", "--journal")
    changed = hubbub("edit", world, "agents", "--set", "activity=0.5", "--out", world)
    assert (changed.code, "a-before-2" in changed.out) == (OK, True)
    assert open_live(world).world.digest() == load(world).digest()


def test_nothing_replaces_the_file_of_a_world_that_is_open(hubbub: Hubbub, world: Path) -> None:
    hubbub("run", world, "--ticks", "1", "--journal")
    with Lease(folder_of(world) / "lease"):
        before = world.read_bytes()
        ran = hubbub("run", world, "--inject", "Another.", "--ticks", "3", "--save", world)
        assert (ran.code, "in use by" in ran.err, load("a-2.hub").tick) == (FILE, True, 3)
        assert hubbub("recover", world, "--save", world).code == FILE
        changed = hubbub("edit", world, "agents", "--set", "activity=0.5", "--out", world)
        assert (changed.code, "in use by" in changed.err) == (FILE, True)
        assert world.read_bytes() == before
    assert open_live(world).world.tick == 1


def test_what_is_told_of_a_world_is_of_the_file_that_opens(hubbub: Hubbub, world: Path) -> None:
    other = world.with_name("b.hub")
    for path, text in ((world, "Ours."), (other, "Theirs.")):
        hubbub("new", "--agents", "300", "--platform", "hot", "--out", path, "--force")
        hubbub("run", path, "--inject", text, *RUN)
    shutil.copy(hubbub_saved(hubbub, world, "c.hub"), world)  # by hand: the journal knows nothing
    folder_of(other).rename(folder_of(world.with_name("d.hub")))
    hubbub("new", "--agents", "300", "--seed", "9", "--out", "d.hub.new")
    shutil.move("d.hub.new", "d.hub")  # and a journal of another world lies by this one
    for path, tick, said_there in ((world, 2, ["Else."]), (world.with_name("d.hub"), 0, [])):
        said = hubbub("info", path, "--json").json["journal"]
        assert "the file has been rewritten since, and is what opens" in said["note"]
        history = read_history(path)
        assert (history.tick, [each.text for each in history.told]) == (tick, said_there)
        assert len(audit(path).acts) == len(saved_acts(path).acts)
        again = hubbub("run", path, "--ticks", "1")
        assert f"{path.name} was rewritten after its journal ended at tick 6;" in again.err
        place = place_of(path)
        assert (place is not None and place.opens_at, open_live(path).world.tick) == (tick, tick)


def hubbub_saved(hubbub: Hubbub, world: Path, name: str) -> str:
    """Run a world as it was saved two ticks on, and save that elsewhere."""
    assert hubbub("run", world, "--inject", "Else.", "--ticks", "2", "--save", name).code == OK
    return name
