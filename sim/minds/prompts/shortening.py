"""The shortening of a scene: memories go first, then posts and letters, last the persona.

Whatever others wrote is data: it is made one clean line, without the signs that could end the
element it stands in or fill a name of the template.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from sim.core.text import one_line
from sim.minds.models.tokens import within
from sim.minds.prompts.prompts import Scene

__all__ = ["ever_smaller"]

_LONGEST = 4096
_MOST = 64
_OF_PERSONA = 3
_OF_PARENT = 40
"""Tokens of what a reply is about."""


class _SceneBudget(NamedTuple):
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
    _SceneBudget(),
    _SceneBudget(3),
    _SceneBudget(1),
    _SceneBudget(0),
    _SceneBudget(0, 8, 3),
    _SceneBudget(0, 5, 2, 3),
    _SceneBudget(0, 3, 2, 2, words=120),
    _SceneBudget(0, 3, 2, 1, words=40, persona=400),
    _SceneBudget(0, 2, 1, 1, 2, 30, 150, 60, 20),
    _SceneBudget(0, 1, 1, 0, 2, 20, 80, 40, 12),
    _SceneBudget(0, 1, 0, 0, 0, 15, 25, 20, 8),
    _SceneBudget(0, 1, 0, 0, 0, 12, 12, 10, 6),
    _SceneBudget(0, 0, 0, 0, 0, 0, 8, 6, 5),
)


def ever_smaller(scene: Scene, limit: int = 1000) -> Iterator[Scene]:
    """Yield the scene as it may be told, and what is left of it in ever tighter space.

    A persona has at most a third of the limit, so that there is room for what is seen.
    """
    told = _told(scene)
    told = replace(told, persona=within(told.persona, max(limit // _OF_PERSONA, 1)))
    for room in _ROOMS:
        yield _in(told, room)


def _in(scene: Scene, room: _SceneBudget) -> Scene:
    feed = [
        replace(
            post,
            author=within(post.author, room.name),
            text=within(post.text, room.words),
            to=within(post.to, room.name),
            answers=within(post.answers, min(room.words // 2, _OF_PARENT)),
        )
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
        feed=[
            replace(
                post,
                author=_data(post.author),
                text=_data(post.text),
                to=_data(post.to),
                answers=_data(post.answers),
            )
            for post in scene.feed[:_MOST]
        ],
        letters=[
            replace(one, by=_data(one.by), text=_data(one.text), group=_data(one.group))
            for one in scene.letters[-_MOST:]
        ],
        places=[one._replace(name=_data(one.name)) for one in scene.places[:_MOST]],
    )


def _data(text: str) -> str:
    said = one_line(text, _LONGEST)
    return said.replace("<", "\u2039").replace(">", "\u203a").replace('"', "'")
