"""Parameters of a plugin, declared once for flags, forms, saved values and errors.

A plugin declares each parameter as a pydantic field with bounds and a description::

    class Rumour(Parameters):
        chance: float = Field(0.1, ge=0, le=1, description="chance to repeat per contact")
        rest: int = Field(5, ge=1, description="until bored", unit="ticks")
        start: Literal["eager", "shy"] = Field("shy", description="first mood")

``describe(Rumour)`` lists the parameters for the command line and the screen;
``Rumour(chance="0.3")`` accepts typed text; an invalid value raises ``ParameterError``.
"""

import difflib
import inspect
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, Union, cast, get_args, get_origin

import annotated_types
import pydantic
from pydantic import (
    BaseModel,
    ConfigDict,
    PydanticUserError,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined, SchemaError

from sim.core.text import one_line
from sim.errors import HubbubError, InputError, ParameterError

Kind = Literal["bool", "int", "float", "str"]

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)

_KINDS: dict[type, Kind] = {bool: "bool", int: "int", float: "float", str: "str"}
_CLAIMS = {
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "str": "must be text",
}
_SHOWN = 40
_MOST_SAID = 200
_ALLOWED = "a parameter is a bool, int, float, str or Literal of these"


_OPTIONS = frozenset(inspect.signature(pydantic.Field).parameters)


def Field(default: Any = PydanticUndefined, *, unit: str = "", **options: Any) -> Any:  # noqa: N802
    """Declare a parameter: a default, bounds, a description and a unit.

    Parameters
    ----------
    default
        Default value; without one the parameter is required.
    unit
        Unit of the value, such as ``"per tick"``.
    **options
        Options of pydantic's ``Field``: ``ge``, ``gt``, ``le``, ``lt``, ``description`` and others.

    Returns
    -------
    The field, to be assigned as ``name: type = Field(...)``.
    """
    extra = dict(options.pop("json_schema_extra", None) or {})
    extra |= {name: options.pop(name) for name in [*options] if name not in _OPTIONS}
    if unit:
        extra["unit"] = unit
    return pydantic.Field(default, json_schema_extra=extra or None, **options)


class _Truth(str):
    """A boolean given for a number, as text, so that pydantic does not read it as 1."""

    __slots__ = ()
    __repr__ = str.__str__


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """Description of one parameter, for forms and flags.

    Parameters
    ----------
    name
        Its name, a Python identifier.
    type
        ``"bool"``, ``"int"``, ``"float"`` or ``"str"``; if there are choices, their type.
    default
        Default value; ``None`` if it is required.
    low, high
        Bounds of a number, or ``None``.
    choices
        Allowed values; empty if all values of the type are.
    unit
        Such as ``"ticks"``; empty for a bare number.
    description
        One clause for a person.
    low_open, high_open
        Whether the bound itself is excluded.
    required
        Whether there is no default.
    optional
        Whether ``None`` is allowed.
    """

    name: str
    type: Kind
    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    unit: str = ""
    description: str = ""
    low_open: bool = False
    high_open: bool = False
    required: bool = False
    optional: bool = False

    @property
    def allowed(self) -> str:
        """Allowed values, to complete "must be ...": ``in [0, 1]``, ``one of 'a', 'b'``.

        Returns
        -------
        str
            Empty if every value of the type is allowed.
        """
        if self.choices:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        if self.low is not None and self.high is not None:
            opening, closing = "(" if self.low_open else "[", ")" if self.high_open else "]"
            return f"in {opening}{_number(self.low)}, {_number(self.high)}{closing}"
        if self.low is not None:
            return f"{'above' if self.low_open else 'at least'} {_number(self.low)}"
        if self.high is not None:
            return f"{'below' if self.high_open else 'at most'} {_number(self.high)}"
        return ""


class _Declared(ModelMetaclass):
    """Metaclass that turns pydantic's errors in a class declaration into one sentence."""

    def __new__(mcs, name: str, *rest: Any, **options: Any) -> type:
        try:
            made = super().__new__(mcs, name, *rest, **options)
            if not made.__module__.startswith(("sim.", "plugins.")):
                # A plugin's author hears at once what is wrong with a field.
                cast("type[BaseModel]", made).model_rebuild(force=True)
        except HubbubError:  # already a sentence
            raise
        except (PydanticUserError, SchemaError, TypeError, ValueError) as error:
            raise InputError(f"{name}: {_declaration(error)}.") from None
        return made


class Parameters(BaseModel, metaclass=_Declared):
    """What carries declared parameters; immutable, and every value has been checked.

    Raises
    ------
    ParameterError
        One sentence for whatever is missing, unknown, of the wrong type or out of its range.
    """

    model_config = ConfigDict(
        frozen=True,
        validate_default=True,  # 5 for a float becomes 5.0, as after a restart
        extra="forbid",
        allow_inf_nan=False,
        protected_namespaces=(),
        ser_json_inf_nan="constants",
        defer_build=True,  # a quarter of the time that importing the simulator takes
    )

    plugin_name: ClassVar[str] = ""
    """The registered name, set by ``register``; error messages begin with it."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _parameter_error(type(self), error) from None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, values: Any) -> Any:
        """Unwrap numpy scalars; reject booleans as numbers."""
        if not isinstance(values, Mapping):
            return values
        return {name: _plain_value(cls, name, value) for name, value in values.items()}

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError:
            raise ParameterError(
                f"{_owner(type(self))}: self.{name} cannot be set, a plugin keeps nothing in "
                "itself; what must last belongs into cascade.columns or platform.held."
            ) from None

    def values(self) -> dict[str, Any]:
        """Return every parameter by name, in the order of declaration.

        Returns
        -------
        dict
            Plain values that JSON can hold.
        """
        return self.model_dump()

    def revised(self, **changes: Any) -> Self:
        """Return a copy with some values changed, fully checked.

        Parameters
        ----------
        **changes
            New values by name.

        Returns
        -------
        Self
            A new instance of the same class.

        Raises
        ------
        ParameterError
            If a change is not allowed.
        """
        return type(self)(**{**self.values(), **changes})


def describe(cls: type[BaseModel]) -> list[ParameterSpec]:
    """List the parameters of a class in the order of declaration.

    Parameters
    ----------
    cls
        A plugin class, or any pydantic model with plain fields.

    Returns
    -------
    list of ParameterSpec
        One for each field.

    Raises
    ------
    TypeError
        If a field is not a bool, int, float, str or Literal, so that it cannot be a flag.

    Examples
    --------
    >>> class Rumour(Parameters):
    ...     chance: float = Field(0.1, ge=0, le=1, description="chance to repeat")
    >>> [(spec.name, spec.default, spec.allowed) for spec in describe(Rumour)]
    [('chance', 0.1, 'in [0, 1]')]
    """
    return [_spec(name, field) for name, field in cls.model_fields.items()]


def check(cls: type[Parameters], name: str, value: object) -> Any:
    """Check a single value, as a form does after each key.

    Parameters
    ----------
    cls
        The plugin class.
    name
        The parameter.
    value
        What was typed, or a plain value.

    Returns
    -------
    object
        The value in its declared type.

    Raises
    ------
    ParameterError
        If it is not allowed, or there is no such parameter.
    """
    if name not in cls.model_fields:
        raise ParameterError(f"{_owner(cls)}: {_unknown(cls, name)}.")
    alone = cls.__new__(cls)
    try:
        BaseModel.__init__(alone, **{name: value})
        return getattr(alone, name)
    except ValidationError as error:
        if own := [detail for detail in error.errors() if detail["loc"][:1] == (name,)]:
            raise ParameterError(f"{_owner(cls)}: {_clause(cls, own[0])}.") from None
        return _alone(cls.model_fields[name], value)


def _alone(field: FieldInfo, value: object) -> Any:
    """Convert a single value, while others are still missing."""
    kind, _, _ = _kind(field.annotation)
    if not isinstance(value, str):
        return value
    if kind == "bool":
        return value.strip().lower() in {"1", "on", "t", "true", "y", "yes"}
    return {"int": int, "float": float, "str": str}[kind](value)


def _spec(name: str, field: FieldInfo) -> ParameterSpec:
    kind, choices, optional = _kind(field.annotation, name)
    low, low_open, high, high_open = _bounds(field)
    extra = field.json_schema_extra
    required = field.is_required()
    return ParameterSpec(
        name=name,
        type=kind,
        default=None if required else field.get_default(call_default_factory=True),
        low=low,
        high=high,
        choices=choices,
        unit=str(extra.get("unit", "")) if isinstance(extra, dict) else "",
        description=field.description or "",
        low_open=low_open,
        high_open=high_open,
        required=required,
        optional=optional,
    )


def _kind(annotation: Any, name: str = "") -> tuple[Kind, tuple[Any, ...], bool]:
    """Return (kind, choices, whether None is allowed) of an annotation."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        if len(rest) == 1:
            kind, choices, _ = _kind(rest[0], name)
            return kind, choices, len(rest) < len(get_args(annotation))
    if origin is Literal:
        choices = get_args(annotation)
        if {type(choice) for choice in choices} <= {*_KINDS}:
            return _KINDS[type(choices[0])], choices, False
    if isinstance(annotation, type) and annotation in _KINDS:
        return _KINDS[annotation], (), False
    said = str(annotation).removeprefix("<class '").removesuffix("'>")
    raise TypeError(f"{name} is {said}; {_ALLOWED}")


def _bounds(field: FieldInfo) -> tuple[float | None, bool, float | None, bool]:
    """Return (low, is open, high, is open) of a field."""
    low: Any = None
    high: Any = None
    low_open = high_open = False
    for rule in field.metadata:
        if isinstance(rule, annotated_types.Ge):
            low, low_open = rule.ge, False
        elif isinstance(rule, annotated_types.Gt):
            low, low_open = rule.gt, True
        elif isinstance(rule, annotated_types.Le):
            high, high_open = rule.le, False
        elif isinstance(rule, annotated_types.Lt):
            high, high_open = rule.lt, True
    return low, low_open, high, high_open


def _declaration(error: Exception) -> str:
    """Return what is wrong with a declaration: which parameter, and the correct form."""
    said = one_line(str(error).partition("For further information")[0]).rstrip(". ")
    code = getattr(error, "code", "")
    named = re.search(r"[Ff]ield [`'\"](\w+)[`'\"]|`(\w+)", said)
    name = next(filter(None, named.groups()), "") if named else ""
    if code in {"model-field-missing-annotation", "model-field-overridden"}:
        return f"the parameter {name} needs a type: {name}: float = Field(...)"
    if code == "schema-for-unknown-type":
        what = re.search(r"<class '(.*?)'>", said)
        return f"{what[1] if what else 'this'} is no type of a parameter; {_ALLOWED}"
    if isinstance(error, SchemaError):  # its last clause concerns the field
        name = re.findall(r'Field "(\w+)"|$', said)[0]
        last = said.rpartition(": ")[2]
        return f"the parameter {name} has a bound that does not fit: {last}"
    return said.partition(". ")[0][:_MOST_SAID]


def _owner(cls: type[BaseModel]) -> str:
    return vars(cls).get("plugin_name") or cls.__name__


def _parameter_error(cls: type[BaseModel], error: ValidationError) -> ParameterError:
    clauses = [clause for _, clause in refusals(cls, error)]
    return ParameterError(f"{_owner(cls)}: {'; '.join(clauses)}.")


def refusals(cls: type[BaseModel], error: ValidationError) -> list[tuple[str, str]]:
    """Return pydantic's errors as clauses for people."""
    return [
        (str(detail["loc"][0]) if detail["loc"] else "", _clause(cls, detail))
        for detail in error.errors()
    ]


def _clause(cls: type[BaseModel], detail: ErrorDetails) -> str:
    """Return a clause: which parameter, what is allowed, and what was given."""
    name = str(detail["loc"][0]) if detail["loc"] else ""
    if detail["type"] == "extra_forbidden":
        return _unknown(cls, name)
    if name in cls.model_fields and SecretStr in (
        (annotation := cls.model_fields[name].annotation),
        *get_args(annotation),
    ):
        own = detail["type"] == "value_error"  # our own sentence; the value is not shown
        return f"{name} {_own(detail)}" if own else f"{name} is not allowed"
    if detail["type"] == "missing":
        return f"{name} is required"
    if detail["type"] == "value_error":
        said = _own(detail)
        return f"{name} {said}, got {_shown(detail['input'])}" if name else said
    return f"{name} {_claim(cls, name, detail)}, got {_shown(detail['input'])}"


def _own(detail: ErrorDetails) -> str:
    """Return the message of our own validator."""
    return str(detail.get("ctx", {}).get("error", detail["msg"])).rstrip(".")


def _claim(cls: type[BaseModel], name: str, detail: ErrorDetails) -> str:
    try:
        spec = _spec(name, cls.model_fields[name])
    except TypeError:
        odd = f"is not allowed ({detail['msg']})"
        return "must be a path" if detail["type"] == "path_type" else odd
    if detail["type"].startswith(("string_too", "string_pattern")):
        return detail["msg"].lower().replace("string should", "must")
    if spec.choices:
        return f"must be {spec.allowed}"
    claim = _CLAIMS[spec.type]
    if detail["type"] == "finite_number":
        claim = "must be a finite number"
    elif detail["type"].startswith(("greater", "less")):
        return f"must be {spec.allowed}"
    return f"{claim} {spec.allowed}".rstrip()


def _unknown(cls: type[BaseModel], name: str) -> str:
    if near := difflib.get_close_matches(name, cls.model_fields, n=1):
        return f"no parameter {name!r} (did you mean {near[0]!r}?)"
    known = ", ".join(cls.model_fields) or "none at all"
    return f"no parameter {name!r}, it has {known}"


def _plain_value(cls: type[BaseModel], name: str, value: object) -> object:
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        value = item()
    field = cls.model_fields.get(name)
    if field is not None and isinstance(value, bool):
        try:
            kind, choices, _ = _kind(field.annotation)
        except TypeError:
            return value
        return _Truth(value) if kind in {"int", "float"} and not choices else value
    return value


def _number(value: float) -> str:
    return f"{value:g}" if math.isfinite(value) and abs(value) < 1e6 else str(value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
