"""Mock answers of a language model, for cost estimates: plausible replies without any request.

Members like and share most, answer and post now and then, write to each other where they may, and
plan in three steps. Each question has one answer.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from sim.minds.models.asks import Ask
from sim.minds.prompts.decisions import NEEDS_POST, NEEDS_TEXT

__all__ = ["likely"]

_SHARES = (
    ("like", 30), ("repost", 8), ("reply", 14), ("post", 10), ("follow", 6), ("quote", 4),
    ("direct message", 10), ("group message", 4), ("join group", 2), ("do nothing", 20),
)  # fmt: skip
_ABOUT = {
    "direct message": r'<(?:letter|ally) number="(\d+)"',
    "group message": r'<group number="(\d+)"',
    "join group": r'<open-group number="(\d+)"',
}
_WORDS = "I think this is worth a closer look, and I would like to hear what others say."
_THOUGHT = "Others listen when I say one thing plainly."
_STEPS = (
    "Post about it once a day in plain words.",
    "Answer those who disagree, with one good reason.",
    "Write to those who want the same, and agree on what to share.",
)


def likely(ask: Ask) -> str | None:
    """Return a likely answer to a question; None where it is of no kind that is known.

    Parameters
    ----------
    ask
        With the schema of a decision, of several, of chances, or of a plan.
    """
    fields = dict((ask.schema or {}).get("properties", {}))
    if set(fields) == {"steps"}:
        return json.dumps({"steps": list(_STEPS)})
    if set(fields) == {"acts", "on"}:
        return json.dumps(_mix(fields))
    if set(fields) == {"thoughts"}:
        return json.dumps({"thoughts": [_THOUGHT]})
    number = int(ask.fingerprint("")[:12], 16)
    if set(fields) == {"act", "post", "text"}:
        return json.dumps(_decision(number, fields, ask.turns[-1].text))
    if set(fields) == {"answers"}:
        of = fields["answers"]["items"]["properties"]
        every = range(1, fields["answers"]["maxItems"] + 1)
        said = [{"member": k, **_decision(number * k, of, "")} for k in every]
        return json.dumps({"answers": said})
    return None


def _mix(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the likely chances of acts, together 1."""
    shares = {act: dict(_SHARES).get(act, 1) for act in fields["acts"]["properties"]}
    total = sum(shares.values())
    chances = {act: share / total for act, share in shares.items()}
    on = fields["on"]["enum"]
    return {"acts": chances, "on": "liked" if "liked" in on else on[0]}


def _decision(number: int, fields: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    """Return a likely decision; what is behind a feed is known of one member's prompt alone."""
    acts, last = fields["act"]["enum"], fields["post"]["maximum"]
    acts = [act for act in acts if prompt or act not in _ABOUT]
    shares = [share for act, share in _SHARES if act in acts]
    known = [act for act, _ in _SHARES if act in acts]
    act = known[bisect_right(list(accumulate(shares)), number % sum(shares))]
    text = _WORDS if act in NEEDS_TEXT else ""
    places = _places(prompt, act) or range(1, max(min(last, 3), 1) + 1)
    about = places[number // 97 % len(places)] if act in NEEDS_POST else 0
    return {"act": act, "post": about, "text": text}


def _places(prompt: str, act: str) -> Sequence[int]:
    """Return the numbers of what such an act may be about, behind the posts."""
    return [int(number) for number in re.findall(_ABOUT[act], prompt)] if act in _ABOUT else []
