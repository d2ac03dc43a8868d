"""Ours beside the peers that people use: Mesa, NDlib, EoN and cynetdiff, in one interleaved run.

python -m bench.peers [--small 10000] [--agents 100000] [--big 1000000] [--rounds 3]

Needs the extra ``peers`` (``pip install '.[peers]'``); what is not installed is left out. Only
models whose rule the peer implements as the paper has it are compared. Both sides get the same
network, seeds of the same number and the same ticks; each reports how many it reached. Processor
time of the thread, compiling excluded by a first round that does not count.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from bench.models import peer
from sim import World

TICKS = 30
Run = Callable[[int], tuple[float, int]]
"""Takes the number of a round; returns (seconds, agents ever reached)."""


@dataclass
class Pair:
    """A model on both sides."""

    title: str
    ours: Run
    theirs: Run
    least: float


def timed(work: Callable[[], int]) -> tuple[float, int]:
    """Return the processor seconds of some work, and what it returned."""
    began = time.thread_time()
    reached = work()
    return time.thread_time() - began, reached


def seeds_of(number: int, agents: int) -> list[int]:
    """Return one in a hundred agents, the same on both sides."""
    share = max(agents // 100, 1)
    seeds: list[int] = np.random.default_rng(number).choice(agents, share, replace=False).tolist()
    return seeds


def ours(world: World, model: str, ticks: int | None = TICKS, **parameters: Any) -> Run:
    """Return a run of one of our models."""

    def run(number: int) -> tuple[float, int]:
        seeds = seeds_of(number, len(world.agents))

        def work() -> int:
            story = world.inject("x", seeds=seeds, model=model, **parameters)
            if ticks is None:
                world.run_until_quiet(story)
            else:
                world.step(ticks)
            return story.size

        found = timed(work)
        world.cascades.clear()
        return found

    return run


def ndlib(graph: Any, name: str, adopted: int, **parameters: float) -> Run:
    """Return a run of NDlib's model; ``adopted`` is the least state that counts as reached."""
    from ndlib.models import ModelConfig, epidemics  # type: ignore[import-not-found]

    def run(number: int) -> tuple[float, int]:
        model = getattr(epidemics, name)(graph, seed=number)
        setting = ModelConfig.Configuration()
        for key, value in parameters.items():
            setting.add_model_parameter(key, value)
        setting.add_model_initial_configuration("Infected", seeds_of(number, len(graph)))
        model.set_initial_status(setting)
        ever: set[int] = set()

        def work() -> int:
            for _ in range(TICKS + 1):  # its first call changes nothing
                for node, state in model.iteration()["status"].items():
                    if state >= adopted:
                        ever.add(node)
            return len(ever)

        return timed(work)

    return run


def eon(graph: Any, name: str, *arguments: float, **options: Any) -> Run:
    """Return a run of one of EoN's functions."""
    import EoN  # type: ignore[import-not-found]

    def run(number: int) -> tuple[float, int]:
        seeds = seeds_of(number, len(graph))

        def work() -> int:
            found = getattr(EoN, name)(graph, *arguments, initial_infecteds=seeds, **options)
            return int(found[-1][-1]) + int(found[-2][-1])

        return timed(work)

    return run


def mesa(graph: Any, beta: float, gamma: float) -> Run:
    """Return a run of the agent of Mesa's own example of a virus, who acts in a shuffled order."""
    from mesa import Model  # type: ignore[import-not-found]
    from mesa.discrete_space import Network  # type: ignore[import-not-found]
    from mesa.examples.basic.virus_on_network import agents  # type: ignore[import-not-found]

    def run(number: int) -> tuple[float, int]:
        model = Model(seed=number)
        cells = list(Network(graph, capacity=1, random=model.random).all_cells)
        start = agents.State.SUSCEPTIBLE
        agents.VirusAgent.create_agents(model, len(graph), start, beta, 1.0, gamma, 1.0, cells)
        members = list(model.agents)
        for seed in seeds_of(number, len(graph)):
            members[seed].state = agents.State.INFECTED

        def work() -> int:
            for _ in range(TICKS):
                model.agents.shuffle_do("step")
            return sum(member.state is not start for member in members)

        return timed(work)

    return run


def tiny_pairs(world: World, graph: Any) -> Iterator[Pair]:
    """Yield the model of the peer whose agents are objects."""
    rates: dict[str, Any] = {"beta": 0.05, "gamma": 0.2}
    try:
        yield Pair("SIR / Mesa", ours(world, "sir", **rates), mesa(graph, **rates), 100)
    except ImportError:
        sys.stdout.write("Mesa is not installed: left out\n")


def small_pairs(world: World, graph: Any) -> Iterator[Pair]:
    """Yield the models at the smaller size."""
    rates: dict[str, Any] = {"beta": 0.05, "gamma": 0.2}
    try:
        yield Pair(
            "SI / NDlib", ours(world, "si", beta=0.05), ndlib(graph, "SIModel", 1, beta=0.05), 40
        )
        sis = ndlib(graph, "SISModel", 1, beta=0.05, **{"lambda": 0.2})
        yield Pair("SIS / NDlib", ours(world, "sis", **rates), sis, 40)
        yield Pair(
            "SIR / NDlib", ours(world, "sir", **rates), ndlib(graph, "SIRModel", 1, **rates), 40
        )
        seir = ndlib(graph, "SEIRModel", 1, alpha=0.3, **rates)
        yield Pair("SEIR / NDlib", ours(world, "seir", alpha=0.3, **rates), seir, 40)
    except ImportError:
        sys.stdout.write("NDlib is not installed: left out\n")
    try:
        discrete = eon(graph, "basic_discrete_SIR", 0.1)
        yield Pair(
            "IC p=.1 / EoN", ours(world, "independent-cascade", None, probability=0.1), discrete, 40
        )
        markov = eon(graph, "fast_SIR", 0.05, 0.2, tmax=TICKS)
        yield Pair(
            "SIR in continuous time / EoN", ours(world, "sir-continuous", **rates), markov, 40
        )
    except ImportError:
        sys.stdout.write("EoN is not installed: left out\n")


def large_pairs(world: World) -> Iterator[Pair]:
    """Yield the compiled peer at the larger size."""
    rivals = peer(world)
    if not rivals:
        sys.stdout.write("cynetdiff is not installed: left out\n")
        return

    def theirs(name: str) -> Run:
        return lambda number: rivals[name](np.array(seeds_of(number, len(world.agents)), np.int32))

    skips = {"probability": 0.1, "draws": "skips"}
    yield Pair(
        "IC p=.1, skips / cynetdiff",
        ours(world, "independent-cascade", None, **skips),
        theirs("IC"),
        1.5,
    )
    yield Pair("LT / cynetdiff", ours(world, "linear-threshold", None), theirs("LT"), 4)


def oasis(python: str, agents: int) -> None:
    """Print refreshes and acts a second of OASIS, without a model, and of our platform."""
    world = World.create(agents=agents, mean_degree=10, seed=7, platform={"rhythm": "flat"})
    world.step(10)
    began, done = time.process_time(), 0
    for _ in range(50):
        world.step()
        assert world.platform is not None
        done += world.platform.online.size + world.platform.acted.agent.size
    ours = done / (time.process_time() - began)
    words = (python, "-P", "bench/oasis_steps.py", "--agents", str(agents))
    answer = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    print(f"\n{agents:,} agents on a platform\nours: {ours:,.0f} refreshes and acts a second")
    if "seconds" in answer:
        theirs = 2 * agents / float(answer.rsplit(" ", 1)[1])
        print(f"OASIS: {theirs:,.0f}; {ours / theirs:,.0f} times")


def compare(pairs: list[Pair], rounds: int) -> None:
    """Run every pair in turn, round after round, and print the medians."""
    print(f"{'':32}{'ours s':>9}{'theirs s':>10}{'times':>8}{'least':>7}{'reached':>22}")
    seen: dict[str, list[tuple[float, int, float, int]]] = {pair.title: [] for pair in pairs}
    for number in range(rounds + 1):
        for pair in pairs:
            theirs = pair.theirs(number) if number else (1.0, 0)
            mine = pair.ours(number)
            if number:  # the first round compiles
                seen[pair.title].append((*mine, *theirs))
    for pair in pairs:
        mine, size, theirs, other = zip(*seen[pair.title], strict=True)
        times = statistics.median(b / a for a, b in zip(mine, theirs, strict=True))
        sizes = f"{statistics.median(size):11,.0f} /{statistics.median(other):10,.0f}"
        print(
            f"{pair.title:32}{statistics.median(mine):9.4f}{statistics.median(theirs):10.3f}"
            f"{times:7.0f}x{pair.least:6.1f}x{sizes:>22}"
        )


def main() -> None:
    """Compare at both sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--big", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--oasis", help="the python of a venv with camel-oasis and 'mcp<2'")
    given = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    for agents, pairs in ((given.small, tiny_pairs), (given.agents, small_pairs)):
        world = World.create(agents=agents, mean_degree=10, seed=7)
        graph = nx.Graph()
        graph.add_nodes_from(range(agents))
        sources = np.repeat(np.arange(agents), world.ties.rows[:, 1])
        graph.add_edges_from(zip(sources.tolist(), world.ties.targets.tolist(), strict=True))
        print(f"\n{agents:,} agents, mean degree 10, 1 % seeds, {TICKS} ticks")
        compare(list(pairs(world, graph)), given.rounds)
        del graph
    print(f"\n{given.big:,} agents, mean degree 20, 1 % seeds")
    compare(list(large_pairs(World.create(agents=given.big, mean_degree=20, seed=7))), given.rounds)
    if given.oasis:
        oasis(given.oasis, 300)


if __name__ == "__main__":
    main()
