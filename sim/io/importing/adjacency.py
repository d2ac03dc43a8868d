"""Reader of adjacency lists: each line an agent and its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report
from sim.errors import FormatError
from sim.io.importing.files import TextSource, decoded
from sim.io.importing.sniff import ANY_BLANKS, TextLine, cells, is_comment, sniff, whole
from sim.io.importing.table import MOST_ID, STAGE, TieTable

__all__ = ["read_adjacency"]


def read_adjacency(source: TextSource, delimiter: str | None, ids: str, report: Report) -> TieTable:
    """Read a list of neighbours; a line may hold a member alone, which is isolated then.

    Parameters
    ----------
    source
        The file.
    delimiter
        As of edge lists; None: found out. A colon behind the member is left out.
    ids
        ``"int"``, ``"str"`` or ``"auto"``: whole numbers when all are.
    report
        Told of progress; may cancel.

    Raises
    ------
    FormatError
        For the first line that is wrong.
    """
    found = sniff(source.head, source.path, delimiter=delimiter, header=False, least=1)
    sign = found.delimiter if delimiter is not None else _sign(found.sample)
    known: dict[str, int] = {}
    ends: list[tuple[int, int]] = []
    lines = comments = empty = 0
    for block in source.blocks(0):
        for raw in block.split(b"\n")[:-1]:
            lines += 1
            text = decoded(raw, source.path, lines)
            if not text or is_comment(text):
                comments, empty = comments + bool(text), empty + (not text)
                continue
            row = _row(source, lines, text, sign, integers=ids == "int")
            member, *others = (known.setdefault(each, len(known)) for each in row)
            ends += [(member, other) for other in others]
        report(STAGE, source.share)
    pairs = np.array(ends, np.uint32).reshape(-1, 2)
    sources, targets = pairs[:, 0].copy(), pairs[:, 1].copy()
    if ids == "str" or not all(map(whole, known)):
        return TieTable(sources, targets, [*known], None, None, lines, comments, empty)
    numbers = np.array([int(each) for each in known], np.int64)
    distinct, places = np.unique(numbers, return_inverse=True)
    ranks: npt.NDArray[np.uint32] = places.astype(np.uint32)
    tally = (lines, comments, empty)
    return TieTable(ranks[sources], ranks[targets], distinct, None, None, *tally)


def _sign(sample: Sequence[TextLine]) -> str:
    """Return what divides most lines that are divided; any blanks where nothing else does."""
    counts = {sign: sum(sign in line.text for line in sample) for sign in "\t,;|"}
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else ANY_BLANKS


def _row(source: TextSource, number: int, text: str, sign: str, *, integers: bool) -> list[str]:
    row = [cell for cell in cells(text, sign) if cell]
    row[:1] = [row[0].removesuffix(":")]
    for cell in row:
        if not 0 < len(cell) <= MOST_ID:
            rule = f"an id has 1 to {MOST_ID:,} characters"
            raise FormatError(source.path, number, text, rule)
        if integers and not whole(cell):
            rule = f"{cell!r} is no whole number; with names use --ids str (in Python: ids='str')"
            raise FormatError(source.path, number, text, rule)
    return row
