import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from sim import World, io
from sim.cli.main import main
from sim.errors import FileError, FormatError, InputError
from tests.raising import raises

RING = [(i, (i + 1) % 30) for i in range(30)]


def laid(path: Path, rows: list[Any], sign: str = " ") -> Path:
    path.write_text("".join(sign.join(map(str, row)) + "\n" for row in rows))
    return path


def arcs(world: World) -> set[tuple[Any, Any]]:
    ties, name = world.ties, world.agents.id
    pairs = zip(ties.sources().tolist(), ties.targets.tolist(), strict=True)
    return {(name(a), name(b)) for a, b in pairs}


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ((30, 30), RING),
        ((30, 999), RING),  # agents fit, ties do not
        ((40, 30), RING),
        ((30, 60), RING),
        ((30, 30), [pair for pair in RING for _ in range(2)]),
        ((30, 30), [(a + 1, b + 1) for a, b in RING]),
        ((31, 30), [each for a, b in RING for each in ((a, b), (b, a))]),
    ],
)
def test_a_line_of_sizes_is_no_tie_and_that_is_said(
    tmp_path: Path, first: tuple[int, int], rows: list[tuple[int, int]]
) -> None:
    found = io.import_world(laid(tmp_path / "a.txt", [first, *rows]))
    assert arcs(found.world) == set(rows)
    said = found.report.describe()
    assert f"'{first[0]} {first[1]}', was read as the size of the network" in said
    assert "--no-header" in said
    options = io.EdgeOptions(header=False)
    kept = io.import_world(tmp_path / "a.txt", options=options)
    assert arcs(kept.world) == {*rows, first} - {(30, 30)}
    assert "sizes" not in kept.report.describe()


@pytest.mark.parametrize("shift", [0, 1])
def test_sizes_with_ties_in_front_are_no_tie_where_both_fit(tmp_path: Path, shift: int) -> None:
    rows = [(a + shift, b + shift) for a, b in RING] + [(shift, 5 + k) for k in range(10)]
    found = io.import_world(laid(tmp_path / "a.txt", [(40, 30), *rows]))
    assert arcs(found.world) == set(rows)
    assert "'40 30', was read as the size of the network" in found.report.describe()
    near = io.import_world(laid(tmp_path / "b.txt", [(41, 30), *rows]))
    assert (41, 30) in arcs(near.world)


def test_a_line_that_looks_like_sizes_and_fits_nothing_is_a_tie_and_told(tmp_path: Path) -> None:
    found = io.import_world(laid(tmp_path / "a.txt", [(77, 555), *RING]))
    assert (77, 555) in arcs(found.world)
    assert "'77 555', was read as a tie" in found.report.describe()
    left = io.import_world(tmp_path / "a.txt", options=io.EdgeOptions(header=True))
    assert arcs(left.world) == set(RING)
    few = io.import_world(laid(tmp_path / "b.txt", [(4, 3), *RING[:3]])).world
    assert (4, 3) in arcs(few)


@pytest.mark.parametrize("first", [(30, 30), (30,)])
def test_sizes_above_lines_with_weights_are_no_tie(tmp_path: Path, first: tuple[int, ...]) -> None:
    rows = [(a, b, 0.5) for a, b in RING]
    options = io.EdgeOptions(weight_column=2)
    found = io.import_world(laid(tmp_path / "a.txt", [first, *rows]), options=options)
    assert arcs(found.world) == set(RING)
    assert "was read as the size of the network" in found.report.describe()


@pytest.mark.parametrize(
    ("text", "options", "numbers", "words"),
    [
        ("from,to\n1,2\n007,7\n-03,0\n", {"columns": ("from", "to")}, [-3, 0, 1, 2, 7],
         ["1", "2", "007", "7", "-03", "0"]),
        ("1 2 3\n2 007 7\n", {"adjacency": True}, [1, 2, 3, 7], ["1", "2", "3", "007", "7"]),
    ],
)  # fmt: skip
def test_zeros_that_were_dropped_in_front_of_ids_are_said(
    tmp_path: Path, text: str, options: dict[str, Any], numbers: list[int], words: list[str]
) -> None:
    (tmp_path / "a.csv").write_text(text)

    def read(**ids: Any) -> tuple[list[object], str]:
        asked = io.EdgeOptions(**options, **ids)
        found = io.read_arcs(tmp_path / "a.csv", asked).ids
        assert found is not None
        return list(found), io.import_world(tmp_path / "a.csv", options=asked).report.describe()

    ids, said = read()
    assert ids == numbers
    assert "'007' were read as whole numbers" in said
    assert "--ids str" in said
    for kind, same in (("str", words), ("int", numbers)):
        ids, said = read(ids=kind)
        assert (ids, "whole numbers" in said) == (same, False)


def test_repeated_lines_are_said_and_may_become_a_weight(tmp_path: Path) -> None:
    path = laid(tmp_path / "a.txt", [("a", "b"), ("b", "c"), ("a", "b"), ("a", "b"), ("c", "a")])
    found = io.import_world(path)
    assert "2 repeated lines or ties" in found.report.describe()
    assert not found.world.ties.trust.size
    weighed = io.import_world(path, options=io.EdgeOptions(repeats="weight"))
    assert "weights were added up" in weighed.report.describe()
    trust = weighed.world.ties.trust / 65535
    assert arcs(weighed.world) == arcs(found.world)
    np.testing.assert_allclose(sorted(trust), [1 / 3, 1 / 3, 1.0], atol=1e-4)
    again = io.read_edges(path, repeats="weight").ties.trust
    assert again.tolist() == weighed.world.ties.trust.tolist()


def test_a_pair_either_way_is_one_where_ties_have_no_direction(tmp_path: Path) -> None:
    path = laid(tmp_path / "a.txt", [(1, 2, 0.5), (2, 1, 0.25), (2, 3, 0.25)])
    options = io.EdgeOptions(repeats="weight", weight_column=2, directed=False)
    world = io.import_world(path, options=options).world
    np.testing.assert_allclose(world.ties.trust / 65535, [0.75, 0.75, 0.25, 0.25], atol=1e-4)


@pytest.mark.parametrize("to", ["graphml", "gml"])
def test_ties_of_graphs_that_repeat_may_become_a_weight(tmp_path: Path, to: str) -> None:
    graph = nx.MultiDiGraph([("a", "b"), ("a", "b"), ("b", "c")])
    getattr(nx, f"write_{to}")(graph, tmp_path / f"a.{to}")
    found = io.import_world(tmp_path / f"a.{to}")
    assert "1 repeated line or tie" in found.report.describe()
    options = io.EdgeOptions(repeats="weight")
    weighed = io.import_world(tmp_path / f"a.{to}", options=options).world
    np.testing.assert_allclose(weighed.ties.trust / 65535, [1.0, 0.5], atol=1e-4)
    assert io.from_networkx(graph, repeats="weight").ties.trust.tolist() == [65535, 32768]


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"repeats": "twice"}, "repeats must be"),
        ({"repeats": "weight", "time_column": 2}, "With times every line is kept"),
        ({"adjacency": True, "weight_column": 2}, "no weights"),
        ({"adjacency": True, "limit": 2}, "no weights"),
    ],
)
def test_options_that_do_not_go_together_are_refused(wrong: Any, match: str) -> None:
    raises(InputError, match, io.EdgeOptions, **wrong)


@pytest.mark.parametrize("rows", [[(1, 2, 3), (2, 3, 1)], [(1, 2, 3, 4), (2, 3), (4, 1, 2)]])
def test_columns_that_nobody_named_are_said(tmp_path: Path, rows: list[tuple[int, ...]]) -> None:
    path = laid(tmp_path / "a.txt", rows)
    said = io.import_world(path).report.describe()
    assert f"Lines have up to {max(map(len, rows))} columns, of which 2 were read" in said
    assert "--adjacency" in said
    found = io.import_world(path, options=io.EdgeOptions(adjacency=True))
    assert arcs(found.world) == {(row[0], other) for row in rows for other in row[1:]}
    assert "a member and its neighbours" in found.report.describe()


def test_columns_that_are_named_need_no_sentence(tmp_path: Path) -> None:
    path = laid(tmp_path / "a.txt", [(1, 2, 0.3), (2, 3, 0.1)])
    said = io.import_world(path, options=io.EdgeOptions(weight_column=2)).report.describe()
    assert "columns, of which" not in said
    named = laid(tmp_path / "b.csv", [("source", "target", "since"), (1, 2, 3), (2, 3, 4)], ",")
    assert "columns, of which" not in io.import_world(named).report.describe()


def test_a_list_of_neighbours_has_names_isolated_members_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("# friends\nann: bob cem\n\nbob: ann\neve:\n")
    found = io.import_world(path, options=io.EdgeOptions(adjacency=True, direction="follows"))
    assert arcs(found.world) == {("bob", "ann"), ("cem", "ann"), ("ann", "bob")}
    assert len(found.world.agents) == 4
    assert (found.report.lines, found.report.comments, found.report.empty) == (5, 1, 1)
    nx.write_adjlist(nx.karate_club_graph(), tmp_path / "k.txt")
    options = io.EdgeOptions(adjacency=True, directed=False)
    assert io.import_world(tmp_path / "k.txt", options=options).world.ties.count == 156


@pytest.mark.parametrize(
    ("text", "options", "match"),
    [
        ("1 2\nann bob\n", {"ids": "int"}, "is no whole number"),
        ("1\n2\n", {}, "holds no ties"),
        ("a " + "b" * 1001 + "\n", {}, "an id has 1 to"),
        (": b\n", {}, "an id has 1 to"),
        ("<graphml>", {}, "is GraphML"),
    ],
)
def test_a_list_of_neighbours_that_is_none_is_refused(
    tmp_path: Path, text: str, options: dict[str, Any], match: str
) -> None:
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises((FileError, FormatError), match=match):
        io.read_edges(tmp_path / "a.txt", adjacency=True, **options)


def test_numbers_may_be_names_and_0_says_something(tmp_path: Path) -> None:
    path = laid(tmp_path / "a.txt", [("07", "8", "9")])
    assert arcs(io.read_edges(path, adjacency=True, ids="str")) == {("07", "8"), ("07", "9")}
    (tmp_path / "p.json").write_text('[{"id": 0, "name": "Ann", "activity": 0}]')
    (person,) = io.read_profiles(tmp_path / "p.json")
    assert (person.id, person.activity) == (0, 0.0)


def people(words: list[list[str]]) -> list[dict[str, Any]]:
    return [{"id": number, "interests": own} for number, own in enumerate(words)]


def test_interests_that_count_as_others_are_said_and_may_stay_apart() -> None:
    words = [["Rap music", "Folk music"], ["Film scores"], ["chess"], ["Opera"]]
    world = World.create(agents=5, mean_degree=2, seed=7)
    said = " ".join(world.take_profiles(people(words)).remarks)
    assert "interests mapped to the built-in vocabulary" in said
    assert "Rap music as music" in said
    assert "interests='own'" in said
    own = World.create(agents=5, mean_degree=2, seed=7)
    told = own.take_profiles(people(words), interests="own").remarks
    assert "5 of 5 interests" in " ".join(told)
    assert [own.agents.vocabulary.names(int(mask)) for mask in own.agents.interests] == [
        ("Rap music", "Folk music"), ("Film scores",), ("chess",), ("Opera",), (),
    ]  # fmt: skip


def test_the_most_frequent_interests_are_the_vocabulary_and_the_others_are_said() -> None:
    words = [[f"genre {i}" for i in range(84)], *[[f"genre {i}"] for i in range(64)]]
    world = World.create(agents=70, mean_degree=2, seed=7)
    said = " ".join(world.take_profiles(people(words), interests="own").remarks)
    assert "64 of 84 interests" in said
    assert "20 interests not in the vocabulary" in said
    assert list(world.agents.vocabulary) == [f"genre {i}" for i in range(64)]
    world.inject("I like genre 7", seeds=[0], model="si", beta=0.1)
    for wrong, match in (("own", "refer to its vocabulary"), ("mine", "known or own")):
        with pytest.raises(InputError, match=match):
            world.take_profiles(people(words), interests=wrong)  # type: ignore[arg-type]
    empty = World.create(agents=3, mean_degree=2, seed=7)
    raises(InputError, "no vocabulary", empty.take_profiles, people([['"']]), interests="own")


def test_the_shell_says_it_and_takes_the_other_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    laid(tmp_path / "a.txt", [(0, 1), (0, 1), (1, 2)])
    (tmp_path / "p.json").write_text(json.dumps(people([["Rap music"], ["chess"], []])))
    words = ["import", str(tmp_path / "a.txt"), "--out", str(tmp_path / "a.hub")]
    words += ["--repeats", "weight", "--profiles", str(tmp_path / "p.json"), "--interests", "own"]
    main(words)
    told = capsys.readouterr().out
    assert "weights were added up" in told
    assert "--repeats weight" in told
    assert "--interests own" in told
