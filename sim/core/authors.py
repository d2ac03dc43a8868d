"""Mistakes of plugin authors: the line in their file, what is wrong, and how to fix it."""

from __future__ import annotations

import difflib
import enum
import inspect
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath
from types import FunctionType
from typing import Any

from sim.core.text import one_line
from sim.errors import HubbubError, InputError

_ROOT = Path(__file__).parents[2]
_ENGINE = f"{_ROOT}/sim/", f"{_ROOT}/plugins/"
_OTHERS = (*{f"{sysconfig.get_path(name)}/" for name in ("stdlib", "purelib", "platlib")}, "<f")
_BOUNDS = {"min": "ge", "minimum": "ge", "low": "ge", "max": "le", "maximum": "le", "high": "le"}
"""Keywords that authors take for bounds, but pydantic for metadata."""
_ENGINES = {"step", "step_together", "codes", "scores_of", "hold", "opened", "suggest"}
"""Methods that replace the form's hooks: a class with one of these needs none."""


def line_of(error: BaseException) -> str:
    """Return `` (FILE, line N)`` of the last line of plugin code in a traceback; else empty."""
    if _lacks_super(error):
        return ""  # the line that fails is not the one to fix
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if not each.filename.startswith((*_ENGINE, *_OTHERS))]
    return _place(own[-1].filename, own[-1].lineno) if own else ""


def _lacks_super(error: BaseException) -> bool:
    """Return whether a plugin's fields are unset because its __init__() did not call super's."""
    if not isinstance(error, AttributeError):
        return False
    fields = "__pydantic_fields_set__"
    return str(error.name).startswith("__pydantic_") or (
        hasattr(type(error.obj), fields) and not hasattr(error.obj, fields)
    )


def _place(file: str, line: int | None) -> str:
    return f" ({PurePath(file).name}, line {line})"


def place_in(cls: type, said: str = "") -> str:
    """Return `` (FILE, line N)`` of the method that a sentence names, else of the class; or ""."""
    if cls.__module__.startswith(("sim.", "plugins.")):
        return ""
    for name in re.findall(r"\w+(?=\(\))|(?<=')\w+(?=')", said):
        hook = _written(cls).get(name)
        if hook is not None:
            return _place(hook.__code__.co_filename, hook.__code__.co_firstlineno)
    try:
        return _place(inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1])
    except (OSError, TypeError):  # a notebook's, or typed at a prompt
        return ""


def _written(cls: type) -> dict[str, FunctionType]:
    """Return the functions that an author wrote for a class, by name."""
    owners = [owner for owner in reversed(cls.__mro__) if not _is_form(owner)]
    found = {name: _plain(each) for owner in owners for name, each in vars(owner).items()}
    return {name: each for name, each in found.items() if isinstance(each, FunctionType)}


def _is_form(owner: type) -> bool:
    return owner.__module__.partition(".")[0] in {"sim", "pydantic", "builtins"}


def _plain(each: Any) -> Any:
    each = each.fget if isinstance(each, property) else getattr(each, "__func__", each)
    return inspect.unwrap(each) if callable(each) else each


def words_of(error: BaseException) -> str:
    """Return an error's type and message on a line, with the nearest known name."""
    if isinstance(error, HubbubError):
        return one_line(str(error)).rstrip(".")
    if isinstance(error, NotImplementedError) and not error.args:
        return f"lacks {traceback.extract_tb(error.__traceback__)[-1].name}()"
    if _lacks_super(error):
        return "has an __init__() without super().__init__(**values); call it before all else"
    kind = type(error).__name__
    wanted = re.match(r"cannot import name '(\w+)' from 'sim'", str(error))
    if isinstance(error, ImportError) and wanted:
        near = _near(wanted[1], _offered()) or "; dir(sim) lists those there are"
        return f"{kind}: sim has no name {wanted[1]!r}{near}"
    return one_line(f"{kind}: {error}").rstrip(".:") + _hint(error)


def _hint(error: BaseException) -> str:
    """Return the nearest known name, or the signature of what was called."""
    if isinstance(error, AttributeError) and error.name and "there are" not in str(error):
        known = [name for name in dir(error.obj) if not name.startswith("_")]
        if isinstance(error.obj, enum.EnumMeta):
            known = list(error.obj.__members__)
            return f" is none of {error.obj.__name__}; it has {', '.join(known)}"
        return _near(error.name, known)
    if isinstance(error, NameError) and error.name:
        if error.name in _offered():
            return f"; write: from sim import {error.name}"
        return _near(error.name, _offered())
    called = re.match(r"(\w+)\(\) (?:missing|got|takes)", str(error))
    if isinstance(error, TypeError) and called and called[1] in _offered():
        return (
            f"; write {called[1]}({', '.join(_arguments(getattr(sys.modules['sim'], called[1])))})"
        )
    return ""


def _offered() -> list[str]:
    """Return the names exported by ``sim``; importing it here would be circular."""
    return dir(sys.modules["sim"])


def _arguments(function: Callable[..., Any]) -> Iterable[str]:
    for name, each in inspect.signature(function).parameters.items():
        yield f"{name}=..." if each.kind is each.KEYWORD_ONLY else name


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def returned(said: object, array: Any, *, shape: bool = False) -> str:
    """Return a description of a hook's result for a sentence: its dtype, or that it is None."""
    if said is None:
        return "None; is a return missing?"
    return f"{array.dtype} {array.shape}" if shape else str(array.dtype)


def require_hooks(cls: type) -> None:
    """Raise for a class that cannot run: a hook is missing, misspelt, or has other parameters."""
    written = _written(cls)
    form = next((owner for owner in cls.__mro__ if _is_form(owner)), object)
    for name, hook in written.items():
        theirs = _plain(getattr(form, name, None))
        if isinstance(theirs, FunctionType) and not name.startswith("_"):
            _require_arguments(cls, name, hook, theirs)
    stubs = {name: each for name in dir(form) if _is_stub(each := _plain(getattr(form, name)))}
    if stubs and not (stubs.keys() | _ENGINES) & written.keys():
        wanted = next(iter(stubs))
        near = difflib.get_close_matches(wanted, written, n=1)
        place = place_in(cls, f"{near[0]}()" if near else "")
        said = f"has {near[0]}(), which nothing calls" if near else f"lacks {' or '.join(stubs)}()"
        raise InputError(f"{cls.__name__} {said}{place}; write {_line(wanted, stubs[wanted])}")
    for name, field in getattr(cls, "model_fields", {}).items():
        extra = field.json_schema_extra
        for odd in [odd for odd in _BOUNDS if isinstance(extra, dict) and odd in extra]:
            raise InputError(
                f"{cls.__name__}: Field() of {name} has no {odd!r}{place_in(cls)}; a bound is "
                f"written {_BOUNDS[odd]}="
            )
        if callable(getattr(form, name, None)):
            raise InputError(
                f"{cls.__name__}: the parameter {name} hides {name}() of {form.__name__}"
                f"{place_in(cls)}; choose another name"
            )


def _require_arguments(
    cls: type, name: str, hook: FunctionType, theirs: Callable[..., Any]
) -> None:
    place = _place(hook.__code__.co_filename, hook.__code__.co_firstlineno)
    if inspect.iscoroutinefunction(hook) and not inspect.iscoroutinefunction(theirs):
        raise InputError(f"{cls.__name__}: {name}() is async{place}; write {_line(name, theirs)}")
    asked = inspect.signature(theirs).parameters.values()
    if any(each.kind is each.VAR_POSITIONAL for each in asked):  # the form checks their count
        return
    given = [None for each in asked if each.kind is not each.KEYWORD_ONLY]
    try:
        inspect.signature(hook).bind(*given)
    except TypeError:
        raise InputError(
            f"{cls.__name__}: {name}() takes other arguments{place}; write {_line(name, theirs)}"
        ) from None


def _is_stub(each: Any) -> bool:
    return isinstance(each, FunctionType) and each.__code__.co_names == ("NotImplementedError",)


def _line(name: str, theirs: Callable[..., Any]) -> str:
    """Return the signature of a hook: ``def score(self, candidates)``."""
    prefix = "async def" if inspect.iscoroutinefunction(theirs) else "def"
    return f"{prefix} {name}({', '.join(inspect.signature(theirs).parameters)})"
