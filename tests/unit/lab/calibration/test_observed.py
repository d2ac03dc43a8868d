from pathlib import Path

import numpy as np
import pytest

from sim.errors import FileError, HubbubError, InputError
from sim.lab import Observed, read_observed
from tests.raising import raises

TREE = '{"id": "b", "parent": [-1, 0, 1], "t_min": [0, 2, 1], "label": "x"}\n'


def read(folder: Path, text: str, name: str = "seen.jsonl") -> Observed:
    path = folder / name
    path.write_text(text)
    return read_observed(path)


def test_trees_come_in_order_of_their_ids(tmp_path: Path) -> None:
    seen = read(tmp_path, TREE + '\n{"id": "a", "parent": [-1], "t_min": [0]}\n')
    assert (seen.kind, len(seen)) == ("trees", 2)
    assert [tree.name for tree in seen.trees] == ["a", "b"]
    assert seen.on(144).of["depth"][1, :4].tolist() == [0, 0, 2, 2]


def test_lines_without_ids_are_numbered_and_without_parents_make_sizes(tmp_path: Path) -> None:
    seen = read(tmp_path, '{"t_min": [0, 5]}\n{"t_min": [0]}\n')
    assert seen.kind == "sizes"
    assert [tree.name for tree in seen.trees] == ["000000001", "000000002"]
    seen = read(tmp_path, TREE + '{"t_min": [0]}\n')
    assert (seen.kind, list(seen.on(10).of)) == ("sizes", ["scale"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seen.jsonl", '{"id": "a", "minutes": [0, 10, 20], "size": [1, 4, 3]}\n'),
        ("seen.csv", "id,minutes,size\na,10,4\na,0,1\na,20,3\n"),
        ("seen.tsv", "\ufeffminutes\tid\tsize\n0\ta\t1\n10\ta\t4\n20\ta\t3\n"),
    ],
)
def test_sizes_over_time_never_fall(tmp_path: Path, name: str, text: str) -> None:
    scale = read(tmp_path, text, name).on(144).of["scale"][0]
    assert scale[[0, 9, 10, 144]].tolist() == [1, 1, 4, 4]


def test_a_curve_is_one_message_on_its_own_minutes(tmp_path: Path) -> None:
    seen = read(tmp_path, "minutes,scale,depth\n0,1,0\n10,5,1\n20,9,2\n30,9,2\n", "c.csv")
    assert (seen.kind, len(seen)) == ("curve", 1)
    curves = seen.on(1440)
    assert curves.minutes[[0, -1]].tolist() == [0, 30]
    assert curves.of["scale"][0, 72] == pytest.approx(7)
    assert set(curves.of) == {"scale", "depth"}


def test_facts_have_a_value_and_an_error_and_are_vetted(tmp_path: Path) -> None:
    seen = read(tmp_path, "fact,value,error\nmean_size,363,12\n", "f.csv")
    assert seen == Observed.of_facts({"mean_size": (363.0, 12.0)})
    assert (seen.kind, len(seen)) == ("facts", 1)
    raises(InputError, "No fact named 'mode'", Observed.of_facts, {"mode": (1.0, 1.0)})
    with pytest.raises(InputError, match=r"error above 0, got 1\.0, nan"):
        Observed.of_facts({"mean_size": (1.0, float("nan"))})
    assert np.isfinite(Observed.of_facts({"mean_depth": (2.0, 0.1)}).facts[0].value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is empty; JSONL lines have t_min"),
        ("  \n", "it is empty"),
        ("[1, 2]\n", "line 1 .* a line is an object"),
        ("{nonsense\n", "line 1 '{nonsense': not JSON"),
        (TREE + "oops\n", "line 2 'oops': not JSON"),
        ('{"user": [1]}\n', "no known keys among user; JSONL"),
        ('{"t_min": 5}\n', "t_min is a list of one number or more"),
        ('{"t_min": ["x"]}\n', "t_min is a list of numbers"),
        ('{"t_min": [0], "parent": [-1, 0]}\n', "parent has 2 entries, t_min 1"),
        ('{"t_min": [0, 1], "parent": [1, 0]}\n', "round in a circle"),
        ('{"minutes": [0], "size": [0]}\n', "sizes of message 000000001 are 1 to"),
        (TREE + TREE, "the id 'b' is there twice"),
        ("when,who\n1,2\n", "its columns when, who are unknown here; JSONL"),
        ("id,minutes,size\n", "it has names of columns and no row"),
        ("minutes,scale\n", "it has names of columns and no row"),
        ("fact,value,error\n", "it has names of columns and no row"),
        ("id,minutes,size\na,1,x\n", "line 2 'a,1,x': minutes, size are numbers"),
        ("id,minutes,size\na,1\n", "line 2 'a,1,None': minutes, size are numbers"),
        ("id,minutes,size\n,1,2\n", "line 2 ',1,2'"),
        ("minutes,scale\n0,1\n1,inf\n", "line 3 '1,inf'"),
        ("minutes,scale\n0,1\n1,2\n", "at least four rows"),
        ("fact,value,error\nsize,1,2\n", "No fact named 'size'. Known: mean_size"),
        ("fact,value,error\nmean_size,1,0\n", "an error above 0"),
        ("fact,value,error\nmean_size,0,1\n", "mean_size cannot be 0: every message has its seed"),
        ("fact,value,error\nlog_size_sd,-1,1\n", "log_size_sd cannot be -1"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(HubbubError, match=sentence) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith("..")


def test_files_that_are_none_are_said_in_one_sentence(tmp_path: Path) -> None:
    raises(FileError, "there is no such file", read_observed, tmp_path / "none.jsonl")
    raises(FileError, "cannot be read", read_observed, tmp_path)
    for content, sentence in ((b"\x1f\x8bno", "cannot be read"), (b"\xff\xfe\x00", "not text")):
        (tmp_path / "odd").write_bytes(content)
        raises(FileError, sentence, read_observed, tmp_path / "odd")
