"""Lazy exports of a package: its public names, listed in its stub and loaded on first use.

As in Scientific Python's SPEC 1, type checkers and the package itself read ``__init__.pyi``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

_LINE = re.compile(r"^from (\S+) import (\w+) as \2$", re.MULTILINE)


def face(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package, from its stub.

    Only lines of the form ``from HOME import NAME as NAME`` of ``__init__.pyi`` are read, one
    import per line.
    """
    module = sys.modules[package]
    stub = Path(module.__path__[0], "__init__.pyi").read_text(encoding="utf-8")
    homes = {name: home for home, name in _LINE.findall(stub)}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]  # the package itself if the name is a subpackage
        is_package = home == package
        value = (
            import_module(f"{home}.{name}") if is_package else getattr(import_module(home), name)
        )
        setattr(module, name, value)
        return value

    names = sorted(homes)
    return load, lambda: list(names), names
