"""Records of ended messages are packed once: files carry them so, and nothing else changes."""

import gc
import hashlib
import json
import sqlite3
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sim import World, load, save
from sim.core.scratch import is_filed
from sim.errors import SnapshotError
from sim.platform.platform import PlatformSnapshot
from sim.runtime.journal.checkpoints import WorldCopier
from sim.store import read_history
from sim.store.snapshot import columns as arrays
from sim.store.snapshot import schema
from sim.world import cascades as packing
from sim.world import records
from sim.world.phases import AT_HAND
from sim.world.state.state import digest_of
from tests.raising import raises

MODELS: dict[str, dict[str, Any]] = {
    "independent-cascade": {"probability": 0.05},
    "sir": {"beta": 0.1, "gamma": 0.8},
}


def world_of(messages: int, model: str = "independent-cascade") -> World:
    """Return a world in which so many messages ended; their words are made to be mistaken."""
    world = World.create(agents=300, mean_degree=8, seed=7)
    for number in range(messages):
        text = f'"rested":"" "status":"quiet" {number} \u00e9\U0001f600'
        world.inject(text, seeds=[number % 300], model=model, **MODELS[model])
    world.step(80)
    return world


def same(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    """Whether two dumps say the same, value by value and bit by bit."""
    (meta, columns), (said, others) = one, other
    return (
        json.loads(json.dumps(meta)) == json.loads(json.dumps(said))
        and columns.keys() == others.keys()
        and all(
            c.dtype == others[n].dtype and c.shape == others[n].shape and (c == others[n]).all()
            for n, c in columns.items()
        )
    )


@pytest.mark.parametrize("model", sorted(MODELS))
def test_packed_records_say_what_a_dump_says(model: str) -> None:
    world = world_of(130, model)
    world.cascades[129].cancel()
    meta, columns = world.packed()
    assert len(meta["cascades"]) == AT_HAND
    assert sum(name.startswith("cascade.") for name in columns) == sum(
        len(each.dump()[1]) for each in world.cascades.loose
    )
    records.unfold(meta, columns)
    assert same((meta, columns), world.dump())


@pytest.mark.parametrize("model", sorted(MODELS))
@pytest.mark.parametrize("joined", [0, 5])
def test_the_digest_is_that_of_the_whole_dump(model: str, joined: int) -> None:
    world = world_of(130, model)
    if joined:
        world.create_agents(joined)
        world.step(2)
    assert world.digest() == digest_of(*world.dump()) == digest_of(*world.packed())


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "as columns, as it was before"])
def test_records_are_saved_and_loaded(tmp_path: Path, packed: bool) -> None:
    world: Any = world_of(60)
    written = world if packed else SimpleNamespace(dump=world.dump, digest=world.digest)
    save(written, tmp_path / "a.hub")
    again = load(tmp_path / "a.hub")
    assert same(again.dump(), world.dump())
    again.step(3)
    world.step(3)
    assert again.digest() == world.digest()


def test_an_ended_message_is_no_column_of_a_file(tmp_path: Path) -> None:
    sizes: list[int] = []
    for messages in (40, 120):
        save(world_of(messages), tmp_path / "a.hub")
        with closing(sqlite3.connect(tmp_path / "a.hub")) as file:
            sizes += file.execute("SELECT count(*) FROM columns").fetchone()
    assert sizes[0] == sizes[1]


def test_large_records_stay_columns_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PACKED_BYTES", 0)
    world = world_of(40)
    meta, columns = world.packed()
    assert "ended" not in meta
    assert same((meta, columns), world.dump())
    assert world.digest() == digest_of(*world.dump())


def changed(name: str, value: Any) -> dict[str, Any]:
    return {f"ended.{name}": value}


@pytest.mark.parametrize(
    "forged",
    [
        lambda c: changed("sizes", c["ended.sizes"] + 1),
        lambda c: changed("sizes", c["ended.sizes"] * -1),
        lambda c: changed("sizes", c["ended.sizes"][1:]),
        lambda c: changed("sizes", c["ended.sizes"].astype(np.int32)),
        lambda c: changed("wholes", c["ended.wholes"] + 1),
        lambda c: changed("wholes", c["ended.wholes"] - 1),
        lambda c: changed("wholes", np.full_like(c["ended.wholes"], 1 << 62)),
        lambda c: changed("numbers", c["ended.numbers"] * 0),
        lambda c: changed("numbers", c["ended.numbers"] + 1),
        lambda c: changed("records", c["ended.records"][::-1].copy()),
        lambda c: changed("records", np.zeros_like(c["ended.records"])),
    ],
)
def test_forged_records_are_refused_in_one_sentence(tmp_path: Path, forged: Any) -> None:
    world = world_of(40)
    meta, columns = world.packed()

    path, state = tmp_path / "a.hub", (meta, columns | forged(columns))
    write_raw(SimpleNamespace(dump=lambda: state, digest=world.digest), path)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(SnapshotError, match=r"records of its messages|not enough memory") as said:
        load(path)
    assert "\n" not in str(said.value)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def write_raw(world: Any, path: Path) -> None:
    """Save what a program that checks nothing would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "heads", lambda columns: iter(()))
        save(world, path, relational=False)


def test_a_record_is_refused_where_any_of_its_parts_is_none() -> None:
    world = world_of(40)
    whole = records.opened(records.records(world.packed()[1])[0])
    assert records.read(whole, "x")[0]["rested"] == "x"
    for at in (len(whole) - 1, len(whole) // 2, 20):
        raises((ValueError, LookupError, TypeError), "", records.read, whole[:at], "")
    raises(ValueError, "behind", records.read, whole + b"x", "")


def test_values_that_take_many_times_their_size_are_refused() -> None:
    said = b"[" + b"[]," * 20_000 + b"0]"
    data = len(said).to_bytes(8, "little") + said + (2).to_bytes(8, "little") + b"[]"
    found = [records.PackedRecord(n, len(data), zlib.compress(data, 1)) for n in range(200)]
    meta: dict[str, Any] = {"cascades": []}
    raises(ValueError, "too many values", records.unfold, meta, records.filed(found))


def test_the_history_of_a_file_knows_every_message_that_ended(tmp_path: Path) -> None:
    world = world_of(60)
    save(world, tmp_path / "a.hub")
    found = read_history(tmp_path / "a.hub")
    packs = {pack.message: pack for pack in found.packs}
    assert sorted(packs) == [each.id for each in world.cascades]
    for each in world.cascades:
        assert (packs[each.id].agents == each.log.agents).all()
        assert (packs[each.id].sources == each.log.sources).all()


def most_held(act: Callable[[], object]) -> int:
    """Return the most bytes held during an act beyond those before it."""
    gc.collect()
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_records_are_neither_copied_piece_by_piece_nor_all_together() -> None:
    world = World.create(agents=6_000, mean_degree=4, seed=7)
    for _ in range(120):
        world.inject("x", seeds="random:4000", model="independent-cascade", probability=0.0)
    world.step(3)
    meta, columns = world.packed()
    size = columns[f"{records.PREFIX}records"].nbytes
    assert size > 400_000
    assert most_held(world.packed) < 1.5 * size
    assert most_held(lambda: digest_of(meta, columns)) < 0.5 * size


def test_a_checkpoint_never_has_all_records_in_memory() -> None:
    world = World.create(agents=6_000, mean_degree=4, seed=7)
    for _ in range(300):
        world.inject("x", seeds="random:4000", model="independent-cascade", probability=0.0)
    world.step(3)
    copies = WorldCopier()
    for _ in range(2):  # the second goes where the first was
        copy, _ = copies.take(world)
        held = most_held(copy.packed)
        column = copy.packed()[1][f"{records.PREFIX}records"]
        assert is_filed(column)
        assert held < 0.4 * column.nbytes
        assert column.tobytes() == world.packed()[1][f"{records.PREFIX}records"].tobytes()
        assert copy.digest() == world.digest()
        copy.rest()
        world.step()


def test_rows_for_people_are_made_of_few_messages_at_a_time() -> None:
    held = []
    for messages in (600, 1_200):
        world = world_of(messages)
        meta, columns = world.packed()
        with closing(sqlite3.connect(":memory:")) as file:
            for table in ("plugins", "messages", "cascades"):
                file.execute(schema.CORE_TABLES[table])

            def mirror(
                file: sqlite3.Connection = file, meta: Any = meta, columns: Any = columns
            ) -> None:
                assert arrays.mirror(file, meta, columns, str) == {"independent-cascade"}

            held.append(most_held(mirror))
            assert file.execute("SELECT id FROM cascades").fetchall() == [
                (number,) for number in range(messages)
            ]
    assert held[1] < 1.3 * held[0]


def test_undo_holds_no_more_of_a_world_in_which_many_messages_ended() -> None:
    few, many = (copies_of(ended(messages)) for messages in (20, 1_020))
    assert many < few + 4 * 1_000 * 100  # of each message four bytes in each copy; a pointer has 8


def test_undo_holds_no_more_of_a_platform_where_many_messages_were_sent() -> None:
    few, many = (copies_of(ended(messages, platform=True)) for messages in (20, 520))
    assert many < few + 2 * 500 * 100


def ended(messages: int, **more: Any) -> World:
    """Return a world in which so many messages ended."""
    world = World.create(agents=200, mean_degree=4, seed=7, **more)
    for _ in range(messages):
        world.inject("x", seeds=[0], model="independent-cascade", probability=0.0)
    world.step(120)
    while len(world.cascades.loose) > AT_HAND:
        world.step(10)
    return world


def copies_of(world: World) -> int:
    """Return the bytes of a hundred copies of its messages and of its platform."""
    twins: list[Any] = []

    def copy() -> None:
        for _ in range(100):
            twins.append(world.cascades.twin(world, lambda each: each))
            if world.platform is not None:
                twins.append(PlatformSnapshot(world.platform, lambda _, column: column))

    return most_held(copy)
