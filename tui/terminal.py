"""The terminal: refused if unsuitable, and always restored."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TextIO

from sim import runtime, settings
from sim.core import answers_first

NO_TERMINAL = (
    "Hubbub's screen needs a terminal, and {reason}. Run it without one: "
    "hubbub run WORLD --inject TEXT --ticks N --out out.json (hubbub run --help)."
)

SWITCH_SECONDS = 0.001
"""Interval after which Python switches threads; a short one makes the screen responsive."""

LEAVE = "\x1b[<u\x1b[?1004l\x1b[?2004l\x1b[?1006l\x1b[?1003l\x1b[?1000l\x1b[?25h\x1b[?1049l\n"
"""Ends key protocol, focus, paste and mouse reports, shows the cursor, leaves the second screen."""

GRACE_SECONDS = 3.5
"""Seconds after a signal for an orderly exit, not counting a save that has begun."""

WATCH_SECONDS = 1.0
"""Seconds between two checks of the terminal."""

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

Received = dict[int, threading.Timer]
"""The signals received, and when each ends the process."""


def obstacle(
    environment: Mapping[str, str] = os.environ, streams: tuple[TextIO | None, ...] | None = None
) -> str:
    """Return why the screen cannot be shown here; empty if it can."""
    if environment.get("TERM", "") == "dumb":
        return NO_TERMINAL.format(reason="with TERM=dumb the cursor cannot move")
    if "TEXTUAL_DRIVER" in environment:  # it is shown in a browser
        return ""
    for stream in streams or (sys.__stdin__, sys.__stdout__):
        if stream is None or stream.closed or not stream.isatty():
            return NO_TERMINAL.format(reason="input or output is not one (a pipe, a file or CI)")
    return ""


def run_on_terminal(made: Callable[[], Any]) -> int:
    """Show the screen until it is left."""
    refusal = obstacle()
    if refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 - the screen is not there to say it
        return 2
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    sys.setswitchinterval(SWITCH_SECONDS)
    answers_first()
    gc.disable()  # until the engine is imported
    return asyncio.run(_run(made()))


async def _run(app: Any) -> int:
    """Run the app; first restore the terminal, then leave the engine, in bounded time."""
    received: dict[int, threading.Timer] = {}
    leave = partial(asyncio.get_running_loop().call_soon_threadsafe, app.exit)
    for number in SIGNALS:  # a handler of the loop would wait for a loop that is blocked
        signal.signal(number, lambda number, _: _signalled(leave, number, received))
    watch = asyncio.create_task(_watch_terminal(leave, received))
    with _exported(app):
        # Textual draws on standard error, which may be redirected, as in ``2>errors.txt``.
        errors = sys.__stderr__
        if errors is None or errors.closed or not errors.isatty():
            sys.__stderr__ = sys.__stdout__  # type: ignore[misc]
        try:
            await app.run_async()
        finally:
            sys.__stderr__ = errors  # type: ignore[misc]
    watch.cancel()
    for signalled, deadline in received.items():
        await _rescue(app, deadline.cancel)
        _deadline(signalled)
    await app.leave()
    for signalled in received:
        return 128 + signalled
    return app.return_code or 0


def _exported(app: Any) -> contextlib.AbstractContextManager[object]:
    """Serve metrics of the world on the screen, if the settings name a port."""
    port = settings.current().metrics_port
    if port is None:
        return contextlib.nullcontext()
    return runtime.exported(runtime.SimulationSource(lambda: app.entered), port)


async def _rescue(app: Any, begun: Callable[[], None] = lambda: None) -> None:
    """Save a world that has no journal, unless it is a copy of another process's world.

    ``begun`` is called when the save begins; from then on it takes as long as the disk needs.
    """
    frame = app.frame
    if frame is None or not frame.dirty or frame.kept is not None or app.homes.home.is_copy:
        return
    with contextlib.suppress(Exception):  # nothing more can be done
        path = app.saves / f"{frame.name}.rescued.hub"
        await app.simulation.save(path, report=lambda _stage, _share: begun())


def _signalled(leave: Callable[[], object], number: int, received: Received) -> None:
    """Exit in order; a second signal ends the process at once."""
    if received:
        _force(number)
    received[number] = _deadline(number)
    leave()


def _deadline(number: int) -> threading.Timer:
    deadline = threading.Timer(GRACE_SECONDS, _force, (number,))
    deadline.daemon = True
    deadline.start()
    return deadline


def _force(number: int) -> None:
    """End the process if an orderly exit hangs, as it does if the terminal is not read any more."""
    restore()
    os._exit(128 + number)


def hung_up(descriptor: int) -> bool:
    """Return whether the terminal of a file descriptor is gone."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


async def _watch_terminal(leave: Callable[[], object], received: Received) -> None:
    """Exit if the terminal vanishes, which does not always cause a signal."""
    while not received:
        await asyncio.sleep(WATCH_SECONDS)
        if sys.__stdin__ is not None and hung_up(sys.__stdin__.fileno()):
            _signalled(leave, signal.SIGHUP, received)


def restore(descriptor: int | None = None) -> None:
    """Restore the terminal without the app: main screen, cursor, cooked mode.

    Never waits: output that a terminal does not read is dropped.
    """
    with contextlib.suppress(OSError, ValueError, termios.error):
        place = sys.__stderr__.fileno() if descriptor is None and sys.__stderr__ else descriptor
        if place is None:
            return
        os.set_blocking(place, False)
        termios.tcflush(place, termios.TCOFLUSH)
        os.write(place, LEAVE.encode())
        mode = termios.tcgetattr(place)
        mode[0] |= termios.ICRNL | termios.IXON
        mode[1] |= termios.OPOST
        mode[3] |= termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN
        termios.tcsetattr(place, termios.TCSANOW, mode)
        os.set_blocking(place, True)


def resume_collector() -> None:
    """Resume the garbage collector if it was paused.

    No key is handled while it looks at all that there is, .1 s: it does so rarely, and from now on
    passes over what is there.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(2_000, 10, 100)
        gc.enable()


def settle_collector() -> None:
    """Collect what is garbage, such as the world before, and pass over the rest from now on."""
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
        gc.freeze()
