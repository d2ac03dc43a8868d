"""Network analysis against igraph, in turn: ``python -m bench.graph``.

A symmetric network of planted communities of 1,024 members, mean degree 18 (a million agents: 9
million friendships). Prints the median seconds of each, the ratio, and what both found. Ours is
`sim.network.analysis.analysis` as anybody calls it; building igraph's graph is a row of its own
and counts in no other. At a million agents igraph takes 2 GB and some 30 seconds for Louvain:
200,000 agents tell the same.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.network.analysis import analysis
from sim.network.generate.networks import generate
from sim.network.graph.ties import Ties

MEMBERS = 1_024
MEAN_DEGREE = 18
MIXING = 0.33


@dataclass(frozen=True)
class Case:
    """One question to both, and what to show of an answer."""

    title: str
    ours: Callable[[Ties], Any]
    theirs: Callable[[Any], Any]
    shown: Callable[[Any, Any], str]


def _modularity(ties: Ties, labels: Any) -> float:
    return analysis.modularity(ties, np.asarray(labels, np.int32))


CASES = (
    Case(
        "PageRank",
        analysis.pagerank,
        lambda g: g.pagerank(directed=False),
        lambda a, b: f"largest difference {np.abs(a - np.array(b)).max():.1e}",
    ),
    Case(
        "components",
        analysis.components,
        lambda g: g.connected_components(),
        lambda a, b: f"{a.max() + 1:,} and {len(b):,}",
    ),
    Case(
        "distances from one",
        lambda ties: analysis.distances(ties, 0),
        lambda g: g.distances(0)[0],
        lambda a, b: f"farthest {a.max()} and {max(d for d in b if d < len(b)):.0f}",
    ),
    Case(
        "shortest path",
        lambda ties: analysis.shortest_path(ties, 0, ties.agents // 2),
        lambda g: g.get_shortest_path(0, g.vcount() // 2),
        lambda a, b: f"{len(a or ()) - 1} and {len(b) - 1} ties",
    ),
    Case(
        "k-core",
        analysis.core_numbers,
        lambda g: g.coreness(),
        lambda a, b: f"deepest {a.max()} and {max(b)}",
    ),
    Case(
        "clustering, exact",
        lambda ties: analysis.clustering(ties).value,
        lambda g: g.transitivity_avglocal_undirected(mode="zero"),
        lambda a, b: f"{a:.6f} and {b:.6f}",
    ),
    Case(
        "label propagation",
        lambda ties: analysis.communities(ties, "label-propagation"),
        lambda g: g.community_label_propagation(),
        lambda a, b: f"{a.max() + 1:,} and {len(b):,} communities",
    ),
    Case(
        "Louvain",
        analysis.communities,
        lambda g: g.community_multilevel(),
        lambda a, b: f"{a.max() + 1:,} and {len(b):,} communities",
    ),
)


def clocked(act: Callable[[], Any]) -> tuple[float, Any]:
    """Return (seconds, result)."""
    start = time.perf_counter()
    found = act()
    return time.perf_counter() - start, found


def fresh(ties: Ties) -> Ties:
    """Return the ties without results of earlier rounds; symmetry is known, as in a new world."""
    again = Ties(*ties.parts)
    assert again.is_symmetric
    return again


def peak_mb() -> float:
    """Return the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build(pairs: np.ndarray, agents: int, rounds: int) -> tuple[Ties, Any]:
    """Build both networks from friendships (m, 2), print how long it took; return them."""
    sources, targets = pairs[:, 0].astype(np.uint32), pairs[:, 1].astype(np.uint32)
    seconds = []
    for _ in range(rounds):
        taken, ties = clocked(lambda: Ties.from_arcs(sources, targets, agents, directed=False))
        seconds.append(taken)
    for case in CASES:
        case.ours(fresh(ties))
    print(f"peak of this process after all of ours: {peak_mb():,.0f} MB")
    import igraph

    def graph() -> Any:
        made = igraph.Graph(agents)
        made.add_edges(pairs)
        return made

    theirs, made = clocked(graph)
    _line("build from arrays", seconds, [theirs], f"igraph: once; peak then {peak_mb():,.0f} MB")
    return ties, made


def _line(title: str, ours: list[float], theirs: list[float], note: str) -> None:
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{title:<20} {a:>9.3f} {b:>9.3f} {b / a:>7.1f}x  {note}", flush=True)


def main() -> None:
    """Run all cases in turn."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--agents", type=int, default=200_000)
    words.add_argument("--rounds", type=int, default=3)
    asked = words.parse_args()
    agents, rounds = asked.agents, asked.rounds
    warm = generate("planted-communities", 2000, seed=1, mean_degree=8).ties
    for case in CASES:  # compile
        case.ours(warm)
    made = generate(
        "planted-communities",
        agents,
        seed=1,
        mean_degree=MEAN_DEGREE,
        mixing=MIXING,
        smallest=MEMBERS,
        largest=MEMBERS,
    ).ties
    sources = np.repeat(np.arange(agents, dtype=np.int64), made.out_degree)
    once = sources < made.targets
    pairs = np.column_stack((sources[once], made.targets[once].astype(np.int64)))
    del made, sources, once
    print(f"{agents:,} agents, {len(pairs):,} friendships, median of {rounds}, in turn")
    print(f"{'':<20} {'ours s':>9} {'igraph s':>9} {'ratio':>8}")
    ties, graph = build(pairs, agents, rounds)
    del pairs
    for case in CASES:
        ours, theirs, note = [], [], ""
        for _ in range(rounds):
            held = fresh(ties)
            taken, a = clocked(lambda: case.ours(held))  # noqa: B023 - called at once
            ours.append(taken)
            taken, b = clocked(lambda: case.theirs(graph))  # noqa: B023
            theirs.append(taken)
            note = case.shown(a, b)
            if case.title == "Louvain":
                note += f"; Q {_modularity(ties, a):.4f} and {b.modularity:.4f}"
        _line(case.title, ours, theirs, note)


if __name__ == "__main__":
    main()
