""":class:`InjectedPosts`: which post each injected message is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sim.core.append_log import SharedList


class InjectedPosts(Mapping[int, int]):
    """The number of the post that each injected message is, by the id of the message.

    Examples
    --------
    >>> posts = InjectedPosts([(0, 17)])
    >>> then = posts.so_far()
    >>> posts.add(1, 40)
    >>> dict(posts), list(then)
    ({0: 17, 1: 40}, [(0, 17)])
    """

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._pairs = SharedList(pairs)
        self._posts = dict(self._pairs)

    def add(self, message: int, post: int) -> None:
        """Note the post of a message that has none yet."""
        self._pairs.append((message, post))
        self._posts[message] = post

    def so_far(self) -> SharedList[tuple[int, int]]:
        """Return (id, number) of each by now; it takes no memory, undo keeps hundreds."""
        return self._pairs.copied()

    def __getitem__(self, message: int) -> int:
        return self._posts[message]

    def __iter__(self) -> Iterator[int]:
        return iter(self._posts)

    def __len__(self) -> int:
        return len(self._posts)
