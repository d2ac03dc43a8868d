"""An ensemble on two workers against two plain processes that run half of it each, side by side.

Run: ``python -m bench.ensembles [--agents N] [--replicates N] [--rounds N]``. The plain processes
run the same replicates in a loop, without joblib, chunks or a results file; they are the ideal.
"up": workers and processes have started and run once; "cold": both start. Bar: 1.15 up. Memory is
what the workers hold of their own and their share of what is mapped (PSS); bar: the world and 150
MB a worker.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from sim import World
from sim.lab.runs import Messages, experiment_now
from sim.lab.runs.replicate import BaseFile

PROGRAM = Messages([{"text": "The bridge is closed.", "model": "independent-cascade"}])
PLAIN = """
import pickle, sys, time
from sim.lab.runs.replicate import opened
from sim.lab.runs.replicate import Run, run_one
file, program, seeds = pickle.load(open(sys.argv[1], "rb"))
base = opened(file)
run_one(base, program, -1, Run(1000))
print("up", flush=True)
sys.stdin.readline()
began = time.perf_counter()
for seed in seeds:
    run_one(base, program, seed, Run(1000)).packed()
print(time.perf_counter() - began, flush=True)
"""


def plain(file: BaseFile, replicates: int) -> tuple[float, float]:
    """Return seconds of two processes (up, cold) for half of the replicates each."""
    with tempfile.TemporaryDirectory() as folder:
        processes = []
        began = time.perf_counter()
        for first in (0, 1):
            said = Path(folder) / f"{first}"
            said.write_bytes(pickle.dumps((file, PROGRAM, list(range(first, replicates, 2)))))
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", PLAIN, str(said)],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        started = time.perf_counter() - began
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        own = max(float(process.communicate()[0]) for process in processes)
    return own, own + started


class Memory:
    """The most that workers hold at once, looked at ten times a second."""

    def __init__(self) -> None:
        self.most, self._is_over = 0, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(0.1):
            held = 0
            for child in psutil.Process().children():
                try:
                    if any("popen_loky" in word for word in child.cmdline()):
                        held += child.memory_full_info().pss
                except psutil.Error:
                    continue
            self.most = max(self.most, held)


def ensemble(world: World, replicates: int) -> float:
    """Return the seconds that an ensemble takes."""
    began = time.perf_counter()
    experiment_now(world, [PROGRAM], range(replicates), workers=2)
    return time.perf_counter() - began


def main() -> None:
    """Print the ratios of each round, and the memory."""
    words = argparse.ArgumentParser()
    words.add_argument("--agents", type=int, default=100_000)
    words.add_argument("--mean-degree", type=float, default=10)
    words.add_argument("--replicates", type=int, default=400)
    words.add_argument("--rounds", type=int, default=3)
    asked = words.parse_args()
    world = World.create(agents=asked.agents, mean_degree=asked.mean_degree, seed=1)
    file = BaseFile.write(world)
    ratios = []
    with Memory() as memory:
        for turn in range(asked.rounds):
            up, cold = plain(file, asked.replicates)
            if turn == 0:
                ours = ensemble(world, asked.replicates)
                print(f"cold: {ours:.2f} s of {cold:.2f} s, {ours / cold:.2f} of the ideal")
            ours = ensemble(world, asked.replicates)
            ratios.append(ours / up)
            print(
                f"up: {ours:.2f} s of {up:.2f} s, {ours / up:.2f} of the ideal; "
                f"{asked.replicates / ours:.0f} replicates a second"
            )
    file.remove()
    bar = world.nbytes + 2 * 150_000_000
    print(f"median {statistics.median(ratios):.2f} (bar 1.15)")
    print(f"memory of two workers {memory.most / 1e6:.0f} MB (bar {bar / 1e6:.0f} MB)")


if __name__ == "__main__":
    main()
