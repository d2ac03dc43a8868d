"""The sparse column: one number per agent, stored as a hash table while that is smaller."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import numpy as np
import numpy.typing as npt

from sim.arrays import Array
from sim.errors import InputError
from sim.jit import sparse as kernels

_NO_KEYS = np.empty(0, np.uint32)
_LEAST = 256


class SparseColumn:
    """A column that is initially zero; a small cascade in a large world stays small.

    Kernels take ``keys`` and ``values`` (:mod:`sim.jit.sparse`). Before writing, call
    :meth:`reserve`. The result of :meth:`dump` depends only on the values.

    Attributes
    ----------
    keys
        uint32 (slots,), or (0,): dense.
    values
        (slots,), or (agents,) when dense.

    Examples
    --------
    >>> column = SparseColumn(1_000_000, np.uint8)
    >>> column[[5, 7]] = 2
    >>> column[[4, 5]], column.nbytes < 5000
    (array([0, 2], dtype=uint8), True)
    """

    __slots__ = ("_taken", "agents", "keys", "values")

    def __init__(self, agents: int, dtype: npt.DTypeLike) -> None:
        self.agents = agents
        self.keys = _NO_KEYS
        self.values: Array = np.empty(0, dtype)
        self._taken = 0
        self._resize(_LEAST)

    @property
    def is_dense(self) -> bool:
        """Whether there is one value for each agent."""
        return self.keys.size == 0

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.keys.nbytes + self.values.nbytes

    def reserve(self, more: int) -> None:
        """Make room for the values of ``more`` further agents."""
        if self.is_dense:
            return
        self._taken += more
        if 2 * self._taken <= self.keys.size:
            return
        self._taken = int(np.count_nonzero(self.keys != kernels.VACANT)) + more
        if 2 * self._taken > self.keys.size:
            self._resize(1 << (4 * self._taken - 1).bit_length())

    def make_dense(self) -> None:
        """Store one value for each agent from now on."""
        if not self.is_dense:
            self._resize(self.agents)

    def _resize(self, slots: int) -> None:
        """Move to a table of ``slots`` slots, or to a dense column if that is smaller."""
        keys, size = _NO_KEYS, self.agents
        if slots * (4 + self.values.itemsize) < self.agents * self.values.itemsize:
            keys, size = np.full(slots, kernels.VACANT), slots
        values = np.empty(size, self.values.dtype)
        values[:] = 0  # written at once, so that the memory comes in large pages, unlike np.zeros
        kernels.rehash(self.keys, self.values, keys, values)
        self.keys, self.values = keys, values

    def grow(self, count: int) -> None:
        """Make room for agents that joined."""
        self.agents += count
        if self.is_dense:
            self.values = np.concatenate([self.values, np.zeros(count, self.values.dtype)])

    def __getitem__(self, ids: npt.ArrayLike) -> Array:
        """Return the values of agents."""
        wanted = np.asarray(ids, np.uint32).reshape(-1)
        out = np.empty(wanted.size, self.values.dtype)
        kernels.lookup(self.keys, self.values, wanted, out)
        return out

    def __setitem__(self, ids: npt.ArrayLike, values: npt.ArrayLike) -> None:
        """Set the values of agents."""
        wanted = np.asarray(ids, np.uint32).reshape(-1)
        self.reserve(wanted.size)
        given = np.broadcast_to(np.asarray(values, self.values.dtype), wanted.shape)
        kernels.store(self.keys, self.values, wanted, np.ascontiguousarray(given))

    def items(self) -> tuple[npt.NDArray[np.uint32], Array]:
        """Return (agents, values) of all nonzero values, agents ascending."""
        at = np.flatnonzero(self.values)
        if self.is_dense:
            return at.astype(np.uint32), self.values[at]
        agents = self.keys[at]
        order = np.argsort(agents)
        return agents[order], self.values[at[order]]

    def dense(self) -> Array:
        """Return one value per agent, (agents,)."""
        out = np.zeros(self.agents, self.values.dtype)
        agents, values = self.items()
        out[agents] = values
        return out

    def still(self, copied: Callable[[str, Array], Array]) -> SparseColumn:
        """Return a copy whose arrays are ``copied(name, array)``."""
        twin = copy(self)
        twin.keys, twin.values = copied(".keys", self.keys), copied(".values", self.values)
        return twin

    def dump(self) -> dict[str, Array]:
        """Return the arrays for a snapshot, in the smaller of two forms."""
        agents, values = self.items()
        if agents.nbytes + values.nbytes < self.agents * values.itemsize:
            return {".agents": agents, ".values": values}
        return {"": self.dense()}

    @classmethod
    def taken(cls, name: str, columns: dict[str, Array], agents: int) -> SparseColumn:
        """Restore the column dumped under ``name``; its parts are removed from the dict."""
        if name in columns:
            values = columns.pop(name)
            column = cls(agents, values.dtype)
            column.make_dense()
            column.values[:] = values
            return column
        ids, values = columns.pop(f"{name}.agents"), columns.pop(f"{name}.values")
        if ids.dtype != np.uint32 or ids.shape != values.shape or ids.max(initial=0) >= agents:
            raise InputError(f"Column {name!r} is not of {agents:,} agents.")
        column = cls(agents, values.dtype)
        column[ids] = values
        return column
