"""The drawing of the rooms shows what the imports are, and circles of imports stay small."""

import ast
from pathlib import Path

import networkx as nx
import pytest

from tests.rooms.drawing import LAYERS, drawn
from tests.rooms.house import DRAWING, ROOT, circles, read
from tests.rooms.house import imports as imports_of

MOST = 5
"""Modules that may know each other; types count. Fewer is better: lower it when a circle falls."""


@pytest.fixture(scope="module")
def imports() -> nx.DiGraph:
    return read()[2]


def test_the_drawing_is_current(imports: nx.DiGraph) -> None:
    again = "draw it again: python -m tests.rooms.house --draw"
    assert DRAWING.read_text() == drawn(imports, ROOT), again


def test_every_room_is_drawn() -> None:
    rooms = {f"sim.{each.parent.name}" for each in (ROOT / "sim").glob("*/__init__.py")}
    drawn_rooms = {room for layer in LAYERS for room in layer}
    assert rooms <= drawn_rooms


def test_no_circle_of_imports_is_large(imports: nx.DiGraph) -> None:
    """What a contract of the import linter cannot say: it knows layers and packages only."""
    assert [sorted(each) for each in circles(imports) if len(each) > MOST] == []


def test_no_modules_of_screen_and_minds_import_each_other(imports: nx.DiGraph) -> None:
    rooms = ("tui", "sim.minds")
    assert [
        sorted(each) for each in circles(imports) if any(m.startswith(rooms) for m in each)
    ] == []


def test_a_circle_is_seen_through_imports_for_types_and_inside_functions() -> None:
    texts = {
        "a": "if TYPE_CHECKING:\n    from b import B",
        "b": "def f() -> None:\n    import c",
        "c": "from a import A",
        "d": "from c import C",
    }
    modules = {name: Path(f"{name}.py") for name in texts}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    assert circles(imports_of(modules, trees)) == [{"a", "b", "c"}]
