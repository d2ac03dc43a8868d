"""Ask the processor to prefetch memory that a kernel will read a little later."""

from __future__ import annotations

from functools import cached_property
from typing import Any


class _Prefetch:
    """A function for kernels; without compilation it does nothing."""

    def __call__(self, _array: Any, _place: Any) -> None:
        pass

    @cached_property
    def _numba_type_(self) -> Any:
        """Return what numba takes this for, once a kernel that names it is compiled."""
        from numba import types
        from numba.core import cgutils
        from numba.core.registry import cpu_target
        from numba.extending import intrinsic

        build: Any = cgutils

        def typed(_context: Any, array: Any, place: Any) -> Any:
            def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
                ir = build.ir
                held = context.make_array(signature.args[0])(context, builder, given[0])
                start = builder.bitcast(held.data, ir.IntType(8).as_pointer())
                wide = context.cast(builder, given[1], signature.args[1], types.int64)
                size = ir.Constant(ir.IntType(64), signature.args[0].dtype.bitwidth // 8)
                pointer, word = ir.IntType(8).as_pointer(), ir.IntType(32)
                kind = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
                function = build.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
                flags = [ir.Constant(word, n) for n in (0, 3, 1)]  # read, keep in cache, data
                builder.call(function, [builder.gep(start, [builder.mul(wide, size)]), *flags])
                return context.get_dummy_value()

            return types.void(array, place), generate

        typing: Any = cpu_target.typing_context
        made = intrinsic(typed)
        typing.refresh()
        return typing.resolve_value_type(made)


ahead: Any = _Prefetch()
"""``ahead(array, place)``: prefetch the cache line of ``array.flat[place]``; the array must be
contiguous; a place out of bounds is harmless."""
