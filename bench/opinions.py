"""Opinion models in agents moved a second: ``python -m bench.opinions``.

A million agents, 20 million ties (preferential attachment), opinions drawn at the start; models of
two opinions start with half of each. Time is processor time of the one thread in ``world.step()``:
meetings, counting of states and all. An *update* is one single update, or one agent's part of a
tick in which all move; where both of a pair move it moves two, in ``sznajd`` all who hear them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from sim import World

MODELS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("degroot", {}),
    ("friedkin-johnsen", {}),
    ("altafini", {}),
    ("hegselmann-krause", {}),
    ("deffuant", {}),
    ("weighted-hk", {}),
    ("weighted-hk", {"variant": "pair"}),
    ("attraction-repulsion-hk", {}),
    ("algorithmic-bias", {}),
    ("algorithmic-bias-media", {}),
    ("cognitive-opinion", {}),
    ("voter", {"initial": "uniform"}),
    ("zealot-voter", {"initial": "uniform"}),
    ("q-voter", {"initial": "uniform"}),
    ("majority-rule", {"initial": "uniform"}),
    ("majority-rule", {"initial": "uniform", "among": "ties"}),
    ("sznajd", {"initial": "uniform", "updates": 50_000}),
)
BOTH_MOVE = {"deffuant", "algorithmic-bias", "algorithmic-bias-media", "cognitive-opinion"}


def measured(world: World, model: str, options: dict[str, Any], ticks: int) -> tuple[float, float]:
    """Return (seconds a tick, single updates a tick), after a tick that compiles."""
    story = world.inject("Close it?", seeds=[0], model=model, **options)
    seconds = []
    for _ in range(ticks + 1):
        began = time.thread_time()
        world.step()
        seconds.append(time.thread_time() - began)
        if story.status != "running":
            break
    world.cascades.clear()
    return statistics.median(seconds[1:] or seconds), options.get("updates") or len(world.agents)


def told(world: World, model: str) -> float:
    """Return how many agents a single update may move."""
    if model != "sznajd":
        return 2.0 if model in BOTH_MOVE else 1.0
    degree = world.ties.out_degree.astype(float)
    other = float((degree**2).mean() / degree.mean())  # whoever is heard is heard by many
    return 0.5 * (float(degree.mean()) + other)  # half of all pairs agree at first


def social_impact(agents: int) -> float:
    """Return the seconds of a tick of all pairs."""
    world = World.create(agents=agents, mean_degree=20, seed=1)
    return measured(world, "social-impact", {"initial": "uniform", "noise": 1.0}, 3)[0]


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--ticks", type=int, default=5)
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--quick", action="store_true", help="100,000 agents, 2 ticks")
    given = parser.parse_args(words)
    agents, ticks = (100_000, 2) if given.quick else (given.agents, given.ticks)
    world = World.create(agents=agents, mean_degree=20, seed=1)
    print(f"{agents:,} agents, {world.ties.count:,} ties")
    print(f"{'model':26}{'options':22}{'ms a tick':>11}{'M updates/s':>13}{'M agents/s':>12}")
    for model, options in MODELS:
        if given.only not in model:
            continue
        seconds, updates = measured(world, model, options, ticks)
        shown = " ".join(str(v) for k, v in options.items() if k != "initial")
        speed = updates / seconds / 1e6
        moved = speed * told(world, model)
        print(f"{model:26}{shown:22}{1e3 * seconds:11.1f}{speed:13.1f}{moved:12.1f}")
    if given.only in "social-impact":
        print(f"social-impact, 5,000 agents, all pairs: {1e3 * social_impact(5000):.0f} ms a tick")


if __name__ == "__main__":
    main()
