"""The built-in models, entering by the same door as anybody's: importing a module is enough."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

__all__ = sorted(found.name for found in iter_modules(__path__))

for _name in __all__:
    import_module(f"{__name__}.{_name}")
