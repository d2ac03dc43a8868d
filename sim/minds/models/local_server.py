"""The main program of the local model server's process; the parent's side is ``local``.

``python -m sim.minds.models.local_server MODEL PORT SLOTS``.

Ends when its standard input ends, so that it never outlives whoever started it.
"""

from __future__ import annotations

import sys

ALIAS = "smollm2-135m-instruct"
_CONTEXT = 2048
_CACHED = 64  # MiB of prompts read before; its own default is 8 GiB, which it fills


def main(arguments: list[str]) -> None:
    """Serve until standard input ends; prints the address once it listens."""
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


if __name__ == "__main__":  # pragma: no cover - in a process that is killed
    main(sys.argv[1:])
