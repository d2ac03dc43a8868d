"""TOML from outside: read, or refused by one kind of error."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

__all__ = ["from_toml", "toml_key", "toml_value"]


def from_toml(text: str) -> dict[str, Any]:
    """Read TOML that nobody vouches for.

    Raises
    ------
    ValueError
        When it is malformed, or nested so deeply that the reader gives up.

    Examples
    --------
    >>> from_toml("threads = 2")
    {'threads': 2}
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("a whole number has too many digits") from None


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
