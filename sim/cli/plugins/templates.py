"""The files that ``hubbub plugin new`` writes: one commented model a form, and its test."""

from __future__ import annotations

_COMPARTMENTS = '''"""NAME: say in a line what spreads, and how."""

from typing import ClassVar

from sim import Card, Compartments, Field, after, contact, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(Compartments):
    """Tellers tell the unaware, tire, and after a rest can be caught again.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    tell: float = Field(0.1, ge=0, le=1, description="chance of telling, per contact and tick")
    tire: float = Field(0.2, ge=0, le=1, description="chance of tiring, per tick")
    recover: float = Field(0.05, ge=0, le=1, description="chance of listening again, per tick")

    # The first state is that of agents who have heard nothing; seeds begin in `seeded`.
    states: ClassVar[tuple[str, ...]] = ("unaware", "telling", "resting")
    seeded: ClassVar[str] = "telling"
    # contact(listener's state, its new state, by=speaker's state, chance=...): across a tie.
    # after(state, new state, chance=...): by itself, each tick.
    # A chance is a number, a parameter's name, or arithmetic such as "tell * trust".
    rules: ClassVar = (
        contact("unaware", "telling", by="telling", chance="tell"),
        after("telling", "resting", chance="tire"),
        after("resting", "unaware", chance="recover"),
    )

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={
            "unaware": "has not heard it, or would listen again",
            "telling": "tells everybody who listens",
            "resting": "neither tells nor listens",
        },
        equations=("P(unaware -> telling) = 1 - (1 - tell)^(telling agents that it hears)",),
        cost="one draw for each listener of each teller",
        largest="as many agents as memory holds",
        checked=("tell = 0 reaches nobody beyond the seeds",),
    )
'''

_PER_EXPOSURE = '''"""NAME: say in a line what it takes to convince somebody."""

from typing import ClassVar

import numpy as np
from sim import Card, Exposure, Field, Floats, PerExposure, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(PerExposure):
    """A friend's word counts by trust and interest, and loses weight as the story ages.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    base: float = Field(0.3, ge=0, le=1, description="chance at full trust, interest and novelty")
    fading: float = Field(0.1, ge=0, le=10, description="loss of novelty per tick of age")

    def chance(self, exposure: Exposure) -> Floats:
        """Return the chance that each exposure convinces its viewer.

        Every attribute is a column with one value an exposure: write arithmetic and numpy.where,
        never `if`. Among them: trust, interest, repeats, novelty, age_ticks, adopted_share,
        viewer.openness, source.activity. Do not draw: the engine does.
        """
        novelty = np.exp(-self.fading * exposure.age_ticks)
        return self.base * exposure.trust * exposure.interest * novelty

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={"inactive": "is not convinced", "active": "is convinced, for good"},
        equations=("p = base * trust * interest * exp(-fading * age)",),
        cost="one chance for each listener of each new adopter",
        largest="as many agents as memory holds",
        checked=("base = 0 reaches nobody beyond the seeds",),
    )
'''

_THRESHOLD = '''"""NAME: say in a line how many friends it takes."""

from typing import ClassVar

from sim import Card, Field, Threshold, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(Threshold):
    """An agent adopts once the same share of those that it hears has adopted.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    share: float = Field(0.2, ge=0, le=1, description="share of its sources that must adopt first")

    def level(self) -> float | None:
        """Return the threshold of all; None would draw one in [0, 1) for each agent."""
        return self.share

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={"inactive": "has not adopted", "active": "has adopted, for good"},
        equations=("adopt once (adopted sources) / (sources) >= share",),
        comparison=">=",
        cost="one addition for each listener of each new adopter",
        largest="as many agents as memory holds",
        checked=("share = 1 reaches nobody who hears one agent that never adopts",),
    )
'''

_HEARD = '''"""NAME: say in a line what an agent makes of all that it hears."""

from typing import ClassVar

from sim import Bools, Card, Field, Heard, Hearing, after, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(Heard):
    """Agents join once enough of those that they hear have, and leave again after a while.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    friends: int = Field(2, ge=1, le=1000, description="members that must be heard before joining")
    leave: float = Field(0.1, ge=0, le=1, description="chance of leaving, per tick")

    # The first state is that of agents who have heard nothing; seeds begin in the second.
    states: ClassVar[tuple[str, ...]] = ("outside", "member", "former")
    # What happens by itself, each tick.
    rules: ClassVar = (after("member", "former", chance="leave"),)

    def adopts(self, heard: Hearing) -> Bools:
        """Return who joins now: one bool for each agent that listens and heard something.

        heard.count["member"]: how many members each hears; heard.share["member"]: of all it hears;
        heard.listener.openness: its own columns. For what is only likely write chance() instead.
        """
        return heard.count["member"] >= self.friends

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={
            "outside": "has not joined",
            "member": "has joined, and is heard as such",
            "former": "has left, for good",
        },
        equations=("join once members heard >= friends",),
        comparison=">=",
        checked=("friends = 1000 reaches nobody beyond the seeds",),
    )
'''

_OPINION = '''"""NAME: say in a line how hearing others changes what one thinks."""

from typing import ClassVar

from sim import Card, Field, Floats, OpinionModel, Voices, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(OpinionModel):
    """Everybody moves towards the mean of those heard, the extreme less than the undecided.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    pace: float = Field(0.5, ge=0, le=1, description="share of the way that the undecided go")

    # Opinions lie in this range; the states that charts show are fifths of it.
    span: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Return every agent's next opinion, one number an agent; `own` is not to be changed.

        heard.mean: the mean opinion of those that each hears; heard.within(bound): of those
        that differ by at most so much; heard.count, heard.first and more. Do not draw.
        """
        openness = 1 - own**2
        return own + self.pace * openness * (heard.mean - own)

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        equations=("x <- x + pace (1 - x^2) (mean of those heard - x)",),
        checked=("pace = 0 moves nobody",),
    )
'''

_ARRAY = '''"""NAME: say in a line what a tick does."""

from typing import ClassVar

from sim import (
    Card,
    Cascade,
    Contacts,
    Draws,
    Field,
    PropagationModel,
    convince,
    register,
)

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(PropagationModel):
    """New adopters try to convince their listeners, the less the longer the story runs.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    chance: float = Field(0.2, ge=0, le=1, description="chance of one attempt in the first tick")
    fading: float = Field(0.9, ge=0, le=1, description="what is left of it a tick later")

    states: ClassVar[tuple[str, ...]] = ("inactive", "active")

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Advance by one tick.

        cascade.frontier: last tick's adopters, uint32. contacts.rows, contacts.targets: row u
        lists who hears u. draws.uniforms(ids): the only randomness. cascade.adopt(ids, sources)
        records; cascade.columns[name] keeps an array between ticks, saved with the world.
        """
        age = draws.tick - cascade.started_at - 1
        convince(cascade, contacts, draws, chance=self.chance * self.fading**age)

    def metrics(self, cascade: Cascade) -> dict[str, float]:
        """Return numbers of your own: they are shown, and written beside the results."""
        return {"chance now": self.chance * self.fading ** len(cascade.new_adopters)}

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={"inactive": "has not adopted", "active": "has adopted, for good"},
        equations=("p(t) = chance * fading^(t - 1), t ticks after the start",),
        cost="one draw for each listener of each new adopter",
        largest="as many agents as memory holds",
        checked=("chance = 0 reaches nobody beyond the seeds",),
    )
'''

TEMPLATES: dict[str, tuple[str, dict[str, float | str]]] = {
    "compartments": (_COMPARTMENTS, {"tell": 0.0}),
    "per-exposure": (_PER_EXPOSURE, {"base": 0.0}),
    "threshold": (_THRESHOLD, {"share": 1.0}),
    "heard": (_HEARD, {"friends": 1000}),
    "opinion": (_OPINION, {"pace": 0.0, "initial": "uniform:-1:-0.5"}),
    "array": (_ARRAY, {"chance": 0.0}),
}
"""By form: the file, and the parameters at which nobody beyond the seeds is reached."""

TEST = '''"""NAME keeps the laws, and does what can be told beforehand."""

from pathlib import Path

import pytest
from sim import load_file, spec
from sim.testing import check_plugin, tiny_world

FILE = Path(__file__).with_name("MODULE.py")


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    load_file(FILE)


def test_it_keeps_the_laws() -> None:
    assert "resumes" in check_plugin(spec("NAME").cls)


def test_it_spreads() -> None:
    world = tiny_world()
    story = world.inject(
        "Hello.",
        seeds=range(0, 60, 2),
        model="NAME",
    )
    world.step(20)
    assert story.status in {"running", "quiet"}
    assert story.size >= 30


def test_it_reaches_nobody_where_it_cannot() -> None:
    world = tiny_world()
    story = world.inject(
        "Hello.",
        seeds=[0],
        model="NAME",
        NOBODY,
    )
    world.step(20)
    assert story.size == 1
'''
