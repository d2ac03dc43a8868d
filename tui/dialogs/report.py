"""The dialog with the network report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tui.figures import count, percent, short


def told(found: Any, names: Sequence[str]) -> str:
    """Write a network report."""
    ways = "both ways" if found.is_symmetric else f"{percent(found.reciprocity)} have a reverse"
    weak, strong = found.largest_component, found.largest_strong_component
    facts = [
        ("members", count(found.agents)),
        ("ties", f"{count(found.ties)}, {ways}; density {found.density:.2g}"),
        ("listeners", _degrees(found.listeners)),
        ("listens to", _degrees(found.heard)),
        ("clustering", _estimate(found.clustering)),
        ("mean path", f"{_estimate(found.path_length)} steps"),
        ("components", f"{count(found.components)}, the largest of {count(weak)}"),
        ("both ways", f"{count(found.strong_components)}, the largest of {count(strong)}"),
        (
            "communities",
            f"{count(found.communities)} by Louvain, modularity {found.modularity:.2f}",
        ),
    ]  # fmt: skip
    lines = [f"{label:<12} {text}" for label, text in facts]
    lines += ["", "The most influential by PageRank"]
    for name, member in zip(names, found.influential, strict=True):
        lines.append(
            f"  {100 * member.pagerank:6.3f}%  {short(member.listeners):>6} listeners  {name}"
        )
    return "\n".join(lines)


def _degrees(found: Any) -> str:
    return (
        f"mean {found.mean:.1f}, median {found.median:.0f}, most {count(found.most)}; "
        f"{count(found.none)} have none"
    )


def _estimate(found: Any) -> str:
    exact = found.error == 0
    return f"{found.value:.3f}" + ("" if exact else f" ± {found.error:.3f}")
