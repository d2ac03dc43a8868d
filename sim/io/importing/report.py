"""What an import found, kept and dropped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How a network came out of a file, or out of another library's graph.

    Parameters
    ----------
    name
        The file, or what it was.
    lines, comments, empty
        Lines of the file, and those that hold no tie; 0 where there are no lines. The header is
        neither.
    arcs
        Ties as they stand in the file, a pair of an undirected network once.
    loops, duplicates
        Those that were dropped: an agent with itself; a tie again. Known once a world is made.
    agents, ties, isolated
        Of the world; isolated agents have no tie at all.
    directed
        Whether a line is one tie, or two.
    seconds
        Time taken.
    notes
        Sentences on what was decided on the way.
    """

    name: str
    lines: int = 0
    comments: int = 0
    empty: int = 0
    arcs: int = 0
    loops: int = 0
    duplicates: int = 0
    agents: int = 0
    ties: int = 0
    isolated: int = 0
    directed: bool = True
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return one paragraph for a person."""
        told = [
            f"{self.name}: {self._found()}.",
            f"Dropped {_many(self.loops, 'loop')} and {_many(self.duplicates, 'duplicate')}.",
            f"The world has {_many(self.agents, 'agent')} ({self.isolated:,} isolated) and "
            f"{_many(self.ties, 'tie')}{'' if self.directed else ', two for each pair'}.",
            *self.notes,
            f"It took {self.seconds:.1f} s.",
        ]
        return " ".join(told)

    def _found(self) -> str:
        arcs = _many(self.arcs, "arc" if self.directed else "pair")
        if not self.lines:
            return arcs
        return (
            f"{arcs} in {_many(self.lines, 'line')}, "
            f"{_many(self.comments, 'comment')} and {self.empty:,} empty"
        )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
