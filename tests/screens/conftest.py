"""Fixtures for the screens: hundreds of them are opened, each with the same styles."""

from collections.abc import Iterator
from typing import Any

import pytest
from textual.css.stylesheet import Stylesheet

from tests.conftest import untraced
from tests.screens.fake import PATCH


@pytest.fixture(autouse=True, scope="session")
def _styles_are_read_once() -> Iterator[None]:
    """Keep parsed style sheets from screen to screen, and apply them out of sight of coverage.

    Both are Textual's own work, more than half of what a test of a screen does.
    """
    sheets: Any = Stylesheet
    parse_rules = sheets._parse_rules
    read: dict[Any, Any] = {}

    def parsed(sheet: Any, css: str, *given: Any, **named: Any) -> Any:
        key = (css, given, *named.items(), *sheet._variables.items())
        if key not in read:
            read[key] = parse_rules(sheet, css, *given, **named)
        return read[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "_parse_rules", parsed)
        patch.setattr(sheets, "parse", untraced(sheets.parse))
        patch.setattr(sheets, "apply", untraced(sheets.apply))
        patch.setattr("tui.experiments.WORKERS", "threading")
        patch.setattr("tui.key_queue.DEAF_SECONDS", 0.0)  # a test answers as soon as it sees
        yield


@pytest.fixture(autouse=True)
def _what_is_scripted_ends_with_the_test() -> Iterator[None]:
    PATCH.setattr("sim.runtime.warming.WARMED", ())  # all of them take long on a busy machine
    yield
    PATCH.undo()
