"""Whatever the bytes, an import ends in a network or in one sentence."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sim.core.progress import quiet
from sim.errors import FormatError, HubbubError
from sim.io import import_world, read_degrees, read_labels
from sim.io.importing.edges import read_texts
from sim.io.importing.files import opened
from sim.io.importing.sniff import TableLayout
from sim.io.importing.table import Places, TieTable, read_numbers

QUICK = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SOUP = st.text(st.sampled_from('0123456789 \t,;|"#%/-+.eEx\n\r'), min_size=1, max_size=60)
NUMBERS = st.lists(
    st.tuples(
        *[st.sampled_from(["0", "1", "22", "-3", "4.5", "1e3", "", "x", " 7 ", "-", "9" * 19])] * 3
    ),
    min_size=1,
    max_size=5,
)


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
