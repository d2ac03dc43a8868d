"""The drawing of the rooms shows what the imports are."""

from tests.rooms.drawing import LAYERS, drawn
from tests.rooms.house import DRAWING, ROOT, read


def test_the_drawing_is_current() -> None:
    again = "draw it again: python -m tests.rooms.house --draw"
    assert DRAWING.read_text() == drawn(read()[2], ROOT), again


def test_every_room_is_drawn() -> None:
    rooms = {f"sim.{each.parent.name}" for each in (ROOT / "sim").glob("*/__init__.py")}
    drawn_rooms = {room for layer in LAYERS for room in layer}
    assert rooms <= drawn_rooms
