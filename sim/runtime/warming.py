"""Compiling kernels before they are needed, by running each model once in a tiny world."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sim.core.progress import Report, part
from sim.core.registry import spec
from sim.errors import Cancelled, HubbubError
from sim.world.world import World

FIRST_MODELS = ("independent-cascade", "viral", "diffusion", "hybrid")
"""The first models in a list; they are compiled at the start of the screen, others when chosen."""

PLATFORM = "a platform"
"""Stands for a world with a platform among the models to warm."""

WARMED = (*FIRST_MODELS, PLATFORM)

_AGENTS = 300
_KERNELS = {FIRST_MODELS[0]: 42, PLATFORM: 56}
_OTHERS = 12
"""Kernels that a model usually needs, the first of all with those that every world needs."""

_warm: set[str] = set()
_warming = threading.Lock()


def warm(models: Sequence[str] | None, report: Report) -> None:
    """Run models once in a tiny world, so that their kernels are compiled; None: the usual ones."""
    wanted = WARMED if models is None else models
    kernels = [_KERNELS.get(name, _OTHERS) for name in wanted]
    for place, name in enumerate(wanted):
        own = part(report, sum(kernels[:place]) / sum(kernels), kernels[place] / sum(kernels))
        own(f"preparing {name}", 0.0)
        with _warming:
            if name not in _warm:
                _warm.add(name)
                with _compiling(own, name, kernels[place]):
                    _try_out(name)
    report("ready", 1.0)


@contextmanager
def _compiling(report: Report, name: str, expected: int) -> Iterator[None]:
    """Report how many kernels numba compiles for a model while the block runs."""
    from numba.core import event

    class Compiling(event.Listener):
        done = 0

        def on_start(self, _happened: object) -> None:
            with suppress(Cancelled):  # nothing stops in the middle of a kernel
                report(f"compiling {name}", min(0.95, self.done / expected))

        def on_end(self, _happened: object) -> None:
            self.done += 1

    with event.install_listener("numba:compile", Compiling()):
        yield


def _try_out(name: str) -> None:
    """Send a message of a built-in model; the engine guards third-party ones."""
    with suppress(HubbubError):  # an error is reported when the message is sent
        if name == PLATFORM:  # a day, so that ties change and reputation is weighed
            network, feeds = "planted-communities", {"recommender": "blend"}
            World.create(_AGENTS, network=network, mean_degree=8, seed=1, platform=feeds).step(25)
        elif not spec(name).is_foreign:
            world = World.create(_AGENTS, mean_degree=8, seed=1)
            world.inject("hello", seeds=[0], model=name)
            world.step(2)
            _ = world.cascades[0].depth  # in the summary of a run
