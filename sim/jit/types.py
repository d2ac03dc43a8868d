"""Types of the single numbers that kernels take."""

from __future__ import annotations

from typing import Any

import numpy as np

Word = np.uint64
Number = Any
"""An integer of any width, as loops over arrays hand it on."""
