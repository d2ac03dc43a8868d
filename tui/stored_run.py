"""The stored run that is played at the start: its file, and the first paint; imports little."""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgpack

if TYPE_CHECKING:
    from sim.runtime import Frame

FILE = Path(__file__).with_name("stored_run.bin")
"""The stored run; ``python -m tests.screens.test_opening`` records it again."""

TICKS_PER_SECOND = 4.0

SENTENCE = (
    "A rumour from 3 members crosses {communities} communities. Any key pauses; {key} sends yours."
)


def _unpacker(data: bytes) -> msgpack.Unpacker:
    unpacker = msgpack.Unpacker(object_hook=_object, use_list=False)
    unpacker.feed(zlib.decompress(data))
    return unpacker


def _object(found: dict[str, Any]) -> Any:
    if "array" in found:
        import numpy as np

        return np.frombuffer(found["array"], found["type"]).reshape(found["shape"])
    if "kind" in found:
        from sim import runtime

        return getattr(runtime, found["kind"])(**found["fields"])
    return found


def frames_of(data: bytes) -> tuple[Frame, ...]:
    """Return the frames of a stored run."""
    unpacker = _unpacker(data)
    unpacker.skip()
    run: tuple[Frame, ...] = unpacker.unpack()
    return run


def paint(stream: TextIO) -> None:
    """Paint the title, the frame of the map and the names in it, before anything is imported."""
    columns, rows = os.get_terminal_size(stream.fileno())
    if columns < 60 or rows < 16:
        return
    name, agents, names, places = _unpacker(FILE.read_bytes()).unpack()
    width, height = columns * 3 // 5, rows - 6
    lines = [f"\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H\x1b[7m Hubbub \x1b[0m {name}  {agents:,} members"]
    lines += [f"\x1b[3;1H╭{'─' * (width - 2)}╮", f"\x1b[{height + 2};1H╰{'─' * (width - 2)}╯"]
    lines += [f"\x1b[{row};1H│\x1b[{row};{width}H│" for row in range(4, height + 2)]
    taken: set[tuple[int, int]] = set()
    for label, (across, down) in zip(names, places, strict=True):
        row, at = 4 + int(down * (height - 3)), 3 + int(across * max(1, width - 6 - len(label)))
        cells = {(row, at + k) for k in range(-1, len(label) + 1)}
        if not cells & taken:
            taken |= cells
            lines.append(f"\x1b[{row};{at}H\x1b[2m{label}\x1b[0m")
    said = SENTENCE.format(communities=len(names), key="i")
    stream.write("".join(lines) + f"\x1b[{rows - 1};2H{said[: columns - 2]}")
    stream.flush()


def leave(stream: TextIO = sys.stdout) -> None:
    """Give the terminal back after the first paint, when the screen cannot follow it."""
    stream.write("\x1b[?1049l\x1b[?25h")
    stream.flush()
