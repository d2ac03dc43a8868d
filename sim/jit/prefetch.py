"""Ask the processor to prefetch memory that a kernel will read a little later."""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, config, types
from numba.extending import intrinsic

_BUILD: Any = cgutils
_TOLD: Any = config


def _nothing(_array: Any, _place: Any) -> None:
    """Do nothing: without compilation there is no prefetch."""


def _typed(_context: Any, array: Any, place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        ir = _BUILD.ir
        held = context.make_array(signature.args[0])(context, builder, given[0])
        start = builder.bitcast(held.data, ir.IntType(8).as_pointer())
        wide = context.cast(builder, given[1], signature.args[1], types.int64)
        by = builder.mul(wide, ir.Constant(ir.IntType(64), signature.args[0].dtype.bitwidth // 8))
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), *[ir.IntType(32)] * 3])
        function = _BUILD.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        flags = [ir.Constant(ir.IntType(32), n) for n in (0, 3, 1)]  # read, keep in cache, data
        builder.call(function, [builder.gep(start, [by]), *flags])
        return context.get_dummy_value()

    return types.void(array, place), generate


ahead: Any = _nothing if _TOLD.DISABLE_JIT else intrinsic(_typed)
"""``ahead(array, place)``: prefetch the cache line of ``array.flat[place]``; the array must be
contiguous; a place out of bounds is harmless."""
