"""Yardsticks of the source: its files, folders, functions, and how they hang together.

``make house`` prints each beside its limit in ``tests/rooms/limits.toml``; ``--check`` fails when
one is exceeded, ``--journeys`` also counts the files that a tick of sir, a platform's tick, a key
and a mind's decision pass, and ``--draw`` writes ``sim/rooms.svg``.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import networkx as nx

from tests.rooms.drawing import drawn

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("hubbub", "sim", "tui", "plugins")
DRAWING = ROOT / "sim" / "rooms.svg"
LIMITS = ROOT / "tests" / "rooms" / "limits.toml"

_COMPILED = ("kernel", "lean", "inlined")


def files() -> dict[str, Path]:
    """Return every module of the product by its dotted name."""
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imports(modules: dict[str, Path], trees: dict[str, ast.Module]) -> nx.DiGraph:
    """Return who imports whom, wherever the import stands: in functions and for types too."""

    def known(name: str) -> str | None:
        while name and name not in modules:
            name = name.rpartition(".")[0]
        return name or None

    graph = nx.DiGraph()
    graph.add_nodes_from(modules)
    for name, tree in trees.items():
        for node in ast.walk(tree):
            named: list[str] = []
            if isinstance(node, ast.Import):
                named = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                named = [f"{node.module}.{each.name}" for each in node.names]
            for each in filter(None, map(known, named)):
                if each != name:
                    graph.add_edge(name, each)
    return graph


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_kernel(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(each) in _COMPILED for each in node.decorator_list)


def share(sizes: list[int], part: float) -> int:
    return sorted(sizes)[min(len(sizes) - 1, int(part * len(sizes)))]


def read() -> tuple[dict[str, Path], dict[str, ast.Module], nx.DiGraph]:
    """Return the modules, their trees, and who imports whom."""
    modules = files()
    trees = {name: ast.parse(path.read_text()) for name, path in modules.items()}
    return modules, trees, imports(modules, trees)


def circles(graph: nx.DiGraph) -> list[set[str]]:
    """Return the modules that import each other, directly or through others; the largest first."""
    found = [set(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    return sorted(found, key=lambda part: (-len(part), min(part)))


def namesakes(trees: dict[str, ast.Module]) -> dict[str, list[str]]:
    """Return the public class names that stand more than once, and where.

    A widget's own messages are left out: Textual has them said with the widget's name before them
    (``Form.Changed``).
    """
    places: dict[str, list[str]] = defaultdict(list)
    for module, tree in trees.items():
        messages = _messages(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node not in messages:
                places[node.name].append(f"{module}:{node.lineno}")
    return {
        name: sorted(at)
        for name, at in sorted(places.items())
        if len(at) > 1 and not name.startswith("_")
    }


def _messages(tree: ast.Module) -> set[ast.ClassDef]:
    """Return the messages of widgets: those within a class that derive from Textual's Message."""
    found = set()
    for node in ast.walk(tree):
        kinds = {"Message"}
        for each in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(each, ast.ClassDef) and kinds & set(map(ast.unparse, each.bases)):
                kinds.add(each.name)
                found.add(each)
    return found


def figures() -> dict[str, Any]:
    """Return the yardsticks that can be read off the text."""
    modules, trees, graph = read()
    texts = {name: path.read_text() for name, path in modules.items()}
    folders = Counter(str(path.parent.relative_to(ROOT)) for path in modules.values())
    sizes, most, inside = [], 0, Counter[str]()
    for name, tree in trees.items():
        for each in functions(tree):
            sizes.append((each.end_lineno or each.lineno) - each.lineno + 1)
            if is_kernel(each):
                takes = each.args.posonlyargs + each.args.args + each.args.kwonlyargs
                most = max(most, len(takes))
            if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(each)):
                inside[_room(name)] += 1
    lines = {name: text.count("\n") for name, text in texts.items()}
    rooms = Counter(map(_room, modules))
    return {
        "lines of the product": sum(lines.values()),
        "files of the product": len(modules),
        "lines of tests": sum(p.read_text().count("\n") for p in (ROOT / "tests").rglob("*.py")),
        "functions that import inside": inside.total(),
        "lines of tui": sum(lines[name] for name in modules if _room(name) == "tui"),
        "modules in circles of imports": sum(map(len, circles(graph))),
        "most parameters of a kernel": most,
        "public class names that stand more than once": len(namesakes(trees)),
        "largest folders": dict(folders.most_common(6)),
        "lines of a function (median, p90, p99)": [share(sizes, part) for part in (0.5, 0.9, 0.99)],
        "functions that import inside, by room": dict(inside.most_common()),
        "files of each room": dict(rooms.most_common()),
    }


def _room(module: str) -> str:
    """Return the room of a module: a package of sim, tui, plugins."""
    return "/".join(module.split(".")[: 2 if module.startswith("sim.") else 1])


class Journey:
    """The files of the product that are passed while it lasts, in each thread that takes part."""

    def __init__(self) -> None:
        self._met: set[str] = set()

    def join(self, *_ignored: object) -> None:
        """Look at this thread from now on."""
        sys.setprofile(self._seen)

    def leave(self, *_ignored: object) -> None:
        """Look at this thread no more."""
        sys.setprofile(None)

    def _seen(self, frame: FrameType, event: str, _value: object) -> None:
        if event == "call":
            self._met.add(frame.f_code.co_filename)

    @property
    def files(self) -> int:
        """How many were passed."""
        rooms = tuple(str(ROOT / room) + os.sep for room in ROOMS)
        return sum(file.startswith(rooms) for file in self._met)


def passed(travel: Callable[[], object]) -> int:
    """Return how many files of the product have a function that is called on the way."""
    journey = Journey()
    journey.join()
    travel()
    journey.leave()
    return journey.files


def journeys() -> dict[str, int]:
    """Return the files that each of four journeys passes, kernels as plain Python."""
    from sim import Thinker, World
    from tests.unit.runtime.minds_world import Script, minded, run

    world = World.create(200, mean_degree=6, seed=1)
    world.inject("Hello.", seeds=[0, 1, 2], model="sir")
    living = World.create(200, mean_degree=6, seed=1, platform={"posting": 0.5, "rhythm": "flat"})
    for each in (world, living):
        each.step(3)
    thinking = minded("model", members=3)
    thinker = Thinker(Script(lambda ask: '{"acts": [{"act": "do nothing"}]}'))
    run(thinking, thinker, 2)
    thinking.step(1)
    return {
        "files that a tick of sir passes": passed(lambda: world.step(1)),
        "files that a tick of a platform passes": passed(lambda: living.step(1)),
        "files from the key . to paint": asyncio.run(_key()),
        "files that a mind's decision passes": passed(lambda: thinker.think(thinking)),
    }


async def _key() -> int:
    """Press ``.`` on the demo world until the next tick is painted; thrice, as timers run too."""
    from tests.screens.test_app import frame_of, seen, until
    from tests.screens.test_app_real import hubbub

    found = []
    with TemporaryDirectory() as folder:
        async with hubbub(Path(folder)) as (app, pilot):
            await until(pilot, lambda: "7,624 members" in seen(app))
            for _ in range(3):
                journey, tick = Journey(), frame_of(app).tick
                await app.simulation.call(journey.join)
                journey.join()
                await pilot.press("full_stop")
                await until(pilot, lambda tick=tick: frame_of(app).tick == tick + 1)
                await pilot.pause()
                journey.leave()
                await app.simulation.call(journey.leave)
                found.append(journey.files)
    return min(found)


def exceeded(found: dict[str, Any]) -> list[str]:
    """Return a sentence for each figure above its limit."""
    limits = tomllib.loads(LIMITS.read_text())
    return [
        f"{name}: {found[name]:,}, the limit is {limit:,}. Delete something; no limit is raised."
        for name, limit in limits.items()
        if name in found and found[name] > limit
    ]


def main() -> int:
    """Print the figures beside their limits, a line each; or draw the rooms."""
    if "--draw" in sys.argv:
        DRAWING.write_text(drawn(read()[2], ROOT))
        return 0
    found = figures()
    if "--journeys" in sys.argv:
        found |= journeys()
    limits = tomllib.loads(LIMITS.read_text())
    for name, value in found.items():
        limit = f" (limit {limits[name]:,})" if name in limits else ""
        sys.stdout.write(f"{name}: {json.dumps(value)}{limit}\n")
    faults = exceeded(found) if "--check" in sys.argv else []
    sys.stderr.write("".join(f"{each}\n" for each in faults))
    return bool(faults)


if __name__ == "__main__":
    if "--journeys" in sys.argv and os.environ.get("NUMBA_DISABLE_JIT") != "1":
        again = [sys.executable, "-m", "tests.rooms.house", *sys.argv[1:]]
        sys.exit(subprocess.call(again, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}))
    sys.exit(main())
