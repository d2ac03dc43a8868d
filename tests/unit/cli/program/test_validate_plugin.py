from pathlib import Path

from tests.unit.cli.conftest import Hubbub

PLUGIN = '''
"""A plugin that claims a number."""

from typing import ClassVar

from sim import Compartments, Field, World, contact, lab, register


def measure(runs):
    sources = range(0, 2 * runs, 2)
    world = World.from_edges(sources, [source + 1 for source in sources], 2 * runs)
    story = world.inject("x", seeds=sources, model="passed-on", beta=0.25)
    world.step()
    return [lab.compared_share(story.size - runs, runs, EXACT)]


EXACT = 0.25


@register("passed-on")
class PassedOn(Compartments):
    """Passes it on."""

    beta: float = Field(0.3, ge=0, le=1, description="chance")
    states: ClassVar = ("out", "in")
    seeded: ClassVar = "in"
    rules: ClassVar = (contact("out", "in", by="in", chance="beta"),)
    claims: ClassVar = (
        lab.ModelClaim("passed-on", "a pair passes it on", measure, source="by hand",
                       how="{runs} pairs", runs=2000, thorough=9000),
    )
'''


def test_what_a_plugin_s_model_claims_is_run(hubbub: Hubbub, tmp_path: Path) -> None:
    file = tmp_path / "passed_on.py"
    file.write_text(PLUGIN.replace("EXACT = 0.25", "EXACT = 0.5"))
    said = hubbub("--plugin", file, "validate", "passed-on")
    assert said.code == 1
    assert "ok     passed-on  keeps its laws" in said.out
    assert "passed-on: a pair passes it on: 0.5 is claimed, 0.279 was found" in said.out
