"""TOML that nobody vouches for: what is costly to read is refused before it is read."""

import tomllib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.core.toml import MOST_CHARACTERS, MOST_NAMES, MOST_OF_ALL, from_toml
from sim.errors import HubbubError
from sim.minds.models.budget import read_prices
from sim.scenario.spec import toml_table
from sim.settings.settings import read_table

DEEP = ".".join("a" * (MOST_NAMES + 1))
AHEAD = [
    'text = "a \\" b. # c"',
    "text = 'C:\\dir.exe'",
    'text = """one "two" . three""""',
    'text = """\\"""." #"""""',
    "text = '''it''s'''''",
    "text = [\"\"\"a\"\"\"\", '''b'''']",
    'text = ""  # "not a text',
    "text = ''\n# '''",
    "numbers = [1.5, -2.25e3, 1979-05-27T07:32:00.5]",
    "a.\"b.c.d\".'e.f' = 1",
    '"" = {}',
]
"""What would lead a reader astray that does not know where a text or a comment ends."""


@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize(
    "deep",
    [
        f"{DEEP} = 1", f"[{DEEP}]", f"[[{DEEP}]]", f"x = {{ {DEEP} = 1 }}",
        DEEP.replace(".", " . ") + " = 1", DEEP.replace("a", "'a'") + " = 1",
        DEEP.replace("a", '"."') + " = 1",
    ],
)  # fmt: skip
def test_a_key_of_too_many_names_is_refused_wherever_it_stands(ahead: str, deep: str) -> None:
    assert from_toml(ahead) == tomllib.loads(ahead)
    assert tomllib.loads(f"{ahead}\n{deep}")  # well-formed: nothing else would refuse it
    row = ahead.count("\n") + 2
    said = rf"^nested too deeply: a key has at most 16 names, .* \(at line {row}, column 1\)$"
    with pytest.raises(ValueError, match=said):
        from_toml(f"{ahead}\n{deep}")


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_key_of_as_many_names_as_are_allowed_is_read(ahead: str) -> None:
    text = f'{ahead}\nx = "{"." * 100}"\n[{DEEP.removesuffix(".a")}]\nb = 1'
    assert from_toml(text) == tomllib.loads(text)


def test_costly_texts_are_refused_before_they_take_memory() -> None:
    many = "".join(f"[{number}.b.c]\n" for number in range(MOST_OF_ALL // 3 + 1))
    tracemalloc.start()
    for text in (".".join("a" * 4000) + " = 1", many, "#" * (MOST_CHARACTERS + 1)):
        with pytest.raises(ValueError, match=r"nested too deeply|longer than 1,048,576"):
            from_toml(text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 * MOST_CHARACTERS


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, '"' * 99_999, "'" * 5, '"""\\', "a = '''\\"])
def test_what_never_ends_is_malformed(text: str) -> None:
    with pytest.raises(ValueError, match=r"deeply|Unterminated|Expected|Invalid|Unescaped"):
        from_toml(text)


@pytest.mark.parametrize(
    "reads", [toml_table, read_prices, lambda path: read_table(path, must_exist=True)]
)
def test_every_reader_of_toml_refuses_them_in_one_sentence(
    tmp_path: Path, reads: Callable[[Path], object]
) -> None:
    path = tmp_path / "file.toml"
    path.write_text(f"{DEEP} = 1\n")
    with pytest.raises(HubbubError, match="nested too deeply"):
        reads(path)
