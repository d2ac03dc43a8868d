"""Pages of blocks, as HTML in one file or as Markdown with its figures beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sim.core.text import clean, one_line
from sim.errors import InputError
from sim.io.exporting.export_files import outlet
from sim.lab.studies.figures import Drawn
from sim.lab.tables import Table
from sim.lab.tables.shown import shown

__all__ = ["Block", "as_html_page", "as_markdown_page", "write_page"]

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#222;max-width:52rem;margin:2rem auto;"
    "padding:0 1rem}h1{font-size:1.7rem}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:1px "
    "solid #ddd}h3{font-size:1.05rem}h4{font-size:1rem;margin:.8rem 0 .2rem}table{border-collapse:"
    "collapse;margin:1rem 0;font-size:.88rem;display:block;overflow-x:auto}th,td{padding:.25rem "
    ".6rem;border-bottom:1px solid #e5e5e5;text-align:left}td.n,th.n{text-align:right}caption{"
    "text-align:left;color:#555;padding-bottom:.3rem}figure{margin:1.2rem 0}figcaption{color:#555;"
    "font-size:.9rem}svg{width:100%;height:auto}pre{background:#f6f6f4;padding:.8rem;overflow-x:"
    "auto;font-size:.82rem}li{overflow-wrap:anywhere}"
)
_MARKS = re.compile(r"([\\`*_\[\]<>|#&])")


class Block(NamedTuple):
    """A part of a page: what kind it is, and what it holds.

    A ``heading`` or ``text`` holds a line; a ``list`` lines; ``code`` a text; ``markdown`` a text
    of headings and bullets; a ``table`` a :class:`~sim.lab.tables.Table`; a ``figure`` a drawing.
    """

    kind: Literal["heading", "text", "list", "table", "figure", "code", "markdown"]
    holds: Any


def write_page(title: str, blocks: Sequence[Block], path: Path, *, force: bool) -> Path:
    """Write a page whole or not at all.

    Parameters
    ----------
    title, blocks
        Any text in them is shown, and nothing of it obeyed.
    path
        ``.html`` or ``.md``; figures of the latter are ``NAME.FIGURE.svg`` beside it.
    force
        Whether to replace files that are there.

    Raises
    ------
    InputError, FileError
        For another ending, or what cannot be written.
    """
    ending = path.suffix.lower()
    if ending in {".html", ".htm"}:
        _write(path, as_html_page(title, blocks), force=force)
        return path
    if ending != ".md":
        raise InputError(f"A report is written as .html or .md, and {path.name!r} ends in neither.")
    for block in blocks:
        if block.kind == "figure":
            _write(_beside(path, block.holds), block.holds.svg, force=force)
    _write(path, as_markdown_page(title, blocks, path), force=force)
    return path


def _write(path: Path, text: str, *, force: bool) -> None:
    with outlet(path, force=force) as (draft,):
        draft.write_text(text, "utf-8")


def _beside(path: Path, figure: Drawn) -> Path:
    return path.with_name(f"{path.stem}.{figure.name}.svg")


def as_html_page(title: str, blocks: Sequence[Block]) -> str:
    """Return a page as HTML that needs nothing else; every text is escaped."""
    body = "\n".join(_html(block) for block in blocks)
    name = escape(one_line(title))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head>\n<body>\n<h1>{name}</h1>\n{body}\n"
        "</body></html>\n"
    )


def _html(block: Block) -> str:
    kind, holds = block
    if kind == "heading":
        return f"<h2>{_text(holds)}</h2>"
    if kind == "text":
        return f"<p>{_text(holds)}</p>"
    if kind == "list":
        return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in holds)}</ul>"
    if kind == "code":
        return f"<pre>{escape(_whole(holds))}</pre>"
    if kind == "figure":
        return f"<figure>{holds.svg}<figcaption>{_text(holds.caption)}</figcaption></figure>"
    return _html_table(holds) if kind == "table" else _html_of_markdown(holds)


def _html_table(table: Table) -> str:
    marks = ['class="n"' if table[name].dtype.kind in "iuf" else "" for name in table.names]
    head = "".join(f"<th {m}>{_text(n)}</th>" for m, n in zip(marks, table.names, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td {m}>{_text(shown(v))}</td>" for m, v in
                         zip(marks, row.values(), strict=True)) + "</tr>"
        for row in table.rows()
    )  # fmt: skip
    caption = f"<caption>{_text(table.caption)}</caption>" if table.caption else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_of_markdown(text: str) -> str:
    """Return headings and bullets as HTML."""
    found = []
    for line in text.splitlines():
        level = len(line) - len(line.lstrip("#"))
        said = line.lstrip("#").strip()
        if level:
            found.append(f"<h{min(level + 2, 6)}>{_text(said)}</h{min(level + 2, 6)}>")
        elif said:
            found.append(f"<li>{_text(said.removeprefix('- '))}</li>")
    page = "\n".join(found)
    return re.sub(r"((?:<li>.*</li>\n?)+)", r"<ul>\1</ul>\n", page)


def _text(said: object) -> str:
    return escape(one_line(str(said), _LONGEST))


def _whole(said: str) -> str:
    return "\n".join(clean(line, max(len(line), 1)) for line in said.splitlines())


_LONGEST = 20_000


def as_markdown_page(title: str, blocks: Sequence[Block], path: Path) -> str:
    """Return a page as Markdown; figures are named as they lie beside ``path``."""
    parts = [f"# {_plain(title)}", *(_markdown(block, path) for block in blocks)]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block, path: Path) -> str:
    kind, holds = block
    if kind == "heading":
        return f"## {_plain(holds)}"
    if kind == "text":
        return _plain(holds)
    if kind == "list":
        return "\n".join(f"- {_plain(line)}" for line in holds)
    if kind == "code":
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", holds)), default=0))
        return f"{fence}\n{_whole(holds)}\n{fence}"
    if kind == "figure":
        file = _beside(path, holds).name.replace(" ", "%20")
        return f"![{_plain(holds.caption)}]({file})\n\n{_plain(holds.caption)}"
    return _markdown_table(holds) if kind == "table" else _lowered(holds)


def _markdown_table(table: Table) -> str:
    lines = [table.names, *([shown(value) for value in row.values()] for row in table.rows())]
    rows = [f"| {' | '.join(map(_plain, cells))} |" for cells in lines]
    rule = "|" + "|".join(
        "---:" if table[name].dtype.kind in "iuf" else "---" for name in table.names
    )
    whole = "\n".join([rows[0], f"{rule}|", *rows[1:]])
    return f"{_plain(table.caption)}\n\n{whole}" if table.caption else whole


def _lowered(text: str) -> str:
    """Return headings and bullets two levels lower, whatever else stands in them as text."""
    found = []
    for line in text.splitlines():
        level = len(line) - len(line.lstrip("#"))
        said = line.lstrip("#").strip()
        if level:
            found.append(f"\n{'#' * min(level + 2, 6)} {_plain(said)}\n")
        elif said:
            found.append(f"- {_plain(said.removeprefix('- '))}")
    return "\n".join(found).strip()


def _plain(said: object) -> str:
    """Return a text as one line in which nothing is a mark of Markdown or HTML."""
    return _MARKS.sub(r"\\\1", one_line(str(said), _LONGEST))
