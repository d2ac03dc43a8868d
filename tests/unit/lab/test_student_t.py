"""Student's t in closed form, against scipy and printed tables."""

import pytest
from scipy.special import stdtrit

from sim.errors import InputError
from sim.lab.student_t import half_width, within


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 8, 9, 29, 30, 200])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 0.999])
def test_half_widths_are_those_of_scipy(freedom: int, share: float) -> None:
    expected = float(stdtrit(freedom, 0.5 + share / 2))
    assert half_width(share, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_chance_within_undoes_the_half_width() -> None:
    assert within(half_width(0.95, 7), 7) == pytest.approx(0.95, abs=1e-12)


@pytest.mark.parametrize(("share", "freedom"), [(1.0, 3), (-0.1, 3), (0.9, 0)])
def test_intervals_without_sense_are_refused(share: float, freedom: int) -> None:
    with pytest.raises(InputError, match="share in"):
        half_width(share, freedom)
