"""The forest-fire model of spread: burning agents ignite neighbours, then burn out."""

from dataclasses import replace
from typing import ClassVar

from sim import Card, Compartments, Field, Setting, Theory, after, contact, register

_FEW = 50.0
"""Burning agents below which chance decides whether a fire goes out, which no curve knows: at its
defaults on mean degree 60 curves were 0.25 of all agents off."""


@register("forest-fire")
class ForestFire(Compartments):
    """Trees catch fire from burning neighbours or by lightning, and grow again (Drossel & Schwabl).

    Drossel & Schwabl, "Self-organized critical forest-fire model", Physical Review Letters 1992.
    As a rumour: whoever hears of it tells at once, tires at once, and is ready again in time.
    Synchronous; lightning strikes only a tree without a burning neighbour.
    """

    states: ClassVar = ("tree", "burning", "empty")
    seeded: ClassVar = "burning"
    card: ClassVar[Card] = Card(
        family="rumours",
        source="Drossel & Schwabl, Self-organized critical forest-fire model, Physical Review "
        "Letters 69, 1992.",
        meaning={
            "tree": "can catch fire",
            "burning": "sets fire to all its listeners in the next tick",
            "empty": "burnt down; nothing to burn until a tree grows",
        },
        equations=(
            "tree -> burning if any source burns, else with chance f",
            "burning -> empty in the next tick",
            "empty -> tree with chance p",
        ),
        draw_modes="skips (default) and coins; a fire passes on with certainty in both",
        cost="one draw an agent for lightning, one visit a tie of each burning tree",
        largest="10 million agents on one machine",
        checked=(
            "against plain Python with the same draws, states tick by tick",
            "f = 0, p = 0: fire reaches what breadth-first search reaches, level by level",
            "isolated trees: burning : empty : tree settle at f p / (f + p + f p) x (1, 1/p, 1/f)",
        ),
        choices=("adopter: whoever burnt at least once",),
    )

    growth: float = Field(
        0.05, ge=0, le=1, description="chance that a tree grows",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip
    lightning: float = Field(
        1e-4, ge=0, le=1, description="chance of lightning",
        json_schema_extra={"unit": "per tree and tick"},
    )  # fmt: skip

    rules: ClassVar = (
        contact("tree", "burning", by="burning", chance=1.0),
        after("tree", "burning", chance="lightning"),
        after("burning", "empty", chance=1.0),
        after("empty", "tree", chance="growth"),
    )

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return what equations predict; they say so where a fire may go out between two waves."""
        return tuple(self._doubted(one) for one in super().theory(setting, ticks))

    def _doubted(self, curve: Theory) -> Theory:
        burning = curve.expected[1:, curve.states.index("burning")]
        if burning.size == 0 or burning.min() >= _FEW:
            return curve
        said = "at times so few burn that the fire may go out: may be far off"
        return replace(curve, name=f"{curve.name}; {said}")
