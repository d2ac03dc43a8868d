"""Seeds of most reach in a world of a million: ``python -m bench.seeds``.

Twenty million ties (preferential attachment), 50 seeds, by weighted cascade, independent cascade at
p = .01 and p = .1, linear threshold. Each setting runs in a process of its own: seconds of the
search alone (network and its reverse are there), processor time of all its threads, the peak of
resident memory with the network in it. Beside it greedy on four times as many reverse reachable
sets, and plain choices: shares of the expected spread of the former, each by runs of its own.
``--quick``: 100,000 members. ``--celf``: instead of all that, the same search beside lazy greedy
by runs (CELF; Leskovec et al., KDD 2007) at 5,000 members, where that can still be had.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "weighted cascade": ("independent-cascade", {"weights": "weighted-cascade"}),
    "independent cascade, p = .01": ("independent-cascade", {"probability": 0.01}),
    "independent cascade, p = .1": ("independent-cascade", {"probability": 0.1}),
    "linear threshold": ("linear-threshold", {}),
}
BASELINES = ("degree", "pagerank", "discount", "core", "random")
MORE = 4
CELF_AGENTS, CELF_RUNS = 5_000, 2_000


def measured(setting: str, agents: int, k: int) -> dict[str, Any]:
    """Return what one setting took and gave; runs in a process of its own."""
    from sim import World
    from sim.core import rng
    from sim.core.rng import Stream
    from sim.lab.seeding import _ranked
    from sim.spread.influence.live_edges import spread_of
    from sim.spread.influence.opim import ReverseSets, best_seeds, covering
    from sim.world.seeding import live_edges_of, live_network

    model, options = SETTINGS[setting]
    warm = World.create(agents=300, network="preferential-attachment", mean_degree=20, seed=1)
    best_seeds(live_network(warm, live_edges_of(warm, model, options)), 5)  # compiles
    world = World.create(agents=agents, network="preferential-attachment", mean_degree=20, seed=7)
    network = live_network(world, live_edges_of(world, model, options))
    world.ties.reversed()
    began, used = time.perf_counter(), time.process_time()
    found = best_seeds(network, k)
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sets = ReverseSets(network, Stream.CHOOSING)
    sets.grow(MORE * found.guarantee.sets // 2)
    key = rng.key(world.seed, Stream.EQUALS)
    reference = covering(sets, k, network.roots, key).seeds
    del sets
    spreads = {"opim": spread_of(network, found.seeds), "greedy": spread_of(network, reference)}
    for name in BASELINES:
        spreads[name] = spread_of(network, _ranked(world, network, name, k))
    greedy = spreads["greedy"].mean
    return {
        "setting": setting, "agents": agents, "ties": world.ties.count, "k": k,
        "seconds": seconds, "processor": processor, "peak_mib": peak,
        "guarantee": found.guarantee._asdict(),
        "spread": spreads["opim"]._asdict(),
        "shares": {name: one.mean / greedy for name, one in spreads.items()},
        "halves": {name: one.half / greedy for name, one in spreads.items()},
    }  # fmt: skip


def beside_celf(setting: str, k: int) -> str:
    """Return what both reach, by runs that chose neither, and how long each took."""
    from sim import World, lab

    model, options = SETTINGS[setting]
    world = World.create(
        agents=CELF_AGENTS, network="preferential-attachment", mean_degree=20, seed=7
    )
    said, spreads = [], []
    for method in ("opim", "celf"):
        began = time.process_time()
        found = lab.best_seeds_now(world, k, model=model, method=method, runs=CELF_RUNS, **options)
        said.append(f"{method} {found.spread} in {time.process_time() - began:.1f} s")
        spreads.append(found.spread.mean)
        if found.guarantee is not None:
            said.append(str(found.guarantee))
    share = 100 * spreads[0] / spreads[1]
    return f"{setting}, {CELF_AGENTS:,} members, {k} seeds: {share:.2f} % of CELF; " + "; ".join(
        said
    )


def shown(row: dict[str, Any]) -> str:
    """Return a result in lines."""
    ratio, spread = row["guarantee"], row["spread"]
    shares = ", ".join(
        f"{name} {100 * share:.1f} % (+-{100 * row['halves'][name]:.1f})"
        for name, share in row["shares"].items()
        if name != "greedy"
    )
    return (
        f"{row['setting']}: {row['seconds']:.1f} s ({row['processor']:.1f} s of processor time), "
        f"peak {row['peak_mib']:,.0f} MiB, spread {spread['mean']:,.0f} "
        f"({spread['low']:,.0f} to {spread['high']:,.0f}), at least {ratio['ratio']:.3f} of the "
        f"best with probability {ratio['probability']} ({ratio['sets']:,} sets)\n"
        f"  of greedy on {MORE} times the sets: {shares}"
    )


def main() -> None:
    """Measure every setting, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--celf", action="store_true")
    parser.add_argument("-k", type=int, default=50)
    parser.add_argument("--setting", help=argparse.SUPPRESS)
    said = parser.parse_args()
    agents = 100_000 if said.quick else said.agents
    if said.setting:
        print(json.dumps(measured(said.setting, agents, said.k)))
        return
    if said.celf:
        for setting in SETTINGS:
            if said.only in setting:
                print(beside_celf(setting, said.k), flush=True)
        return
    print(f"{agents:,} members, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for setting in SETTINGS:
        if said.only not in setting:
            continue
        words = ["--setting", setting, "--agents", str(agents), "-k", str(said.k)]
        done = subprocess.run(
            [sys.executable, "-m", "bench.seeds", *words],
            capture_output=True,
            text=True,
            check=True,
        )
        print(shown(json.loads(done.stdout.splitlines()[-1])), flush=True)


if __name__ == "__main__":
    np.seterr(over="ignore")
    main()
