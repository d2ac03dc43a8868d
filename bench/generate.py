"""Random networks against igraph, in turn: ``python -m bench.generate``.

Prints the median seconds of each. Ours counts all of `sim.network.generate.networks`: drawing,
sorting, dropping duplicates; "draw" is its first part. Both make a million agents and some 20
million arcs (10 million undirected edges, or 10 million directed arcs for the configuration model).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import igraph
import numpy as np

from sim.core.progress import quiet
from sim.network.generate.networks import NETWORKS, generate

MEAN_DEGREE = 20
BLOCK = 1_000


@dataclass(frozen=True)
class Case:
    """One network made both ways."""

    title: str
    name: str
    parameters: dict[str, Any]
    peer: Callable[[], igraph.Graph]

    def ours(self, agents: int) -> float:
        """Return the seconds of the whole."""
        start = time.perf_counter()
        generate(self.name, agents, seed=1, **self.parameters)
        return time.perf_counter() - start

    def drawing(self, agents: int) -> float:
        """Return the seconds of drawing alone."""
        network = NETWORKS[self.name].cls(
            **{k: v for k, v in self.parameters.items() if k != "degrees"}
        )
        start = time.perf_counter()
        if "degrees" in self.parameters:
            network.match(self.parameters["degrees"], 1, quiet)  # type: ignore[attr-defined]
        else:
            network.draw(agents, 1, quiet)
        return time.perf_counter() - start

    def theirs(self) -> float:
        """Return the seconds of igraph."""
        start = time.perf_counter()
        self.peer()
        return time.perf_counter() - start


def cases(agents: int) -> list[Case]:
    """Return what is compared, of one size on both sides."""
    half = MEAN_DEGREE // 2
    grown = generate("preferential-attachment", agents, seed=3, mean_degree=MEAN_DEGREE).ties
    pairs = np.column_stack([grown.out_degree // 2] * 2).astype(np.int64)
    column = pairs[:, 0].tolist()
    blocks = max(agents // BLOCK, 2)
    within = 0.8 * MEAN_DEGREE / (agents / blocks)
    between = 0.2 * MEAN_DEGREE / agents
    chances = np.full((blocks, blocks), between)
    np.fill_diagonal(chances, within)
    sizes = [agents // blocks] * (blocks - 1) + [agents - agents // blocks * (blocks - 1)]
    planted = {
        "mixing": 0.2,
        "communities": blocks,
        "smallest": agents // blocks,
        "degree_exponent": 0,
    }
    chance = MEAN_DEGREE / (agents - 1)
    return [
        Case(
            "preferential attachment",
            "preferential-attachment",
            {"mean_degree": MEAN_DEGREE},
            lambda: igraph.Graph.Barabasi(agents, half),
        ),
        Case(
            "configuration",
            "configuration",
            {"degrees": pairs},
            lambda: igraph.Graph.Degree_Sequence(column, column, method="configuration"),
        ),
        Case(
            "Erdos-Renyi",
            "erdos-renyi",
            {"mean_degree": MEAN_DEGREE},
            lambda: igraph.Graph.Erdos_Renyi(agents, p=chance),
        ),
        Case(
            "planted, degrees alike",
            "planted-communities",
            planted,
            lambda: igraph.Graph.SBM(chances.tolist(), sizes),
        ),
        Case(
            "small world",
            "small-world",
            {"mean_degree": MEAN_DEGREE, "rewiring": 0.1},
            lambda: igraph.Graph.Watts_Strogatz(1, agents, half, 0.1),
        ),
    ]


def main(agents: int = 1_000_000, rounds: int = 3) -> None:
    """Run every case in turn and print the table."""
    for name in NETWORKS:
        generate(name, 200, seed=0)
    generate("planted-communities", 200, seed=0, degree_exponent=0)
    compared = cases(agents)
    times: dict[str, list[tuple[float, float, float]]] = {case.title: [] for case in compared}
    for _ in range(rounds):
        for case in compared:
            row = (case.ours(agents), case.drawing(agents), case.theirs())
            times[case.title].append(row)
    print(f"{agents:,} agents, mean degree {MEAN_DEGREE}, median of {rounds} rounds in turn")
    print(f"{'network':26}{'draw s':>8}{'total s':>9}{'igraph s':>10}{'ratio':>8}")
    for title, rows in times.items():
        total, draw, peer = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{title:26}{draw:8.2f}{total:9.2f}{peer:10.2f}{peer / total:7.1f}x")


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--agents", type=int, default=1_000_000)
    words.add_argument("--rounds", type=int, default=3)
    main(**vars(words.parse_args()))
