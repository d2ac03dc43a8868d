"""Laws of opinions can be kept and broken."""

from typing import ClassVar

import pytest

from sim import Field, Floats, Meetings, OpinionModel, Voices, make, register
from sim.errors import PluginError
from sim.testing import LAWS


@register("test-loses")
class Loses(Meetings):
    """Says that it conserves the mean, and moves the listener alone."""

    conserves: ClassVar[bool] = True

    def meet(self, listener: float, speaker: float) -> float:
        return speaker


@register("test-peeks")
class Peeks(OpinionModel):
    """Thinks of itself what it keeps in a column."""

    pull: float = Field(0.5, ge=0, le=1, description="share of the way")

    def update(self, own: Floats, heard: Voices) -> Floats:
        return own + (self.pull if not self.topic else 0.1) * (heard.mean - own)


def test_the_laws_are_kept() -> None:
    for name in ("deffuant", "degroot", "si"):
        for law in ("conserves", "topical"):
            LAWS[law](type(make(name)), {})


@pytest.mark.parametrize(
    ("cls", "law", "sentence"),
    [(Loses, "conserves", "move both by as much"), (Peeks, "topical", "once its topic had a name")],
)
def test_a_broken_law_is_named(cls: type[OpinionModel], law: str, sentence: str) -> None:
    with pytest.raises(PluginError, match=sentence):
        LAWS[law](cls, {})
