"""``distilled``: fits a :class:`Surrogate` to logged decisions, and tests it on held-out ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.rng import Stream
from sim.errors import InputError
from sim.minds.features import SeenRow
from sim.minds.minds import ACTS
from sim.minds.prompts.decisions import NEEDS_POST
from sim.minds.surrogate import (
    FEATURES,
    OF_EACH_POST,
    Surrogate,
    SurrogateAgreement,
    features_of,
    posts_of,
)

__all__ = ["FEWEST", "LoggedDecision", "distilled"]

Floats = npt.NDArray[np.float64]
FEWEST = 40
"""Decisions of a model that a surrogate needs at least."""
_PENALTY = 1.0
_ROUNDS = 50
_ENOUGH = 1e-8


class LoggedDecision(NamedTuple):
    """A decision of a model, as a run kept it.

    Attributes
    ----------
    seen
        What the member saw (:mod:`sim.minds.features`).
    act, post
        What it did, and the place of the post that this was about; 0: of none.
    model
        Who decided.
    """

    seen: SeenRow
    act: str
    post: int
    model: str = ""


def distilled(
    logged: Sequence[LoggedDecision], *, held_out: float = 0.3, seed: int = 0
) -> Surrogate:
    """Return a surrogate of a model.

    Parameters
    ----------
    logged
        Its decisions, at least 40.
    held_out
        The share of them to measure it on, in (0, 1).
    seed
        Of the draw which these are.

    Raises
    ------
    InputError
        Too few decisions, or a share that leaves none to learn from or to measure on.
    """
    known = [one for one in logged if one.act in ACTS and one.post < len(one.seen)]
    if len(known) < FEWEST:
        raise InputError(
            f"A surrogate needs {FEWEST} decisions of a model to learn from, got {len(known):,}; "
            f"run longer, or with more minded members."
        )
    draws = rng.uniforms(rng.key(seed, Stream.DISTILLING), np.arange(len(known)))
    is_out = draws < held_out
    if not 0 < int(is_out.sum()) < len(known):
        raise InputError(f"The share held out is in (0, 1), got {held_out:g}.")
    fitting = [one for one, out in zip(known, is_out, strict=True) if not out]
    resting = [one for one, out in zip(known, is_out, strict=True) if out]
    bare = _fitted(fitting, sorted({one.model for one in known} - {""}))
    return bare.model_copy(update={"agreement": _agreement(bare, fitting, resting)})


def _fitted(logged: Sequence[LoggedDecision], models: Sequence[str]) -> Surrogate:
    acts = tuple(act for act in ACTS if any(one.act == act for one in logged))
    x = np.array([features_of(one.seen) for one in logged])
    means, scales = x.mean(axis=0), x.std(axis=0)
    means[0], scales[scales < _ENOUGH] = 0.0, 1.0
    classes = np.array([acts.index(one.act) for one in logged])
    weights = _logistic((x - means) / scales, classes, len(acts))
    return Surrogate(
        acts=acts, features=FEATURES, of_posts=OF_EACH_POST, means=tuple(means.tolist()),
        scales=tuple(scales.tolist()), weights=tuple(tuple(row) for row in weights.tolist()),
        post_weights=tuple(_conditional(_upon_posts(logged)).tolist()), models=tuple(models),
        agreement=SurrogateAgreement(fitted=0, held_out=0, accuracy=0, error=0, kappa=0, majority=0,
                            drawn=0, posts=0, post_accuracy=0),
    )  # fmt: skip


def _upon_posts(logged: Sequence[LoggedDecision]) -> list[LoggedDecision]:
    return [one for one in logged if one.act in NEEDS_POST and one.post]


def _logistic(x: Floats, classes: npt.NDArray[np.int64], many: int) -> Floats:
    """Return the weights (classes, features) of a multinomial logistic regression."""
    wide = x.shape[1]
    weights, is_it = np.zeros((many, wide)), np.eye(many)[classes]
    for _ in range(_ROUNDS):
        p = _softmax(x @ weights.T)
        slope = (p - is_it).T @ x + _PENALTY * weights
        bend = np.einsum("na,nf,ng->afg", p, x, x, optimize=True)
        whole = np.zeros((many, wide, many, wide))
        for at in range(many):
            whole[at, :, at, :] = bend[at] + _PENALTY * np.eye(wide)
            for other in range(many):
                pair = (p[:, at] * p[:, other])[:, None] * x
                whole[at, :, other, :] -= pair.T @ x
        step = np.linalg.solve(whole.reshape(many * wide, -1), slope.ravel()).reshape(many, wide)
        weights = weights - step
        if np.abs(step).max() < _ENOUGH:
            break
    return weights


def _conditional(logged: Sequence[LoggedDecision]) -> Floats:
    """Return the weights of a conditional logit over posts."""
    wide, weights = len(OF_EACH_POST), np.zeros(len(OF_EACH_POST))
    cases = [(posts_of(one.seen), one.post - 1) for one in logged]
    for _ in range(_ROUNDS):
        slope, whole = _PENALTY * weights, _PENALTY * np.eye(wide)
        for x, chosen in cases:
            p = _softmax((x @ weights)[None, :])[0]
            mean = p @ x
            slope = slope + mean - x[chosen]
            whole = whole + (x.T * p) @ x - np.outer(mean, mean)
        step = np.linalg.solve(whole, slope)
        weights = weights - step
        if np.abs(step).max() < _ENOUGH:
            break
    return weights


def _softmax(scores: Floats) -> Floats:
    raised: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    raised /= raised.sum(axis=1, keepdims=True)
    return raised


def _agreement(
    found: Surrogate, fitted: Sequence[LoggedDecision], rest: Sequence[LoggedDecision]
) -> SurrogateAgreement:
    """Return how well a surrogate agrees with decisions that it was not fitted on."""
    chances = [found.chances(one.seen) for one in rest]
    said = [found.acts[int(one.argmax())] for one in chances]
    true = [one.act for one in rest]
    many, right = len(rest), sum(a == b for a, b in zip(said, true, strict=True))
    share = right / many
    commonest = Counter(one.act for one in fitted).most_common(1)[0][0]
    by_chance = _by_chance(said, true)
    drawn = sum(
        float(chance[found.acts.index(act)]) if act in found.acts else 0.0
        for chance, act in zip(chances, true, strict=True)
    )
    upon = _upon_posts(rest)
    hits = sum(int(found.post_chances(one.seen).argmax()) == one.post - 1 for one in upon)
    return SurrogateAgreement(
        fitted=len(fitted), held_out=many, accuracy=share, error=sqrt(share * (1 - share) / many),
        kappa=(share - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0,
        majority=true.count(commonest) / many, drawn=drawn / many, posts=len(upon),
        post_accuracy=hits / len(upon) if upon else 0.0,
    )  # fmt: skip


def _by_chance(said: Sequence[str], true: Sequence[str]) -> float:
    one, other = Counter(said), Counter(true)
    return sum(one[act] * other[act] for act in one) / len(said) ** 2
