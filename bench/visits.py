"""Nanoseconds per edge visit of every contact-based model, beside C: ``python -m bench.visits``.

A million agents, 20 million ties (preferential attachment), 1 % random seeds, at most 40 ticks.
A visit is one tie weighed for one listener. The yardstick, susceptible-infected-recovered in
``reference.c`` with a coin for each visit, runs right before each model; the bar is 2.5 of it.
Times are processor time of the one thread, the median of the rounds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import time
from typing import Any

import numpy as np

from bench.models import BETA, GAMMA, Reference, Timed
from sim import World

MODELS: dict[str, dict[str, Any]] = {
    "sir": {"beta": BETA, "gamma": GAMMA, "draws": "coins"},
    "independent-cascade": {"draws": "coins"},
    "independent-cascade trivalency": {"weights": "trivalency"},
    "novelty-decay": {},
    "icp": {"probability": 0.2},
    "ice": {},
    "icep": {},
    "time-decay": {},
    "continuous-cascade": {"probability": 0.1},
    "triggering": {"sets": "independent"},
    "linear-threshold": {},
    "watts": {"phi": 0.1},
    "centola-macy": {},
    "general-threshold": {},
    "generalised-threshold": {"threshold": 0.1},
    "kertesz": {"threshold": 0.1},
    "profile": {},
    "profile-threshold": {},
    "hoax": {},
    "forest-fire": {},
    "competitive-cascade": {"draws": "coins"},
    "competitive-threshold": {},
}
"""Parameters under which a large part of the network takes part; a second word is a variant."""


def visited(world: World, name: str, seeds: Any, ticks: int) -> tuple[float, int, int]:
    """Run one cascade, or two rivals; returns seconds, visits and adopters."""
    model, options = name.partition(" ")[0], MODELS[name]
    camps = np.array_split(seeds, 2) if model.startswith("competitive") else [seeds]
    began = time.thread_time()
    stories = [world.inject("x", seeds=camp, model=model, **options) for camp in camps]
    for _ in range(ticks):
        world.step()
        if not any(story.alive for story in stories):
            break
    took = time.thread_time() - began
    world.cascades.clear()
    return took, sum(s.contacts_seen for s in stories), sum(s.size for s in stories)


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--quick", action="store_true", help="100,000 agents, 2 rounds")
    given = parser.parse_args(words)
    agents, rounds = (100_000, 2) if given.quick else (given.agents, given.rounds)
    world = World.create(agents=agents, mean_degree=20, seed=1)
    world.agents.set_community(np.arange(agents) % 20, [f"group {i}" for i in range(20)])
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    yard: Timed | None = None
    if compiler:
        yard = Reference(world, compiler).timed("sir_coins", BETA, GAMMA)
    draws = np.random.default_rng(1)
    seeds = [np.unique(draws.integers(0, agents, agents // 100)) for _ in range(rounds + 1)]
    visits = statistics.median(visited(world, "sir", one, 400)[1] for one in seeds[:2])
    print(f"{agents:,} agents, {world.ties.count:,} ties")
    print(f"{'model':32}{'s':>8}{'visits':>14}{'adopters':>12}{'ns/visit':>10}{'C':>7}{'ratio':>7}")
    for name in (name for name in MODELS if given.only in name):
        rows = []
        for number, one in enumerate(seeds):
            bare = yard(one.astype(np.int32))[0] / visits if yard else float("nan")
            took, seen, size = visited(world, name, one, 40)
            if number:  # the first round compiles
                rows.append((took, seen, size, took / max(seen, 1), bare))
        took, seen, size, each, bare = (statistics.median(c) for c in zip(*rows, strict=True))
        said = f"{name:32}{took:8.3f}{seen:14,.0f}{size:12,.0f}{1e9 * each:10.1f}{1e9 * bare:7.1f}"
        print(f"{said}{each / bare:7.2f}", flush=True)


if __name__ == "__main__":
    main()
