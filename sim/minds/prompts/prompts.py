""":class:`Prompt`: user-editable templates, filled with a scene and cut to size; texts are data.

A template has a system part, a line ``=== user``, and a user part; ``$names`` are filled in, and a
line that consists of an empty name is left out. A prompt that is too long is shortened as
:mod:`sim.minds.prompts.prompts` says.

All text from others is data: it becomes one clean line, without characters that could close its
element or fill a name of the template.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, NamedTuple

from sim.core.files import read_bounded_text
from sim.core.pictures import numbered
from sim.core.text import one_line
from sim.errors import FileError, InputError, UnknownNameError
from sim.minds.models.asks import Turn, tokens_in, within

if TYPE_CHECKING:
    from sim.minds.prompts.decisions import Destination, DirectMessage

TEMPLATES = ("decide", "interview", "plan", "reflect", "batch", "archetype")
_PART = "\n=== user\n"
_FRAME = 8
_DAYS = 48
"""Hours from which an age is given in days."""
_WARNING = "may be false"
_ANYWHERE = {"name", "persona", "goal", "moment", "memories", "plan", "language"}
_KNOWN = {
    "decide": {*_ANYWHERE, "feed", "acts", "letters", "places"},
    "interview": {*_ANYWHERE, "question"},
    "plan": {*_ANYWHERE, "outcomes"},
    "reflect": _ANYWHERE,
    "batch": {*_ANYWHERE, "feed", "acts", "letters", "places"},
    "archetype": {"name", "persona", "goal", "acts", "question"},
}
_OPTIONAL = ("goal", "memories", "plan", "language", "letters", "places", "outcomes")
_LETTERS = "Letters to you, answered by their number:"
_OTHERS = "You may also write to these, or join:"
_PLACES = {"ally": "ally", "group": "group", "open": "open-group"}


@dataclass(frozen=True, slots=True)
class Post:
    """A message as a member sees it.

    Attributes
    ----------
    author, text
        Its author and its text.
    likes, shares
        Number of likes, and of shares.
    tags
        Its topics.
    interest
        The share of its topics that the member cares about.
    hours
        Hours since it was posted.
    followed, labelled
        Whether someone the member follows shared it; whether it has a warning.
    to, answers
        For a reply or quote: the author of the other message, and its text; otherwise empty.
    image
        Its picture as a data URL, for models that see; its text ends with the alt text.
    """

    author: str
    text: str
    likes: int = 0
    shares: int = 0
    tags: tuple[str, ...] = ()
    interest: float = 0.0
    hours: float = 0.0
    followed: bool = False
    labelled: bool = False
    to: str = ""
    answers: str = ""
    image: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Scene:
    """The input of a prompt.

    Attributes
    ----------
    name, persona
        The member that is asked.
    moment
        The simulated time in words.
    goal
        The member's goal; empty: none.
    memories
        Recalled memories, strongest first.
    feed
        The posts it sees, numbered from 1 in this order.
    acts
        The possible acts.
    question
        The question of an interview.
    language
        The language to write in; empty: not mentioned.
    plan
        The steps that the member follows.
    outcomes
        The effects of the plan, in words.
    letters
        Direct messages to the member, with their own numbers.
    places
        Places that it may write to or join, with their own numbers.
    sees
        Whether the model is sent pictures, in place of their alt text.
    """

    name: str
    persona: str
    moment: str
    goal: str = ""
    memories: Sequence[str] = ()
    feed: Sequence[Post] = ()
    acts: Sequence[str] = ()
    question: str = ""
    language: str = ""
    plan: Sequence[str] = ()
    outcomes: str = ""
    letters: Sequence[DirectMessage] = ()
    places: Sequence[Destination] = ()
    sees: bool = False

    @property
    def last(self) -> int:
        """The highest number that a decision on this scene may name."""
        numbers = [one.number for one in self.letters] + [one.number for one in self.places]
        return max([len(self.feed), *numbers])


class FittedPrompt(NamedTuple):
    """A conversation, and the parts of the scene that it contains."""

    turns: tuple[Turn, ...]  # the conversation
    scene: Scene  # the rest of the scene: the posts, letters and places shown


@dataclass(frozen=True, slots=True)
class Prompt:
    """A parsed template.

    Attributes
    ----------
    name, system, user
        Its name and parts.
    """

    name: str
    system: str
    user: str

    @property
    def text(self) -> str:
        """Both parts, in the form of a file."""
        return f"{self.system}{_PART}{self.user}"

    @property
    def fingerprint(self) -> str:
        """32 hex digits of the text, recorded with every run."""
        return blake2b(self.text.encode(), digest_size=16).hexdigest()

    def turns(self, scene: Scene, limit: int = 1000) -> tuple[Turn, ...]:
        """Return the conversation for a scene, of at most ``limit`` tokens: see :meth:`fitted`."""
        return self.fitted(scene, limit).turns

    def fitted(self, scene: Scene, limit: int = 1000) -> FittedPrompt:
        """Return the conversation for a scene, of at most ``limit`` tokens, and what it contains.

        Raises
        ------
        InputError
            The template alone is longer than the limit.
        """
        for smaller in ever_smaller(scene, limit):
            turns = self._filled(smaller)
            if sum(tokens_in(turn.text) + _FRAME for turn in turns) <= limit:
                return FittedPrompt(turns, smaller)
        raise InputError(
            f"The prompt {self.name!r} has more than {limit:,} tokens before anything is filled "
            f"in; shorten the template or raise the limit."
        )

    def _filled(self, scene: Scene) -> tuple[Turn, ...]:
        posts, images = [], []
        for number, post in enumerate(scene.feed, 1):
            if scene.sees and post.image:
                images.append(post.image)
                post = replace(post, text=numbered(post.text, len(images)))
            posts.append(_post(number, post))
        said = {
            "name": scene.name,
            "persona": scene.persona,
            "moment": scene.moment,
            "goal": f"What you want: {scene.goal}" if scene.goal else "",
            "memories": _listed("You remember:", scene.memories),
            "feed": "\n".join(posts) or "(none)",
            "acts": ", ".join(scene.acts),
            "question": scene.question,
            "language": f"Write in {scene.language}." if scene.language else "",
            "plan": _stepped(scene.plan),
            "outcomes": f"Since then: {scene.outcomes}" if scene.outcomes else "",
            "letters": _listed(_LETTERS, map(_letter, scene.letters), ""),
            "places": _listed(_OTHERS, map(_place, scene.places), ""),
        }
        parts = (_without_empty(part, said) for part in (self.system, self.user))
        system, user = (Template(part).safe_substitute(said).strip() for part in parts)
        return Turn("system", system), Turn("user", user, tuple(images))


def _without_empty(part: str, said: Mapping[str, str]) -> str:
    """Return a part of the template without lines that would be empty."""
    for name in _OPTIONAL:
        if not said[name]:
            part = part.replace(f"\n${name}\n", "\n").removeprefix(f"${name}\n")
    return part


def _listed(head: str, lines: Iterable[str], mark: str = "- ") -> str:
    rows = [f"{mark}{line}" for line in lines]
    return "\n".join([head, *rows]) if rows else ""


def _stepped(steps: Sequence[str]) -> str:
    said = " ".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    return f"Your plan: {said}" if said else ""


def _post(number: int, post: Post) -> str:
    """Return a post as an element; missing values are left out."""
    said = f'number="{number}" by="{post.author}" likes="{post.likes}"'
    said += f' shares="{post.shares}"' if post.shares else ""
    said += f' age="{_age(post.hours)}"' if post.hours else ""
    said += ' followed="yes"' if post.followed else ""
    said += f' warning="{_WARNING}"' if post.labelled else ""
    said += f' answers="{post.to}: {post.answers}"' if post.to or post.answers else ""
    return f"<post {said}>{post.text}</post>"


def _age(hours: float) -> str:
    return f"{hours / 24:.0f} d" if hours >= _DAYS else f"{max(hours, 1):.0f} h"


def _letter(one: DirectMessage) -> str:
    group = f' group="{one.group}"' if one.group else ""
    return f'<letter number="{one.number}" from="{one.by}"{group}>{one.text}</letter>'


def _place(one: Destination) -> str:
    return f'<{_PLACES[one.kind]} number="{one.number}" name="{one.name}"/>'


@lru_cache(maxsize=16)
def _packaged(name: str) -> str:
    return files("sim.minds.prompts").joinpath("templates", f"{name}.txt").read_text("utf-8")


def read_prompt(name: str, folder: Path | None = None) -> Prompt:
    """Return a template: the user's if the folder has one, otherwise the packaged one.

    Parameters
    ----------
    name
        One of :data:`TEMPLATES`.
    folder
        The folder for the user's ``NAME.txt``.

    Raises
    ------
    UnknownNameError
        There is no such template.
    FileError
        The user's file cannot be read, lacks the dividing line, or has an unknown ``$name``.
    """
    if name not in TEMPLATES:
        raise UnknownNameError("prompt template", name, TEMPLATES)
    own = None if folder is None else folder / f"{name}.txt"
    if own is None or not own.exists():
        return Prompt(name, *_packaged(name).split(_PART))
    try:
        system, divider, user = read_bounded_text(own).partition(_PART)
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            own, f"the prompt template cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from error
    said = {"divider": divider, "text": f"{system}\n{user}"}
    if not said["divider"]:
        raise FileError(own, "a prompt template needs a line '=== user' between its two parts")
    template = Template(said["text"])
    if not template.is_valid():
        raise FileError(own, "a '$' that begins no name stands in it; write '$$' for the sign")
    unknown = sorted(set(template.get_identifiers()) - _KNOWN[name])
    if unknown:
        known = ", ".join(f"${one}" for one in sorted(_KNOWN[name]))
        raise FileError(own, f"it has no ${unknown[0]} to fill in; known are {known}")
    return Prompt(name, system, user)


_LONGEST = 4096
_LONGEST_PERSONA = 1 << 16
_MOST = 64
OF_PERSONA = 3
"""A persona takes at most one third of a prompt."""
_OF_PARENT = 40
"""Tokens for the message that a reply is about."""


class _SceneBudget(NamedTuple):
    """How much of a scene to show: numbers of items, and tokens of texts."""

    memories: int = _MOST
    posts: int = _MOST
    letters: int = _MOST
    places: int = _MOST
    steps: int = 4
    words: int = 400  # of a post or letter
    persona: int = 1000  # of the question, too
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
    """Yield ever smaller versions of the scene, its persona within a third of the limit."""
    told = _told(scene)
    told = replace(told, persona=within(told.persona, max(limit // OF_PERSONA, 1)))
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
    """Return a scene with its texts made safe as data."""
    return replace(
        scene,
        name=_data(scene.name),
        persona=_data(scene.persona, _LONGEST_PERSONA),
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


def _data(text: str, longest: int = _LONGEST) -> str:
    said = one_line(text, longest)
    return said.replace("<", "\u2039").replace(">", "\u203a").replace('"', "'")
