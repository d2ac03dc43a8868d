"""The classical tables as a file of their own."""

from pathlib import Path

import pytest

from sim import World
from sim.errors import Cancelled, InputError
from sim.store import relational
from sim.store.relational import write_database
from tests.raising import raises


@pytest.fixture(scope="module")
def world() -> World:
    return World.create(300, mean_degree=6, seed=1)


def test_indexing_can_stop(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relational, "_OPERATIONS", 10)
    told: list[float] = []

    def report(stage: str, share: float) -> None:
        told.extend([share] if stage == "indexing" else [])
        if len(told) == 5:
            raise Cancelled

    raises(Cancelled, "", write_database, world, tmp_path / "a.db", report=report)
    assert told == [0.0] * 5


def test_progress_is_told(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relational, "_OPERATIONS", 100)
    told: list[tuple[str, float]] = []
    write_database(world, tmp_path / "a.db", report=lambda *said: told.append(said))
    shares = [share for stage, share in told if stage == "indexing"]
    assert len(shares) > len(set(shares)) > 1
    assert shares == sorted(shares)


@pytest.mark.parametrize(("limit", "errno"), [("max_page_count=20", 28), ("query_only=ON", 5)])
def test_what_the_disk_refuses_is_an_error_of_the_system(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, errno: int
) -> None:
    monkeypatch.setattr(relational, "_PRAGMAS", (limit,))
    with pytest.raises(OSError, match=r"full|readonly") as raised:
        write_database(world, tmp_path / "a.db")
    assert raised.value.errno == errno


def test_indexing_may_fail(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relational, "_INDEXES", ("CREATE INDEX a ON absent (b)",))
    raises(OSError, "no such table", write_database, world, tmp_path / "a.db")


def test_two_rows_that_must_differ_are_refused_by_a_sentence(world: World, tmp_path: Path) -> None:
    post = (7, 1, 0, "post", None, None, "It rains.", "[]", None, 0, 0, 0, 0)
    assert write_database(world, tmp_path / "a.db", posts=[post]) > 0
    with pytest.raises(InputError, match="two rows that must differ are the same"):
        write_database(world, tmp_path / "b.db", posts=[post, post])
