"""Nanoseconds per edge visit of every contact-based model, beside C: ``python -m bench.visits``.

A million agents, 20 million ties, 1 % random seeds, at most 40 ticks; preferential attachment, and
small planted circles for models that go by communities, which die at once where neighbours share no
listeners.

A visit is one tie weighed for one listener in one tick, whether a coin is tossed for it or a gap
passes over it, and whether or not its listener can still be reached:

- who speaks over every tie: all ties of those who speak in the tick, also in cascades along
  closeness, whatever was compared for a tie; states before and after a message are no visits;
- thresholds and whatever is heard in sum: all ties of each agent that changed, once, when it is
  heard; what is asked of listeners afterwards, tick by tick, counts in the time alone;
- messages that exclude one another: the sum over the messages;
- calls of one tie: one for each spreader that has a listener, in each tick, also where it calls
  nobody; each listener that is won is written down, sorted and logged for one to four visits only,
  where other models spread that over twenty;
- in continuous time: a tie over which somebody speaks for a tick, part of a tick counting in part.
  Time has no unit of its own there: rates ten times lower in ten times the ticks are the same
  chain, with ten times the visits. So the models whose default rates make a visit dear (a tie, or a
  caller, rings up to 0.6 times a tick) run with the yardstick's 0.05 rings a visit, for as many
  more ticks; and once more at their default rates, which says what a visit costs then.

The first round makes what is made once (compiled kernels; masks of small communities, some 0.1 s)
and is left out.

The yardstick is susceptible-infected-recovered in ``reference.c`` with a coin for each visit. It
runs right before each model, on the same network from the same seeds, and a ratio is the median of
those of the rounds; the bar is 2.5. Times are processor time of the one thread.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.models import BETA, GAMMA, Reference, Timed
from sim import World

BAR = 2.5
"""The most that a visit may cost, in visits of C."""

TICKS = 40
"""How long a cascade runs at most."""

CIRCLES = "circles"
HUBS = "hubs"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a model, how it is told to run, and on which network."""

    model: str
    network: str = HUBS
    variant: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    ticks: int = TICKS

    @property
    def name(self) -> str:
        """The model and its variant."""
        return f"{self.model} {self.variant}".strip()


def row(name: str, network: str = HUBS, ticks: int = TICKS, **options: Any) -> Row:
    """Return a row; what follows the first word of the name is a variant."""
    model, _, variant = name.partition(" ")
    return Row(model, network, variant, options, ticks)


def slowed(name: str, by: float, **rates: float) -> Row:
    """Return a row of the same chain in a smaller unit of time: rates are divided by ``by``."""
    slower: dict[str, Any] = {rate: at / by for rate, at in rates.items()}
    return row(name, ticks=int(TICKS * by), **slower)


DEFAULT = "default rates"
"""The variant of a row in continuous time that is not run in the yardstick's unit of time."""
SWIR = {"kappa": 0.1, "mu": 0.3, "nu": 0.6, "gamma": 1.0}
SIHR = {"spread": 0.1, "refuse": 0.02, "alpha": 0.05, "delta": 0.1, "xi": 0.05, "eta": 0.05}


ROWS = (
    row("si", draws="coins"),
    row("sis"),
    row("sir", beta=BETA, gamma=GAMMA, draws="coins"),
    row("sirs"),
    row("sird"),
    row("seir"),
    row("seis"),
    row("swir"),
    row("sair"),
    row("sveir"),
    row("sihr"),
    row("sir-durations"),
    row("seir-durations"),
    row("seis-durations"),
    row("sis-durations"),
    row("utldr"),
    row("independent-cascade", draws="coins"),
    row("independent-cascade trivalency", weights="trivalency"),
    row("novelty-decay"),
    row("icp", CIRCLES, probability=0.2),
    row("ice", CIRCLES),
    row("icep", CIRCLES, probability=0.2),
    row("time-decay"),
    row("continuous-cascade", probability=0.1),
    row("triggering", sets="independent"),
    row("linear-threshold"),
    row("watts", phi=0.1),
    row("centola-macy"),
    row("general-threshold"),
    row("generalised-threshold", threshold=0.1),
    row("kertesz", threshold=0.1),
    row("profile"),
    row("profile-threshold"),
    row("maki-thompson"),
    row("k-fold-stifling"),
    row("daley-kendall"),
    row("nekovee-moreno"),
    row("sihr-rumour"),
    row("hoax"),
    row("forest-fire"),
    row("diffusion", rate=0.05),
    row("competitive-cascade", draws="coins"),
    row("competitive-threshold"),
    row("competitive-threshold separate", rule="separate"),
    row("competitive-continuous"),
    row("si-continuous"),
    row("sis-continuous"),
    row("sir-continuous"),
    row("sirs-continuous"),
    row("sird-continuous"),
    row("seir-continuous"),
    row("seis-continuous"),
    slowed("swir-continuous", 12, **SWIR),
    row(f"swir-continuous {DEFAULT}"),
    row("sair-continuous"),
    row("sveir-continuous"),
    row("sihr-continuous"),
    slowed("maki-thompson-continuous", 10, call=0.5),
    row(f"maki-thompson-continuous {DEFAULT}"),
    slowed("k-fold-stifling-continuous", 10, call=0.5),
    row(f"k-fold-stifling-continuous {DEFAULT}"),
    row("daley-kendall-continuous"),
    row("nekovee-moreno-continuous"),
    slowed("sihr-rumour-continuous", 2.4, **SIHR),
    row(f"sihr-rumour-continuous {DEFAULT}"),
)
"""Parameters under which a large part of the network takes part."""


def made(network: str, agents: int) -> World:
    """Return one of the two networks."""
    if network == HUBS:
        return World.create(agents=agents, mean_degree=20, seed=1)
    return World.create(
        agents=agents, network="planted-communities", mean_degree=20, seed=1, mixing=0.1,
        degree_exponent=0.0, smallest=20, largest=60,
    )  # fmt: skip


def visited(world: World, given: Row, seeds: Any, ticks: int) -> tuple[float, int, int]:
    """Run one cascade, or two rivals; returns seconds, visits and adopters."""
    camps = np.array_split(seeds, 2) if given.model.startswith("competitive") else [seeds]
    began = time.thread_time()
    stories = [world.inject("x", seeds=c, model=given.model, **given.options) for c in camps]
    for _ in range(ticks):
        world.step()
        if not any(story.alive for story in stories):
            break
    took = time.thread_time() - began
    world.cascades.clear()
    return took, sum(s.contacts_seen for s in stories), sum(s.size for s in stories)


TWINS: dict[str, tuple[str, tuple[float, ...]]] = {
    "linear-threshold": ("threshold", ()),
    "competitive-threshold": ("rival_thresholds", ()),
    "competitive-threshold separate": ("separate_thresholds", ()),
    "profile-threshold": ("tastes", (0.1, 0.2, 0.1, TICKS)),
    "ice": ("closeness", (-1.0,)),
    "icep": ("closeness", (0.2 * 0.3,)),
    "maki-thompson": ("calls", (0.5, 1, TICKS)),
    "k-fold-stifling": ("calls", (0.5, 2, TICKS)),
    "maki-thompson-continuous": ("calls_in_time", (0.05, 10 * TICKS)),
    f"maki-thompson-continuous {DEFAULT}": ("calls_in_time", (0.5, TICKS)),
    "k-fold-stifling-continuous": ("tiring_in_time", (0.05, 10 * TICKS)),
    f"k-fold-stifling-continuous {DEFAULT}": ("tiring_in_time", (0.5, TICKS)),
    "sir-continuous": ("rings", (0.05, 0.0, 0.0, 0.2, TICKS)),
    "swir-continuous": ("rings", (0.1 / 12, 0.3 / 12, 0.6 / 12, 1.0 / 12, 12 * TICKS)),
    f"swir-continuous {DEFAULT}": ("rings", (0.1, 0.3, 0.6, 1.0, TICKS)),
    "nekovee-moreno-continuous": ("forgetting", (0.1, 0.05, 0.05, TICKS)),
    "sihr-rumour-continuous": ("remembering", (*(rate / 2.4 for rate in SIHR.values()), 96)),
    f"sihr-rumour-continuous {DEFAULT}": ("remembering", (*SIHR.values(), TICKS)),
}
"""By row: the function of ``twins.c`` that goes by the same law, and its chances or rates."""


class Twins(Reference):
    """``twins.c`` over a network."""

    def __init__(self, world: World, compiler: str) -> None:
        super().__init__(world, compiler, "twins.c")
        self._labels = world.agents.community.astype(np.int32)
        self._calls.label(ctypes.c_void_p(self._labels.ctypes.data))


def verdict(ratio: float, least: float) -> str:
    """Return what is said of a row: its ratio, and that of C by the same law (NaN: no twin)."""
    if ratio <= BAR:
        return "within"
    if np.isnan(ratio):
        return "no C"
    if least > BAR:
        return f"memory-bound: C itself needs {least:.1f} x"
    return "over" if np.isnan(least) else f"over: C itself needs {least:.1f} x"


def compare(world: World, rows: list[Row], rounds: int) -> list[str]:
    """Print a line for each row; returns the names of those over the bar."""
    agents, over = len(world.agents), []
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    yard: Timed | None = None
    twins: Twins | None = None
    if compiler:
        yard = Reference(world, compiler).timed("sir_coins", BETA, GAMMA)
        twins = Twins(world, compiler)
    draws = np.random.default_rng(1)
    seeds = [np.unique(draws.integers(0, agents, agents // 100)) for _ in range(rounds + 1)]
    sir = row("sir", beta=BETA, gamma=GAMMA, draws="coins")
    visits = statistics.median(visited(world, sir, one, 400)[1] for one in seeds[:2])
    for given in rows:
        name, chances = TWINS.get(given.name, ("", ()))
        twin = twins.timed(name, *chances) if twins and name else None
        seen = []
        for number, one in enumerate(seeds):
            bare = 1e9 * yard(one.astype(np.int32))[0] / visits if yard else float("nan")
            took, ties, size = visited(world, given, one, given.ticks)
            other, reached = twin(one.astype(np.int32)) if twin else (float("nan"), 0)
            each = 1e9 * took / max(ties, 1)
            if number:  # the first round compiles
                least = 1e9 * other / max(ties, 1) / bare
                seen.append(
                    (took, ties, size, each, bare, each / bare, took / other, reached, least)
                )
        took, ties, size, each, bare, ratio, of_twin, reached, least = (
            statistics.median(column) for column in zip(*seen, strict=True)
        )
        over += [given.name] if ratio > BAR else []
        said = f"{given.name:40}{took:8.3f}{ties:14,.0f}{size:12,.0f}"
        said += f"{each:10.1f}{bare:7.1f}{ratio:7.2f}"
        beside = f"{of_twin:9.2f}{reached:12,.0f}" if twin else " " * 21
        print(f"{said}{beside}  {verdict(ratio, least)}", flush=True)
    return over


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--quick", action="store_true", help="100,000 agents, 2 rounds")
    given = parser.parse_args(words)
    agents, rounds = (100_000, 2) if given.quick else (given.agents, given.rounds)
    print(
        f"{'model':40}{'s':>8}{'visits':>14}{'adopters':>12}{'ns/visit':>10}{'C':>7}{'ratio':>7}"
        f"{'of twin':>9}{'reached':>12}"
    )
    over: list[str] = []
    for network in (HUBS, CIRCLES):
        rows = [one for one in ROWS if given.only in one.name and one.network == network]
        if rows:
            world = made(network, agents)
            print(f"{network}: {agents:,} agents, {world.ties.count:,} ties")
            over += compare(world, rows, rounds)
    print(f"Over {BAR}: {', '.join(over) or 'none'}.")


if __name__ == "__main__":
    main()
