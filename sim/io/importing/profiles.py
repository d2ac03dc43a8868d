"""Profiles of people from files (tables, JSON and JSON lines), and whom each person follows.

The known formats are those of OASIS (the Reddit list: realname, username, bio, persona and
interested_topics; the Twitter table: user_char, description, activity_level_frequency; the table of
24 hourly weights per agent), of TinyTroupe's agents and of tables of survey answers.
Columns are recognised by their usual names; all others are kept under ``more``. A person
without a persona gets one made of all fields, for prompts of language models.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.agents.languages import LANGUAGES, language
from sim.agents.profiles import DAY, LONGEST_TEXT, TRAITS, Profile, values_in
from sim.core.progress import Report, quiet
from sim.errors import FileError, FormatError, InputError
from sim.io.importing.edges import ImportedArcs
from sim.io.importing.files import ImportReport, TextSource, opened
from sim.io.importing.sniff import unguarded, whole
from sim.minds.models.asks import tokens_in
from sim.minds.prompts.prompts import OF_PERSONA
from sim.settings.settings import current

_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "id": ("id", "agent_id", "agent", "user_id", "userid", "node", "member"),
    "name": ("realname", "real_name", "name", "full_name", "display_name", "username"),
    "biography": ("bio", "biography", "description"),
    "persona": ("persona", "user_char", "character"),
    "interests": ("interested_topics", "interests", "topics", "tags", "hobbies"),
    "activity": ("activity", "activity_level", "daily_activity"),
    "hours": ("hours", "active_threshold", "activity_level_frequency", "hourly_activity"),
    "traits": ("traits", "big_five", "bigfive", "big5"),
    "language": ("language", "lang", "mother_tongue"),
}
"""The names of each field, in order of preference; case, spaces and dashes are ignored."""

_HOUR = re.compile(r"(?:h|hour_?)(\d{1,2})")
_MOST_BYTES = 1 << 30
_TOLD = 12
"""Maximum number of columns named in a remark."""
_LONGEST_CELL = 1 << 21
_LOOKED_AT = 1000
"""Maximum number of people whose personas are measured."""


@dataclass(frozen=True, slots=True)
class Profiles(Sequence[Profile]):
    """The people in a file.

    Attributes
    ----------
    people
        The profiles, in the order of the file.
    remarks
        What was decided during the import, and what is missing: one sentence each.
    """

    people: tuple[Profile, ...]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: Any) -> Any:
        return self.people[index]


@dataclass(frozen=True, slots=True)
class _PersonRow:
    """A person as in the file: fields by name, and its position."""

    place: int
    fields: Mapping[str, Any]


def read_profiles(path: str | PathLike[str]) -> Profiles:
    """Read the profiles of a file.

    Parameters
    ----------
    path
        A table with a header (separated by commas, semicolons or tabs), a JSON list of objects, or
        JSON lines; plain or gzip.

    Returns
    -------
    Profiles
        A sequence of :class:`~sim.agents.profiles.Profile`. Weights of hours above 1 are divided by
        the largest of the file. Traits may be numbers in [0, 1] (or, if several of a person are
        above 1, in [0, 100]), "7/10", "65 %", or begin with a level: very low 0.1, low 0.2, medium
        0.5, high 0.8, very high 0.9; one without a level is omitted.

    Raises
    ------
    FileError
        For a file that cannot be read, has no facts about people, or names one person twice.
    FormatError
        For a line or entry that cannot be used, with the rule that it breaks.
    """
    with opened(path) as source:
        text = _text(source)
    place = Path(path)
    rows = list(_json(place, text) if text.lstrip()[:1] in {"[", "{"} else _table(place, text))
    names = _columns(place, rows)
    scale = 1.0
    for row in rows:
        scale = max([scale, *filter(math.isfinite, _weights(row, names))])
    people = [_person(place, row, names, scale) for row in rows]
    _require_different(place, rows, people)
    return Profiles(tuple(people), tuple(_remarks(names, people, scale)))


def _text(source: TextSource) -> str:
    parts, size = [], 0
    while piece := source.read(1 << 20):
        size += len(piece)
        if size > _MOST_BYTES:
            raise FileError(source.path, "has more than 1 GiB of profiles; take it in parts")
        parts.append(piece)
    try:
        return b"".join(parts).decode()
    except UnicodeDecodeError as error:
        line = b"".join(parts).count(b"\n", 0, error.start) + 1
        said = error.object[error.start : error.start + 40].decode("utf-8", "replace")
        rule = "is no UTF-8 text; save the file as UTF-8"
        raise FormatError(source.path, line, said, rule) from None


def _json(place: Path, text: str) -> Iterator[_PersonRow]:
    """Yield the objects of a list, of the only list in an object, or of lines."""
    body = text.lstrip()
    if body.startswith("{") and "\n" in body.strip():
        first = body.partition("\n")[0].strip()
        if _loaded(first) is not None:
            for number, each in enumerate(text.splitlines(), 1):
                if each.strip():
                    yield _object(place, number, _loaded(each))
            return
    try:
        whole_file = json.loads(body)
    except (ValueError, RecursionError) as error:  # also a number with thousands of digits
        line = getattr(error, "lineno", 1)
        said = "".join(text.splitlines()[line - 1 : line])[:80] if line else ""
        rule = "is no JSON; write a list of objects, or one object a line"
        raise FormatError(place, line, said, rule) from None
    if isinstance(whole_file, Mapping):
        lists = [value for value in whole_file.values() if _is_list_of_people(value)]
        whole_file = lists[0] if len(lists) == 1 else [whole_file]
    for number, each in enumerate(whole_file, 1):
        yield _object(place, number, each)


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_list_of_people(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)


def _object(place: Path, number: int, value: object) -> _PersonRow:
    if not isinstance(value, Mapping):
        raise FormatError(place, number, str(value)[:80], "each profile is a JSON object")
    person = value.get("persona")  # TinyTroupe saves all facts about an agent in its persona
    if isinstance(person, Mapping):
        value = {**person, **{name: part for name, part in value.items() if name != "persona"}}
    return _PersonRow(number, {**_inner(value), **value})


def _inner(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that TinyTroupe nests one level deeper: interests and Big Five."""
    found: dict[str, Any] = {}
    likes, character = value.get("preferences"), value.get("personality")
    if isinstance(character, Mapping) and "big_five" in character:
        found["big_five"] = character["big_five"]
    if isinstance(likes, Mapping):
        named = [part for name, part in likes.items() if "interest" in name]
        liked = [part for name, part in likes.items() if "dislike" not in name]
        if interests := likes.get("interests") or values_in(named or liked):
            found["interests"] = interests
    return found


def _table(place: Path, text: str) -> Iterator[_PersonRow]:
    head = text.partition("\n")[0]
    delimiter = max(",\t;|", key=head.count)
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
        header = [name.strip() for name in next(reader)]
        twice = [name for at, name in enumerate(header) if name in header[:at] and name]
        if twice:
            raise FormatError(place, 1, head[:80], f"the column {twice[0]!r} stands there twice")
        for given in reader:
            cells = [*map(unguarded, given)] if delimiter == "," else given
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                rule = f"a row needs {len(header)} cells as the header has, it has {len(cells)}"
                raise FormatError(place, reader.line_num, delimiter.join(cells)[:80], rule)
            fields = zip(header, cells, strict=True)
            yield _PersonRow(
                reader.line_num, {name: cell for name, cell in fields if cell and name}
            )
    except csv.Error as error:
        raise FormatError(place, reader.line_num, head[:80], f"is no table: {error}") from None
    finally:
        csv.field_size_limit(before)


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _columns(place: Path, rows: Sequence[_PersonRow]) -> dict[str, list[str]]:
    """Return the columns that may hold each field of a profile, in order of preference."""
    if not rows:
        raise FileError(place, "holds no profile")
    given: dict[str, str] = {}
    for row in rows:
        for name in row.fields:
            given.setdefault(_plain(name), name)
    found = {
        field: [given[alias] for alias in aliases if alias in given]
        for field, aliases in _ALIASES.items()
    }
    found["own traits"] = [given[trait] for trait in TRAITS if trait in given]
    hours = {int(m[1]): name for plain, name in given.items() if (m := _HOUR.fullmatch(plain))}
    found["own hours"] = [hours[hour] for hour in range(DAY) if hour in hours]
    found["first name"] = [given[n] for n in ("first_name", "last_name") if n in given]
    found["handle"] = [given["username"]] if "username" in given else []
    used = {name for field, names in found.items() if field != "id" for name in names}
    if not used:
        known = ", ".join(sorted(given)[:8])
        wanted = ", ".join(names[0] for names in _ALIASES.values())
        raise FileError(
            place, f"tells nothing about people: it has the columns {known}; known are {wanted}"
        )
    return found


def _weights(row: _PersonRow, names: Mapping[str, list[str]]) -> list[float]:
    """Return the hours of a person as in the file; NaN for anything but a number."""
    own = names["own hours"]
    return hours_of([row.fields.get(n, 0) for n in own] if own else _first(row, names["hours"]))


def _person(place: Path, row: _PersonRow, names: Mapping[str, list[str]], scale: float) -> Profile:
    taken: dict[str, Any] = {}
    try:
        taken["id"] = id_of(_first(row, names["id"]))
        taken["name"] = _name(row, names)
        taken["biography"] = said(_first(row, names["biography"]))
        taken["language"] = _language(said(_first(row, names["language"])))
        taken["interests"] = words_of(_first(row, names["interests"]))
        nested = _first(row, names["traits"])
        found = dict(nested) if isinstance(nested, Mapping) else {}
        found = {_plain(str(name)): value for name, value in found.items()}
        found |= {_plain(n): row.fields[n] for n in names["own traits"] if n in row.fields}
        given = {name: found[name] for name in TRAITS if found.get(name) is not None}
        above = [n for n in map(float_of, map(score_of, given.values())) if n > 1]
        of = 100.0 if above and max(above) <= 100 and len(above) > 1 else 1.0
        levels = {name: level_of(value, name, of=of) for name, value in given.items()}
        taken["traits"] = {name: level for name, level in levels.items() if level is not None}
        value = _first(row, names["activity"])
        is_list = isinstance(value, list) or (isinstance(value, str) and value.lstrip()[:1] == "[")
        # OASIS has a word per hour beside the hours, which is not a share of ticks
        taken["activity"] = None if is_list else share_of(value, "activity")
        taken["hours"] = scaled_hours(_weights(row, names), scale)
        fields = ("id", "biography", "persona")
        apart = {names[field][0] for field in fields if names[field]}
        apart |= {*names["own hours"], *_inner(row.fields)}  # these are stored in full elsewhere
        taken["more"] = {name: kept(v) for name, v in row.fields.items() if name not in apart}
        told = said(_first(row, names["persona"]))
        return Profile(**taken, persona=told or _persona(row.fields, names))
    except InputError as error:
        begins = str(next(iter(row.fields.values()), ""))[:60]
        raise FormatError(place, row.place, begins, str(error).rstrip(".")) from None


def _first(row: _PersonRow, names: Iterable[str]) -> Any:
    given = (row.fields.get(name) for name in names)
    return next((value for value in given if not _is_nothing(value)), None)


def _is_nothing(value: Any) -> bool:
    """Return whether a cell is empty; the number 0 is not."""
    return value is None or (not value and not isinstance(value, int | float))


def _language(said: str) -> str:
    """Return a language that rules write, else nothing: it stays among the other fields."""
    try:
        return [*LANGUAGES][language(said)]
    except InputError:
        return ""


def _name(row: _PersonRow, names: Mapping[str, list[str]]) -> str:
    parts = [str(row.fields[name]) for name in names["first name"] if name in row.fields]
    return " ".join(parts) or said(_first(row, names["name"]))


def _persona(fields: Mapping[str, Any], names: Mapping[str, list[str]]) -> str:
    """Return all fields as lines, for a language model, without ids and hours."""
    left = {*names["id"], *names["own hours"], *names["hours"], *names["activity"]}
    left |= {*_inner(fields)}  # fields nested one level deeper are still in their parent
    lines = [
        f"{str(name).replace('_', ' ')}: {said(value)}"
        for name, value in fields.items()
        if name not in left
    ]
    return "\n".join(lines)[:LONGEST_TEXT]


def _require_different(place: Path, rows: Sequence[_PersonRow], people: Sequence[Profile]) -> None:
    seen: dict[int | str, int] = {}
    for row, person in zip(rows, people, strict=True):
        if person.id is None:
            continue
        if person.id in seen:
            raise FileError(
                place,
                f"has two profiles of {str(person.id)[:60]!r}, in rows {seen[person.id]:,} and "
                f"{row.place:,}; take one of them out",
            )
        seen[person.id] = row.place


def _remarks(
    names: Mapping[str, list[str]], people: Sequence[Profile], scale: float
) -> Iterator[str]:
    checks: dict[str, Callable[[Profile], bool]] = {
        "names": lambda person: bool(person.name),
        "biographies": lambda person: bool(person.biography),
        "interests": lambda person: bool(person.interests),
        "Big Five": lambda person: bool(person.traits),
        "activity": lambda person: person.activity is not None,
        "hours": lambda person: bool(person.hours),
    }
    counts = {what: sum(map(has, people)) for what, has in checks.items()}
    if missing := [what for what, count in counts.items() if not count and what != "interests"]:
        yield f"The file has no {', '.join(missing)}; these stay unchanged."
    if not counts["interests"]:
        yield "No interests column; interests were inferred from biographies and personas."
    for what, count in counts.items():
        if 0 < count < len(people):
            yield f"{len(people) - count:,} of {len(people):,} profiles have no {what}."
    if not names["persona"]:
        yield "No persona column; personas were composed from all fields."
    most = current().llm_prompt_tokens // OF_PERSONA
    some = people[:: -(-len(people) // _LOOKED_AT)]
    long = sum(tokens_in(f"{each.persona} {each.biography}") > most for each in some)
    if long:
        yield (
            f"{long / len(some):.0%} of the personas exceed the {most:,} tokens that a prompt "
            "includes (a third of llm_prompt_tokens); they are shortened, beliefs and behaviour "
            "first."
        )
    taken = [f"{column} as {field}" for field in _ALIASES for column in names[field][:1]]
    if taken:
        yield f"Columns used: {', '.join(taken)}."
    known = {column for columns in names.values() for column in columns}
    kept_of = dict.fromkeys(column for person in people for column in person.more)
    more = [column for column in kept_of if column not in known]
    if more:
        told = ", ".join(more[:_TOLD]) + (f" and {len(more) - _TOLD} more" * (len(more) > _TOLD))
        yield (
            f"Also stored in the profile: {told}; see `show WORLD agents AGENT` and exports. "
            "Language models receive them as part of the persona."
        )
    if scale > 1:
        yield f"Weights of hours were divided by {scale:g}, the largest of the file."


_BETWEEN_HIGH = r"(?:moderate|moderately|medium) (?:to )?high|above average"
_BETWEEN_LOW = (
    r"(?:moderate|moderately|medium) (?:to )?low|low (?:to )?(?:moderate|medium)|below av"
)
_LEVELS: Final = (
    (re.compile(r"extremely low|very low"), 0.1),
    (re.compile(r"extremely high|very high"), 0.9),
    (re.compile(_BETWEEN_HIGH), 0.65),
    (re.compile(_BETWEEN_LOW), 0.35),
    (re.compile(r"low"), 0.2),
    (re.compile(r"medium|moderate|average"), 0.5),
    (re.compile(r"high"), 0.8),
)
_OF = re.compile(r"(\d+(?:\.\d+)?)\s*(?:/\s*(100|10|5)\b|(%))")
_NEAR = 60
_SPLIT = re.compile(r"[,;|]")
_SCORES = ("score", "value", "level")


def float_of(value: object) -> float:
    """Return a number; NaN for anything else."""
    try:
        return math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def level_of(value: object, name: str, *, of: float) -> float | None:
    """Return a trait in [0, 1]; None for words that name no level."""
    value = score_of(value)
    number = float_of(value)
    if isinstance(value, str) and math.isnan(number):
        head = value.strip().casefold()[:_NEAR]
        if score := _OF.search(head):
            return min(float(score[1]) / (100.0 if score[3] else float(score[2])), 1.0)
        head = head.replace("-", " ")
        return next((share for words, share in _LEVELS if words.match(head)), None)
    if not 0 <= number <= of:
        raise InputError(f"{name} must be a number in [0, {of:g}], got {str(value)[:40]!r}")
    return number / of


def score_of(value: object) -> object:
    """Return the score in a table such as ``{"score": 35, "description": ...}``; else the value."""
    if not isinstance(value, Mapping):
        return value
    return next((value[each] for each in _SCORES if each in value), "")


def share_of(value: object, name: str) -> float | None:
    """Return a number in [0, 1]; None if empty; raise InputError for anything else."""
    if value is None:
        return None
    number = float_of(value)
    if not 0 <= number <= 1:
        raise InputError(f"{name} must be a number in [0, 1], got {str(value)[:40]!r}")
    return number


def hours_of(value: object) -> list[float]:
    """Return the numbers of a list, or of a cell such as ``[0, 3, 1]``; NaN for other values."""
    if isinstance(value, str):
        value = _SPLIT.split(value.strip("[]() "))
    return [float_of(each) for each in value] if isinstance(value, (list, tuple)) else []


def scaled_hours(weights: Sequence[float], scale: float) -> tuple[float, ...]:
    """Return 24 weights divided by ``scale``, or none; raise InputError for another count."""
    if weights and (len(weights) != DAY or not all(weight >= 0 for weight in weights)):
        raise InputError(f"hours must be {DAY} numbers of at least 0, got {len(weights)} values")
    return tuple(weight / scale for weight in weights)


def words_of(value: object) -> tuple[str, ...]:
    """Return the words of a list, or of a cell like ``music, chess``; else raise InputError."""
    if value is None:
        return ()
    if isinstance(value, str):
        text = value.strip()
        listed = text.startswith("[") and text.endswith("]")
        value = [part.strip(" '\"") for part in _SPLIT.split(text[1:-1] if listed else text)]
    if not isinstance(value, (list, tuple)):
        raise InputError(f"interests must be a list of words, got {str(value)[:40]!r}")
    return tuple(str(each).strip() for each in value if str(each).strip())


def id_of(value: object) -> int | str | None:
    """Return a foreign id in the form that worlds have: ``007`` is 7."""
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    return int(text) if whole(text) else text


def kept(value: object) -> Any:
    """Return a JSON value that msgpack can hold: integers beyond 64 bits become text."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): kept(each) for name, each in value.items()}
    return [kept(each) for each in value] if isinstance(value, list) else value


def said(value: object) -> str:
    """Return a JSON value as readable text."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {said(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(said(each) for each in value)
    return str(value)


FOLLOWS: Final = "following_agentid_list"
"""The column of followed people, as positions in the file from 0, like ``[32, 55]``."""
_LONGEST = 10
"""Maximum digits of a position."""


def says_follows(head: bytes) -> bool:
    """Return whether the beginning of a file has that column."""
    return FOLLOWS.encode() in head


def read_follows(
    path: str | PathLike[str], *, report: Report = quiet
) -> tuple[ImportedArcs, Profiles]:
    """Return who follows whom in a file of people, and the people; ties lead to the follower."""
    began, place = perf_counter(), Path(path)
    report("reading people", 0.0)
    people = read_profiles(path)
    rows = [_followed(place, number, one, len(people)) for number, one in enumerate(people)]
    counts = [len(row) for row in rows]
    sources = np.array([each for row in rows for each in row], np.uint32)
    targets = np.repeat(np.arange(len(rows), dtype=np.uint32), counts)
    ids, ranks = _ids([person.id for person in people])
    found = ImportReport(
        place.name, lines=len(people), arcs=sources.size, agents=len(people),
        seconds=perf_counter() - began,
        notes=(f"Ties are those of {FOLLOWS}: who follows hears.", *people.remarks),
    )  # fmt: skip
    edges = ImportedArcs(ranks[sources], ranks[targets], ids, None, None, None, found)
    return edges, people


def _followed(place: Path, number: int, person: Profile, people: int) -> list[int]:
    said = person.more.get(FOLLOWS, "")
    words = words_of([str(each) for each in said] if isinstance(said, list) else str(said))
    wrong = [word for word in words if not _is_place(word, people)]
    if wrong:
        rule = f"{FOLLOWS} names places from 0 to {people - 1:,}, got {wrong[0][:40]!r}"
        raise FormatError(place, number + 1, str(said)[:60], rule)
    return [int(word) for word in words]


def _is_place(word: str, people: int) -> bool:
    return len(word) <= _LONGEST and whole(word) and 0 <= int(word) < people


def _ids(
    given: list[int | str | None],
) -> tuple[npt.NDArray[np.int64] | list[str] | None, npt.NDArray[np.uint32]]:
    """Return the foreign ids in the order that worlds have, and the index of each person."""
    places = np.arange(len(given), dtype=np.uint32)
    if None in given:
        return None, places
    if not all(isinstance(each, int) for each in given):
        return [str(each) for each in given], places
    ids = np.array(given, np.int64)
    order = np.argsort(ids, kind="stable")
    ranks = np.empty(len(given), np.uint32)
    ranks[order] = places
    return ids[order], ranks
