from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from sim import lab
from sim.errors import FileError, InputError, UnknownNameError
from sim.lab import Result, Table
from tests.raising import raises


class Reach(Result):
    @property
    def tables(self) -> Mapping[str, Table]:
        return {"runs": Table({"seed": [1, 2], "reach": [3, 5]}), "arms": Table({"arm": ["<b>"]})}

    def conclusion(self) -> str:
        return "Reach <b> is larger.\nNothing else\x1b follows."


class Nothing(Result):
    @property
    def tables(self) -> Mapping[str, Table]:
        return {}


def test_the_first_table_is_meant_when_none_is_named() -> None:
    found = Reach()
    assert found.to_pandas()["reach"].tolist() == [3, 5]
    assert found.to_polars("arms")["arm"].to_list() == ["<b>"]
    assert found.to_arrow().num_rows == 2
    assert found.plot().axes[0].get_ylabel() == "reach"
    raises(UnknownNameError, r"No table named 'run'\. Did you mean 'runs'", found.table, "run")


def test_it_is_shown_with_what_follows() -> None:
    found = Reach()
    console = Console(width=80)
    with console.capture() as capture:
        console.print(found)
    assert "Reach <b> is larger." in capture.get()
    assert "\x1b" not in capture.get()
    html = found._repr_html_()
    assert "<p>Reach &lt;b&gt; is larger.</p>" in html
    assert html.count("<table>") == 2
    assert repr(found) == "Reach(runs 2, arms 1)"
    assert Result().conclusion() == ""
    raises(InputError, "one table", Nothing()._repr_html_)


def test_one_table_or_all_are_written(tmp_path: Path) -> None:
    found = Reach()
    assert found.write(tmp_path / "r.csv").read_bytes() == b"seed,reach\r\n1,3\r\n2,5\r\n"
    paths = found.write_all(tmp_path / "all", ".jsonl")
    assert [path.name for path in paths] == ["runs.jsonl", "arms.jsonl"]
    raises(FileError, "cannot be made a folder", found.write_all, tmp_path / "r.csv")


def test_the_lab_names_what_it_offers() -> None:
    assert lab.Table is Table
    assert "Result" in dir(lab)
    for name in dir(lab):
        assert getattr(lab, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Tabel'"):
        _ = lab.Tabel  # type: ignore[attr-defined]
