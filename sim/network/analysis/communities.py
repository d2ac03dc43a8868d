"""Community detection: Louvain and label propagation on CSR arrays, Leiden through igraph.

All ignore direction: they take both directions of each tie
(see :func:`sim.network.analysis.analysis.undirected`).
"""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from subprocess import PIPE

import numpy as np

from sim.arrays import F64, I32, Ids
from sim.core import rng
from sim.core.progress import Report, quiet
from sim.errors import CapacityError, HubbubError
from sim.network.analysis import communities_kernels as kernels
from sim.network.graph.arcs import chunks, even_chunks

Network = tuple[Ids, Ids, Ids]

LEIDEN_LIMIT = 200_000
"""The largest world for Leiden, in agents: it needs a copy of the network in igraph."""

_BUDGET = 1 << 20  # ties a kernel call: some 20 to 50 ms
_AGENTS = 1 << 16  # agents a kernel call, where calls are split by agents
_LEAST_GAIN = 1e-6
_LEVELS = 64
_ROUNDS = 3  # more rounds bring no gain; fewer leave more and smaller parts, which take memory
_NO_WEIGHTS: Ids = np.empty(0, np.uint32)


class _Round:
    """A queue, in shuffled order, of agents waiting to look at their neighbours."""

    def __init__(self, rows: Ids, label: I32, key: np.uint64) -> None:
        n = len(rows)
        self.queue = np.empty(n, np.uint32)
        kernels.shuffle(key, self.queue)
        self.state = np.array([0, n], np.int64)
        self.waiting = np.ones(n, np.uint8)
        self.label = label.copy()
        self.scratch = (np.empty(int(rows[:, 1].max(initial=0)) + 1, np.int32), np.empty(1))

    @property
    def waiting_share(self) -> float:
        return float(self.state[1]) / max(1, len(self.queue))


def _derived(key: np.uint64, purpose: int) -> np.uint64:
    return np.uint64(rng.words(key, purpose)[0])


def by_size(labels: I32) -> I32:
    """Renumber labels by size, largest first; equal sizes by lowest member."""
    out = labels.copy()
    found = kernels.renumber(out, np.full(len(labels), -1, np.int32))
    order = np.argsort(-np.bincount(out, minlength=found), kind="stable")
    place = np.empty(found, np.int32)
    place[order] = np.arange(found, dtype=np.int32)
    renamed: I32 = place[out]
    return renamed


def modularity(rows: Ids, targets: Ids, labels: I32, report: Report = quiet) -> float:
    """Return the modularity of a division into communities, at most 1.

    Newman & Girvan, "Finding and evaluating community structure in networks", Phys. Rev. E 2004.
    """
    if targets.size == 0:
        return 0.0
    return _quality((rows, targets, _NO_WEIGHTS), rows[:, 1].astype(np.float64), labels, report)


def label_propagation(rows: Ids, targets: Ids, key: np.uint64, report: Report = quiet) -> I32:
    """Return labels int32 (n,); each agent has the label most frequent among its neighbours."""
    turn = _Round(rows, np.arange(len(rows), dtype=np.int32), key)
    link = np.zeros(len(rows), np.int32)
    ring = (turn.queue, turn.state, turn.waiting)
    done = False
    while not done:
        report("passing labels", 1.0 - turn.waiting_share)
        done = kernels.pass_labels(
            rows, targets, key, _BUDGET, *ring, turn.label, link, *turn.scratch
        )
    return by_size(turn.label)


def louvain(rows: Ids, targets: Ids, key: np.uint64, report: Report = quiet) -> I32:
    """Return labels int32 (n,) of communities with high modularity.

    Agents move to the neighbouring community that gains most; communities are split into well-knit
    parts; these become the agents of the next round; until the gain is below 0.000001. Blondel et
    al., "Fast unfolding of communities in large networks", J. Stat. Mech. 2008, with the queue and
    (nearly) the refinement of Traag, Waltman & van Eck, "From Louvain to Leiden", Sci. Rep. 2019:
    without it two large communities occasionally stick together and modularity is 0.01 lower.
    """
    network = (rows, targets, _NO_WEIGHTS)
    strength = rows[:, 1].astype(np.float64)
    part = start = np.arange(len(rows), dtype=np.int32)
    before = -1.0
    for level in range(_LEVELS):
        turn = _Round(network[0], start, _derived(key, level))
        _settle(turn, network, strength, f"joining communities, level {level + 1}", report)
        labels = turn.label if level == 0 else turn.label[part]
        now = _quality(network, strength, turn.label, report)
        if now - before < _LEAST_GAIN:
            break
        before = now
        parts = _parts(turn, network, strength, _derived(key, level), report)
        count = int(parts.max(initial=-1)) + 1
        part = parts if level == 0 else parts[part]
        network = _merged(network, parts, count, report)
        strength = np.bincount(parts, weights=strength).astype(np.float64)
        start = np.empty(count, np.int32)
        start[parts] = turn.label
    return by_size(labels)


def _settle(turn: _Round, network: Network, strength: F64, step: str, report: Report) -> None:
    """Move agents until no move gains; number communities by first appearance."""
    n = len(strength)
    book = np.zeros((n, 2))
    book[:, 0] = np.bincount(turn.label, weights=strength, minlength=n)
    ring = (turn.queue, turn.state, turn.waiting)
    whole = float(strength.sum()) or 1.0
    done = False
    while not done:
        report(step, 1.0 - turn.waiting_share)
        done = kernels.move_agents(
            *network, strength, whole, _BUDGET, *ring, turn.label, book, *turn.scratch
        )
    kernels.renumber(turn.label, np.full(n, -1, np.int32))


def _parts(turn: _Round, network: Network, strength: F64, key: np.uint64, report: Report) -> I32:
    """Return the well-knit parts of communities, numbered by first appearance."""
    n = len(strength)
    label, book = np.arange(n, dtype=np.int32), np.zeros((n, 2))
    book[:, 0] = strength
    whole = float(strength.sum()) or 1.0
    kernels.shuffle(_derived(key, 1), turn.queue)
    turns = [(begin, end) for _ in range(_ROUNDS) for begin, end in chunks(n, _AGENTS)]
    for done, (begin, end) in enumerate(turns):
        report("finding parts of communities", done / len(turns))
        kernels.split_agents(
            *network, strength, whole, turn.label, turn.queue, begin, end, label, book,
            *turn.scratch,
        )  # fmt: skip
    kernels.renumber(label, np.full(n, -1, np.int32))
    return label


def _merged(network: Network, label: I32, count: int, report: Report) -> Network:
    """Return the network of communities: (rows, targets, weights), without self-loops."""
    rows = network[0]
    stops, members = np.zeros(count, np.int64), np.empty(len(rows), np.uint32)
    kernels.gather_members(label, stops, members)
    lengths, link = np.zeros(count, np.int64), np.zeros(count, np.int64)
    touched = np.empty(count, np.int32)
    volume = np.bincount(label, weights=rows[:, 1], minlength=count).astype(np.int64)
    room = network[1].size  # an upper bound; unwritten pages take no memory, the rest is freed
    targets, weights = np.empty(room, np.uint32), np.empty(room, np.uint32)
    used = 0
    for begin, end in even_chunks(np.cumsum(volume)):
        report("merging communities", begin / count)
        used += kernels.merge_communities(
            *network, label, stops, members, begin, end, link, touched, lengths,
            targets[used:], weights[used:],
        )  # fmt: skip
    targets.resize(used, refcheck=False)  # no view is left: the slices ended with the calls
    weights.resize(used, refcheck=False)
    new = np.zeros((count, 2), np.uint32)
    new[:, 1] = lengths
    new[1:, 0] = np.cumsum(lengths)[:-1]
    return new, targets, weights


def _quality(network: Network, strength: F64, label: I32, report: Report) -> float:
    """Return the modularity of communities whose agents are communities themselves."""
    rows, targets, weights = network
    whole = float(strength.sum()) or 1.0
    outside = 0
    for begin, end in even_chunks(rows):
        report("measuring communities", begin / len(rows))
        outside += kernels.outside_weight(rows, targets, weights, label, begin, end)
    total = np.bincount(label, weights=strength) / whole
    return 1.0 - outside / whole - float((total**2).sum())


def leiden(rows: Ids, targets: Ids, seed: int, report: Report = quiet) -> I32:
    """Return labels int32 (n,) of communities by igraph's Leiden algorithm.

    igraph holds the GIL while it works, so it runs in a separate process; the screen
    stays responsive, and cancelling ends it at once. Traag, Waltman & van Eck, Sci. Rep. 2019.
    """
    refuse_leiden(len(rows))
    sent = io.BytesIO()
    header = np.array([len(rows), targets.size, rng.fold(seed)], np.uint64)
    sent.write(header.tobytes() + rows[:, 1].tobytes() + targets.tobytes())
    answer = _answer(Path(__file__).with_name("leiden_process.py"), sent.getvalue(), report)
    return by_size(np.frombuffer(answer, np.int32))


def refuse_leiden(agents: int) -> None:
    """Raise CapacityError for more agents than :func:`leiden` takes."""
    if agents > LEIDEN_LIMIT:
        raise CapacityError(
            f"Leiden works through igraph on up to {LEIDEN_LIMIT:,} agents, this network has "
            f"{agents:,}; use louvain, which has no limit."
        )


def _answer(program: Path, sent: bytes, report: Report) -> bytes:
    """Return the output of a Python program for ``sent``; stop it if ``report`` cancels."""
    command = [sys.executable, "-P", str(program)]
    with (
        subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process,  # noqa: S603 - our own file
        ThreadPoolExecutor(1) as thread,
    ):
        talk = thread.submit(process.communicate, sent)
        try:
            while not talk.done():
                report("leiden in igraph", 0.5)
                wait((talk,), timeout=0.1)
        except BaseException:
            process.kill()
            raise
        out, errors = talk.result()
    if process.returncode:
        last = errors.decode(errors="replace").strip().splitlines()[-1:]
        raise HubbubError(f"Leiden failed in igraph: {' '.join(last) or 'it was stopped'}.")
    return out
