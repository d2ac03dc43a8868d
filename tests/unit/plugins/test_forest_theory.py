from __future__ import annotations

import numpy as np
import pytest

from sim import Setting, make


@pytest.mark.parametrize(
    ("growth", "agents", "is_doubted"), [(0.05, 5000, True), (0.9, 100_000, False)]
)
def test_the_curve_says_where_a_fire_may_go_out(
    growth: float, agents: int, is_doubted: bool
) -> None:
    setting = Setting(agents, agents // 20, np.eye(61)[-1])
    mean_field = make("forest-fire", growth=growth).theory(setting, 40)[-1]
    least = mean_field.expected[1:, 1].min()
    assert ("may be far off" in mean_field.name) == is_doubted == (least < 50)
