"""Numbers as the screen writes them: short, with their unit, never wider than needed."""

from __future__ import annotations

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(value: float) -> str:
    """Write a whole number in full: ``1,204``."""
    return f"{round(value):,}"


def short(value: float) -> str:
    """Write a number in at most five characters: ``412k``, ``9.8M``, ``0.94``.

    Examples
    --------
    >>> [short(value) for value in (0.944, 12, 1204, 99_960, 412_880, 9_800_000)]
    ['0.94', '12', '1.2k', '100k', '413k', '9.8M']
    """
    for size, letter in _STEPS:
        if abs(value) >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.1f}{letter}" if abs(scaled) < 99.95 else f"{scaled:.0f}{letter}"
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.2g}"


def percent(share: float) -> str:
    """Write a share of one: ``41.3%``, ``<0.1%`` for what is there but tiny."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{100 * share:.1f}%"


def bytes_of(value: float) -> str:
    """Write a size: ``1.3 GiB``."""
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= size:
            return (
                f"{value / size:.1f} {unit}" if value < 100 * size else f"{value / size:.0f} {unit}"
            )
    return f"{value:.0f} B"


def seconds(value: float) -> str:
    """Write a span: ``<1 ms``, ``40 ms``, ``2.1 s``, ``3 min``."""
    if value < 0.001:
        return "<1 ms"
    if value < 1:
        return f"{1000 * value:.0f} ms"
    if value < 100:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min"


def rate(value: float) -> str:
    """Write ticks a second: ``9.8/s``."""
    return f"{value:.1f}/s" if value < 99.95 else f"{short(value)}/s"


def clock(day: int, hour: float) -> str:
    """Write simulated time: ``day 3 04:30``."""
    minutes = round(hour * 60) % 1440
    return f"day {day} {minutes // 60:02d}:{minutes % 60:02d}"
