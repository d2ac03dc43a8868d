"""What a file says of itself, to people and to programs."""

import sqlite3
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.errors import Cancelled, SnapshotError
from sim.store import info, save, verify
from sim.store.snapshot.opened import Plugin
from tests.unit.store.fake import AnyWorld, FakeWorld, edit, patch, saved


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as file:
        return file.execute(query).fetchall()


def test_info_tells_what_the_file_says(tmp_path: Path) -> None:
    done = save(FakeWorld.create(), tmp_path / "a.hub", note="before the news")
    found = info(tmp_path / "a.hub")
    assert (found.path, found.bytes) == (done.path, done.bytes)
    assert (found.name, found.note) == ("a", "before the news")
    assert (found.agents, found.ties, found.tick, found.seed) == (None, 20_000, 0, 7)
    assert found.models == ("sir",)
    assert found.plugins == (Plugin("sir", "1", "propagation", "ab"),)
    assert found.digest == FakeWorld.create().digest()
    assert found.saved_at.startswith("20")
    assert found.versions["numpy"] == np.__version__
    assert not found.relational
    assert found.checked == "header only; `verify` checks every byte"


def test_texts_of_a_file_are_cleaned_before_anybody_shows_them(tmp_path: Path) -> None:
    save(FakeWorld.create(), tmp_path / "a.hub", name="a\x1b[2Jb", note="one\ntwo\u202e")
    found = info(tmp_path / "a.hub")
    assert (found.name + found.note).isprintable()
    assert "one two" in found.note


def test_a_name_can_be_given(tmp_path: Path) -> None:
    save(FakeWorld.create(), tmp_path / "a.hub", name="Monday")
    assert info(tmp_path / "a.hub").name == "Monday"


class Sized(AnyWorld):
    """A world that has agents and ties beside its columns."""

    agents = range(5)
    ties = type("Ties", (), {"count": 11})


def test_numbers_come_from_the_world_itself_when_it_has_them(tmp_path: Path) -> None:
    found = info(saved(tmp_path / "a.hub", Sized({"seed": -5}, {})))
    assert (found.agents, found.ties, found.tick, found.seed) == (5, 11, None, -5)


@pytest.mark.parametrize("value", ["", "many", "1.5", "9" * 5000, "٣"])
def test_a_number_that_is_none_is_none(tmp_path: Path, value: str) -> None:
    path = saved(tmp_path / "a.hub")
    edit(path, f"UPDATE world SET value = '{value}' WHERE key = 'tick'")  # noqa: S608
    assert info(path).tick is None


@pytest.mark.parametrize("value", ["", "{", '"x"', "7"])
def test_lists_that_are_none_are_empty(tmp_path: Path, value: str) -> None:
    path = saved(tmp_path / "a.hub")
    where = "key IN ('models', 'versions')"
    edit(path, f"UPDATE world SET value = '{value}' WHERE {where}")  # noqa: S608
    assert info(path).models == ()
    assert info(path).versions == {}


def test_info_reads_no_columns_and_does_not_see_damage_there(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub", FakeWorld.create(100_000))
    patch(path, 4_000_000, b"damage")
    assert info(path).ties == 2_000_000
    with pytest.raises(SnapshotError, match="not those that were saved"):
        verify(path)


def test_info_refuses_what_load_would_refuse_by_the_header(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(SnapshotError, match="looks like text"):
        info(tmp_path / "x")


def test_verify_counts_what_it_read(tmp_path: Path) -> None:
    told: list[str] = []
    path = saved(tmp_path / "a.hub", FakeWorld.create(100_000))
    found = verify(path, report=lambda stage, _: told.append(stage))
    assert (found.path, found.bytes, found.columns) == (path, path.stat().st_size, 6)
    assert set(told) == {"reading", "checking"}


def test_verify_compares_whole_columns_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub")
    edit(path, "UPDATE columns SET checksum = '0' WHERE name = 'scalar'")
    with pytest.raises(SnapshotError, match="damaged: column 'scalar' does not match"):
        verify(path)


def test_verify_can_be_cancelled(tmp_path: Path) -> None:
    def report(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        verify(saved(tmp_path / "a.hub"), report=report)


# Rows for people


def test_messages_and_cascades_are_rows(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub")
    assert rows(path, "SELECT * FROM messages") == [
        (0, "3", "桥已关闭 🚧", "post", '{"tags": null, "priority": 0}', 1)
    ]
    assert rows(path, "SELECT * FROM cascades") == [
        (0, "桥已关闭 🚧", "3", "sir", '{"beta": 0.05}', "running", 3, 12, 2)
    ]


@pytest.mark.parametrize(
    ("cascade", "row"),
    [
        ({}, (0, "", None, "", "{}", "", None, None, None)),
        (
            {"id": 4, "message": {"text": "hi", "author": -1}, "seeds": [1, 2], "size": 2**70},
            (4, "hi", None, "", "{}", "", 2, None, None),
        ),
        (
            {"model": {"name": "sis", "parameters": {"beta": 1}}, "seeds": 9, "text": "\ud800"},
            (0, "?", None, "sis", '{"beta": 1}', "", 9, None, None),
        ),
        ({"id": "x", "size": 1.5, "author": "ann"}, (0, "", "ann", "", "{}", "", None, None, None)),
    ],
)
def test_a_cascade_described_in_another_way_is_still_a_row(
    tmp_path: Path, cascade: dict[str, Any], row: tuple[Any, ...]
) -> None:
    path = saved(tmp_path / "a.hub", AnyWorld({"cascades": [cascade]}, {}))
    assert rows(path, "SELECT * FROM cascades") == [row]


@pytest.mark.parametrize("cascades", [None, 7, "x", [1, None], {}])
def test_cascades_that_are_none_make_no_rows(tmp_path: Path, cascades: Any) -> None:
    path = saved(tmp_path / "a.hub", AnyWorld({"cascades": cascades}, {}))
    assert rows(path, "SELECT * FROM cascades") == []


def test_two_cascades_with_one_number_do_not_stop_a_save(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub", AnyWorld({"cascades": [{"id": 1}, {"id": 1}]}, {}))
    assert rows(path, "SELECT id FROM cascades") == [(1,)]


def test_messages_of_their_own_go_before_those_of_cascades(tmp_path: Path) -> None:
    meta = {"messages": [{"id": 8, "text": "a"}], "cascades": [{"text": "b"}]}
    path = saved(tmp_path / "a.hub", AnyWorld(meta, {}))
    assert rows(path, "SELECT message_id, content FROM messages") == [(8, "a")]


def test_a_program_that_is_not_installed_has_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert info(saved(tmp_path / "a.hub")).versions["hubbub"] == "unknown"
