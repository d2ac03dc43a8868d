"""The child process of a plugin test: runs the laws on one plugin, and reports to ``judge``.

:mod:`sim.testing.judge` starts it as ``python -m sim.testing.trial`` and reads one JSON object per
line from a separate pipe: the current step, signs of life, and results.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import psutil

from sim.core.cards import missing
from sim.core.plugin_files import PACKAGE
from sim.core.registry import load_named, load_plugins, names, refuse_off, spec
from sim.core.rooms import die_with_parent
from sim.errors import HubbubError, PluginError, UnknownNameError
from sim.testing import tiny_world
from sim.testing.call_watch import CallWatch
from sim.testing.channel_laws import CHANNEL_LAWS
from sim.testing.mind_laws import MINDS_LAWS
from sim.testing.model_laws import LAWS, sentence
from sim.testing.policy_laws import ACTING_LAWS
from sim.testing.recommender_laws import LAWS_OF, warm
from sim.world.world import World

_BEAT_SECONDS = 0.1
_MOST_BYTES = 2 << 30
"""Address space allowed beyond that of the warmed-up process; a tiny world needs megabytes."""

Tell = Callable[..., None]

LAWS_BY_KIND: dict[str, Mapping[str, Callable[..., object]]] = {
    "propagation": LAWS,
    **LAWS_OF,
    **ACTING_LAWS,
    "mind": MINDS_LAWS,
    "channel": CHANNEL_LAWS,
}


def kinds_of(name: str) -> tuple[str, ...]:
    """Return the kinds with laws under which a plugin with this name is registered."""
    load_plugins()
    found = tuple(kind for kind in LAWS_BY_KIND if name in names(kind))
    if found:
        return found
    refuse_off(name)
    raise UnknownNameError("model", name, [one for kind in LAWS_BY_KIND for one in names(kind)])


class Pipe:
    """Reports to the judge; signs of life are rare enough to cost nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._last = 0.0

    def tell(self, **facts: Any) -> None:
        """Write a line with some facts."""
        os.write(self._descriptor, (json.dumps(facts) + "\n").encode())

    def beat(self) -> None:
        """Report a sign of life: a step ended, and the next one begins."""
        now = time.monotonic()
        if now - self._last > _BEAT_SECONDS:
            self._last = now
            self.tell(event="beat")


def main() -> None:
    """Test the plugin given in ``argv``: (descriptor of the pipe, order as JSON)."""
    pipe = Pipe(int(sys.argv[1]))
    order: dict[str, Any] = json.loads(sys.argv[2])
    faulthandler.register(signal.SIGUSR1)
    die_with_parent()  # a plugin may loop, with no judge left to end it
    _warm(pipe)
    _limit_memory()
    try:
        for called, model in _models(pipe, order):
            _try(pipe, called, model, order)
    except BaseException as error:
        pipe.tell(event="refused", sentence=_said(error, order["what"]))
    pipe.tell(event="end")


def _warm(pipe: Pipe) -> None:
    pipe.tell(event="doing", what="warming up", model="")
    world = tiny_world()
    world.inject("Hello.", seeds=[0, 1], model="independent-cascade")
    world.step(2)
    stepped = World.step

    def step(self: World, ticks: int = 1) -> None:
        for _ in range(ticks):
            pipe.beat()
            stepped(self)

    setattr(World, "step", step)  # noqa: B010 - only in this process


def _limit_memory() -> None:
    """Limit memory, so that a plugin's allocation fails instead of halting the machine."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + _MOST_BYTES
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _models(pipe: Pipe, order: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Import the file, or look up the name; yield (label, spec) of each registered plugin."""
    what = order["what"]
    pipe.tell(event="doing", what="importing", model=what)
    watch = CallWatch(os.path.realpath(what))
    with watch.around_numpy():
        is_place = what.endswith(".py") or what.startswith(PACKAGE)
        if is_place:
            yield from ((model.name, model) for model in load_named(what))
            return
        kinds = kinds_of(what)
        for kind in kinds:
            yield what if len(kinds) == 1 else f"{what} ({kind})", spec(what, kind)


def _try(pipe: Pipe, called: str, model: Any, order: dict[str, Any]) -> None:
    """Check a model against the requested laws; report the first one that it breaks."""
    pipe.tell(event="model", model=called, kind=model.kind, version=model.version)
    laws = _laws(pipe, model)
    if not laws:
        sentence_ = f"Plugin {model.name!r}: there are no laws for the kind {model.kind!r} yet."
        pipe.tell(event="broken", model=called, law="kind", sentence=sentence_)
        return
    kept = []
    for name, law in laws.items():
        if order["laws"] and name not in order["laws"]:
            continue
        pipe.tell(event="doing", what=name, model=called)
        try:
            law(model.cls, order["parameters"])
        except BaseException as error:
            said = sentence(error, model.name, model.cls)
            pipe.tell(event="broken", model=called, law=name, sentence=said)
            return
        kept.append(name)
    pipe.tell(event="kept", model=called, laws=kept, lacks=missing(model.cls))


def _laws(pipe: Pipe, model: Any) -> Mapping[str, Callable[..., object]]:
    """Return the laws of the model's kind by name; compile platforms first if it uses them."""
    if model.kind not in {"propagation", "channel"}:
        pipe.tell(event="doing", what="warming up", model="")
        warm()
    return LAWS_BY_KIND.get(model.kind, {})


def _said(error: BaseException, what: str) -> str:
    if isinstance(error, HubbubError):
        return str(error)
    reason = f": {error}" if str(error) else ""
    return str(PluginError(what, f"raised {type(error).__name__} while it was imported{reason}"))


if __name__ == "__main__":
    main()
