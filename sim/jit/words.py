"""Integer types for kernels: numba widens plain integers next to a uint64 to a float."""

from __future__ import annotations

from typing import Any

import numpy as np

Word = np.uint64
Number = Any
"""An integer of any width, as loops over arrays yield it."""

ZERO, ONE, TWO, THREE, FOUR = (np.uint64(n) for n in range(5))
ONE32 = np.uint32(1)
S6, S11, S32, S40 = (np.uint64(n) for n in (6, 11, 32, 40))
"""Shift counts."""

LOW6 = np.uint64(0x3F)
BYTE = np.uint64(0xFF)
LOW32 = np.uint64(0xFFFFFFFF)
"""Masks of the lowest bits."""

CODE = np.uint8(0x7F)
EVER = np.uint8(0x80)
"""The two parts of a state's byte: its code, and whether the agent has ever adopted."""
