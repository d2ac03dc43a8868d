import pytest

from sim.errors import InputError
from sim.lab import share_interval, takeoff
from sim.lab.statistics import takeoff_threshold
from tests.raising import raises


@pytest.mark.parametrize(("members", "edge"), [(1, 1), (1_000, 100), (1_000_000, 10_000)])
def test_the_threshold_is_the_power_two_thirds_of_the_members(members: int, edge: float) -> None:
    assert takeoff_threshold(members) == pytest.approx(edge, rel=1e-12)


def test_only_what_exceeds_the_threshold_took_off() -> None:
    found = takeoff([10, 11, 9, 50], threshold=10)
    assert (found.share, found.runs, found.of, found.threshold) == (0.5, 2, 4, 10)
    assert found.interval == share_interval(2, 4)
    assert takeoff([0, 1], threshold=0).runs == 1


def test_a_threshold_or_members_and_not_both() -> None:
    for given in ({}, {"members": 5, "threshold": 2.0}):
        with pytest.raises(InputError, match="one of the two"):
            takeoff([1], **given)  # type: ignore[arg-type]
    raises(InputError, "1 member or more", takeoff, [1], members=0)
    raises(InputError, "finite", takeoff, [1], threshold=float("nan"))
