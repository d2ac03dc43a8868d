"""Values for JSON: converted where numpy left its types, refused where JSON lies."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from sim.errors import InputError

DEEPEST = 64
OBJECT_BYTES = 64
SPARE_BYTES = 64 << 20
"""A value of JSON takes some 64 bytes of memory, of its text as little as two."""


def plain(value: Any, where: str = "meta", depth: int = 0) -> Any:
    """Return ``value`` with Python's own types only."""
    if isinstance(value, (np.generic, np.ndarray)):  # first: some are also Python's str or float
        return plain(value.tolist(), where, depth + 1)
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _finite(value, where)
    if depth > DEEPEST:
        raise InputError(f"{where} lies more than {DEEPEST} levels deep.")
    if isinstance(value, Mapping):
        return {_key(k, where): plain(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    raise InputError(f"{where} is a {type(value).__name__}, which a snapshot cannot hold.")


def to_json(value: Any, where: str = "meta") -> str:
    """Return readable JSON that any reader of UTF-8 accepts, and that reads back as it was."""
    converted = plain(value, where)
    text = json.dumps(converted, allow_nan=False, ensure_ascii=False)
    if text.isascii() or _is_unicode(text):
        return text
    return json.dumps(converted, allow_nan=False)  # lone surrogates: only an escape keeps them


def from_json(text: str) -> Any:
    """Read JSON from a file that nobody vouches for."""
    if OBJECT_BYTES * sum(map(text.count, "[{,")) > SPARE_BYTES + 4 * len(text):
        raise ValueError("too many values for its size")
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def utf8(value: object) -> str:
    """Return text for a table that people read; what UTF-8 cannot hold becomes ``?``."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise InputError(f"{where} is {value}; a snapshot holds finite numbers only.")
    return float(value)


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise InputError(f"{where} has the key {key!r}; keys must be text.")
    return key


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
