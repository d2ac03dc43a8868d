"""Pages of a report: blocks as HTML or Markdown, and figures as SVG, drawn without a library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from math import floor, isfinite, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from sim.arrays import F64
from sim.core.text import clean, one_line, plural
from sim.errors import InputError
from sim.io.exporting.export import write_text
from sim.lab.tables import Table, shown

if TYPE_CHECKING:
    from sim.world.world import World

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
    """A part of a page: its kind and its content.

    A ``heading`` or ``text`` holds one line; a ``list`` lines; ``code`` a text; ``markdown`` a text
    of headings and bullets; a ``table`` a :class:`~sim.lab.tables.Table`; a ``figure`` a drawing.
    """

    kind: Literal["heading", "text", "list", "table", "figure", "code", "markdown"]
    holds: Any


def write_page(title: str, blocks: Sequence[Block], path: Path, *, force: bool) -> Path:
    """Write a page atomically."""
    ending = path.suffix.lower()
    if ending in {".html", ".htm"}:
        write_text(path, as_html_page(title, blocks), force=force)
        return path
    if ending != ".md":
        raise InputError(f"A report is written as .html or .md, and {path.name!r} ends in neither.")
    for block in blocks:
        if block.kind == "figure":
            write_text(_beside(path, block.holds), block.holds.svg, force=force)
    parts = [f"# {_plain(title)}", *(_markdown(block, path) for block in blocks)]
    write_text(path, "\n\n".join(parts) + "\n", force=force)
    return path


def _beside(path: Path, figure: Drawn) -> Path:
    return path.with_name(f"{path.stem}.{figure.name}.svg")


def as_html_page(title: str, blocks: Sequence[Block]) -> str:
    """Return a page as self-contained HTML; every text is escaped."""
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
    """Return headings and bullets two levels lower, with all other markup escaped."""
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
    """Return a text as one line without any Markdown or HTML markup."""
    return _MARKS.sub(r"\\\1", one_line(str(said), _LONGEST))


_WIDE, _LABEL, _RIGHT, _ROW, _TOP = 640, 150, 40, 34, 14
_HIGH, _UNIT = 260, 10
_COLOURS = ("#1f5fa8", "#c4572b", "#2f8a57", "#8a4fa3", "#a3872b", "#5b6672", "#b0436e", "#2b95a3")
_SVG_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.axis{stroke:#999;stroke-width:1}"
    ".grid{stroke:#e4e4e4;stroke-width:1}"
)
_WIDEST = 22


def run_page(world: World) -> list[Block]:
    """Return a report on one run as blocks: the world, each message, who adopted it where."""
    names, community = world.agents.communities, np.asarray(world.agents.community)
    parts = [plural(len(world.agents), "member"), plural(world.ties.count, "tie")]
    parts += [f"seed {world.seed}", f"at tick {world.tick:,}"]
    blocks = [Block("text", f"{', '.join(parts)}. A single run: others differ by chance.")]
    for story in world.cascades.loose:
        facts = {"model": story.model_name, **story.model.values(), "status": story.status}
        facts |= {"seeds": len(story.seeds), "ever adopted": story.size, "spreading now": story.now}
        facts["share"] = f"{story.size / story.agents:.1%}"
        ever = np.cumsum(story.new_adopters, dtype=np.float64)[None]
        curves = [
            ("ever adopted", ever),
            ("new in the tick", story.new_adopters[None].astype(np.float64)),
        ]
        said = "Members that ever adopted, by ticks since the message was sent."
        blocks += [
            Block("heading", f"#{story.id} {story.text}"),
            Block("list", [f"{name}: {shown(value)}" for name, value in facts.items()]),
            Block("figure", curves_drawn(f"message-{story.id}", said, curves)),
        ]
        if names:
            sizes, adopted = (
                np.bincount(each[each >= 0], minlength=len(names))
                for each in (community, community[story.adopters])
            )
            columns = {"community": names, "members": sizes, "ever adopted": adopted}
            share = adopted / np.maximum(sizes, 1)
            blocks.append(Block("table", Table({**columns, "share": share.round(3)})))
    return blocks


class Drawn(NamedTuple):
    """A figure."""

    name: str
    caption: str
    svg: str


class Marked(NamedTuple):
    """The values of an arm: every replicate, their mean, and the ends of its interval."""

    arm: str
    values: F64
    mean: float
    low: float
    high: float


def means_drawn(name: str, caption: str, rows: Sequence[Marked], across: str) -> Drawn:
    """Return one row per arm: a dot per replicate, the mean, and its interval as a bar."""
    every = np.concatenate(
        [np.empty(0), *(np.append(row.values, (row.low, row.high)) for row in rows)]
    )
    axis = _Axis(every[np.isfinite(every)], _LABEL, _WIDE - _RIGHT)
    bottom = _TOP + _ROW * len(rows)
    parts = [axis.grid(_TOP, bottom)]
    for place, row in enumerate(rows):
        parts += _marks(row, axis, _TOP + _ROW * place + _ROW / 2, _COLOURS[place % len(_COLOURS)])
    parts.append(_svg_text((_LABEL + _WIDE - _RIGHT) / 2, bottom + 34, across, "middle", 60))
    return Drawn(name, caption, _svg(parts, bottom + 44, caption))


def _marks(row: Marked, axis: _Axis, y: float, colour: str) -> list[str]:
    parts = [_svg_text(_LABEL - 8, y + 4, row.arm, "end")]
    parts += [
        f'<circle cx="{axis.at(value):.1f}" cy="{y:.1f}" r="3" fill="{colour}" fill-opacity=".3"/>'
        for value in row.values[np.isfinite(row.values)]
    ]
    if isfinite(row.low):
        left, right = axis.at(row.low), axis.at(row.high)
        parts.append(
            f'<rect x="{left:.1f}" y="{y - 4:.1f}" width="{max(right - left, 1):.1f}" height="8" '
            f'fill="{colour}" fill-opacity=".45"/>'
        )
    if isfinite(row.mean):
        x = axis.at(row.mean)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9:.1f}" y2="{y + 9:.1f}" '
            f'stroke="{colour}" stroke-width="2.5"/>'
        )
    return parts


def curves_drawn(name: str, caption: str, arms: Sequence[tuple[str, F64]]) -> Drawn:
    """Return the curves of arms: the mean, with a band for the middle nine tenths of replicates."""
    every = np.concatenate([np.zeros(1), *(rows.ravel() for _, rows in arms)])
    longest = max((rows.shape[1] for _, rows in arms), default=1)
    across = _Axis(np.array([0.0, max(longest - 1, 1)]), 60, _WIDE - _LABEL)
    up = _Axis(every[np.isfinite(every)], _HIGH, _TOP + _UNIT)
    parts = [across.grid(_TOP + _UNIT, _HIGH), up.rules(60, _WIDE - _LABEL)]
    parts.append(_svg_text((60 + _WIDE - _LABEL) / 2, _HIGH + 34, "ticks", "middle"))
    parts.append(_svg_text(8, _TOP, "agents", "start"))
    for place, (arm, rows) in enumerate(arms):
        colour = _COLOURS[place % len(_COLOURS)]
        parts += _band(rows, across, up, colour)
        parts.append(f'<rect x="{_WIDE - _LABEL + 12}" y="{_TOP + 20 * place}" width="10" '
                     f'height="10" fill="{colour}"/>')  # fmt: skip
        parts.append(_svg_text(_WIDE - _LABEL + 28, _TOP + 20 * place + 10, arm, "start"))
    return Drawn(name, caption, _svg(parts, _HIGH + 44, caption))


def _band(rows: F64, across: _Axis, up: _Axis, colour: str) -> list[str]:
    if not rows.size:
        return []
    low, mean, high = (
        np.quantile(rows, 0.05, axis=0),
        rows.mean(axis=0),
        np.quantile(rows, 0.95, axis=0),
    )
    ticks = range(rows.shape[1])
    there = [f"{across.at(t):.1f},{up.at(high[t]):.1f}" for t in ticks]
    back = [f"{across.at(t):.1f},{up.at(low[t]):.1f}" for t in reversed(ticks)]
    line = " ".join(f"{across.at(t):.1f},{up.at(mean[t]):.1f}" for t in ticks)
    return [
        f'<polygon points="{" ".join(there + back)}" fill="{colour}" fill-opacity=".15"/>',
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
    ]


class _Axis:
    """An axis of the drawing, with round numbers as ticks."""

    def __init__(self, values: F64, start: float, end: float) -> None:
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
        if high <= low:
            low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
        self._low, self._high, self._start, self._end = low, high, start, end
        rough = (high - low) / 5
        size = 10 ** floor(log10(rough))
        step = next(size * f for f in (1, 2, 5, 10) if size * f >= rough * 0.999)
        first = int(np.ceil(low / step - 1e-9))
        last = int(np.floor(high / step + 1e-9))
        self._marks = [float(f"{place * step:.10g}") for place in range(first, last + 1)]

    def at(self, value: float) -> float:
        """Return the position of a number."""
        share = (value - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def grid(self, top: float, bottom: float) -> str:
        """Return vertical grid lines, with numbers below."""
        return "".join(
            f'<line class="grid" x1="{self.at(n):.1f}" x2="{self.at(n):.1f}" y1="{top}" '
            f'y2="{bottom}"/>{_svg_text(self.at(n), bottom + 16, shown(n), "middle")}'
            for n in self._marks
        )

    def rules(self, left: float, right: float) -> str:
        """Return horizontal grid lines, with numbers on the left."""
        return "".join(
            f'<line class="grid" y1="{self.at(n):.1f}" y2="{self.at(n):.1f}" x1="{left}" '
            f'x2="{right}"/>{_svg_text(left - 6, self.at(n) + 4, shown(n), "end")}'
            for n in self._marks
        )


def _svg_text(x: float, y: float, said: str, anchor: str, widest: int = _WIDEST) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(one_line(said, widest))}</text>"
    )


def _svg(parts: Sequence[str], high: float, caption: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {high:g}" role="img">'
        f"<title>{escape(one_line(caption))}</title><style>{_SVG_STYLE}</style>"
        f'<rect width="{_WIDE}" height="{high:g}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
