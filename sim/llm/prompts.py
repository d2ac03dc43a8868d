"""Prompts from files that the user may edit: small, bounded, and with others' words as data.

A template has a system part, a line ``=== user``, and a user part; ``$names`` are filled in. What
is too long loses memories first, then posts, then words of posts, last the persona.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from string import Template

from sim.core.text import clip, one_line
from sim.errors import FileError, InputError, UnknownNameError
from sim.llm.asks import Turn

__all__ = ["TEMPLATES", "Post", "Prompt", "Scene", "read_prompt", "tokens_in"]

TEMPLATES = ("decide", "interview")
_PART = "\n=== user\n"
_PIECES = re.compile(r"[A-Za-z]+|\d|[^\sA-Za-z\d]")
_LETTERS = 6
_FRAME = 8
_SHORTEST = 40
_KNOWN = {
    "decide": {"name", "persona", "goal", "moment", "memories", "feed", "acts"},
    "interview": {"name", "persona", "goal", "moment", "memories", "question"},
}


def tokens_in(text: str) -> int:
    """Return about how many tokens a text has for the usual tokenizers.

    A word of up to six letters is one, a longer one more; a digit or a sign is one; a letter
    outside ASCII one less than its bytes. Within 15 % of SmolLM2's count on prompts and prose.
    """
    return sum(_pieces(piece) for piece in _PIECES.findall(text))


def _pieces(piece: str) -> int:
    if piece.isascii():
        return -(-len(piece) // _LETTERS)
    return max(len(piece.encode("utf-8", "replace")) - 1, 1)


@dataclass(frozen=True, slots=True)
class Post:
    """A message as a member sees it.

    Attributes
    ----------
    author, text
        Who wrote it, and what.
    likes, shares
        How many like it, and shared it.
    tags
        Its topics.
    interest
        The share of them that the member cares about.
    hours
        Since it was posted.
    followed, labelled
        Whether somebody shared it whom the member follows; whether it bears a warning.
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


@dataclass(frozen=True, slots=True)
class Scene:
    """What a prompt is made of.

    Attributes
    ----------
    name, persona
        Who is asked.
    moment
        The simulated time in words.
    goal
        What the member wants; empty: nothing in particular.
    memories
        What comes to mind, the strongest first.
    feed
        What is seen, numbered from 1 in this order.
    acts
        What may be done.
    question
        What is asked in an interview.
    """

    name: str
    persona: str
    moment: str
    goal: str = ""
    memories: Sequence[str] = ()
    feed: Sequence[Post] = ()
    acts: Sequence[str] = ()
    question: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template, read.

    Attributes
    ----------
    name, system, user
        Its name and parts.
    """

    name: str
    system: str
    user: str

    @property
    def fingerprint(self) -> str:
        """32 hex digits of its text, recorded with every run."""
        said = f"{self.system}{_PART}{self.user}".encode()
        return blake2b(said, digest_size=16).hexdigest()

    def turns(self, scene: Scene, limit: int = 1000) -> tuple[Turn, ...]:
        """Return the conversation for a scene, of at most ``limit`` tokens.

        Raises
        ------
        InputError
            The template alone is longer than that.
        """
        for smaller in _ever_smaller(scene):
            turns = self._filled(smaller)
            if sum(tokens_in(turn.text) + _FRAME for turn in turns) <= limit:
                return turns
        raise InputError(
            f"The prompt {self.name!r} has more than {limit:,} tokens before anything is filled "
            f"in; shorten the template or raise the limit."
        )

    def _filled(self, scene: Scene) -> tuple[Turn, ...]:
        said = {
            "name": one_line(scene.name),
            "persona": one_line(scene.persona),
            "moment": scene.moment,
            "goal": f"What you want: {one_line(scene.goal)}" if scene.goal else "",
            "memories": _listed("You remember:", scene.memories),
            "feed": _numbered(scene.feed),
            "acts": ", ".join(scene.acts),
            "question": _data(scene.question),
        }
        parts = (Template(part).safe_substitute(said).strip() for part in (self.system, self.user))
        return tuple(Turn(*pair) for pair in zip(("system", "user"), parts, strict=True))


def _ever_smaller(scene: Scene) -> Sequence[Scene]:
    """Return the scene, and what is left of it in ever tighter space."""
    by_memory = [replace(scene, memories=scene.memories[:n]) for n in (3, 1, 0)]
    bare = by_memory[-1]
    by_feed = [replace(bare, feed=bare.feed[:n]) for n in (8, 5, 3)]
    short = by_feed[-1]
    by_words = [
        replace(short, feed=[replace(post, text=clip(post.text, room)) for post in short.feed[:n]])
        for n, room in ((3, 280), (3, 120), (1, 120), (1, _SHORTEST))
    ]
    last = by_words[-1]
    by_person = [
        replace(last, persona=clip(last.persona, room), goal=clip(last.goal, room))
        for room in (400, 120, _SHORTEST)
    ]
    least = replace(
        by_person[-1], feed=(), name=clip(scene.name, _SHORTEST), question=clip(scene.question, 400)
    )
    return [scene, *by_memory, *by_feed, *by_words, *by_person, least]


def _listed(head: str, lines: Sequence[str]) -> str:
    return "\n".join([head, *(f"- {_data(line)}" for line in lines)]) if lines else ""


def _numbered(feed: Sequence[Post]) -> str:
    rows = (
        f'<post number="{number}" by="{_data(post.author)}" likes="{post.likes}">'
        f"{_data(post.text)}</post>"
        for number, post in enumerate(feed, 1)
    )
    return "\n".join(rows) if feed else "(none)"


def _data(text: str) -> str:
    """Return others' words without what could end the element they stand in, or fill a name."""
    return one_line(text).replace("<", "\u2039").replace(">", "\u203a").replace('"', "'")


@lru_cache(maxsize=16)
def _packaged(name: str) -> str:
    return files("sim.llm").joinpath("templates", f"{name}.txt").read_text("utf-8")


def read_prompt(name: str, folder: Path | None = None) -> Prompt:
    """Return a template: the user's, where the folder has one, else the packaged one.

    Parameters
    ----------
    name
        One of :data:`TEMPLATES`.
    folder
        Where the user's ``NAME.txt`` may lie.

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
        system, divider, user = own.read_text("utf-8").replace("\r\n", "\n").partition(_PART)
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(own, f"the prompt template cannot be read ({error})") from error
    _check(own, name, {"divider": divider, "text": f"{system}\n{user}"})
    return Prompt(name, system, user)


def _check(path: Path, name: str, said: Mapping[str, str]) -> None:
    if not said["divider"]:
        raise FileError(path, "a prompt template needs a line '=== user' between its two parts")
    template = Template(said["text"])
    if not template.is_valid():
        raise FileError(path, "a '$' that begins no name stands in it; write '$$' for the sign")
    unknown = sorted(set(template.get_identifiers()) - _KNOWN[name])
    if unknown:
        known = ", ".join(f"${one}" for one in sorted(_KNOWN[name]))
        raise FileError(path, f"it has no ${unknown[0]} to fill in; known are {known}")
