"""The notebooks run from top to bottom, and are kept without what they printed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import sim

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOKS = sorted((Path(sim.__file__).parent / "lab" / "notebooks").glob("*.ipynb"))


def texts_of(book: Any) -> str:
    """Return what a notebook shows, as text."""
    shown = [out for cell in book.cells if cell.cell_type == "code" for out in cell.outputs]
    return "\n".join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in shown)


def test_there_is_a_notebook_for_each_use() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["analyst", "researcher", "teacher"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


async def shown_by(name: str, folder: Path) -> str:
    """Run a notebook from top to bottom; return what it shows."""
    book = nbformat.read(NOTEBOOKS[0].with_name(f"{name}.ipynb"), as_version=4)
    where = {"metadata": {"path": str(folder)}}
    client = nbclient.NotebookClient(book, timeout=120, kernel_name="python3", resources=where)
    await client.async_execute()
    return texts_of(book)


async def test_notebooks_run_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for kind in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    every = (shown_by(path.stem, tmp_path) for path in NOTEBOOKS)
    analyst, researcher, teacher = await asyncio.gather(*every)  # at once: most of it is starting
    assert "hubs banned reaches " in analyst
    assert "('rumour.html', True)" in researcher
    assert "Expected results: 1 of 1 confirmed, 0 not confirmed, 0 undecided." in teacher
