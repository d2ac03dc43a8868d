"""Every planted defect at once in a running simulation: each costs its own message."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import World, load_file
from sim.core import registry
from sim.errors import InputError
from sim.runtime import Session, Simulation

DEFECTS = Path(__file__).resolve().parents[1] / "defects.py"
RAISE = {"hog", "writes", "exit", "interrupt", "branch", "shape"}
REFUSED = {"rules"}


@pytest.fixture
def defects() -> Iterator[list[str]]:
    registry.load_plugins()
    before = {kind: dict(known) for kind, known in registry._known.items()}
    yield [item.name for item in load_file(DEFECTS)]
    registry._known.clear()
    registry._known.update(before)
    registry._named.discard(str(DEFECTS))


async def test_each_defect_costs_its_own_message(
    world: World, defects: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    async with Simulation(world) as simulation:
        good = await simulation.inject("Good.", seeds=[2], model="si", beta=0.05)
        refused: set[str] = set()
        sent: dict[str, Session] = {}
        for name in sorted(defects):
            try:
                session = await simulation.inject("Bad.", seeds=[3, 4], model=name)
            except InputError:
                refused.add(name.removeprefix("defect-"))
            else:
                sent[name.removeprefix("defect-")] = session
        await simulation.step(8)
        size = good.size
    assert refused == REFUSED
    assert {name for name, session in sent.items() if session.status == "failed"} == RAISE
    assert "defect-exit: SystemExit: 3 (defects.py, line " in str(sent["exit"].error)
    assert "defect-interrupt: KeyboardInterrupt" in str(sent["interrupt"].error)
    assert capsys.readouterr() == ("", "")

    other = World.create(agents=2000, mean_degree=10, seed=7)
    story = other.inject("Good.", seeds=[2], model="si", beta=0.05)
    other.step(8)
    assert size == story.size
