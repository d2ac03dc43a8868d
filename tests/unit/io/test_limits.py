import os
from pathlib import Path
from typing import Self

import networkx as nx
import pytest

from sim.errors import CapacityError, FileError
from sim.io import EdgeOptions, import_world, read_arcs, read_labels, read_world
from sim.io.importing.files import ImportReport
from tests.raising import raises

LINES = "".join(f"{n} {n + 1}\n" for n in range(40))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ties.txt"
    path.write_text(LINES)
    return path


def test_more_than_a_world_holds_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.io.importing.table._MOST_ARCS", 39)
    for options in (EdgeOptions(ids="int"), EdgeOptions(ids="str")):
        raises(CapacityError, "at most 39 ties; the file holds more", read_arcs, file, options)
    monkeypatch.undo()
    monkeypatch.setattr("sim.io.importing.table._FIRST", 8)
    monkeypatch.setattr("sim.io.importing.table._MOST", 16)
    raises(CapacityError, "at most 15 agents; the file names more", read_arcs, file)


def test_a_world_is_read_without_its_report_and_to_a_limit(file: Path) -> None:
    assert read_arcs(file, EdgeOptions(ids="str", limit=7)).sources.size == 7
    assert read_world(file).digest() == import_world(file).world.digest()


def test_labels_of_indices_are_found(tmp_path: Path) -> None:
    """A graph whose nodes are 0, 1, ... has no ids of its own; labels name the indices."""
    nx.write_gml(nx.path_graph(3), tmp_path / "g.gml")
    (tmp_path / "labels.csv").write_text("id,label\n0,north\n2,south\n")
    world = import_world(tmp_path / "g.gml", labels=read_labels(tmp_path / "labels.csv")).world
    assert world.agents.community.tolist() == [0, -1, 1]


def test_a_report_of_no_file_counts_no_lines() -> None:
    told = ImportReport(name="igraph graph", arcs=1, directed=False).describe()
    assert told.startswith("igraph graph: imported ")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "gone"), "there is no such file"),
        (PermissionError(13, "no"), "may not be read; check its permissions"),
        (OSError(24, "Too many open files"), "cannot be opened (Too many open files)"),
    ],
)
def test_a_file_that_cannot_be_opened_says_why(
    file: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(FileError) as refused:
        read_arcs(file)
    monkeypatch.undo()
    assert str(refused.value) == f"{file}: {said}."


def test_a_disk_that_fails_meanwhile_says_why(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(LINES.encode() * 200_000)
    reads = os.fdopen

    class Failing:
        """Reads the head, and no more."""

        def __init__(self, descriptor: int, mode: str) -> None:
            self._raw, self._given = reads(descriptor, mode), 0

        def __getattr__(self, name: str) -> object:
            return getattr(self._raw, name)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self._raw.close()

        def read(self, count: int = -1) -> bytes:
            self._given += count
            if self._given > 1 << 22:
                raise OSError(5, "Input/output error")
            piece: bytes = self._raw.read(count)
            return piece

    monkeypatch.setattr(os, "fdopen", Failing)
    raises(FileError, r"cannot be read \(Input/output error\)", read_arcs, file)


def test_a_graph_file_that_is_read_as_a_whole_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.io.importing.graphs._MOST_WHOLE", 100)
    nx.write_gml(nx.path_graph(50), tmp_path / "g.gml")
    raises(FileError, "is more than 512 MiB of GML; use GraphML", import_world, tmp_path / "g.gml")
    nx.write_gexf(nx.path_graph(50), tmp_path / "g.gexf")
    assert import_world(tmp_path / "g.gexf").world.ties.count == 98


def test_a_graph_with_zero_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "g.graphml").write_bytes(b'<?xml version="1.0"?>\n<graphml>\0</graphml>\n')
    raises(FileError, r"zero bytes|binary", import_world, tmp_path / "g.graphml")
