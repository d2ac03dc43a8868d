"""The writer of single settings: the file stays as its owner wrote it otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.core.bounded_files import read_bounded
from sim.core.toml import from_toml
from sim.core.whole_files import write_whole
from sim.errors import FileError


def with_words(text: str, name: str, words: Sequence[str]) -> str:
    r"""Return the text of a settings file in which a setting is a list of words.

    Examples
    --------
    >>> print(with_words("threads = 4\n[profiles.test]\nthreads = 1", "metrics", ["r"]), end="")
    threads = 4
    metrics = ["r"]
    [profiles.test]
    threads = 1
    """
    import tomlkit

    from_toml(text)  # bounded, and refused in the words of every other reader
    document = tomlkit.parse(text)
    document.pop(name, None)
    if words:
        document[name] = list(words)
    return tomlkit.dumps(document)


def keep_words(path: Path, name: str, words: Sequence[str]) -> None:
    """Write a setting that is a list of words into a settings file, whole or not at all.

    A link is followed. Settings can hold keys: a new file is its owner's alone.

    Raises
    ------
    FileError
        When the file cannot be read or written.
    """
    try:
        text = read_bounded(path).decode("utf-8-sig") if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, with_words(text, name, words), is_private=True)
    except (OSError, ValueError) as error:
        raise FileError(path, f"the setting {name} cannot be kept there: {error}") from None
