"""Methods in plain Python as functions for kernels."""

from typing import Any

import numpy as np
import pytest

from sim.core import Parameters
from sim.errors import PluginError
from sim.spread.opinions.meetings import _group, _pair, formula_of, rule_of

ROW = np.array([5.0, 6.0])
ALL = (0.25, 0.5, 0.125, 1.0, ROW[:1], ROW[1:])


class Mixed(Parameters):
    """Reads a number of each kind, and a property."""

    share: float = 0.5
    times: int = 3
    halves: bool = True
    name: str = "unused"

    @property
    def both(self) -> float:
        return self.share * self.times

    def meet(self, listener: float, speaker: float, coin: float) -> float:
        total = 0.0
        for _ in range(self.times):
            total += self.share * speaker
        return (total if self.halves else 0.0) + self.both * listener + coin

    def decide(self, own: float, heard: Any) -> float:
        return float(own + self.share * heard[1])


def test_parameters_and_properties_are_read() -> None:
    for model in (Mixed(), Mixed(share=0.25, times=2, halves=False)):
        formula = formula_of(model)
        expected = model.meet(0.25, 0.5, 0.125)
        assert formula.call(*ALL, formula.words) == pytest.approx(expected)
        rule = rule_of(model)
        assert rule.call(1.0, ROW, 0.5, rule.words) == 1.0 + model.share * 6.0


def test_one_compilation_serves_all_parameters() -> None:
    one, two = formula_of(Mixed()), formula_of(Mixed(share=0.1))
    assert one.is_compiled == two.is_compiled
    if one.is_compiled:
        assert one.call is two.call
        assert one.words.tolist() != two.words.tolist()


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_a_pair_s_arguments_are_given_in_order(count: int) -> None:
    layout = np.dtype([("share", np.float64)])
    seen: list[Any] = []

    def meet(model: Any, *given: Any) -> float:
        seen.extend([float(model["share"]), *given])
        return 0.0

    _pair(meet, layout, count)(*ALL, np.array([0.75]))
    assert len(seen) == 1 + count
    assert seen[:5] == [0.75, *ALL[:4]][: 1 + count]


@pytest.mark.parametrize("count", [2, 3])
def test_a_group_s_arguments_are_given_in_order(count: int) -> None:
    layout = np.dtype([("share", np.float64)])
    seen: list[Any] = []

    def decide(model: Any, *given: Any) -> float:
        seen.extend(given)
        return 0.0

    _group(decide, layout, count)(1.0, ROW, 0.5, np.array([0.75]))
    assert len(seen) == count


def test_too_few_arguments_are_refused() -> None:
    class Deaf(Parameters):
        """Hears nobody."""

        def meet(self, listener: float) -> float:
            return listener

    with pytest.raises(PluginError, match="takes 2 to 6 arguments beside self, it has 1"):
        formula_of(Deaf())
