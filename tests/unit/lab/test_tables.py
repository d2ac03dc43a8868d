import csv
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from sim import lab
from sim.core import data_frames
from sim.errors import FileError, InputError, UnknownNameError
from sim.lab import Result, Table
from sim.lab.tables import shown
from tests.raising import raises

ROWS: dict[str, list[Any]] = {"arm": ["a", "=b", None], "reach": [3, 5, 8]}
HOSTILE = "<script>alert(1)</script>[red]\x1b[31m\nx"


@pytest.fixture
def table() -> Table:
    columns = {"share": [0.5, float("nan"), 0.25], "over": [True, False, True]}
    return Table(ROWS | columns, units={"reach": "members"}, caption="Runs")


def test_columns_have_the_dtype_of_their_values(table: Table) -> None:
    kinds = [table[name].dtype for name in table.names]
    assert kinds == [np.dtype(object), np.dtype(np.int64), np.dtype(float), np.dtype(bool)]
    assert Table({"n": [2**63, 1]})["n"].dtype == np.uint64
    assert Table({"n": [2**64, 1]})["n"].dtype == object
    assert Table({"n": np.array(["x"])})["n"].dtype == object
    assert Table({"n": np.array([1, None], object)})["n"].dtype == object
    assert Table({"n": []})["n"].size == 0


def test_rows_and_columns_are_plain_values_and_chosen(table: Table) -> None:
    assert next(table.rows()) == {"arm": "a", "reach": 3, "share": 0.5, "over": True}
    assert len(table) == 3
    assert len(Table({})) == 0
    with pytest.raises(ValueError, match="read-only"):
        table["reach"][0] = 1
    assert table.where(over=True)["reach"].tolist() == [3, 8]
    assert table.where(arm="a", over=False)["reach"].tolist() == []
    assert table.taken(np.array([2, 0]))["reach"].tolist() == [8, 3]
    assert table.only("share", "reach").names == ("share", "reach")
    assert dict(table.only("share").units) == {}
    assert "arm" in table


def test_rows_and_tables_of_the_same_columns_make_a_table(table: Table) -> None:
    made = Table.of_rows([{"a": 1}, {"b": "x", "c": 2}])
    assert made.names == ("a", "b", "c")
    assert made["b"].tolist() == [None, "x"]
    assert np.isnan(made["c"][0])
    assert Table.of_rows([], names=["a"]).names == ("a",)
    twice = Table.joined([table, table])
    assert len(twice) == 6
    assert twice.caption == "Runs"
    for wrong in ([], [table, table.only("arm")]):
        raises(InputError, "same columns", Table.joined, wrong)


def test_a_table_that_was_pickled_is_the_same(table: Table) -> None:
    assert pickle.loads(pickle.dumps(table)) == table  # noqa: S301
    assert table != table.only("arm")
    assert table != Table({name: table[name] for name in table.names})
    assert table != 3


def test_data_frames_hold_the_same_values(table: Table) -> None:
    for frame in (table.to_polars(), pl.from_arrow(table.to_arrow())):
        assert isinstance(frame, pl.DataFrame)
        assert frame["reach"].to_list() == [3, 5, 8]
        assert frame["arm"].to_list() == ["a", "=b", None]
        assert frame["over"].dtype == pl.Boolean
    frame = table.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame["share"].sum() == 0.75
    assert frame.attrs == {"caption": "Runs", "units": {"reach": "members"}}
    frame.loc[0, "reach"] = 99
    assert table["reach"][0] == 3


def test_units_and_caption_travel_with_arrow_and_parquet(table: Table, tmp_path: Path) -> None:
    arrow = table.to_arrow()
    assert arrow.schema.field("reach").metadata == {b"unit": b"members"}
    assert arrow.schema.metadata == {b"caption": b"Runs"}
    assert Table({"a": ["\ud800"]}).to_arrow()["a"].to_pylist() == ["?"]
    assert arrow.schema.field("over").type == pa.bool_()
    path = table.write(tmp_path / "t.parquet")
    assert pl.read_parquet(path).equals(table.to_polars())
    assert pq.read_schema(path).equals(table.to_arrow().schema, check_metadata=True)


def test_csv_is_read_again_and_calculates_nothing(table: Table, tmp_path: Path) -> None:
    path = table.write(tmp_path / "t.csv")
    with path.open(newline="") as file:
        heading, *rows = list(csv.reader(file))
    assert heading == ["arm", "reach", "share", "over"]
    assert rows == [
        ["a", "3", "0.5", "true"], ["'=b", "5", "", "false"], ["", "8", "0.25", "true"],
    ]  # fmt: skip


def test_json_lines_are_read_again(tmp_path: Path) -> None:
    table = Table({'a %s, "b"': [1.5, float("inf")], "c": [HOSTILE, None], "d": [True, False]})
    lines = table.write(tmp_path / "t.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {'a %s, "b"': 1.5, "c": HOSTILE, "d": True},
        {'a %s, "b"': None, "c": None, "d": False},
    ]
    text = table.write(tmp_path / "t.csv").read_text()
    assert text.startswith('"a %s, ""b""",c,d')
    odd = Table({"a": [(1, 2), "x"]}).write(tmp_path / "o.jsonl").read_text()
    assert json.loads(odd.splitlines()[0]) == {"a": "(1, 2)"}


def test_files_are_written_whole_and_not_where_they_must_not(table: Table, tmp_path: Path) -> None:
    raises(InputError, r"\.csv, \.jsonl or \.parquet", table.write, tmp_path / "t.xlsx")
    path = tmp_path / "t.csv"
    path.write_text("mine")
    with pytest.raises(FileError):
        table.write(path, force=False)
    assert path.read_text() == "mine"
    table.write(path)
    assert path.read_text() != "mine"
    with pytest.raises(FileError):
        table.write(tmp_path / "none" / "t.csv")


def test_a_missing_library_is_said_in_one_sentence(
    table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("pandas", "polars", "pyarrow", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)

    data_frames._figure_class.cache_clear()
    for ask, name in (
        (table.to_pandas, "pandas"), (table.to_polars, "polars"), (table.to_arrow, "pyarrow"),
        (table.plot, "matplotlib"), (lambda: table.write(tmp_path / "t.parquet"), "pyarrow"),
    ):  # fmt: skip
        raises(InputError, rf"needs {name}.*pip install 'hubbub\[lab\]'", ask)
    assert not list(tmp_path.iterdir())
    table.write(tmp_path / "t.csv")


def rendered(thing: Any) -> str:
    console = Console(width=120, force_terminal=False)
    with console.capture() as capture:
        console.print(thing)
    return capture.get()


def test_a_terminal_and_a_notebook_obey_nothing_of_a_table() -> None:
    table = Table({HOSTILE: [HOSTILE], "n": [1]}, caption=HOSTILE, units={"n": HOSTILE})
    text = rendered(table)
    assert "\x1b" not in text
    assert "[red]" in text
    assert "\x1b" not in repr(table)
    html = Table({HOSTILE: [HOSTILE]}, caption=HOSTILE, units={HOSTILE: HOSTILE})._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4
    assert "\x1b" not in html


def test_long_tables_are_shown_by_their_beginning_and_values_shortly() -> None:
    table = Table({"n": range(50)})
    assert "30 more of 50 rows" in rendered(table)
    assert "30 more of 50 rows" in table._repr_html_()
    assert repr(table) == "Table(50 rows: n)"
    assert "more" not in Table({"n": range(3)})._repr_html_()
    values = [None, True, 3, 12345, 1234.5, 0.123456, 1e20]
    assert [shown(v) for v in values] == ["", "yes", "3", "12,345", "1,234", "0.1235", "1e+20"]


def test_lines_are_sorted_and_parted(table: Table) -> None:
    curves = Table(
        {"tick": [1, 0, 0, 1], "reach": [5, 1, 2, 9], "arm": ["_a", "_a", "$b$", "$b$"]},
        units={"tick": "ticks"}, caption="Curves",
    )  # fmt: skip
    figure: Any = curves.plot("tick", "reach", "arm")
    (axes,) = figure.axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[1, 5], [2, 9]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [" _a", r"\$b\$"]
    assert axes.get_xlabel() == "tick (ticks)"
    assert axes.get_title() == "Curves"
    assert figure._repr_png_().startswith(b"\x89PNG")
    dots: Any = table.where(over=True).plot("arm", "reach")
    assert dots.axes[0].lines[0].get_linestyle() == "None"
    assert table.plot().axes[0].get_ylabel() == "share"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: Table({"a": ["x"]}).plot(), "nothing to draw"),
        (lambda: Table(ROWS).plot(y="arm"), "holds texts"),
        (lambda: Table(ROWS).plot("nothing"), "No column"),
        (lambda: Table({"n": range(30)}).plot(by="n"), "can be told apart"),
        (lambda: Table({"a": [1], "b": [1, 2]}), "a 1, b 2"),
        (lambda: Table({" ": [1]}), "has a name"),
        (lambda: Table({"a": np.zeros((2, 2))}), "shape"),
        (lambda: Table({"a": [1]}, units={"b": "members"}), "No column"),
    ],
)
def test_what_makes_no_table_or_drawing_is_refused(ask: Callable[[], object], said: str) -> None:
    raises(InputError, said, ask)


def test_a_table_loads_no_library_of_data_frames() -> None:
    code = (
        "import sys; from sim import lab; lab.Table({'a': [1]}); lab.mean_interval;"
        "print(sorted({'scipy', 'pandas', 'polars', 'pyarrow', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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
