"""``make house`` finds public classes of one name (its limit is none)."""

import ast

from tests.rooms.house import namesakes


def test_namesakes_are_found_and_messages_of_widgets_are_none() -> None:
    widget = "class {}:\n    class Changed(Message): ...\n"
    widget += "    class Chosen(Changed): ...\n    class Row: ...\n"
    trees = {
        "one": ast.parse("class Plan: ...\nclass _Own: ...\n" + widget.format("Form")),
        "two": ast.parse("def made():\n    class Plan: ...\nclass _Own: ...\n"),
        "three": ast.parse(widget.format("List")),
    }
    assert namesakes(trees) == {"Plan": ["one:1", "two:2"], "Row": ["one:6", "three:4"]}
