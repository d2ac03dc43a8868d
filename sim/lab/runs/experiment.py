"""The experiment: run every program on copies of one world, once per seed."""

from __future__ import annotations

import functools
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

import sim
from sim.core.checks import LAST_TICK, whole_number
from sim.core.progress import Report, quiet
from sim.core.registry import foreign
from sim.core.text import one_line
from sim.errors import InputError, PluginError
from sim.lab.background import awaited
from sim.lab.runs.measures import Measure
from sim.lab.runs.replicate import BaseFile, Replicate, Run
from sim.lab.runs.results import FORMAT, Key, Records, ResultsFile, in_turn, refusing
from sim.lab.runs.workers import (
    BACKENDS,
    Chunk,
    Done,
    WorkerConfig,
    WorkerDied,
    carried_out,
    carry_out,
    require,
)
from sim.runtime.engine.run_control import Program
from sim.scenario.plan import at_rest
from sim.scenario.sections import SEEDS
from sim.settings.settings import current

if TYPE_CHECKING:
    from sim.world.world import World


@dataclass(frozen=True, eq=False)
class Messages:
    """A program that injects messages at once and lets them run.

    Parameters
    ----------
    messages
        Keyword arguments of :meth:`World.inject`; without ``seeds``, the ten agents with most
        listeners are the seeds; without ``model``, the default of the settings is used.
    name
        Name of the arm.
    until_quiet
        Whether a run ends as soon as nothing can change any more.

    Raises
    ------
    InputError
        For an invalid message.

    Examples
    --------
    >>> from hubbub import World
    >>> world = World.create(agents=200, mean_degree=4, seed=1)
    >>> Messages([{"text": "The bridge is closed.", "seeds": [0], "model": "si"}]).begin(world)
    >>> world.cascades[0].text
    'The bridge is closed.'
    """

    messages: Sequence[Mapping[str, Any]] = ()
    name: str = "run"
    until_quiet: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", tuple(messages_of(self.messages)))

    def facts(self) -> Mapping[str, Any]:
        """Return the messages as they are injected."""
        return {
            "kind": "messages",
            "messages": [_complete(said) for said in self.messages],
            "until_quiet": self.until_quiet,
        }

    def begin(self, world: World) -> None:
        """Inject the messages."""
        for said in self.messages:
            world.inject(**_complete(said))

    def before(self, world: World, done: int) -> None:
        """Do nothing: everything is injected at the beginning."""

    def is_over(self, world: World, done: int) -> bool:
        """Whether nothing can change any more, if the run ends then."""
        return self.until_quiet and at_rest(world)


def messages_of(said: object) -> list[dict[str, Any]]:
    """Return messages, given as one text, one mapping, or a sequence of both."""
    parts = [said] if isinstance(said, str | Mapping) else said
    if not isinstance(parts, Sequence):
        raise InputError(f"Messages are texts or mappings with a text, got {said!r:.60}.")
    found = []
    for part in parts:
        message = {"text": part} if isinstance(part, str) else part
        if not isinstance(message, Mapping) or not isinstance(message.get("text"), str):
            raise InputError(f'A message is a text or {{"text": ..., ...}}, got {part!r:.60}.')
        found.append(dict(message))
    return found


def _complete(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message, adding the default model and seeds if it names none."""
    message = {"seeds": SEEDS, **said}
    if "model" not in message:
        message["model"] = current().model
    return message


MOST_TICKS = 1000
"""Maximum ticks of a run without any other end."""

_CHUNK_SECONDS = 0.25
"""Target duration of a chunk: long enough for the cost of handing it over to be negligible."""
_DEATHS = 3
Part = tuple[Key, Program, int]
_LARGEST_SEED = 2**63 - 1
MOST_REPLICATES = 1_000_000
"""Their seeds are listed before the first replicate runs."""


@dataclass(frozen=True)
class ExperimentProgress:
    """The progress of an experiment.

    Attributes
    ----------
    finished, total
        Numbers of replicates.
    seconds_left
        Estimated from the speed so far; None until the first is finished.
    records
        Returns the finished replicates, at any time.
    """

    finished: int
    total: int
    seconds_left: float | None
    records: Callable[[], Records]


def seeds_from(first: int, replicates: int) -> tuple[int, ...]:
    """Return the seeds of ``count`` replicates: the first, and those that follow it."""
    many = whole_number(replicates, "Replicates", low=1, high=MOST_REPLICATES)
    return tuple(range(first, first + many))


def experiment_now(
    base: World | Sequence[Sequence[World]],
    programs: Sequence[Program],
    seeds: Sequence[int],
    *,
    ticks: int = MOST_TICKS,
    measures: Mapping[str, Measure] | None = None,
    series: Mapping[str, Measure] | None = None,
    workers: int = 2,
    backend: str = "loky",
    into: str | Path | None = None,
    resume: bool = False,
    report: Report = quiet,
    follow: Callable[[ExperimentProgress], object] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Records:
    """Run every program once per seed, each on a fresh copy of a world.

    A seed gives the same draws under every program (common random numbers), and the result
    is the same for any number of workers, any backend, and any number of resumptions.

    Parameters
    ----------
    base
        A world, not changed; or, by program, the worlds that its replicates start from in turn:
        replicate r of program p runs on a copy of ``base[p][r % len(base[p])]``.
    programs
        One for each arm, with distinct names (:class:`~sim.lab.runs.experiment.Program`).
    seeds
        Distinct integers; one replicate for each.
    ticks
        Maximum ticks of a run, at least 0; its program may end it earlier.
    measures, series
        In addition to :data:`~sim.lab.runs.measures.MEASURES` and
        :data:`~sim.lab.runs.measures.SERIES`, by name: picklable functions of the world,
        called at the end of a run and after each of its ticks.
    workers
        Number of replicates that run in parallel, at least 1.
    backend
        ``"loky"``: processes on this machine; ``"threading"``; ``"ray"`` and ``"dask"``: a cluster,
        that of ``RAY_ADDRESS`` or of the current client, else one started here.
    into
        A file to which each replicate is written as soon as it is finished; None: no file.
    resume
        Whether to resume an existing file: only missing replicates run.
    report
        Called with the progress; may raise to cancel: what is finished is in the file.
    follow
        Called with the progress in numbers whenever replicates are finished; on resuming a file,
        also called first with what it held.
    notes
        Further values to store in the file, by name; they must fit JSON, and are not compared when
        a file is resumed.

    Returns
    -------
    Records

    Raises
    ------
    InputError, FileError, PluginError, UnknownNameError, ParameterError
        One sentence; what is finished is in the file.

    Examples
    --------
    >>> from hubbub import World
    >>> from sim.lab.runs import Messages, experiment
    >>> world = World.create(agents=300, mean_degree=4, seed=1)
    >>> rumour = {"text": "The bridge is closed.", "model": "independent-cascade"}
    >>> programs = [Messages([rumour | {"probability": p}], f"p={p}") for p in (0.1, 0.4)]
    >>> found = experiment_now(world, programs, [1, 2, 3], workers=1)
    >>> found.runs["size"].shape
    (6,)
    >>> bool((found.values("size", "p=0.4") >= found.values("size", "p=0.1")).all())
    True
    """
    _vet(programs, seeds, ticks, workers, backend)
    own, each_tick = dict(measures or {}), dict(series or {})
    names, numbers = tuple(program.name for program in programs), tuple(map(int, seeds))
    run = Run(ticks, own, each_tick)
    bases = [[base]] * len(programs) if not isinstance(base, Sequence) else base
    _vet_bases(bases, len(programs))
    with ExitStack() as stack:
        report("copying the world", 0.0)
        laid = _Bases(bases, stack)
        study = _study(laid.digests, programs, numbers, run, laid.facts)
        path = None if into is None else Path(into)
        agents = len(bases[0][0].agents)
        told = {"agents": agents, **(notes or {})}
        kept = stack.enter_context(ResultsFile(path, study, resume=resume, notes=told))

        def records() -> Records:
            rows = list(kept.replicates(len(names), len(numbers)))
            with refusing(path or Path(":memory:")):
                found = {key: Replicate.unpacked(data) for key, data in rows}
            return Records(names, numbers, agents, found, in_turn(bases, len(numbers)))

        total = len(names) * len(numbers)
        done = kept.done()
        todo = [
            (key, programs[key[0]], numbers[key[1]])
            for key in ((p, r) for r in range(len(numbers)) for p in range(len(names)))
            if key not in done
        ]
        if follow is not None and done:
            follow(ExperimentProgress(total - len(todo), total, None, records))
        if todo:
            if backend == "ray":
                laid.lend(workers)
            work = _Work(laid.of, run, kept, todo, total, report, follow, records)
            work.carry_out(workers, backend)
        return records()


experiment = awaited(experiment_now)


class _Bases:
    """The base worlds, each written to disk once, even if several programs share it."""

    def __init__(self, bases: Sequence[Sequence[World]], stack: ExitStack) -> None:
        self._laid: dict[int, BaseFile] = {}
        self._places = [[id(world) for world in worlds] for worlds in bases]
        for world in (world for worlds in bases for world in worlds):
            if id(world) not in self._laid:
                laid = BaseFile.write(world)
                stack.callback(laid.remove)
                self._laid[id(world)] = laid

    @property
    def digests(self) -> str | list[list[str]]:
        """The identity of these worlds: one digest, or the digests of each program's worlds."""
        if len(self._laid) == 1:
            return next(iter(self._laid.values())).digest
        return [[self._laid[place].digest for place in places] for places in self._places]

    @property
    def facts(self) -> list[dict[str, Any]]:
        """The part of each world that is not a column; fits JSON."""
        return [laid.meta for laid in self._laid.values()]

    def lend(self, workers: int) -> None:
        """Make the columns available to every machine of the cluster."""
        self._laid = {place: _lent(laid, workers) for place, laid in self._laid.items()}

    def of(self, key: Key) -> BaseFile:
        """Return the base that a replicate starts from."""
        places = self._places[key[0]]
        return self._laid[places[key[1] % len(places)]]


def _vet_bases(bases: Sequence[Sequence[World]], programs: int) -> None:
    if len(bases) != programs or not all(bases):
        raise InputError(
            f"Each program begins from one world or more; got those of {len(bases)} for "
            f"{programs} programs."
        )


def _lent(laid: BaseFile, workers: int) -> BaseFile:
    """Put the columns into the cluster's object store, with one copy on each machine."""
    require("ray", workers)
    import ray

    meta, columns = laid.map()
    return BaseFile(laid.folder, laid.digest, (ray.put((meta, columns)),))


class _Work:
    """The remaining replicates, handed out in chunks, and their results."""

    def __init__(
        self,
        base_of: Callable[[Key], BaseFile],
        run: Run,
        kept: ResultsFile,
        todo: Sequence[tuple[Key, Program, int]],
        total: int,
        report: Report,
        follow: Callable[[ExperimentProgress], object] | None,
        records: Callable[[], Records],
    ) -> None:
        self._base_of, self._run, self._kept = base_of, run, kept
        self._todo, self._total = {part[0]: part for part in todo}, total
        self._report, self._follow, self._records = report, follow, records
        self._at_once = len(todo)
        self._seconds: float | None = None
        self._began = time.perf_counter()
        self._told = ""

    def carry_out(self, workers: int, backend: str) -> None:
        """Run all replicates; a killed worker loses only its current chunk."""
        deaths, around = 0, WorkerConfig.here(backend)
        while self._todo:
            before = len(self._todo)
            try:
                self._look()
                for done in carried_out(
                    self._chunks(workers, around), workers, backend, self._look, carry_out
                ):
                    self._take(done)
            except WorkerDied:
                self._seconds = None  # one at a time again, so that the next loss is small
                deaths = deaths + 1 if len(self._todo) == before else 0
                if deaths >= _DEATHS:
                    raise PluginError(*self._last_words()) from None

    def _last_words(self) -> tuple[str, str]:
        (_, number), program, _ = next(iter(self._todo.values()))
        return program.name, (
            f"workers ended {_DEATHS} times before replicate {number} or one beside it was "
            "finished; where memory is short, ask for fewer workers"
        )

    def _chunks(self, workers: int, around: WorkerConfig) -> Iterator[Chunk]:
        waiting: dict[int, deque[Part]] = {}
        for part in self._todo.values():
            waiting.setdefault(id(self._base_of(part[0])), deque()).append(part)
        left = len(self._todo)
        while waiting:  # replicates of one base together, the lowest numbers first
            place = min(waiting, key=lambda base: waiting[base][0][0][::-1])
            alike = waiting[place]
            many = 1
            if self._seconds is not None:
                fair = left // (4 * workers)  # small at the end, so that all end together
                many = max(1, min(int(_CHUNK_SECONDS / max(self._seconds, 1e-4)), fair))
            chunk = tuple(alike.popleft() for _ in range(min(many, len(alike))))
            left -= len(chunk)
            if not alike:
                del waiting[place]
            yield Chunk(self._base_of(chunk[0][0]), self._run, around, chunk)

    def _take(self, done: Done) -> None:
        self._kept.keep(done.found)
        for key, _ in done.found:
            del self._todo[key]
        if done.failure is not None:
            raise done.failure.error
        self._seconds = done.seconds
        if self._follow is not None:
            finished = self._total - len(self._todo)
            self._follow(ExperimentProgress(finished, self._total, self._left(), self._records))
        self._look()

    def _left(self) -> float | None:
        done = self._at_once - len(self._todo)
        if not done:
            return None
        return (time.perf_counter() - self._began) / done * len(self._todo)

    def _look(self) -> None:
        finished, left = self._total - len(self._todo), self._left()
        said = f"replicate {min(finished + 1, self._total):,} of {self._total:,}"
        said += "" if left is None else f", {_clock(left)} left"
        self._report(said, finished / self._total)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole // 60 % 60:02} min"


def _vet(
    programs: Sequence[Program], seeds: Sequence[int], ticks: int, workers: int, backend: str
) -> None:
    names = [program.name for program in programs]
    if not names or len(set(names)) < len(names):
        raise InputError(f"An experiment has one program or more, of different names; got {names}.")
    whole_number(len(seeds), "Replicates", low=1)
    if len(set(seeds)) < len(seeds):
        raise InputError("Each seed stands for one replicate; the same one is named twice.")
    for seed in seeds:
        whole_number(seed, "A replicate's seed", low=-_LARGEST_SEED, high=_LARGEST_SEED)
    whole_number(ticks, "Ticks of a run", low=0, high=LAST_TICK)
    whole_number(workers, "Workers", low=1)
    if backend not in BACKENDS:
        raise InputError(f"No backend named {backend!r}; it is one of {', '.join(BACKENDS)}.")


def _study(
    digest: str | list[list[str]],
    programs: Sequence[Program],
    seeds: Sequence[int],
    run: Run,
    worlds: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the identity of the study that replicates belong to; fits JSON."""
    named = {**run.measures, **{f"{name} each tick": take for name, take in run.series.items()}}
    said = [[program.name, facts_of(program)] for program in programs]
    return {
        "world": digest,
        "programs": said,
        "plugins": plugins_named(json.dumps(part) for part in (said, *worlds)),
        "seeds": list(seeds),
        "ticks": run.ticks,
        "measures": {name: code_of(take) for name, take in named.items()},
        "versions": versions(),
    }


def versions() -> dict[str, Any]:
    """Return the versions that runs depend on."""
    return {"hubbub": sim.__version__, "numpy": np.__version__, "format": FORMAT}


_OURS = ("sim.", "builtins", "numpy")


def facts_of(program: Program) -> object:
    """Return the identity of a program: its own facts, and the code of a user-defined class."""
    own: Callable[[], object] | None = getattr(program, "facts", None)
    try:
        said = plain(program if own is None else own())
        return said if _is_ours(type(program)) else [said, code_of(type(program))]
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"The program {one_line(program.name)!r} holds what no file can tell from another's "
            f"({one_line(str(error))}); let it say what it does by facts(), plain values."
        ) from None


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it; a large array is replaced by its digest."""
    return json.loads(json.dumps(value, default=_told, sort_keys=True))


def _told(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.size <= 1000:
        return value.tolist()
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value)
        return f"{data.dtype.str} {data.shape} {xxhash.xxh3_128_hexdigest(data.tobytes())}"
    if isinstance(value, tuple | set | frozenset | range):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    if isinstance(value, str | Path):
        return str(value)
    if callable(value) and not is_dataclass(value):
        return code_of(value)
    kind = type(value)
    name: Any = kind.__qualname__ if _is_ours(kind) else code_of(kind)
    return [name, _fields(value)]


def _fields(value: Any) -> object:
    """Return the fields of an object, without the place in a file where it was read."""
    held = (
        {each.name: getattr(value, each.name) for each in fields(value)}
        if is_dataclass(value) and not isinstance(value, type)
        else getattr(value, "__dict__", None)
    )
    if held is None:
        return str(value)
    return {name: part for name, part in held.items() if name != "place"}


def code_of(take: Any) -> str:
    """Return the name of a function or class, and a digest of its code and its captured values."""
    name = getattr(take, "__qualname__", type(take).__qualname__)
    said = json.dumps(_Told().of(take), default=_told, sort_keys=True)
    return f"{name} {xxhash.xxh3_128_hexdigest(said.encode())}"


class _Told:
    """Describes callables and constants as JSON, each once, without addresses of this process."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def of(self, take: Any) -> object:
        """Return it as values that JSON can hold."""
        if take is None or isinstance(take, bool | int | float | str):
            return take
        if isinstance(take, np.generic | np.ndarray):
            return _told(take)
        if isinstance(take, set | frozenset):
            return sorted(repr(each) for each in take)
        if id(take) in self._seen:
            return "told before"
        self._seen.add(id(take))
        if isinstance(take, dict):
            return {str(name): self.of(each) for name, each in take.items()}
        if isinstance(take, tuple | list):
            return [self.of(each) for each in take]
        return self._of_code(take)

    def _of_code(self, take: Any) -> object:
        if isinstance(take, CodeType):
            names = [*take.co_names, *take.co_freevars]
            return [take.co_code.hex(), names, *map(self.of, take.co_consts)]
        if isinstance(take, FunctionType):
            cells = [_content(cell) for cell in take.__closure__ or ()]
            return [
                *map(self.of, (take.__code__, take.__defaults__, take.__kwdefaults__)),
                *map(self.of, cells),
            ]
        if isinstance(take, functools.partial):
            return [*map(self.of, (take.func, take.args, take.keywords))]
        if isinstance(take, MethodType):
            return [*map(self.of, (take.__func__, take.__self__))]
        if isinstance(take, type):
            return (
                f"{take.__module__}.{take.__qualname__}" if _is_ours(take) else self._of_class(take)
            )
        if isinstance(take, bytes | complex) or take is Ellipsis:
            return repr(take)
        held = self.of(_fields(take)) if is_dataclass(take) or not _is_ours(type(take)) else None
        return [self.of(type(take)), held]

    def _of_class(self, cls: type) -> object:
        own = {
            name: self.of(getattr(part, "__func__", part))
            for name, part in vars(cls).items()
            if isinstance(part, FunctionType | staticmethod | classmethod)
            or not (name.startswith("_") or callable(part) or hasattr(part, "__get__"))
        }
        return [cls.__qualname__, own, *map(self.of, cls.__bases__)]


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # the cell is empty
        return None


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith(_OURS)


def plugins_named(texts: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each third-party plugin named in the JSON texts, by its name."""
    held = list(texts)
    return {
        item.name: item.sha256
        for item in sorted(foreign(), key=lambda one: (one.kind, one.name))
        if any(json.dumps(item.name) in text for text in held)
    }
