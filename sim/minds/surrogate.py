""":class:`Surrogate`: logistic regressions of a model's decisions: features, fit, held-out test.

The act, from all that a member sees: multinomial logistic over the features of :data:`FEATURES`
(z: standardised on the training data)::

    P(act) = exp(w_act . z) / sum of exp(w_other . z)

The post among those shown, for acts on a post: conditional logit (McFadden 1974) over the
features of a post, one weight each for all acts, and its place in the feed::

    P(post) = exp(v . x_post) / sum over posts of exp(v . x_other)

Both are fitted with a penalty of 1 / 2 |w|^2 by Newton's method, on a part of the model's
decisions; their agreement is measured on the rest and stored in the file.

A row is ``[traits, post, post, ...]``, all values 0 to 255::

    traits   openness, conscientiousness, extraversion, agreeableness, neuroticism   x 255
    post     interest x 255, likes, shares, hours (each 32 log2(1 + x)), followed, labelled (0, 255)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from math import log2, sqrt
from pathlib import Path
from stat import S_ISREG
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from sim.arrays import F64
from sim.core import rng
from sim.core.cards import Card
from sim.core.params import Field
from sim.core.rng import Stream
from sim.errors import FileError, InputError
from sim.minds.member import Member
from sim.minds.minds import ACTS, Mind
from sim.minds.prompts.decisions import NEEDS_POST, NEEDS_TEXT, Decided, Decision, acts_for
from sim.minds.prompts.prompts import Post

SeenRow = list[list[int]]
TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
OF_POSTS = ("interest", "likes", "shares", "hours", "followed", "labelled")
_MOST = 255
_PER_DOUBLING = 32


def seen_of(member: Member, feed: Sequence[Post]) -> SeenRow:
    """Return what a member sees, as a row of numbers."""
    return [[_share(trait) for trait in member.traits], *(_post(post) for post in feed)]


def _post(post: Post) -> list[int]:
    return [
        _share(post.interest), _many(post.likes), _many(post.shares), _many(post.hours),
        _MOST * post.followed, _MOST * post.labelled,
    ]  # fmt: skip


def _share(value: float) -> int:
    return min(max(round(value * _MOST), 0), _MOST)


def _many(value: float) -> int:
    return min(round(_PER_DOUBLING * log2(1 + max(value, 0))), _MOST)


FEATURES = (
    "constant", *TRAITS, "posts",
    *(f"most {name}" for name in OF_POSTS), "mean interest", "mean likes",
)  # fmt: skip
"""Features of a decision, in the order of the weights; all but the constant are standardised."""
OF_EACH_POST = (*OF_POSTS, "place")
"""Features of a post; the place is 1 for the first, 1/2 for the second, and so on."""
_MOST_BYTES = 1 << 20
_SCALE = 255.0


def features_of(seen: SeenRow) -> F64:
    """Return the features of a decision, float64 (15,), not yet standardised.

    Examples
    --------
    >>> features_of([[255, 0, 0, 0, 0], [51, 32, 0, 0, 255, 0]])[:8].tolist()
    [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.2]
    """
    traits, posts = seen[0], np.array(seen[1:], np.float64).reshape(-1, len(OF_POSTS)) / _SCALE
    most = posts.max(axis=0) if len(posts) else np.zeros(len(OF_POSTS))
    mean = posts.mean(axis=0) if len(posts) else np.zeros(len(OF_POSTS))
    own = np.array(traits, np.float64) / _SCALE
    return np.concatenate([[1.0], own, [len(posts)], most, mean[:2]])


def posts_of(seen: SeenRow) -> F64:
    """Return the features of each post, float64 (posts, 7)."""
    posts = np.array(seen[1:], np.float64).reshape(-1, len(OF_POSTS)) / _SCALE
    return np.column_stack([posts, 1.0 / np.arange(1, len(posts) + 1)])


class SurrogateAgreement(BaseModel):
    """How well a surrogate agrees with decisions that it was not fitted on."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    # fitted, held_out: decisions of the model for training, and for the
    # test
    fitted: int
    held_out: int
    # accuracy, error: share of test decisions whose likeliest act is the model's, and its
    # standard error
    accuracy: float
    error: float
    kappa: float  # Cohen's: 0 if they agree no more than by chance, 1 if always
    majority: float  # accuracy of always choosing the model's most frequent act
    drawn: float  # average share of drawn acts that are the model's
    # posts, post_accuracy: test acts on a post, and the share in which its likeliest
    # post is the model's
    posts: int
    post_accuracy: float

    @property
    def words(self) -> str:
        """The figures as a sentence."""
        said = (
            f"agrees with its model in {self.accuracy:.1%} +/- {self.error:.1%} of "
            f"{self.held_out:,} decisions that it was not fitted on (kappa {self.kappa:.2f}; "
            f"always the commonest act: {self.majority:.1%}; acts drawn: {self.drawn:.1%})"
        )
        if not self.posts:
            return f"{said}."
        return f"{said}, and on the post in {self.post_accuracy:.1%} of {self.posts:,}."


class Surrogate(BaseModel):
    """A fitted surrogate, as its file holds it.

    Attributes
    ----------
    acts
        What it may do, in the order of the weights.
    features, of_posts
        The names of what it looks at.
    means, scales
        By which features are standardised.
    weights
        (acts, features).
    post_weights
        (features of a post).
    agreement
        With its model.
    models
        The names of those that it was distilled from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["hubbub-surrogate"] = "hubbub-surrogate"
    version: Literal[1] = 1
    acts: tuple[str, ...]
    features: tuple[str, ...]
    of_posts: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    post_weights: tuple[float, ...]
    agreement: SurrogateAgreement
    models: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """32 hex digits that identify all of it."""
        said = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return blake2b(said.encode(), digest_size=16).hexdigest()

    def chances(self, seen: SeenRow) -> F64:
        """Return the chance of each act, float64 (acts,)."""
        z = (features_of(seen) - np.array(self.means)) / np.array(self.scales)
        return _softmax(np.array(self.weights) @ z)

    def post_chances(self, seen: SeenRow) -> F64:
        """Return the chance of each post, float64 (posts,)."""
        return _softmax(posts_of(seen) @ np.array(self.post_weights))

    def dump(self) -> str:
        """Return the text of its file, with its hash."""
        return json.dumps({**self.model_dump(mode="json"), "hash": self.hash}, indent=1) + "\n"


def _softmax(scores: F64) -> F64:
    raised: F64 = np.exp(scores - scores.max(initial=-np.inf))
    return raised / raised.sum() if raised.size else raised


def read_surrogate(path: str | Path) -> Surrogate:
    """Return the surrogate of a file.

    Raises
    ------
    FileError
        It cannot be read, is no surrogate, was changed, or uses other features than these.
    """
    try:
        there = Path(path).stat()
        if not S_ISREG(there.st_mode) or there.st_size > _MOST_BYTES:
            raise FileError(path, "cannot be read: it is no file, or too large for a surrogate")
        said = json.loads(Path(path).read_text("utf-8-sig"))
        stated = said.pop("hash")
        found = Surrogate.model_validate(said)
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, ValidationError, AttributeError, KeyError, RecursionError, TypeError):
        raise FileError(path, "is no surrogate; write one by: hubbub llm distill") from None
    if stated != found.hash:
        raise FileError(path, "was changed since it was written; distil it again")
    if found.features != FEATURES or found.of_posts != OF_EACH_POST or not _fits(found):
        raise FileError(path, "looks at other features than this version; distil it again")
    return found


def _fits(found: Surrogate) -> bool:
    wide = len(FEATURES)
    sizes = {len(found.means), len(found.scales), *(len(row) for row in found.weights)}
    is_known = bool(found.acts) and set(found.acts) <= set(ACTS)
    return (
        is_known and sizes == {wide} and len(found.weights) == len(found.acts)
        and len(found.post_weights) == len(OF_EACH_POST) and min(found.scales) > 0
    )  # fmt: skip


@lru_cache(maxsize=16)
def _kept(path: str, stamp: tuple[int, int]) -> Surrogate:
    return read_surrogate(path)


def _read(path: str) -> Surrogate:
    """Return the surrogate of a file, cached until the file changes."""
    try:
        found = Path(path).stat()
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None
    return _kept(path, (found.st_mtime_ns, found.st_size))


def agreement_of(path: str) -> str:
    """Return the agreement of a file's surrogate with its model, or what is wrong with the file."""
    try:
        found = _read(path)
    except FileError as error:
        return str(error)
    return f"Surrogate {path} ({found.hash[:8]}) {found.agreement.words}"


class SurrogateMind(Mind):
    """Decides as a model did, by a table distilled from its decisions; nobody is asked.

    Words come from the rules' writer; letters are not answered, and no plans are made.
    """

    source: ClassVar[Decided] = Decided.SURROGATE
    remembers: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        source="multinomial logistic regression, and McFadden's conditional logit (1974)",
        equations=("P(act) = exp(w z) / sum exp(w z)", "P(post) = exp(v x) / sum exp(v x)"),
        cost="under a millisecond a decision; nobody is asked",
        largest="as many members as memory holds",
        checked=(
            "a rule that looks at the most interesting post: accuracy above 0.93, kappa above 0.85",
            "a coin: kappa within 0.15 of 0",
        ),
    )
    path: str = Field("", description="the file that hubbub llm distill wrote")
    hash: str = Field("", description="what its hash begins with; empty: any")
    choose: Literal["draw", "likeliest"] = Field("draw", description="how it takes an act")

    def check(self) -> None:
        """Raise for a file that is missing, is no surrogate, or is not the one that was meant."""
        found = _read(self.path)
        if not found.hash.startswith(self.hash):
            raise FileError(self.path, f"is another surrogate ({found.hash[:8]}) than was meant")

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Choose an act, then a post, by the member's own draws."""
        table, seen = _read(self.path), seen_of(member, feed)
        acts = acts_for(ACTS, len(feed), (), ())
        chances = np.where(np.isin(table.acts, acts), table.chances(seen), 0.0)
        if not chances.sum():
            return ()
        act = table.acts[self._taken(chances, member.draw(0))]
        place = 0
        if act in NEEDS_POST:
            place = self._taken(table.post_chances(seen), member.draw(1)) + 1
        text = member.write(feed[place - 1] if place else None) if act in NEEDS_TEXT else ""
        return (Decision(act, place, text),)

    def _taken(self, chances: F64, draw: float) -> int:
        if self.choose == "likeliest":
            return int(chances.argmax())
        sums = list(accumulate(chances.tolist()))
        return next((at for at, until in enumerate(sums) if draw * sums[-1] < until), len(sums) - 1)


FEWEST = 40
"""Minimum number of a model's decisions for a surrogate."""
_PENALTY = 1.0
_ROUNDS = 50
_ENOUGH = 1e-8


class LoggedDecision(NamedTuple):
    """A model's decision, as recorded in a run."""

    seen: SeenRow  # what the member saw
    act: str  # act, post: the act, and the place of the post that it was about; 0: none
    post: int
    model: str = ""  # the model that decided


def distilled(
    logged: Sequence[LoggedDecision], *, held_out: float = 0.3, seed: int = 0
) -> Surrogate:
    """Return a surrogate of a model."""
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


def _logistic(x: F64, classes: npt.NDArray[np.int64], many: int) -> F64:
    """Return the weights (classes, features) of a multinomial logistic regression."""
    wide = x.shape[1]
    weights, is_it = np.zeros((many, wide)), np.eye(many)[classes]
    for _ in range(_ROUNDS):
        p = _softmax_rows(x @ weights.T)
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


def _conditional(logged: Sequence[LoggedDecision]) -> F64:
    """Return the weights of a conditional logit over posts."""
    wide, weights = len(OF_EACH_POST), np.zeros(len(OF_EACH_POST))
    cases = [(posts_of(one.seen), one.post - 1) for one in logged]
    for _ in range(_ROUNDS):
        slope, whole = _PENALTY * weights, _PENALTY * np.eye(wide)
        for x, chosen in cases:
            p = _softmax_rows((x @ weights)[None, :])[0]
            mean = p @ x
            slope = slope + mean - x[chosen]
            whole = whole + (x.T * p) @ x - np.outer(mean, mean)
        step = np.linalg.solve(whole, slope)
        weights = weights - step
        if np.abs(step).max() < _ENOUGH:
            break
    return weights


def _softmax_rows(scores: F64) -> F64:
    raised: F64 = np.exp(scores - scores.max(axis=1, keepdims=True))
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
    one, other = Counter(said), Counter(true)
    by_chance = sum(one[act] * other[act] for act in one) / len(said) ** 2
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
