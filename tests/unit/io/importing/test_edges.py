import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sim.core import quiet
from sim.errors import Cancelled, FormatError, HubbubError, InputError
from sim.io import (
    EdgeOptions,
    ImportedArcs,
    import_world,
    read_arcs,
    read_degrees,
    read_edges,
    read_labels,
)
from sim.io.importing.edges import read_texts
from sim.io.importing.files import opened
from sim.io.importing.sniff import TableLayout
from sim.io.importing.table import Places, TieTable, read_numbers
from tests.raising import raises


def _file(folder: Path, text: str | bytes, name: str = "edges.txt") -> Path:
    place = folder / name
    place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


def _arcs(edges: ImportedArcs) -> list[tuple[int | str, int | str]]:
    ids = edges.ids.tolist() if isinstance(edges.ids, np.ndarray) else edges.ids
    assert ids is not None
    return [(ids[a], ids[b]) for a, b in zip(edges.sources, edges.targets, strict=True)]


@pytest.mark.parametrize(
    "text",
    [
        "10 20\n20 30\n",
        "10\t20\n20\t30\n",
        "10,20\n20,30\n",
        "10;20\n20;30\n",
        "10|20\n20|30\n",
        "10 , 20\n20 , 30\n",
        "10\t \t20\n20\t 30\n",
        "10 20\n20 30",
        "10 20\r\n20 30\r\n",
        "10 20\r20 30\r",
        "\ufeff10 20\n20 30\n",
        "# comment\n% comment\n// comment\n\n10 20\n\n# 1 2\n20 30\n",
        "source,target\n10,20\n20,30\n",
        "Who Whom\n10 20\n20 30\n",
        "id,source,target\n1,10,20\n2,20,30\n",
        "weight;to;from\n1;20;10\n2;30;20\n",
        "10,20,0.5,x\n20,30,0.7,y\n",
        '"10","20"\n"20","30"\n',
        "0010 +20\n".replace("+", "0") + "20 30\n",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_one_network_in_many_layouts(text: str, packed: bool, tmp_path: Path) -> None:
    raw = gzip.compress(text.encode()) if packed else text.encode()
    edges = read_arcs(_file(tmp_path, raw))
    assert _arcs(edges) == [(10, 20), (20, 30)]
    assert edges.agents == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zoe adam\nadam eve\n", [("zoe", "adam"), ("adam", "eve")]),
        ("from,to\nzoe,adam\n", [("zoe", "adam")]),
        ("New York\tParis\nParis\tRome\n", [("New York", "Paris"), ("Paris", "Rome")]),
        ('a,"Smith, J"\n"Smith, J",b\n', [("a", "Smith, J"), ("Smith, J", "b")]),
        ('5" \r disk,b\n', [('5" \r disk', "b")]),
        ("李 雷\n雷 Ω\n", [("李", "雷"), ("雷", "Ω")]),
        ("12 x\n3 4\n", [("12", "x"), ("3", "4")]),
        ("1.5 2\n2 7\n", [("1.5", "2"), ("2", "7")]),
    ],
)
def test_names_are_ids_in_order_of_appearance(
    text: str, expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    edges = read_arcs(_file(tmp_path, text))
    assert _arcs(edges) == expected
    assert edges.ids == list(dict.fromkeys(end for arc in expected for end in arc))


def test_whole_numbers_are_names_or_numbered_in_rising_order(tmp_path: Path) -> None:
    edges = read_arcs(_file(tmp_path, "9 007\n007 9\n"), EdgeOptions(ids="str"))
    assert _arcs(edges) == [("9", "007"), ("007", "9")]
    big = 2**40
    edges = read_arcs(_file(tmp_path, f"{big + 5} -3\n7 {big}\n"))
    assert isinstance(edges.ids, np.ndarray)
    assert edges.ids.tolist() == [-3, 7, big, big + 5]
    assert edges.sources.tolist() == [3, 1]
    assert edges.targets.tolist() == [0, 2]


def test_a_header_of_followers_asks_whether_follows_is_meant(tmp_path: Path) -> None:
    place = _file(tmp_path, "follower,followee\n1,2\n")
    assert "is direction='follows' meant?" in read_arcs(place).report.describe()
    turned = read_arcs(place, EdgeOptions(direction="follows"))
    assert "meant" not in turned.report.describe()


@pytest.mark.parametrize("columns", [(3, 1), ("to", "FROM"), ("3", "from")])
def test_columns_are_found_by_place_and_by_name(
    columns: tuple[int | str, int | str], tmp_path: Path
) -> None:
    text = "line,from,strength,to,when\n1,10,0.5,20,1341100972\n2,20,1e-2,30,1341100973.5\n"
    options = EdgeOptions(columns=columns, weight_column="strength", time_column=4)
    edges = read_arcs(_file(tmp_path, text), options)
    assert _arcs(edges) == [(20, 10), (30, 20)]
    assert edges.weights is not None
    assert edges.weights.tolist() == [0.5, 0.01]
    assert edges.times is not None
    assert edges.times.tolist() == [1341100972.0, 1341100973.5]


@pytest.mark.parametrize("ids", ["0 1", "ann bo"])
@pytest.mark.parametrize("time", ["1e18", "-1e18", str(2**53)])
def test_a_time_that_no_clock_tells_is_refused(ids: str, time: str, tmp_path: Path) -> None:
    options = EdgeOptions(time_column=2)
    place = _file(tmp_path, f"# from, to, when\n{ids} {2**53 - 1}\n{ids} {time}\n{ids} 7\n")
    raises(InputError, rf"{place.name}: tie 2, .* has the time -?[19]", read_arcs, place, options)


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize(("one", "two"), [("8", "9"), ("ann", "bo")])
def test_an_empty_cell_moves_no_column(one: str, two: str, delimiter: str, tmp_path: Path) -> None:
    rows = [["name", "source", "target", "age"], ["x", two, one, "3"], ["", one, two, "7"]]
    text = "".join(delimiter.join(row) + "\n" for row in rows)
    edges = read_arcs(_file(tmp_path, text))
    kind = int if one.isdigit() else str
    assert _arcs(edges) == [(kind(two), kind(one)), (kind(one), kind(two))]
    with pytest.raises(FormatError, match=r"line 3 .* an id is empty"):
        read_arcs(_file(tmp_path, text), EdgeOptions(columns=("name", "target")))


def test_a_limit_reads_the_first_ties_and_their_agents_alone(tmp_path: Path) -> None:
    for text in ("1 2\n3 4\n5 6\n", "a b\nc d\ne f\n"):
        edges = read_arcs(_file(tmp_path, text), EdgeOptions(limit=2))
        assert edges.report.arcs == 2
        assert edges.agents == 4


FILES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
CELL = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=FILES)
@given(
    arcs=st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 9)), min_size=1),
    delimiter=st.sampled_from([" ", "\t", ",", ";", "|", "  "]),
    end=st.sampled_from(["\n", "\r\n"]),
    comment=st.sampled_from(["", "# x\n", "\n"]),
    packed=st.booleans(),
)
def test_any_whole_numbers_come_back(
    arcs: list[tuple[int, int]],
    delimiter: str,
    end: str,
    comment: str,
    packed: bool,
    tmp_path: Path,
) -> None:
    text = comment + "".join(f"{a}{delimiter}{b}{end}" for a, b in arcs)
    raw = gzip.compress(text.encode()) if packed else text.encode()
    assert _arcs(read_arcs(_file(tmp_path, raw), EdgeOptions(header=False))) == arcs


@settings(max_examples=40, deadline=None, suppress_health_check=FILES)
@given(
    arcs=st.lists(st.tuples(CELL, CELL), min_size=1), delimiter=st.sampled_from([" ", ",", "\t"])
)
def test_any_words_come_back(arcs: list[tuple[str, str]], delimiter: str, tmp_path: Path) -> None:
    text = "".join(f"{a}{delimiter}{b}\n" for a, b in arcs)
    options = EdgeOptions(header=False, ids="str", delimiter=delimiter)
    assert _arcs(read_arcs(_file(tmp_path, text), options)) == arcs


@pytest.mark.parametrize("words", [False, True])
def test_a_network_does_not_depend_on_where_blocks_end(
    words: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = "x" if words else ""
    rows = [(i * i % 97, i * 7 % 89) for i in range(500)]
    lines = [f"{letter}{a},{b},{a / 97}\n" for a, b in rows]
    head = "# long enough to go beyond a block\nsource,target,w\n"
    place = _file(tmp_path, head + "".join(lines))
    whole = read_arcs(place, EdgeOptions(weight_column=2))
    sizes = {"files._BLOCK": 13, "files._HEAD": 60, "table._ROOM": 7, "edges._BLOCK": 13}
    for name, size in sizes.items():
        monkeypatch.setattr(f"sim.io.importing.{name}", size)
    parts = read_arcs(place, EdgeOptions(weight_column=2))
    wanted = [(f"x{a}" if words else a, str(b) if words else b) for a, b in rows]
    assert _arcs(whole) == _arcs(parts) == wanted
    assert np.array_equal(whole.weights, parts.weights)  # type: ignore[arg-type]


def test_more_ids_than_the_first_table_holds_are_numbered(tmp_path: Path) -> None:
    count = 150_000
    ids = np.arange(count) * 7_919 % 1_000_003
    text = "".join(f"{a} {b}\n" for a, b in zip(ids, np.roll(ids, 1), strict=True))
    edges = read_arcs(_file(tmp_path, text))
    assert edges.agents == count
    assert isinstance(edges.ids, np.ndarray)
    assert np.array_equal(edges.ids[edges.sources], ids)


def test_reading_reports_and_can_be_cancelled(tmp_path: Path) -> None:
    place = _file(tmp_path, gzip.compress(b"1 2\n" * 10_000))
    told: list[float] = []
    read_arcs(place, report=lambda stage, share: told.append(share))
    assert told[-1] == 1.0

    def stop(stage: str, share: float) -> None:
        raise Cancelled(stage)

    raises(Cancelled, "", read_edges, place, report=stop)


def test_a_world_keeps_ids_and_counts_what_was_dropped(tmp_path: Path) -> None:
    place = _file(tmp_path, "# c\n5 9\n9 5\n5 9\n7 7\n\n5 100\n")
    imported = import_world(place, options=EdgeOptions(direction="follows"), seed=3)
    world, report = imported.world, imported.report
    assert [world.agents.id(i) for i in range(4)] == [5, 7, 9, 100]
    assert world.ties.listeners(world.agents.index(9)).tolist() == [0]
    assert (report.lines, report.comments, report.empty, report.arcs) == (7, 1, 1, 5)
    assert (report.loops, report.duplicates, report.isolated) == (1, 1, 1)
    assert (report.agents, report.ties) == (4, 3)
    told = report.describe()
    assert told.startswith("edges.txt: imported 4 members and 3 ties in ")
    assert (
        "Dropped 1 loop and 1 duplicate. Skipped 1 comment line and 1 empty line. 1 member without "
        "ties. 1 repeated line or tie "
    ) in told


def test_names_are_ids_made_safe_and_the_same_file_makes_the_same_world(tmp_path: Path) -> None:
    world = read_edges(_file(tmp_path, "ann b\x1b[31mob\n"), directed=False)
    assert world.agents.name(0) == "ann"
    assert "\x1b" not in world.agents.name(1)
    assert world.ties.count == 2
    place = _file(tmp_path, "1 2\n2 3\n")
    assert read_edges(place, seed=4).digest() == read_edges(place, seed=4).digest()
    assert read_edges(place, seed=4).digest() != read_edges(place, seed=5).digest()


@pytest.mark.parametrize(
    ("weights", "trust", "said"),
    [((0.25, 1.0), (0.25, 1.0), "used as trust"), ((1, 4), (0.25, 1.0), "divided by 4")],
)
def test_weights_become_trust(
    weights: tuple[float, float], trust: tuple[float, float], said: str, tmp_path: Path
) -> None:
    place = _file(tmp_path, f"1 2 {weights[0]}\n2 1 {weights[1]}\n")
    imported = import_world(place, options=EdgeOptions(weight_column=2))
    assert said in imported.report.describe()
    assert imported.world.ties.trust / 65535 == pytest.approx(trust, abs=1e-5)


def test_labels_become_communities_before_interests_are_drawn(tmp_path: Path) -> None:
    place = _file(tmp_path, "1 2\n2 3\n")
    groups = _file(tmp_path, "1 20\n3 4\n", "groups.txt")
    imported = import_world(place, labels=groups)
    agents = imported.world.agents
    assert agents.community.tolist() == [1, -1, 0]
    assert agents.communities == ["community 4", "community 20"]
    assert "Labels define 2 communities; 1 member without one." in imported.report.describe()


QUICK = settings(max_examples=150, deadline=None, suppress_health_check=FILES)
SOUP = st.text(st.sampled_from('0123456789 \t,;|"#%/-+.eEx\n\r'), min_size=1, max_size=60)
ONE = st.sampled_from(["0", "1", "22", "-3", "4.5", "1e3", "", "x", " 7 ", "-", "9" * 19])
NUMBERS = st.lists(st.tuples(ONE, ONE, ONE), min_size=1, max_size=5)


@QUICK
@given(content=st.binary(min_size=1, max_size=300) | SOUP.map(str.encode))
@example(content=b"\x1f\x8b\x08")
@example(content=b"graph [")
@example(content=b"<graphml/>")
@example(content=b'1,"2\n3')
def test_any_bytes_are_a_network_or_a_sentence(content: bytes, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(content)
    for read in (import_world, read_labels, read_degrees):
        said = _said(read, place)
        assert said is None or said.startswith(str(place))
        assert said is None or "\n" not in said


def _said(read: Callable[[Path], object], place: Path) -> str | None:
    try:
        read(place)
    except HubbubError as error:
        return str(error)
    return None


def _read(place: Path, exact: bool, layout: TableLayout, places: Places) -> TieTable | str:
    with opened(place) as source:
        try:
            if exact:
                return read_texts(source, layout, places, None, quiet, integers=True)
            return read_numbers(source, layout, places, None, quiet)
        except FormatError as error:
            return str(error)


@QUICK
@given(
    rows=NUMBERS,
    delimiter=st.sampled_from([" ", "\t", ",", ";", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_the_fast_way_reads_what_the_exact_way_reads(
    rows: list[tuple[str, ...]], delimiter: str, end: str, tmp_path: Path
) -> None:
    place = tmp_path / "file"
    place.write_text("".join(delimiter.join(row) + end for row in rows) + "0", newline="")
    layout = TableLayout(delimiter, (), 0, 0, 0, 0, ())
    fast, exact = (_read(place, way, layout, Places(0, 2, 1, None)) for way in (False, True))
    if isinstance(fast, str) or isinstance(exact, str):
        assert fast == exact
        return
    assert fast.weights is not None
    assert exact.weights is not None
    assert np.array_equal(fast.ids, exact.ids)
    assert np.array_equal(fast.sources, exact.sources)
    assert fast.weights == pytest.approx(exact.weights, rel=1e-15)
    assert (fast.lines, fast.comments, fast.empty) == (exact.lines, exact.comments, exact.empty)
