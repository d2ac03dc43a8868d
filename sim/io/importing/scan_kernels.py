"""Kernels that parse integer edge lists from bytes, and number the ids they find."""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I64, U8, U32
from sim.jit.jit import kernel
from sim.jit.mix import mix

WIDE = 32  # the delimiter for any run of spaces and tabs

_MORE, _ENDED, _WRONG = 0, 1, 2
_NEWLINE, _RETURN, _SPACE, _TAB, _HASH, _PERCENT, _SLASH = 10, 13, 32, 9, 35, 37, 47
_MINUS, _PLUS, _DOT, _ZERO, _NINE = 45, 43, 46, 48, 57
_TENTH_OF_MOST = 922_337_203_685_477_580  # a tenth of 2**63 - 1, rounded down
_LITTLE_E, _BIG_E = 101, 69
_MOST_MANTISSA = 10**17
_TENS = 10.0 ** np.arange(23)


@kernel
def _skip_blanks(data: U8, at: int, delimiter: int) -> int:
    """Return the first non-blank position from ``at``; a delimiting tab is not a blank."""
    while True:
        c = data[at]
        if c in (_SPACE, _RETURN) or (c == _TAB and delimiter != _TAB):
            at += 1
        else:
            return at


@kernel
def _skip_cell(data: U8, at: int, delimiter: int) -> int:
    """Return the end of a cell that is not read."""
    while data[at] != _NEWLINE and data[at] != delimiter:
        if delimiter == WIDE and data[at] == _TAB:
            break
        at += 1
    return at


@kernel
def _after_cell(data: U8, at: int, delimiter: int) -> tuple[int, int]:
    """Return (position, whether another cell begins there, the line ends, or neither)."""
    at = _skip_blanks(data, at, delimiter)
    if data[at] == _NEWLINE:
        return at, _ENDED
    if delimiter == WIDE:
        return at, _MORE
    if data[at] != delimiter:
        return at, _WRONG
    return _skip_blanks(data, at + 1, delimiter), _MORE


@kernel
def _ends(c: int, delimiter: int) -> bool:
    """Return whether a byte ends a number."""
    if c in (_NEWLINE, _RETURN, _SPACE, _TAB):
        return True
    return c == delimiter


@kernel
def _is_digit(c: int) -> bool:
    return c >= _ZERO and c <= _NINE


@kernel
def _read_integer(data: U8, at: int, delimiter: int) -> tuple[int, int, bool]:
    """Return (position after it, value, whether it is valid) of a 64-bit whole number."""
    negative = data[at] == _MINUS
    if negative:
        at += 1
    value = 0
    first = at
    while _is_digit(data[at]):
        digit = int(data[at]) - _ZERO
        if value > _TENTH_OF_MOST or (value == _TENTH_OF_MOST and digit > 7):
            return at, 0, False
        value = value * 10 + digit
        at += 1
    fine = at > first and _ends(data[at], delimiter)
    return at, -value if negative else value, fine


@kernel
def _read_exponent(data: U8, at: int) -> tuple[int, int, bool]:
    """Return (position after it, value, whether it is valid) of the exponent after an e."""
    down = data[at] == _MINUS
    if down or data[at] == _PLUS:
        at += 1
    value = 0
    first = at
    while _is_digit(data[at]):
        value = min(value * 10 + int(data[at]) - _ZERO, 9_999)
        at += 1
    return at, -value if down else value, at > first


@kernel
def _scaled(mantissa: float, power: int) -> float:
    """Return ``mantissa`` times ten to the ``power``."""
    while power > 0:
        step = min(power, 22)
        mantissa *= _TENS[step]
        power -= step
    while power < 0 and mantissa != 0.0:
        step = min(-power, 22)
        mantissa /= _TENS[step]
        power += step
    return mantissa


@kernel
def _read_number(data: U8, at: int, delimiter: int) -> tuple[int, float, bool]:
    """Return (position after it, value, whether it is valid) of a decimal; 17 digits count."""
    negative = data[at] == _MINUS
    if negative or data[at] == _PLUS:
        at += 1
    mantissa = 0
    power = 0
    digits = 0
    fraction = False
    while _is_digit(data[at]) or (data[at] == _DOT and not fraction):
        if data[at] == _DOT:
            fraction = True
        else:
            digits += 1
            if mantissa < _MOST_MANTISSA:
                mantissa = mantissa * 10 + int(data[at]) - _ZERO
                power -= 1 if fraction else 0
            else:
                power += 0 if fraction else 1
        at += 1
    if digits > 0 and (data[at] == _LITTLE_E or data[at] == _BIG_E):
        at, exponent, fine = _read_exponent(data, at + 1)
        power += exponent
        if not fine:
            return at, 0.0, False
    if digits == 0 or not _ends(data[at], delimiter):
        return at, 0.0, False
    value = _scaled(float(mantissa), power)
    return at, -value if negative else value, bool(np.isfinite(value))


@kernel
def parse_lines(
    data: U8,
    start: int,
    stop: int,
    delimiter: int,
    columns: I64,
    sources: I64,
    targets: I64,
    weights: F64,
    times: F64,
    tally: I64,
) -> tuple[int, int, bool]:
    """Parse the lines of ``data[start:stop]``, the last byte of which is a line end.

    Returns (position, arcs read, whether all is valid): the position is ``stop``, the first line
    that does not fit, or the invalid line, which is counted. ``columns``: of source,
    target, weight and time, -1: none. ``tally`` adds up lines, comments and empty lines.
    """
    needed = columns.max() + 1
    count = 0
    at = start
    while at < stop and count < sources.size:
        begin = at
        tally[0] += 1
        at = _skip_blanks(data, at, WIDE)
        c = data[at]
        if c in (_HASH, _PERCENT) or (c == _SLASH and data[at + 1] == _SLASH):
            tally[1] += 1
        elif c == _NEWLINE:
            tally[2] += 1
        else:
            at = _skip_blanks(data, begin, delimiter)  # a tab may have ended an empty first cell
            column = 0
            state = _MORE
            while column < needed and state == _MORE and data[at] != _NEWLINE:
                fine = True
                if column == columns[0]:
                    at, sources[count], fine = _read_integer(data, at, delimiter)
                elif column == columns[1]:
                    at, targets[count], fine = _read_integer(data, at, delimiter)
                elif column == columns[2]:
                    at, weights[count], fine = _read_number(data, at, delimiter)
                elif column == columns[3]:
                    at, times[count], fine = _read_number(data, at, delimiter)
                else:
                    at = _skip_cell(data, at, delimiter)
                column += 1
                at, state = _after_cell(data, at, delimiter)
                if not fine:
                    state = _WRONG
            if state == _WRONG or column < needed:
                return begin, count, False
            count += 1
        while data[at] != _NEWLINE:
            at += 1
        at += 1
    return at, count, True


@kernel
def rehash(ids: I64, count: int, keys: I64, slots: U32) -> None:
    """Fill an empty hash table with the numbers of ``ids[:count]``.

    ``keys`` int64 and ``slots`` uint32 (a power of two,); a slot holds number + 1, 0 when free.
    """
    mask = np.uint64(keys.size - 1)
    one = np.uint64(1)
    for i in range(count):
        place = mix(np.uint64(ids[i])) & mask
        while slots[place] != 0:
            place = (place + one) & mask
        keys[place] = ids[i]
        slots[place] = i + 1


@kernel
def intern(
    values: I64, start: int, stop: int, count: int, ids: I64, keys: I64, slots: U32,
    numbers: U32,
) -> tuple[int, int]:  # fmt: skip
    """Assign numbers to ids in order of first appearance.

    ``values[start:stop]`` int64 are looked up in the table of :func:`rehash`; new ones are appended
    to ``ids``; ``numbers`` uint32 receives a number for each. Returns (position, count): short of
    ``stop`` if ``ids`` is full, which the caller keeps below half the table.
    """
    mask = np.uint64(keys.size - 1)
    one = np.uint64(1)
    for i in range(start, stop):
        value = values[i]
        place = mix(np.uint64(value)) & mask
        while slots[place] != 0 and keys[place] != value:
            place = (place + one) & mask
        if slots[place] == 0:
            if count == ids.size:
                return i, count
            ids[count] = value
            count += 1
            keys[place] = value
            slots[place] = count
        numbers[i] = slots[place] - np.uint32(1)
    return stop, count
