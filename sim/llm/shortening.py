"""A scene in ever tighter space: memories go first, then posts and letters, last the persona.

Whatever others wrote is data: it is made one clean line, without the signs that could end the
element it stands in or fill a name of the template.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from sim.core.text import one_line
from sim.llm.prompts import Post, Scene
from sim.llm.tokens import within

__all__ = ["ever_smaller"]

_LONGEST = 4096
_MOST = 64


class _Room(NamedTuple):
    """How much of a scene there is room for: numbers of things, and tokens of texts."""

    memories: int = _MOST
    posts: int = _MOST
    letters: int = _MOST
    places: int = _MOST
    steps: int = 4
    words: int = 400  # of a post or letter
    persona: int = 1000  # of the question too
    goal: int = 200
    name: int = 40


_ROOMS = (
    _Room(),
    _Room(3),
    _Room(1),
    _Room(0),
    _Room(0, 8, 3),
    _Room(0, 5, 2, 3),
    _Room(0, 3, 2, 2, words=120),
    _Room(0, 3, 2, 1, words=40, persona=400),
    _Room(0, 2, 1, 1, 2, 30, 150, 60, 20),
    _Room(0, 1, 1, 0, 2, 20, 80, 40, 12),
    _Room(0, 1, 0, 0, 0, 15, 25, 20, 8),
    _Room(0, 1, 0, 0, 0, 12, 12, 10, 6),
    _Room(0, 0, 0, 0, 0, 0, 8, 6, 5),
)


def ever_smaller(scene: Scene) -> Iterator[Scene]:
    """Yield the scene as it may be told, and what is left of it in ever tighter space."""
    told = _told(scene)
    for room in _ROOMS:
        yield _in(told, room)


def _in(scene: Scene, room: _Room) -> Scene:
    feed = [
        Post(within(post.author, room.name), within(post.text, room.words), post.likes)
        for post in scene.feed[: room.posts]
    ]
    letters = [
        replace(one, by=within(one.by, room.name), text=within(one.text, room.words),
                group=within(one.group, room.name))
        for one in scene.letters[len(scene.letters) - min(room.letters, len(scene.letters)) :]
    ]  # fmt: skip
    return replace(
        scene,
        name=within(scene.name, room.name),
        persona=within(scene.persona, room.persona),
        goal=within(scene.goal, room.goal),
        question=within(scene.question, room.persona),
        language=within(scene.language, room.name),
        memories=[within(one, room.words) for one in scene.memories[: room.memories]],
        plan=[within(step, room.name) for step in scene.plan[: room.steps]],
        outcomes=within(scene.outcomes, room.goal),
        feed=feed,
        letters=letters,
        places=[one._replace(name=within(one.name, room.name)) for one in scene.places]
        [: room.places],
    )  # fmt: skip


def _told(scene: Scene) -> Scene:
    """Return a scene whose texts are data."""
    return replace(
        scene,
        name=_data(scene.name),
        persona=_data(scene.persona),
        goal=_data(scene.goal),
        question=_data(scene.question),
        language=_data(scene.language),
        memories=[_data(one) for one in scene.memories[:_MOST]],
        plan=[_data(step) for step in scene.plan[:4]],
        outcomes=_data(scene.outcomes),
        feed=[Post(_data(p.author), _data(p.text), p.likes) for p in scene.feed[:_MOST]],
        letters=[
            replace(one, by=_data(one.by), text=_data(one.text), group=_data(one.group))
            for one in scene.letters[-_MOST:]
        ],
        places=[one._replace(name=_data(one.name)) for one in scene.places[:_MOST]],
    )


def _data(text: str) -> str:
    said = one_line(text, _LONGEST)
    return said.replace("<", "\u2039").replace(">", "\u203a").replace('"', "'")
