"""The message: its author, its topics, its text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Message"]


@dataclass(frozen=True, slots=True)
class Message:
    """Something injected or written.

    Attributes
    ----------
    id
        0, 1, 2, ... in the order of creation.
    text
        Clean text (:func:`sim.core.text.clean`).
    author
        The agent that wrote it, -1 for nobody in this world.
    tags
        Its interests, a 64-bit mask over the world's vocabulary.
    kind
        ``"post"`` or another word of the user's.
    created
        The tick of its creation.
    """

    id: int
    text: str
    author: int = -1
    tags: int = 0
    kind: str = "post"
    created: int = 0
