"""Types and properties of ties, for those that have them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import U32
from sim.core.bounds import Bound, require
from sim.core.text import one_line
from sim.errors import InputError

Value = bool | int | float | str
Columns = dict[str, npt.NDArray[Any]]

MOST_TYPES: Final = 65_536
MOST_FIELDS: Final = 64
LONGEST_NAME: Final = 80
LONGEST_TEXT: Final = 1_000
_NONE: Final = 0xFFFF_FFFF
_EXACT = 2**53
_BOUNDS = {
    "source": Bound("u4", ("records",), below="agents"),
    "target": Bound("u4", ("records",), below="agents"),
    "type": Bound("u4", ("records",), below="types", none=_NONE),
    "offsets": Bound("i8", ("ends",), low=0),
    "text": Bound("u1", (None,), below=127, low=32),
}


class StatedTypes(NamedTuple):
    """The stated types and properties of some of many arcs."""

    places: npt.NDArray[np.int64]  # int64 (k,), ascending: which arcs
    types: Sequence[str]  # a type for each, or ""
    properties: Sequence[str]  # for each as packed() writes them, or ""
    is_asked: bool = True


@dataclass(frozen=True, slots=True)
class Relation:
    """Type and properties of one tie."""

    type: str  # such as "friend"; empty if only properties are known
    properties: Mapping[str, Value]  # numbers, booleans and texts by name


class TieRecords:
    """Types and properties of ties, by pair; immutable. A record stays when its tie ends."""

    def __init__(
        self,
        keys: npt.NDArray[np.uint64],
        codes: U32,
        names: Sequence[str],
        texts: bytes,
        offsets: npt.NDArray[np.int64],
    ) -> None:
        self.keys = keys
        self.codes = codes
        self.names = tuple(names)
        self._texts = texts
        self._offsets = offsets

    @classmethod
    def of(
        cls, keys: npt.NDArray[np.uint64], types: Sequence[str], properties: Sequence[str]
    ) -> TieRecords:
        """Return records of distinct pairs, whose keys are ascending."""
        names = sorted(set(types) - {""})
        if len(names) > MOST_TYPES:
            raise InputError(
                f"Ties have at most {MOST_TYPES:,} different types, got {len(names):,}; choose "
                "another column, or none with --relations none (in Python: relations='none')."
            )
        place = {name: at for at, name in enumerate(names)} | {"": _NONE}
        codes = np.array([place[name] for name in types], np.uint32)
        ends = np.cumsum([0, *map(len, properties)], dtype=np.int64)
        return cls(keys, codes, names, "".join(properties).encode("ascii"), ends)

    @classmethod
    def none(cls) -> TieRecords:
        """Return an empty set of records."""
        return cls.of(np.empty(0, np.uint64), (), ())

    @classmethod
    def from_arcs(
        cls, sources: U32, targets: U32, said: StatedTypes, *, directed: bool
    ) -> tuple[TieRecords, int]:
        """Return the records of arcs, and the number of repeated pairs; the last one counts."""
        one, two = (ends[said.places].astype(np.uint64) for ends in (sources, targets))
        keys, rows = _keys(one, two), np.flatnonzero(one != two)
        if not directed:
            keys = np.stack([keys, _keys(two, one)], axis=1)[rows].ravel()
            rows = np.repeat(rows, 2)
        else:
            keys = keys[rows]
        kept, last = np.unique(keys[::-1], return_index=True)  # as with trust, the last counts
        chosen = rows[::-1][last].tolist()
        records = cls.of(
            kept, [said.types[at] for at in chosen], [said.properties[at] for at in chosen]
        )
        return records, int(np.unique(rows).size - len(set(chosen)))

    def changed(
        self, sources: U32, targets: U32, kind: str | None, properties: Mapping[str, object] | None
    ) -> TieRecords:
        """Return records in which some pairs, each given once, have another type and properties.

        None leaves the type unchanged, ``""`` removes it; a property of None is removed too.
        """
        kinds = [*self.names, ""]
        told = {
            key: (kinds[min(code, len(self.names))], self.text(at))
            for at, (key, code) in enumerate(
                zip(self.keys.tolist(), self.codes.tolist(), strict=True)
            )
        }
        pairs = _keys(sources.astype(np.uint64), targets.astype(np.uint64)).tolist()
        for key, at in zip(pairs, self.places(sources, targets).tolist(), strict=True):
            before = Relation("", {}) if at < 0 else self[at]
            now = before.type if kind is None else type_of(kind)
            told[key] = (now, packed({**before.properties, **(properties or {})}))
            if told[key] == ("", ""):
                del told[key]
        keys = sorted(told)
        said = [told[key] for key in keys]
        types, texts = [type_ for type_, _ in said], [text for _, text in said]
        return self.of(np.array(keys, np.uint64), types, texts)

    def __len__(self) -> int:
        return self.keys.size

    def __repr__(self) -> str:
        return f"<TieRecords: {len(self):,} ties, {len(self.names):,} types>"

    def __deepcopy__(self, memo: object) -> TieRecords:
        """Return the same records: they are immutable."""
        return self

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(c.nbytes for c in (self.keys, self.codes, self._offsets)) + len(self._texts)

    @property
    def ends(self) -> tuple[U32, U32]:
        """The source and the target of each record, uint32 (k,)."""
        return _ends(self.keys)

    @property
    def counts(self) -> dict[str, int]:
        """Number of ties of each type."""
        typed = self.codes[self.codes != _NONE]
        return dict(
            zip(self.names, np.bincount(typed, minlength=len(self.names)).tolist(), strict=True)
        )

    def places(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the index of the record of each pair: int64, -1 for none."""
        wanted = _keys(np.asarray(sources, np.uint64), np.asarray(targets, np.uint64))
        if not len(self):
            return np.full(wanted.shape, -1, np.int64)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self) - 1).astype(np.int64)
        return np.where(self.keys[at] == wanted, at, -1)

    def are(self, sources: npt.ArrayLike, targets: npt.ArrayLike, kind: str) -> Any:
        """Return which pairs have a record of a type: bool, of the shape of the pairs."""
        at, code = self.places(sources, targets), -1
        if kind in self.names:
            code = self.names.index(kind)
        return (at >= 0) & (np.append(self.codes, np.uint32(_NONE))[at] == code)

    def find(self, source: int, target: int) -> Relation | None:
        """Return the record of a pair, or None."""
        at = int(self.places(source, target))
        return None if at < 0 else self[at]

    def __getitem__(self, at: int) -> Relation:
        """Return the record at an index."""
        code = int(self.codes[at])
        try:
            told = json.loads(self.text(at) or "{}").items()
        except (ValueError, AttributeError, RecursionError):
            raise InputError(f"The properties of tie record {at:,} are damaged.") from None
        found = {one_line(name, LONGEST_NAME): value_of(value) for name, value in told}
        fine = {name: value for name, value in found.items() if value is not None}
        return Relation("" if code == _NONE else self.names[code], fine)

    def text(self, at: int) -> str:
        """Return the properties at an index as JSON; empty for none."""
        return self._texts[self._offsets[at] : self._offsets[at + 1]].decode("ascii")

    def pairs(self, kind: str) -> tuple[U32, U32]:
        """Return sources and targets of a type's records, uint32; empty for an unknown type."""
        at = self.names.index(kind) if kind in self.names else -1
        return _ends(self.keys[self.codes == at] if at >= 0 else self.keys[:0])

    def dump(self) -> tuple[dict[str, Any], Columns]:
        """Return (meta, columns), from which :meth:`restore` creates equal records."""
        sources, targets = self.ends
        columns: Columns = {
            "source": sources,
            "target": targets,
            "type": self.codes,
            "offsets": self._offsets,
            "text": np.frombuffer(self._texts, np.uint8),
        }
        return {"count": len(self), "types": list(self.counts.items())}, columns

    @classmethod
    def restore(
        cls, meta: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]], agents: int
    ) -> TieRecords:
        """Return the records that :meth:`dump` described, checked."""
        names = [one_line(str(name), LONGEST_NAME) for name, _ in meta["types"]]
        count, missing = int(meta["count"]), _BOUNDS.keys() - columns.keys()
        if missing or count < 0:
            raise InputError("Types of ties: columns are missing.")
        sizes = {"records": count, "ends": count + 1, "agents": agents, "types": len(names)}
        require(columns.items(), _BOUNDS, sizes, "types of ties")
        keys = _keys(columns["source"].astype(np.uint64), columns["target"].astype(np.uint64))
        offsets, text = columns["offsets"], columns["text"]
        rises = bool((keys[1:] > keys[:-1]).all()) and bool((np.diff(offsets) >= 0).all())
        if not rises or offsets[0] != 0 or offsets[-1] != text.size:
            raise InputError("Types of ties: pairs or the ends of properties are out of order.")
        return cls(keys, columns["type"], names, text.tobytes(), offsets)


def _keys(sources: npt.NDArray[np.uint64], targets: npt.NDArray[np.uint64]) -> Any:
    return sources << np.uint64(32) | targets


def _ends(keys: npt.NDArray[np.uint64]) -> tuple[U32, U32]:
    low = np.uint64(0xFFFF_FFFF)
    return (keys >> np.uint64(32)).astype(np.uint32), (keys & low).astype(np.uint32)


def value_of(given: object) -> Value | None:
    """Return a valid property value, cleaned; None if it is not valid.

    Whole floats become integers, since several formats only have floats; NaN and empty
    texts are not values.
    """
    if isinstance(given, np.generic):
        given = given.item()
    if isinstance(given, bool):
        return given
    if isinstance(given, int):
        return given if -(2**63) <= given < 2**63 else one_line(hex(given), LONGEST_TEXT)
    if isinstance(given, float):
        if math.isnan(given):
            return None
        if abs(given) < _EXACT and given.is_integer():
            return int(given)
        return given if abs(given) != float("inf") else str(given)
    return one_line(given, LONGEST_TEXT) or None if isinstance(given, str) else None


def type_of(given: object) -> str:
    """Return the name of a type, cleaned; empty for none."""
    value = value_of(given)
    return "" if value is None else one_line(str(value), LONGEST_NAME)


def packed(properties: Mapping[str, object]) -> str:
    """Return properties as compact JSON in ASCII; empty for none."""
    told = {one_line(str(name), LONGEST_NAME): value_of(v) for name, v in properties.items()}
    kept = {name: value for name, value in told.items() if name and value is not None}
    if len(kept) > MOST_FIELDS:
        raise InputError(f"A tie has at most {MOST_FIELDS} properties, got {len(kept)}.")
    return json.dumps(kept, sort_keys=True, separators=(",", ":")) if kept else ""
