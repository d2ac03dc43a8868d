"""Distribute work to workers with joblib, on this machine or on many."""

from __future__ import annotations

import functools
import gc
import logging
import os
import queue
import re
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args

from sim.core.checks import whole_number
from sim.core.registry import foreign, load_file, load_plugins
from sim.core.scratch import be_frugal, give_back
from sim.core.threads import allow
from sim.errors import HubbubError, InputError, PluginError, StuckError
from sim.lab.runs.replicate import opened, run_one
from sim.runtime.engine.warden import naming, warden
from sim.runtime.engine.watchdog import Heartbeat
from sim.runtime.process.wire import packed, unpacked
from sim.settings.settings import current, use

if TYPE_CHECKING:
    from sim.lab.runs.replicate import BaseFile, Run
    from sim.lab.runs.results import Key
    from sim.runtime.engine.run_control import Program


Backend = Literal["loky", "threading", "ray", "dask"]
BACKENDS: tuple[str, ...] = get_args(Backend)

S = TypeVar("S")
T = TypeVar("T")

A_CORE = 16
"""Maximum workers per core of this machine; a cluster may have more."""

_POLL_SECONDS = 0.1
_PATIENCE = 0.5
_NOT_KEPT = "the unfinished runs of its worker are lost"
_LOST = f"it blocks everything else, so {_NOT_KEPT}; end every call."
_LOSSES = {"TerminatedWorkerError", "RayActorError", "ObjectLostError", "KilledWorker"}
_WORDS = re.compile(r"""Plugin (['"])(?P<plugin>.+?)\1: (?P<reason>.+?)\.?""")


class WorkerDied(Exception):  # noqa: N818 - a fact: what it had in hand is asked for again
    """A worker ended in the middle of its work."""


@dataclass(frozen=True)
class WorkerConfig:
    """The settings that a worker process gets from its driver."""

    process: tuple[int, str]
    plugins: tuple[tuple[str, str], ...]
    settings: Any
    is_parent: bool
    words: str | None = None

    @classmethod
    def here(cls, backend: str) -> WorkerConfig:
        """Return the configuration of this process."""
        found, is_parent = foreign(), backend == "loky"
        files = {item.origin: item.sha256 for item in found if item.origin.endswith(".py")}
        words = (_last_words().name if is_parent else "") if found else None
        return cls(_here(), tuple(files.items()), current(), is_parent, words)


@functools.cache
def _last_words() -> IO[bytes]:
    """Return this process's file for the last messages of workers that had to end."""
    return tempfile.NamedTemporaryFile(prefix="hubbub-words-")


def _stuck() -> StuckError | None:
    """Return the error of a plugin that made a worker end, if one did, and clear the file."""
    words = _last_words()
    words.seek(0)
    found = _WORDS.fullmatch(words.readline().decode("utf-8", "replace").strip())
    words.truncate(0)
    return None if found is None else StuckError(found["plugin"], found["reason"])


@dataclass(frozen=True)
class Failure:
    """An error met by a worker, transferred with its class and its message."""

    error: Exception

    def __reduce__(self) -> tuple[Any, ...]:
        return _failure, (packed(self.error),)


def _failure(said: tuple[Any, ...]) -> Failure:
    error = unpacked(said)
    return Failure(error if isinstance(error, Exception) else HubbubError(str(error)))


@dataclass(frozen=True)
class Chunk:
    """Replicates to run one after the other."""

    base: BaseFile
    run: Run
    around: WorkerConfig
    parts: tuple[tuple[Key, Program, int], ...]


@dataclass(frozen=True)
class Done:
    """The results of a chunk."""

    found: tuple[tuple[Key, bytes], ...]
    seconds: float
    failure: Failure | None = None


def _here() -> tuple[int, str]:
    return os.getpid(), os.uname().nodename


_settled: dict[tuple[int, str], WorkerConfig] = {}


def settle(around: WorkerConfig) -> None:
    """Prepare a worker: one thread, and the plugins and settings of the current driver."""
    if around.process == _here() or _settled.get(around.process) == around:
        return
    if around.is_parent and os.getppid() != around.process[0]:
        os._exit(1)  # the driver was killed before this began
    if around.is_parent:
        leave_terminals((0, 1, 2))
    use(around.settings)
    allow(1)
    be_frugal()
    _watch(around.words)
    load_plugins()
    for path, sha256 in around.plugins:
        _load(path, sha256)
    gc.collect()
    gc.freeze()  # imports stay; the collector looks only at the worlds of runs
    give_back()  # memory that imports freed
    if around.is_parent and around.process not in _settled:
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _settled[around.process] = around


_watching = ExitStack()


def _watch(words: str | None) -> None:
    """Watch for plugins that hang; the reason to end the process goes into the file ``words``."""
    _watching.close()
    if words is None:
        return

    def ended(sentence: str) -> None:
        with suppress(OSError), open(words, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{sentence}\n")
        os._exit(1)

    mine = _watching.enter_context(warden(ended, heart=lambda: Heartbeat(_LOST, words)))
    if mine is not None:
        mine.keep = lambda: _NOT_KEPT


def leave_terminals(descriptors: Iterable[int]) -> None:
    """Redirect descriptors of a terminal to the null device, so that nothing reaches the screen."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in descriptors:
        if os.isatty(number):
            os.dup2(nowhere, number)
    os.close(nowhere)


def _load(path: str, sha256: str) -> None:
    def is_here() -> bool:
        return (path, sha256) in {(item.origin, item.sha256) for item in foreign()}

    if is_here():
        return
    load_file(path)
    if not is_here():
        name = os.path.basename(path)  # noqa: PTH119 - heavy imports are for who needs them
        raise PluginError(name, "has changed since it was loaded; reload it, then run again")


def _end_with(parent: int) -> None:
    """End the process as soon as its driver has been killed."""
    while os.getppid() == parent:
        time.sleep(_PATIENCE)
    os._exit(1)


def carry_out(chunk: Chunk) -> Done:
    """Run a chunk; replicates that finish before one fails are kept."""
    found: list[tuple[Key, bytes]] = []
    began = time.perf_counter()
    try:
        settle(chunk.around)
        base = opened(chunk.base)
        began = time.perf_counter()
        for key, program, seed in chunk.parts:
            with naming():
                done = run_one(base, program, seed, chunk.run)
            found.append((key, done.packed()))
    except HubbubError as error:
        return Done(tuple(found), 0.0, Failure(error))
    except Exception as error:
        name, number = chunk.parts[len(found)][1].name, chunk.parts[len(found)][0][1]
        why = f"replicate {number} failed ({type(error).__name__}: {error})".rstrip(".")
        return Done(tuple(found), 0.0, Failure(PluginError(name, why)))
    seconds = time.perf_counter() - began
    return Done(tuple(found), seconds / max(len(found), 1))


def carried_out(
    chunks: Iterator[S],
    workers: int,
    backend: str,
    look: Callable[[], None],
    carry: Callable[[S], T],
) -> Iterator[T]:
    """Let workers carry out chunks of work; yield each result when it is ready."""
    if workers == 1 and backend in {"loky", "threading"}:
        for chunk in chunks:
            look()
            yield carry(chunk)
        return
    crew = _WorkerPool(chunks, workers, backend, carry)
    try:
        while True:
            look()
            with suppress(queue.Empty):
                done = crew.results.get(timeout=_POLL_SECONDS)
                if done is None:
                    break
                yield _came(done)
    except BaseException:
        crew.stop()  # also stops a worker that hangs in a plugin
        raise
    crew.end()


def _overseen(carry: Callable[[S], T], work: S) -> T | Failure:
    """Carry out work in a worker; name its thread for the watcher, and return errors as values."""
    if threading.current_thread() is not threading.main_thread():
        threading.current_thread().name = "replicate"
    try:
        return carry(work)
    except Exception as error:
        return Failure(error)


def _came(done: T | Failure) -> T:
    if isinstance(done, Failure):
        raise done.error
    return done


class _WorkerPool(Generic[S, T]):
    """A thread that waits for joblib, so that its caller can be interrupted."""

    def __init__(
        self, chunks: Iterator[S], workers: int, backend: str, carry: Callable[[S], T]
    ) -> None:
        self.results: queue.Queue[T | Failure | None] = queue.Queue()
        self._chunks, self._workers, self._backend = chunks, workers, backend
        self._carry = carry
        self._is_stopped = False
        self._error: BaseException | None = None
        require(backend, workers)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _given(self) -> Iterator[Any]:
        from joblib import delayed

        for chunk in self._chunks:
            if self._is_stopped:
                return
            yield delayed(_overseen)(self._carry, chunk)

    def _work(self) -> None:
        try:
            for done in _joblib(self._given(), self._workers, self._backend):
                self.results.put(done)
                if self._is_stopped:
                    break
        except BaseException as error:
            self._error = error
        self.results.put(None)

    def end(self) -> None:
        """Wait for the thread, and raise its error."""
        self._thread.join()
        if self._error is not None:
            names = {kind.__name__ for kind in type(self._error).__mro__}
            if isinstance(self._error, BrokenProcessPool) or bool(names & _LOSSES):
                stuck = _stuck()
                if stuck is not None:
                    raise stuck
                raise WorkerDied(str(self._error)) from self._error
            raise self._error

    def stop(self) -> None:
        """Stop workers at once, if they are processes on this machine."""
        self._is_stopped = True
        if self._backend == "loky":
            from joblib.externals.loky import get_reusable_executor

            # Reuse this executor: getting another waits for its end, with a lock that it needs.
            same = get_reusable_executor(max_workers=self._workers, reuse=True)
            same.shutdown(kill_workers=True)
        self._thread.join(None if self._backend == "loky" else _PATIENCE)


def _joblib(tasks: Iterator[Any], workers: int, backend: str) -> Iterator[Any]:
    from joblib import Parallel, parallel_config

    # Unfinished work is intended after a stop; joblib warns of it in another thread.
    warnings.filterwarnings("ignore", r"\d+ tasks", UserWarning, "joblib")
    named: dict[str, Any] = {"backend": backend}
    if backend == "loky":
        named["backend"] = _loky_backend()
        _start_trackers()
    if backend == "ray":
        import ray
        from ray.util.joblib.ray_backend import RayBackend

        class Streaming(RayBackend):
            supports_return_generator = True

            def configure(self, n_jobs: int = 1, *args: Any, **how: Any) -> Any:
                now = int(ray.cluster_resources().get("CPU", 1))  # a node may be lost
                return super().configure(max(min(n_jobs, now), 1), *args, **how)

        named["backend"] = Streaming()
    with parallel_config(**named, n_jobs=workers):
        parallel = Parallel(
            return_as="generator_unordered", batch_size=1, pre_dispatch=2 * workers, max_nbytes=None
        )
        yield from parallel(tasks)


def _start_trackers() -> None:
    """Start the resource trackers of workers' files isolated from the working folder, like workers.

    Under a screen that captures all output, stderr has the descriptor -1, which a new process
    refuses; the tracker inherits the terminal's instead.
    """
    from multiprocessing import resource_tracker as pythons

    from joblib.externals.loky.backend import resource_tracker as lokys

    try:
        is_known = sys.stderr is None or sys.stderr.fileno() >= 0
    except (OSError, ValueError, AttributeError):
        is_known = True  # the tracker asks in the same way, and omits it
    with nullcontext() if is_known else redirect_stderr(sys.__stderr__), _apart():
        pythons.ensure_running()
        lokys.ensure_running()


_APART = {"PYTHONSAFEPATH": "1"}
"""Has the effect of ``-P`` on Python processes that libraries start."""


@contextmanager
def _apart() -> Iterator[None]:
    """Within the block, start Python processes without the working folder on their path."""
    before = {name: os.environ.get(name) for name in _APART}
    os.environ.update(_APART)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_CONFIGURING = threading.Lock()


def _loky_backend() -> Any:
    """Return joblib's loky backend, with workers that do not search the working folder first."""
    from joblib.parallel import LokyBackend

    class Apart(LokyBackend):  # type: ignore[misc]  # joblib has no types
        def configure(self, *args: Any, **how: Any) -> Any:
            with _CONFIGURING:  # joblib completes a new executor after loky has shared it
                return super().configure(*args, **how)

        def _prepare_worker_env(self, n_jobs: int) -> dict[str, str]:
            own: dict[str, str] = super()._prepare_worker_env(n_jobs)
            return own | _APART

    return Apart(inner_max_num_threads=1)


def require(backend: str, workers: int) -> None:
    """Refuse a backend that is not installed, and start the cluster that it needs."""
    if backend in {"loky", "threading"}:
        whole_number(workers, "Workers", low=1, high=A_CORE * (os.cpu_count() or 1))
    if backend == "ray":
        try:
            import ray
        except ImportError:
            raise InputError(
                "The backend ray is not installed; pip install 'hubbub[cluster]'."
            ) from None
        if not ray.is_initialized():
            logging.getLogger("ray.util.multiprocessing").setLevel(logging.ERROR)
            own: dict[str, Any] = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers}
            ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False, **own)
    if backend == "dask":
        try:
            import distributed
        except ImportError:
            raise InputError(
                "The backend dask is not installed; pip install distributed."
            ) from None
        with suppress(ValueError):
            distributed.get_client()
            return
        distributed.Client(threads_per_worker=1)
