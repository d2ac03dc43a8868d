"""Every error is one sentence, and of one tree."""

from pathlib import Path

import pytest

from sim import errors
from sim.errors import (
    CapacityError,
    FileError,
    FormatError,
    HubbubError,
    InputError,
    PluginError,
    UnknownNameError,
)


@pytest.mark.parametrize("name", errors.__all__)
def test_all_errors_are_of_one_tree(name: str) -> None:
    assert issubclass(getattr(errors, name), HubbubError)
    assert getattr(errors, name).__doc__


def test_errors_are_also_what_python_calls_them_and_begin_with_their_place() -> None:
    assert issubclass(InputError, ValueError)
    assert issubclass(CapacityError, MemoryError)
    error = FileError(Path("a/b.hub"), "is empty")
    assert str(error) == "a/b.hub: is empty."
    assert (error.path, error.reason) == ("a/b.hub", "is empty")
    failed = PluginError("viral", "returned NaN")
    assert str(failed) == "Plugin 'viral': returned NaN."
    assert (failed.plugin, failed.reason) == ("viral", "returned NaN")


def test_an_unknown_name_suggests_the_nearest_or_lists_the_known() -> None:
    error = UnknownNameError("propagation model", "indepndent", ["sir", "independent"])
    assert str(error) == "No propagation model named 'indepndent'. Did you mean 'independent'?"
    assert (error.name, error.known) == ("indepndent", ("independent", "sir"))
    error = UnknownNameError("colour", "zzz", {"red", "blue"})
    assert str(error) == "No colour named 'zzz'. Known: blue, red."
    assert str(UnknownNameError("colour", "zzz", ())) == "No colour named 'zzz'. Known: none."


def test_a_format_error_shows_the_line_shortened() -> None:
    error = FormatError("x.csv", 7, "a,b\r\n", "a line has three fields")
    assert str(error) == "x.csv: line 7 'a,b': a line has three fields."
    assert (error.line, error.rule) == (7, "a line has three fields")
    long = FormatError("x.csv", 1, "y" * 61, "is short")
    assert f"'{'y' * 57}...'" in str(long)
    assert f"'{'y' * 60}'" in str(FormatError("x.csv", 1, "y" * 60, "is short"))
