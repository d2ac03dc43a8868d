from pathlib import Path
from typing import Literal

import pytest

from sim.errors import FileError, FormatError
from sim.io import EdgeOptions, export, import_world, read_labels, read_profiles
from sim.world.world import World


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


@pytest.mark.parametrize("ids", ["auto", "str"])
def test_ids_and_labels_like_formulas_come_back_from_exported_tables(
    tmp_path: Path, ids: Literal["auto", "str"]
) -> None:
    names = ["=1+1", "+ann", "-2", '@cem,"d"', "'=1+1", "''-2", "\uff1dy", "'s-Hage", "O'Neill"]
    every = range(len(names) - 1)
    world = World.from_edges([*every], [at + 1 for at in every], seed=7, ids=names)
    world.agents.set_community([0] * 4 + [1] * 5, ["=north", "'=north"])
    export(world, tmp_path, to="csv")
    labels = read_labels(tmp_path / "agents.csv", columns=("id", "community"))
    options = EdgeOptions(columns=("source", "target"), ids=ids)
    back = import_world(tmp_path / "ties.csv", options=options, labels=labels).world
    assert [back.agents.id(at) for at in range(9)] == names
    assert sorted(labels.of) == sorted(names)
    assert [labels.of[name] for name in names] == ["=north"] * 4 + ["'=north"] * 5
    assert [str(person.id) for person in read_profiles(tmp_path / "agents.csv")] == names


def test_plain_lines_are_read_as_exact_ones(tmp_path: Path) -> None:
    plain = "source,target,trust\n'=1,'@b\n"
    for text in (plain, plain + "\n"):
        place = _file(tmp_path, text)
        agents = import_world(place).world.agents
        assert [agents.id(0), agents.id(1)] == ["=1", "@b"]


def test_apostrophes_in_other_tables_stay(tmp_path: Path) -> None:
    place = _file(tmp_path, "'=1\t=1\n")
    agents = import_world(place).world.agents
    assert [agents.id(0), agents.id(1)] == ["'=1", "=1"]
