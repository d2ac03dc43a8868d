"""What a file says of itself, to people and to programs."""

import enum
import json
import sqlite3
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import Cancelled, InputError, SnapshotError
from sim.store import info, save, verify
from sim.store.snapshot.opened import Plugin
from sim.store.snapshot.schema import from_json, plain, to_json, utf8
from tests.raising import raises
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
    raises(SnapshotError, "not those that were saved", verify, path)


def test_verify_counts_what_it_read(tmp_path: Path) -> None:
    told: list[str] = []
    path = saved(tmp_path / "a.hub", FakeWorld.create(100_000))
    found = verify(path, report=lambda stage, _: told.append(stage))
    assert (found.path, found.bytes, found.columns) == (path, path.stat().st_size, 6)
    assert set(told) == {"reading", "checking"}
    with pytest.raises(Cancelled):
        verify(path, report=Mock(side_effect=Cancelled))


def test_verify_compares_whole_columns_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub")
    edit(path, "UPDATE columns SET checksum = '0' WHERE name = 'scalar'")
    raises(SnapshotError, "damaged: column 'scalar' does not match", verify, path)


def test_messages_and_cascades_are_rows(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub")
    assert rows(path, "SELECT * FROM messages") == [
        (0, "3", "桥已关闭 🚧", "post", '{"tags": null, "priority": 0}', 1)
    ]
    assert rows(path, "SELECT * FROM cascades") == [
        (0, "桥已关闭 🚧", "3", "sir", '{"beta": 0.05}', "running", 3, 12, 2)
    ]


NO_CASCADES: list[Any] = [None, 7, "x", [1, None], {}]


@pytest.mark.parametrize(
    ("meta", "query", "expected"),
    [
        *(({"cascades": value}, "SELECT * FROM cascades", []) for value in NO_CASCADES),
        ({"cascades": [{"id": 1}, {"id": 1}]}, "SELECT id FROM cascades", [(1,)]),
        ({"messages": [{"id": 8, "text": "a"}], "cascades": [{"text": "b"}]},
         "SELECT message_id, content FROM messages", [(8, "a")]),
    ],
)  # fmt: skip
def test_other_rows(tmp_path: Path, meta: dict[str, Any], query: str, expected: list[Any]) -> None:
    assert rows(saved(tmp_path / "a.hub", AnyWorld(meta, {})), query) == expected


@pytest.mark.parametrize(
    ("cascade", "row"),
    [
        ({}, (0, "", None, "", "{}", "", None, None, None)),
        ({"id": 4, "message": {"text": "hi", "author": -1}, "seeds": [1, 2], "size": 2**70},
         (4, "hi", None, "", "{}", "", 2, None, None)),
        ({"model": {"name": "sis", "parameters": {"beta": 1}}, "seeds": 9, "text": "\ud800"},
         (0, "?", None, "sis", '{"beta": 1}', "", 9, None, None)),
        ({"id": "x", "size": 1.5, "author": "ann"}, (0, "", "ann", "", "{}", "", None, None, None)),
    ],
)  # fmt: skip
def test_other_cascade_rows(tmp_path: Path, cascade: dict[str, Any], row: tuple[Any, ...]) -> None:
    path = saved(tmp_path / "a.hub", AnyWorld({"cascades": [cascade]}, {}))
    assert rows(path, "SELECT * FROM cascades") == [row]


def test_a_missing_program_has_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert info(saved(tmp_path / "a.hub")).versions["hubbub"] == "unknown"


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_whatever_json_can_hold_reads_back(value: Any) -> None:
    assert from_json(to_json(value)) == value


@given(st.text(st.characters(codec=None)))
def test_lone_surrogates_survive_in_text_that_utf8_can_hold(text: str) -> None:
    assert from_json(to_json({"text": text}).encode().decode())["text"] == text


def test_types_of_numpy_become_those_of_python() -> None:
    numbers = np.int64(-3), np.uint64(2**64 - 1), np.float32(0.5)
    found = plain([*numbers, np.bool_(True), np.str_("a"), np.arange(2), (1, 2), Color.RED])
    assert found == [-3, 2**64 - 1, 0.5, True, "a", [0, 1], [1, 2], 1]
    assert {type(each) for each in found} == {int, float, bool, str, list}


class Color(enum.IntEnum):
    """An integer that prints as a word."""

    RED = 1


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"a": [0.0, float("nan")]}, "meta.a[1] is nan; a snapshot holds finite numbers only."),
        ({"a": float("-inf")}, "meta.a is -inf; a snapshot holds finite numbers only."),
        ({"a": np.float32("inf")}, "meta.a is inf; a snapshot holds finite numbers only."),
        ({"a": {1: 2}}, "meta.a has the key 1; keys must be text."),
        ({"a": {3}}, "meta.a is a set, which a snapshot cannot hold."),
        ({"a": b"x"}, "meta.a is a bytes, which a snapshot cannot hold."),
    ],
)
def test_what_json_cannot_hold_is_refused_by_its_address(value: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        plain(value)
    assert str(caught.value) == sentence


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    raises(InputError, "more than 64 levels deep", plain, endless)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "[" * 100_000, "9" * 5_000])
def test_hostile_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever text
        from_json(text)


def test_text_for_tables_is_text_that_utf8_can_hold() -> None:
    assert utf8("a\ud800b") == "a?b"
    assert utf8(7) == "7"
    assert json.loads(to_json("\ud800")) == "\ud800"
    assert to_json({"text": "桥已关闭"}) == '{"text": "桥已关闭"}'
