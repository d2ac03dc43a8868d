"""The writer of single settings: the file stays as its owner wrote it otherwise."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from sim.errors import FileError

__all__ = ["keep_words", "with_words"]


def with_words(text: str, name: str, words: Sequence[str]) -> str:
    r"""Return the text of a settings file in which a setting is a list of words.

    Parameters
    ----------
    text
        Of the file, TOML.
    name
        The setting.
    words
        Its value; none takes the setting out.

    Examples
    --------
    >>> print(with_words("threads = 4\n[profiles.test]\nthreads = 1", "metrics", ["r"]), end="")
    threads = 4
    metrics = ["r"]
    [profiles.test]
    threads = 1
    """
    lines = text.splitlines()
    top = next((at for at, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    kept, is_inside = [], False
    for line in lines[:top]:
        if line.partition("=")[0].strip() == name:
            is_inside = True
        if not is_inside:
            kept.append(line)
        elif "]" in line.partition("#")[0] or not line.strip():
            is_inside = False
    said = [f"{name} = {json.dumps(list(words), ensure_ascii=False)}"] if words else []
    return "\n".join([*kept, *said, *lines[top:], ""])


def keep_words(path: Path, name: str, words: Sequence[str]) -> None:
    """Write a setting that is a list of words into a settings file, whole or not at all.

    Raises
    ------
    FileError
        When the file cannot be read or written.
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_text(with_words(text, name, words), encoding="utf-8")
        fresh.replace(path)
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(path, f"the setting {name} cannot be kept there: {error}") from None
