from pathlib import Path

import pytest

from sim.errors import FileError, FormatError
from sim.io import read_labels


def _file(folder: Path, text: str) -> Path:
    place = folder / "labels.csv"
    place.write_text(text, encoding="utf-8")
    return place


def test_numbers_are_ordered_as_numbers_and_get_a_prefix(tmp_path: Path) -> None:
    labels = read_labels(_file(tmp_path, "1 10\n2 9\n3 10\n"), prefix="department")
    community, names = labels.community([1, 2, 3, 4])
    assert community.tolist() == [1, 0, 1, -1]
    assert names == ["department 9", "department 10"]


def test_words_are_names_made_safe_in_alphabetical_order(tmp_path: Path) -> None:
    labels = read_labels(_file(tmp_path, 'id,team\nann,"Red, old"\nbob,Blue\x1b[0m\n'))
    community, names = labels.community(["bob", "ann"])
    assert community.tolist() == [0, 1]
    assert names[1] == "Red, old"
    assert "\x1b" not in names[0]


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    place = _file(tmp_path, "days,mature,new_id\n5,True,007\n6,False,8\n")
    community, names = read_labels(place, columns=("new_id", "mature")).community([7, 8])
    assert community.tolist() == [1, 0]
    assert names == ["False", "True"]


def test_a_member_with_two_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"line 3 .* 5 had the label a"):
        read_labels(_file(tmp_path, "5,a\n6,a\n5,b\n"))


@pytest.mark.parametrize("text", ["1,a\n2\n", "1,a\n2,\n", "1,a\n,b\n"])
def test_a_line_without_id_or_label_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"line 2 .* a line needs an id and a label"):
        read_labels(_file(tmp_path, text))


def test_a_table_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="holds no labels"):
        read_labels(_file(tmp_path, "id,label\n"))
