"""The built-in plugins, registered like any other: importing a module is enough."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

__all__ = sorted(found.name for found in walk_packages(__path__, "plugins.") if not found.ispkg)

for _name in __all__:
    import_module(_name)
