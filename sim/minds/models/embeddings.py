"""Embeddings of texts, and how far texts are alike: the cosines of their vectors."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.arrays import F32
from sim.minds.models.asks import Ask
from sim.minds.models.faults import Fault, ModelError
from sim.minds.models.replies import Reply, Usage, usage_in

_KEPT = 4096
_LARGEST = 16_384


class Vectors:
    """Vectors of texts that were asked for before, the newest 4,096, and what they say.

    Members remember the same for long: a text is sent once.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, F32] = OrderedDict()

    def lacks(self, ask: Ask) -> list[str]:
        """Return the texts of a question that have no vector yet, each once."""
        texts = (ask.turns[-1].text, *ask.alike)
        return [text for text in dict.fromkeys(texts) if text not in self._kept]

    def reply(self, ask: Ask, lacked: Sequence[str], body: bytes) -> Reply:
        """Return what a question comes to, given the answer on what it lacked."""
        usage = Usage(0, 0)
        if lacked:
            vectors, said = vectors_of(body, len(lacked))
            known = next(iter(self._kept.values()), vectors[0])
            if known.size != vectors[0].size:
                self._kept.clear()  # another model answers now; what it lacks comes next time
            self._kept.update(zip(lacked, vectors, strict=True))
            usage = said or usage
        texts = [ask.turns[-1].text, *ask.alike]
        if any(text not in self._kept for text in texts):
            raise ModelError(Fault.MALFORMED, "vectors have become of another length")
        about, *others = (self._kept[text] for text in texts)
        cosines = [round(float(about @ other), 4) for other in others]
        for text in texts:
            self._kept.move_to_end(text)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return Reply(json.dumps(cosines), usage if usage.read or not lacked else None)


def vectors_of(body: bytes, many: int) -> tuple[list[F32], Usage | None]:
    """Return so many vectors of length 1 of an answer, in order, and its usage."""
    try:
        said = json.loads(body)
        rows = {row["index"]: row["embedding"] for row in said["data"]}
        found = [_unit(rows[at]) for at in range(many)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        why = f"no embeddings ({type(error).__name__})"
        raise ModelError(Fault.MALFORMED, why) from None
    if len({vector.size for vector in found}) != 1 or len(rows) != many:
        raise ModelError(Fault.MALFORMED, "embeddings of several lengths, or too many")
    usage = said.get("usage")
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return found, usage_in({"prompt_tokens": count, "completion_tokens": 0})


def _unit(row: Any) -> F32:
    if not isinstance(row, list) or not 0 < len(row) <= _LARGEST:
        raise ValueError("no vector")
    vector = np.array(row, np.float64)
    length = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not np.isfinite(length) or length == 0:
        raise ValueError("no direction")
    return (vector / length).astype(np.float32)
