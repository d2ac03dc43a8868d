from pathlib import Path

import pytest

from sim.errors import FileError, FormatError, InputError
from sim.io import EdgeOptions, import_world, read_arcs
from tests.raising import raises


def _file(folder: Path, text: str | bytes) -> Path:
    place = folder / "edges.csv"
    place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("1,2\n3,4\n5,abc\n", 3, "'abc' is no whole number"),
        ("# c\n\n1 2\n3\n", 4, "a line needs 2 columns divided by blanks, this one has 1"),
        ("1 2\n9223372036854775808 4\n", 2, "does not fit in 64 bits"),
        ("1 2\n-9223372036854775808 4\n", 2, "does not fit in 64 bits"),
        ("1 2\n3 4.0\n", 2, "'4.0' is no whole number"),
        ("1,2\n,4\n", 2, "an id is empty"),
        ("source,target\n1,2\n3;4\n", 3, "needs 2 columns divided by ','"),
        ("a,b\nc,\n", 2, "an id is empty"),
        ("a b\nc\n", 2, "needs 2 columns"),
        (b"a b\nc \xff\xfed\n", 2, "is no UTF-8 text"),
        ("a b\nc " + "d" * 1_001 + "\n", 2, "at most 1,000 characters"),
        ('"1","2"\n"3","x"\n', 2, "'x' is no whole number"),
        ("alone\n", 1, "needs at least 2 columns, divided by tabs, commas"),
        ("abc,2\n" + "3,4\n" * 20, 1, "is no whole number"),
    ],
)
def test_a_malformed_line_gets_its_number_text_and_rule(
    text: str | bytes, line: int, rule: str, tmp_path: Path
) -> None:
    place = _file(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        read_arcs(place)
    assert caught.value.line == line
    assert rule in str(caught.value)
    assert str(place) in str(caught.value)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("text", "column", "rule"),
    [
        ("1,2,0.5\n2,3,much\n", "weight_column", "the weight 'much' is no number"),
        ("1,2,0.5\n2,3,nan\n", "weight_column", "the weight 'nan' is no number"),
        ("1,2,5\n2,3,2010-11-08\n", "time_column", "the time '2010-11-08' is no number"),
        ("1,2,5\n2,3\n", "time_column", "needs 3 columns"),
        ("a,b,5\nb,c,?\n", "weight_column", "the weight '?' is no number"),
    ],
)
def test_words_for_numbers_are_refused(text: str, column: str, rule: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 2") as caught:
        read_arcs(_file(tmp_path, text), EdgeOptions(**{column: 2}))  # type: ignore[arg-type]
    assert rule in str(caught.value)


def test_a_hostile_line_is_shortened_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read_arcs(_file(tmp_path, "1 2\n" + "\x1b[2J" * 400 + "\n"))
    assert len(str(caught.value)) < len(str(tmp_path)) + 250
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"weight_column": "weight"}, "has no column 'weight' \\(from, to, when\\)"),
        ({"columns": (0, 0)}, "four different columns"),
        ({"columns": (0, -1)}, "Columns are counted from 0, got -1"),
        ({"delimiter": "ab"}, "A delimiter is one of tab, space"),
        ({"delimiter": "5"}, "A delimiter is one of"),
        ({"direction": "likes"}, "direction must be 'influences' or 'follows', got 'likes'"),
        ({"ids": "float"}, "ids must be 'auto', 'int' or 'str'"),
        ({"limit": 0}, "limit must be at least 1"),
    ],
)
def test_options_that_do_not_fit_are_said(
    options: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    place = _file(tmp_path, "from,to,when\n1,2,3\n")
    with pytest.raises((InputError, FileError), match=sentence):
        read_arcs(place, EdgeOptions(**options))  # type: ignore[arg-type]


def test_negative_weights_and_tables_of_nothing_are_refused(tmp_path: Path) -> None:
    place = _file(tmp_path, "1,2,3\n2,1,-10\n")
    with pytest.raises(InputError, match=r"the smallest is -10; leave the weight column out"):
        import_world(place, options=EdgeOptions(weight_column=2))
    with pytest.raises(FileError, match="holds no data"):
        read_arcs(_file(tmp_path, "# nothing\n\n"))
    raises(FileError, "holds no ties", read_arcs, _file(tmp_path, "source,target\n"))


def test_a_network_too_large_for_memory_is_refused_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.world.generation.available_bytes", lambda: 100)
    raises(MemoryError, "GiB", import_world, _file(tmp_path, "1 2\n2 3\n"))
