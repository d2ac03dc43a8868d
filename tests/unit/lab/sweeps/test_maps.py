from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim import World
from sim.errors import InputError, UnknownNameError
from sim.lab import Records, Sweep, mean_interval, sweep_now
from sim.lab.runs.replicate import Replicate
from sim.lab.sweeps.designs import design_of
from sim.lab.sweeps.result import heat_map, tornado
from sim.scenario.sections import read_range
from tests.raising import raises

RANGES = {"a": read_range("1,2"), "b": read_range("0:1:3"), "c": read_range("5,6")}
THREE = design_of("grid", RANGES)


def of(a: float, b: float, c: float) -> float:
    return 100 * a + 10 * b + c


MEANS = np.array([of(*point) for point in THREE.points])


def test_a_cell_is_the_mean_over_all_other_parameters() -> None:
    found = heat_map(THREE, "a", "b", "size", MEANS)
    assert (found.across, found.up) == ((1, 2), (0, 0.5, 1))
    assert found.means.tolist() == [[of(a, b, 5.5) for a in (1, 2)] for b in (0, 0.5, 1)]
    assert found.table()["size"].tolist() == found.means.reshape(-1).tolist()
    assert found.table()["b"].tolist() == [0, 0, 0.5, 0.5, 1, 1]


def test_a_heat_map_is_text() -> None:
    grid = design_of("grid", {"a": read_range("1,2"), "b": read_range("x,y")})
    found = heat_map(grid, "a", "b", "share", np.array([0.0, 1.0, 0.5, np.nan]))
    assert str(found).splitlines() == [
        "share: b upwards, a across",
        "y |    1 █      ?",
        "x |    0    0.5 ▒",
        "  +--------------",
        "         1      2",
        "' ░▒▓█' from 0 to 1, ? no number",
    ]


def test_a_wide_heat_map_is_of_blocks_alone() -> None:
    grid = design_of("grid", {"a": read_range("0:1:30"), "b": read_range("1,2")})
    lines = str(heat_map(grid, "a", "b", "share", np.linspace(0, 1, 60))).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].endswith("██") or lines[1].endswith("█")
    assert "0 to 1" in lines[-2]


def test_points_that_were_drawn_are_sorted_into_parts() -> None:
    drawn = design_of("latin-hypercube", {"a": read_range("0:8"), "b": read_range("0:8")}, 64)
    values = np.array([a for a, _ in drawn.points])
    found = heat_map(drawn, "a", "b", "size", values)
    assert found.means.shape == (8, 8)
    columns = np.nanmean(found.means, axis=0)
    assert (np.diff(columns) > 0).all()
    assert np.abs(columns - np.array(found.across)).max() < 0.5


def test_nothing_known_and_nothing_different_are_said() -> None:
    nothing = np.full(len(THREE), np.nan)
    assert str(heat_map(THREE, "a", "b", "r", nothing)).endswith("No point has a number.")
    assert str(tornado(THREE, "r", nothing)).endswith("no number")
    assert "5 at 1, 5 at 2" in str(tornado(THREE, "size", np.full(12, 5.0)))


def test_a_tornado_is_what_the_ends_make_the_largest_first() -> None:
    found = tornado(THREE, "size", MEANS)
    rows = list(found.table().rows())
    assert [row["parameter"] for row in rows] == ["a", "b", "c"]
    assert [row["difference"] for row in rows] == pytest.approx([100, 10, 1])
    assert (rows[0]["low"], rows[0]["high"]) == (of(1, 0.5, 5.5), of(2, 0.5, 5.5))
    assert (rows[1]["low_value"], rows[1]["high_value"]) == (0, 1)
    assert found.middle == of(1.5, 0.5, 5.5)
    text = str(found).splitlines()
    assert text[0].startswith("size between the low and the high end of each parameter")
    assert text[1].count("█") > text[2].count("█") >= text[3].count("█")
    assert "110 at 1, 210 at 2" in text[1]
    assert max(map(len, text)) == 79


def test_the_ends_of_points_that_were_drawn_are_their_outer_fifths() -> None:
    drawn = design_of("latin-hypercube", {"a": read_range("0:10"), "b": read_range("0:1")}, 50)
    values = np.array([a for a, _ in drawn.points])
    row = next(tornado(drawn, "size", values).table().rows())
    assert row["parameter"] == "a"
    assert row["low"] == pytest.approx(1, abs=0.2)
    assert row["high"] == pytest.approx(9, abs=0.2)


@pytest.fixture(scope="module")
def swept(world: World) -> Any:
    rumour = {"text": "The bridge is closed.", "seeds": [0, 1], "model": "independent-cascade"}
    grid = {"probability": [0.1, 0.5], "priority": [0, 1]}
    return sweep_now(world, messages=rumour, parameters=grid, replicates=3, workers=1)


def test_a_sweep_draws_what_suits_its_parameters(swept: Any) -> None:
    pytest.importorskip("matplotlib")
    assert swept.heat_map("priority", "probability", "size").across == (0, 1)
    assert swept.plot().axes[0].get_xlabel() == "probability"
    assert swept.tornado("size").plot().axes[0].get_xlabel() == "size"
    assert swept.picture().x == "probability"


def test_a_heat_map_of_what_does_not_vary_is_refused(swept: Any, world: World) -> None:
    raises(UnknownNameError, "beta", swept.heat_map, "beta")
    raises(InputError, "named twice", swept.heat_map, "priority", "priority")
    one = sweep_now(
        world, messages={"text": "A word.", "seeds": [0], "model": "sir"},
        parameters={"beta": [0.1, 0.2]}, replicates=1, workers=1,
    )  # fmt: skip
    raises(InputError, "only beta varies", one.heat_map)
    assert str(one.picture()).startswith("share between")


def test_the_tables_agree(swept: Any) -> None:
    assert list(swept.tables) == ["points", "sensitivity", "runs"]
    points, runs = swept.points, swept.runs
    for number, row in enumerate(points.rows()):
        own = runs.where(probability=row["probability"], priority=row["priority"])
        assert row["size"] == own["size"].mean()
        assert (row["size_low"], row["size_high"]) == mean_interval(own["size"])[:2]
        assert row["point"] == number
    assert points.units["size"] == "agents"
    assert "depends most on probability: rank regression coefficient" in swept.conclusion()
    assert "each on one network" in points.caption
    assert "means with 95 % intervals by " in points.caption
    assert "share" in str(swept.heat_map().__rich__().renderables[0])


@pytest.mark.parametrize(
    ("kind", "points", "figure", "said"),
    [("morris", 60, "mu_star", "Morris' mu*"), ("sobol", 256, "total", "Sobol's total index")],
)
def test_a_conclusion_goes_by_the_figure_of_its_design(
    kind: str, points: int, figure: str, said: str
) -> None:
    found = made_sweep(kind, points, lambda x, y: 40 * (x - 0.5) ** 2 + y)
    by_ends, table = found.tornado().table(), found.sensitivity()
    assert by_ends["parameter"][0] == "y"  # x is as high at both ends
    assert table[figure][0] > 2 * table[figure][1]
    low, high = table[f"{figure}_low"][0], table[f"{figure}_high"][0]
    assert found.conclusion().startswith(
        f"score depends most on x: {said} {table[figure][0]:.3g} "
        f"(95 % interval {low:.3g} to {high:.3g} by percentile bootstrap); it is "
    )
    assert table.caption.endswith("; 95 % intervals by percentile bootstrap")


def test_a_conclusion_names_what_may_matter_as_much_and_nothing_where_nothing_does() -> None:
    alike = made_sweep("morris", 12, lambda x, y: x * y).conclusion()
    assert "; that of y reaches it); it is " in alike
    assert made_sweep("morris", 12, lambda x, y: 1.0).conclusion() == (
        "score depends on none of these: Morris' mu* is 0 for each."
    )


@pytest.mark.parametrize(("kind", "across"), [("grid", "0:1:11"), ("latin-hypercube", "0:1")])
@pytest.mark.parametrize("names", ["x", "xy"])
def test_ranks_name_no_parameter_where_a_measure_falls_and_rises(
    kind: str, across: str, names: str
) -> None:
    found = made_sweep(kind, 60, lambda x, y=0: (x - 0.5) ** 2, across, names).conclusion()
    assert found.startswith("Rank regression shows no parameter that score rises or falls with;")
    same = made_sweep(kind, 60, lambda x, y=0: 1.0, across, names).conclusion()
    assert same == "score depends on none of these: rank regression coefficient is 0 for each."


def made_sweep(kind: str, points: int, score: Any, across: str = "0:1", names: str = "xy") -> Sweep:
    ranges = {name: read_range(across) for name in names}
    design = design_of(kind, ranges, None if kind == "grid" else points, seed=3)
    scores = [score(*point) for point in design.points]
    programs = tuple(map(str, range(len(scores))))
    runs = {(k, 0): Replicate(1, {"score": each}, {}) for k, each in enumerate(scores)}
    records = (Records(programs, (1,), 10, runs),)
    return Sweep(design, np.arange(len(scores)), programs, records, "score")


def test_a_measure_without_numbers_owes_nothing_that_can_be_said(swept: Any) -> None:
    swept_nowhere = sweep_now(
        World.from_edges([0], [1], 3), messages={"text": "x", "seeds": [2], "model": "si"},
        parameters={"beta": [0.1, 0.2]}, replicates=1, workers=1,
    )  # fmt: skip
    assert np.isnan(swept_nowhere.points["peak_tick"]).all()
    with pytest.raises(InputError, match="peak_tick has a number at too few points"):
        swept_nowhere.sensitivity("peak_tick")
    nowhere = replace(swept_nowhere, measure="peak_tick")
    assert list(nowhere.tables) == ["points", "runs"]
    assert nowhere.conclusion() == ""


def test_in_short_it_is_the_measure_that_was_asked_for(swept: Any) -> None:
    points, sensitivity = swept._in_short()
    assert points.names == (
        "point", "probability", "priority", "replicates", "share", "share_low", "share_high",
    )  # fmt: skip
    assert sensitivity == swept.sensitivity()
    assert repr(swept) == "Sweep(grid of 4 points, 12 runs)"
