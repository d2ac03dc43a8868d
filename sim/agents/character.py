"""Derived traits of agents: credulity, verification, archetype; computed, never stored.

With the Big Five O, C, E, A, N in [0, 1], activity ``a`` and draws ``u`` in [0, 1) at the address
of the agent (and of the interest)::

    credulity     0.5 + 0.5 * (E - (O + C + A) / 3)
    verification  0.7 * (O + C) / 2 + 0.3 * u
    expertise     (0.25 + 0.75 * C) * u ** 2      in one's own interests; a tenth of it in others

Signs of credulity: extraversion goes with believing false news, openness, conscientiousness and
agreeableness with telling it from true (Calvillo et al., Personality and Individual Differences
174, 110666, 2021). Signs of verification: openness and conscientiousness go with the need for
cognition (Sadowski & Cogburn, Journal of Psychology 131, 307, 1997). Magnitudes, and the law of
expertise (few know much), are Hubbub's own.

Archetypes, the first that applies::

    lurker     a < 0.1             most members only read (Nielsen's 90-9-1 rule, 2006)
    creator    a * E > 0.25        active and outgoing
    critic     N - A > 0.15        easily upset, not easily pleased
    expert     min(O, C) > 0.6     curious and thorough
    connector  min(E, A) > 0.5     outgoing and friendly
    regular    everybody else
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.arrays import F64
from sim.core import rng
from sim.core.rng import Stream
from sim.errors import InputError

ARCHETYPES: Final = ("lurker", "creator", "critic", "expert", "connector", "regular")
"""Names of the values of :func:`archetype`."""
DERIVED: Final = ("credulity", "verification", "archetype")
"""Columns over all agents that :func:`derived` computes."""

"""Salts of the draws of this module, in addition to those of personality."""
_ELSEWHERE = 0.1


def derived(agents: Agents, name: str) -> npt.NDArray[Any]:
    """Return a column of :data:`DERIVED` over all agents."""
    if name == "archetype":
        return archetype(agents)
    return credulity(agents) if name == "credulity" else verification(agents)


def credulity(agents: Agents, who: npt.ArrayLike | None = None) -> F64:
    """Return how readily agents (``who``; None: all) believe, float64 in [0, 1]; mean 0.5."""
    o, c, e, a, _ = _traits(agents, who)
    found: F64 = 0.5 + 0.5 * (e - (o + c + a) / 3)
    return found


def verification(agents: Agents, who: npt.ArrayLike | None = None) -> F64:
    """Return how often agents (``who``; None: all) verify before sharing, float64 in [0, 1]."""
    o, c, *_ = _traits(agents, who)
    key = rng.key(agents.seed, Stream.VERIFYING)
    ids = np.arange(len(agents)) if who is None else np.asarray(who)
    found: F64 = 0.35 * (o + c) + 0.3 * rng.uniforms(key, ids)
    return found


def expertise(agents: Agents, who: npt.ArrayLike, interest: npt.ArrayLike) -> F64:
    """Return how much each agent knows about its interest in ``interest``, in [0, 1]."""
    ids, bits = np.broadcast_arrays(np.atleast_1d(np.asarray(who)), np.asarray(interest))
    agents.is_active(ids)  # raises for ids that do not exist
    last = len(agents.vocabulary) - 1
    if bits.size and (int(bits.min()) < 0 or int(bits.max()) > last):
        raise InputError(f"Interests are bits 0 to {last} of this vocabulary.")
    key = rng.key(agents.seed, Stream.KNOWING)
    draws = rng.uniforms(key, ids, bits)
    own = (agents.interests[ids] >> bits.astype(np.uint64)) & np.uint64(1)
    diligence = 0.25 + 0.75 * agents.personality[ids, 1] / 255.0
    found: F64 = np.where(own == 1, 1.0, _ELSEWHERE) * diligence * draws**2
    return found


def archetype(agents: Agents, who: npt.ArrayLike | None = None) -> npt.NDArray[np.uint8]:
    """Return the archetype of each agent: uint8 (n,), an index into :data:`ARCHETYPES`."""
    chosen = slice(None) if who is None else np.asarray(who)
    o, c, e, a, n = agents.personality[chosen].T / 255.0
    activity = agents.activity[chosen].astype(np.float64)
    tests = [
        activity < 0.1,
        activity * e > 0.25,
        n - a > 0.15,
        np.minimum(o, c) > 0.6,
        np.minimum(e, a) > 0.5,
    ]
    return np.select(tests, range(len(tests)), len(tests)).astype(np.uint8)


def _traits(agents: Agents, who: npt.ArrayLike | None) -> F64:
    chosen = slice(None) if who is None else np.asarray(who)
    traits: F64 = agents.personality[chosen].T / 255.0
    return traits
