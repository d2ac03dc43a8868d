"""TOML from outside: read, or refused by one kind of error."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

MOST_CHARACTERS = 1 << 20
MOST_NAMES, MOST_OF_ALL = 16, 10_000
"""Names of one dotted key, and of all keys that have three or more."""

_NAME = r'[\w-]++|"(?:[^"\\\n]++|\\.?)*+"?|\'[^\'\n]*+\'?'
_NAMES = re.compile(_NAME)
_PARTS = re.compile(
    r'"""(?:[^"\\]++|\\.?|"{1,2}(?!"))*+(?:"{3,5}|\Z)'  # each consumes what it begins: no text
    r"|'''(?:[^']++|'{1,2}(?!'))*+(?:'{3,5}|\Z)"  # is looked at twice
    rf"|\#[^\n]*+|(?P<key>(?:{_NAME})(?:[ \t]*+\.[ \t]*+(?:{_NAME}))*+)",
    re.DOTALL,
)


def from_toml(text: str) -> dict[str, Any]:
    """Read TOML that nobody vouches for.

    Examples
    --------
    >>> from_toml("threads = 2")
    {'threads': 2}
    """
    _refuse_costly(text)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("a whole number has too many digits") from None


def _refuse_costly(text: str) -> None:
    """Refuse keys of very many names, for which the reader takes memory by their square."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"longer than {MOST_CHARACTERS:,} characters")
    every = 0
    for part in _PARTS.finditer(text):
        if (part["key"] or "").count(".") < 2:
            continue
        names = sum(1 for _ in _NAMES.finditer(part["key"]))
        every += names if names > 2 else 0  # else it is a number or a string
        if names > MOST_NAMES or every > MOST_OF_ALL:
            row = text.count("\n", 0, part.start()) + 1
            most = f"a key has at most {MOST_NAMES} names, all together {MOST_OF_ALL:,}"
            raise ValueError(f"nested too deeply: {most} (at line {row}, column 1)")


def toml_key(name: str) -> str:
    """Return a key as TOML writes it.

    Examples
    --------
    >>> toml_key("slots"), toml_key("spread too fast")
    ('slots', '"spread too fast"')
    """
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else toml_value(name)


def toml_value(value: Any) -> str:
    """Return a value as TOML writes it; its strings are JSON's but for DEL, which is escaped.

    Examples
    --------
    >>> toml_value({"at": 2, "do": "ban", "agents": [1, 2]})
    '{ "at" = 2, "do" = "ban", "agents" = [1, 2] }'
    """
    if isinstance(value, dict):
        pairs = ", ".join(f"{json.dumps(k)} = {toml_value(v)}" for k, v in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
