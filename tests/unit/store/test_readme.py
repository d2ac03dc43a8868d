"""What saves/README.md says is so."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sim import World
from sim.store import save
from sim.store.history import database as acts_file
from sim.store.relational import MOST_AGENTS, MOST_ROWS
from sim.store.snapshot import files, schema

README = Path(__file__).resolve().parents[3] / "saves" / "README.md"


@pytest.fixture
def page() -> str:
    return README.read_text(encoding="utf-8")


def test_the_code_alone_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.create(agents=200, mean_degree=6, seed=1)
    (tmp_path / "saves").mkdir()
    save(world, tmp_path / "saves" / "monday.hub")
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL)[1:]:
        exec(code, found)  # noqa: S102
    assert found["targets"].tolist() == world.ties.targets.tolist()  # type: ignore[attr-defined]


def test_the_queries_run(page: str, tmp_path: Path) -> None:
    world = World.create(agents=200, mean_degree=6, seed=1)
    prose = re.sub(r"```python\n.*?```", "", page, flags=re.DOTALL)
    queries = re.findall(r"^    .*?(SELECT [^;\"]*)", prose, re.MULTILINE)
    assert len(queries) == 3
    with closing(sqlite3.connect(save(world, tmp_path / "a.hub").path)) as file:
        for query in queries:
            file.execute(query).fetchall()


def test_every_table_is_named(page: str) -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert named == {*schema.CORE_TABLES, *schema.RELATIONAL_TABLES, *acts_file.TABLES}


def test_every_number_is_the_one_in_the_code(page: str) -> None:
    assert f"up to {MOST_AGENTS:,} members (and {MOST_ROWS:,} rows in all)" in page
    assert f"(user_version), now {schema.VERSION}." in page
    assert files.MAGIC.decode().strip("\n\0") in page
    assert schema.APPLICATION_ID.to_bytes(4, "big").decode() == "HUBB"


def test_drafts_are_named_as_told(tmp_path: Path) -> None:
    with files.draft(tmp_path / "NAME.hub") as draft:
        assert re.fullmatch(r"\.NAME\.hub\.[0-9a-f]{8}\.partial", draft.path.name)
