"""Named interests, and the words that indicate them in a text.

A text is matched without a language model: words of scripts that are written without spaces
(Chinese, Japanese, Korean, Thai) are found anywhere in the text, the longest first and without
overlap; other words are matched whole, ignoring case, accents and plural endings. A phrase
written as one word, as in hashtags, is matched too.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from sim.core.text import one_line
from sim.errors import InputError, UnknownNameError

MOST_NAMES: Final = 64
"""Maximum number of interests: the bits of one 64-bit number."""

_LONGEST = 80  # characters of a name or keyword
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
_WORD = re.compile(r"[^\W_]+")
_HASHTAG = re.compile(r"#\w+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SIBILANTS = ("s", "x", "z", "ch", "sh", "o")
_GERMAN = frozenset(["und", "der", "das", "ich", "nicht", "ist", "ein", "eine", "auf", "mit"])
_FRENCH = frozenset(["le", "les", "et", "est", "pas", "je", "une", "que", "des", "il", "nous"])
_FALSE_FRIENDS: Final = {"war": _GERMAN, "art": _GERMAN, "car": _FRENCH}
"""English keywords that are everyday words in other languages: ignored next to such words."""


class Vocabulary:
    """Up to 64 named interests, most popular first; bit i of a mask is name i. Immutable.

    Parameters
    ----------
    names
        1 to 64 different names; case is ignored.
    keywords
        For each name, words and phrases that indicate it; the name itself always does.

    Raises
    ------
    InputError
        A name or keyword is empty, too long, duplicated or not one clean line.

    Examples
    --------
    >>> hobbies = Vocabulary(["music", "chess"], {"music": ["guitar", "吉他"]})
    >>> hobbies.names(hobbies.match("Two guitars and a chess board"))
    ('music', 'chess')
    >>> hobbies.match("我在弹吉他")
    1
    """

    def __init__(
        self, names: Sequence[str], keywords: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self._names = tuple(_checked(name, "interest") for name in names)
        self._bits = {name.casefold(): 1 << bit for bit, name in enumerate(self._names)}
        if not 1 <= len(self._names) <= MOST_NAMES:
            raise InputError(f"A vocabulary has 1 to {MOST_NAMES} names, got {len(self._names)}.")
        if len(self._bits) != len(self._names):
            twice = [n for i, n in enumerate(self._names) if self._bits[n.casefold()] != 1 << i]
            raise InputError(f"The interest {twice[0]!r} is in the vocabulary twice.")
        given = keywords or {}
        self.mask(given)
        self._keywords = {
            name: tuple(dict.fromkeys(_checked(word, "keyword") for word in given.get(name, ())))
            for name in self._names
        }

    @staticmethod
    def default() -> Vocabulary:
        """Return the built-in vocabulary: 56 interests with keywords in six languages."""
        return _default()

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, bit: int) -> str:
        return self._names[bit]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.dump() == other.dump()

    def __hash__(self) -> int:
        return hash(self._names)

    def __repr__(self) -> str:
        return f"<Vocabulary: {', '.join(self._names[:3])} ... ({len(self)})>"

    @property
    def keywords(self) -> Mapping[str, tuple[str, ...]]:
        """The words that indicate each interest, in addition to its name."""
        return MappingProxyType(self._keywords)

    def mask(self, names: Iterable[str]) -> int:
        """Return the mask of some names (or of one).

        Raises
        ------
        UnknownNameError
            The message suggests the nearest name.
        """
        mask = 0
        for name in (names,) if isinstance(names, str) else names:
            bit = self._bits.get(str(name).casefold())
            if bit is None:
                raise UnknownNameError("interest", str(name), self._names)
            mask |= bit
        return mask

    def names(self, mask: int) -> tuple[str, ...]:
        """Return the names of the bits of a mask, in order; raise InputError for an unnamed bit."""
        mask = int(mask)
        if not 0 <= mask < 1 << len(self):
            raise InputError(f"Interests are bits 0 to {len(self) - 1} here, got {mask:#x}.")
        return tuple(name for bit, name in enumerate(self._names) if mask >> bit & 1)

    def match(self, text: str) -> int:
        """Return the mask of the interests that a text indicates; 0 if none.

        Parameters
        ----------
        text
            Any text; 20 to 40 microseconds for a tweet.
        """
        if "#" in text:
            text = _HASHTAG.sub(lambda tag: f"{tag[0]} {_HUMP.sub(' ', tag[0])}", text)
        folded = _folded(text)
        if folded.isascii():
            return self._match_words(_WORD.findall(folded))
        spaced, unspaced = _UNSPACED.subn(" ", folded)
        mask = self._match_words([_without_accents(word) for word in _WORD.findall(spaced)])
        return mask | self._match_anywhere(folded) if unspaced else mask

    def dump(self) -> dict[str, Any]:
        """Return names and keywords as JSON-able values."""
        keywords = {name: list(words) for name, words in self._keywords.items()}
        return {"names": list(self._names), "keywords": keywords}

    @classmethod
    def restore(cls, meta: Mapping[str, Any]) -> Vocabulary:
        """Restore a dumped vocabulary; return the built-in object itself if they are equal."""
        return _default() if meta == _default_meta() else cls(meta["names"], meta["keywords"])

    def _match_words(self, words: list[str]) -> int:
        single, phrases, known, _ = self._index
        canon = [w if w in known or w[-1] != "s" else _singular(w, known) for w in words]
        mask = 0
        for at, word in enumerate(canon):
            if word not in known or _is_false_friend(word, words):
                continue
            mask |= single.get(word, 0)
            for phrase, bit in phrases.get(word, ()):
                if canon[at : at + len(phrase)] == phrase:
                    mask |= bit
        return mask

    def _match_anywhere(self, folded: str) -> int:
        anywhere = self._index[3]
        mask = end = 0
        for at, first in enumerate(folded):
            if at < end or first not in anywhere:
                continue
            for word, bit in anywhere[first]:
                if folded.startswith(word, at):
                    mask |= bit
                    end = at + len(word)
                    break
        return mask

    @cached_property
    def _index(
        self,
    ) -> tuple[
        dict[str, int],
        dict[str, list[tuple[list[str], int]]],
        frozenset[str],
        dict[str, list[tuple[str, int]]],
    ]:
        """Return words, phrases by first word, all words in them, CJK words by first character."""
        single: dict[str, int] = {}
        phrases: dict[str, list[tuple[list[str], int]]] = {}
        anywhere: dict[str, dict[str, int]] = {}
        for word, bit in self._shown_by():
            folded = _folded(word)
            if _UNSPACED.search(folded):
                start = anywhere.setdefault(folded[0], {})
                start[folded] = start.get(folded, 0) | bit
                continue
            parts = [_without_accents(part) for part in _WORD.findall(folded)]
            joined = "".join(parts)
            single[joined] = single.get(joined, 0) | bit
            if len(parts) > 1:
                phrases.setdefault(parts[0], []).append((parts, bit))
        inside = (part for group in phrases.values() for parts, _ in group for part in parts)
        longest_first = {
            first: sorted(words.items(), key=lambda item: -len(item[0]))
            for first, words in anywhere.items()
        }
        return single, phrases, frozenset(single).union(inside), longest_first

    def _shown_by(self) -> Iterator[tuple[str, int]]:
        for name, words in self._keywords.items():
            for word in (name, *words):
                yield word, self._bits[name.casefold()]


@lru_cache(maxsize=1)
def _default() -> Vocabulary:
    source = (files("sim.agents") / "data" / "interests.json").read_text(encoding="utf-8")
    languages = json.loads(source)
    keywords = {
        name: [word for words in own.values() for word in words] for name, own in languages.items()
    }
    return Vocabulary(tuple(languages), keywords)


@lru_cache(maxsize=1)
def _default_meta() -> dict[str, Any]:
    return _default().dump()


def is_name(word: str) -> bool:
    """Return whether a word is a valid name of an interest."""
    try:
        _checked(word, "interest")
    except InputError:
        return False
    return True


def _checked(word: object, what: str) -> str:
    text = str(word)
    if not text.strip() or len(text) > _LONGEST or one_line(text) != text or '"' in text:
        raise InputError(
            f"Each {what} is one clean line of 1 to {_LONGEST} characters without quotes, "
            f"got {one_line(text)[:_LONGEST]!r}."
        )
    if not any(c.isalnum() for c in text):
        raise InputError(f"Each {what} needs a letter or digit, got {text!r}.")
    return text


def _folded(text: str) -> str:
    """Return text normalised for case and character width."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _is_false_friend(word: str, words: list[str]) -> bool:
    return word in _FALSE_FRIENDS and not _FALSE_FRIENDS[word].isdisjoint(words)


def _singular(word: str, known: frozenset[str]) -> str:
    """Return the known word of which this is a plural (English, Spanish, French), or itself."""
    if word[:-1] in known:
        return word[:-1]
    if word.endswith("ies") and word[:-3] + "y" in known:
        return word[:-3] + "y"
    stem = word[:-2]
    if word.endswith("es") and stem in known and (len(word) > 6 or stem.endswith(_SIBILANTS)):
        return stem
    return word
