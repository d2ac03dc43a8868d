"""The rules of the epidemic and rumour models, as their papers state them, in plain Python."""

from __future__ import annotations

from dataclasses import replace

from sim.lab.validation.chains import Outcomes, Plain


def k_fold(k: int, call: float, stifle: float) -> Plain:
    """Return k-fold stifling: spreaders 1..5 have stopped 0..4 times; 6 is the stifler."""
    meets: dict[tuple[int, int], Outcomes] = {}
    for level in range(1, k + 1):
        meets[level, 0] = [(call, 1, None)]
        further = 6 if level == k else level + 1
        for known in range(1, 7):
            meets[level, known] = [(call * stifle, None, further)]
    return Plain("k-fold-stifling", 1, meets, calls=True,
                 options={"k": k, "call": call, "stifle": stifle})  # fmt: skip


__all__ = ["CONTINUOUS", "MODELS", "at_rates", "in_stays", "k_fold"]

TOLD: Outcomes = [(0.5, 1, None)]
STIFLED: Outcomes = [(0.5, None, 2)]

MODELS = [
    Plain("si", 1, {(1, 0): [(0.3, 1, None)]}, options={"beta": 0.3}),
    Plain("sis", 1, {(1, 0): [(0.4, 1, None)]}, {1: [(0.3, 0)]},
          options={"beta": 0.4, "gamma": 0.3}),
    Plain("sir", 1, {(1, 0): [(0.3, 1, None)]}, {1: [(0.25, 2)]},
          options={"beta": 0.3, "gamma": 0.25}),
    Plain("sirs", 1, {(1, 0): [(0.4, 1, None)]}, {1: [(0.4, 2)], 2: [(0.3, 0)]},
          options={"beta": 0.4, "gamma": 0.4, "eta": 0.3}),
    Plain("sird", 1, {(1, 0): [(0.3, 1, None)]}, {1: [(0.2, 2), (0.1, 3)]},
          options={"beta": 0.3, "gamma": 0.2, "mu": 0.1}),
    Plain("seir", 2, {(2, 0): [(0.4, 1, None)]}, {1: [(0.5, 2)], 2: [(0.2, 3)]},
          options={"beta": 0.4, "alpha": 0.5, "gamma": 0.2}),
    Plain("seis", 2, {(2, 0): [(0.4, 1, None)]}, {1: [(0.5, 2)], 2: [(0.2, 0)]},
          options={"beta": 0.4, "alpha": 0.5, "gamma": 0.2}),
    Plain("swir", 2, {(2, 0): [(0.3, 2, None), (0.7 * 0.5, 1, None)], (2, 1): [(0.6, 2, None)]},
          {2: [(1.0, 3)]}, options={"kappa": 0.3, "mu": 0.5, "nu": 0.6}),
    Plain("sair", 2,
          {(2, 0): [(0.4 * 0.7, 2, None), (0.4 * 0.3, 1, None)],
           (1, 0): [(0.2 * 0.7, 2, None), (0.2 * 0.3, 1, None)]},
          {2: [(0.2, 3)], 1: [(0.3, 3)]},
          options={"beta": 0.4, "beta_a": 0.2, "p": 0.7, "gamma": 0.2, "gamma_a": 0.3}),
    Plain("sveir", 3, {(3, 0): [(0.4, 2, None)], (3, 1): [(0.4 * 0.25, 2, None)]},
          {0: [(0.1, 1)], 2: [(0.5, 3)], 3: [(0.2, 4)]},
          options={"beta": 0.4, "theta": 0.1, "sigma": 0.25, "delta": 0.5, "gamma": 0.2}),
    Plain("sihr", 1, {(1, 0): [(0.3, 1, None)]}, {1: [(0.2, 2), (0.1, 3)], 2: [(0.3, 3)]},
          options={"beta": 0.3, "eta": 0.2, "gamma": 0.1, "delta": 0.3}),
    Plain("maki-thompson", 1, {(1, 0): TOLD, (1, 1): STIFLED, (1, 2): STIFLED}, calls=True,
          options={"call": 0.5}),
    k_fold(1, 0.6, 1.0), k_fold(2, 0.6, 0.7), k_fold(5, 0.9, 1.0),
    Plain("daley-kendall", 1,
          {(1, 0): TOLD, (1, 1): [(0.25, 2, 2)], (1, 2): STIFLED}, options={"meet": 0.5}),
    Plain("nekovee-moreno", 1,
          {(1, 0): [(0.4, 1, None)], (1, 1): [(0.2, None, 2)], (1, 2): [(0.2, None, 2)]},
          {1: [(0.1, 2)]}, options={"spread": 0.4, "alpha": 0.2, "delta": 0.1}),
    Plain("sihr-rumour", 1,
          {(1, 0): [(0.3, 1, None), (0.1, 3, None)], (1, 2): [(0.2, 1, None)],
           (1, 1): [(0.2, None, 3)], (1, 3): [(0.2, None, 3)]},
          {1: [(0.2, 2)], 2: [(0.1, 1)]},
          options={"spread": 0.3, "refuse": 0.1, "alpha": 0.2, "delta": 0.2, "xi": 0.1,
                   "eta": 0.2}),
]  # fmt: skip


def at_rates(plain: Plain) -> Plain:
    """Return the model of one event at a time with the same numbers as rates."""
    if plain.name == "swir":
        return Plain("swir-continuous", 2,
                     {(2, 0): [(0.3, 2, None), (0.5, 1, None)], (2, 1): [(0.6, 2, None)]},
                     {2: [(0.8, 3)]},
                     options={"kappa": 0.3, "mu": 0.5, "nu": 0.6, "gamma": 0.8})  # fmt: skip
    return replace(plain, name=f"{plain.name}-continuous")


CONTINUOUS = [at_rates(plain) for plain in MODELS]


def in_stays(name: str) -> Plain:
    """Return the model in chances per tick whose stays are those of the geometric law."""
    plain = next(plain for plain in MODELS if plain.name == name)
    names = {"beta": "beta", "gamma": "infectious", "alpha": "latent"}
    options = {names[k]: v if k == "beta" else 1 / v for k, v in plain.options.items()}
    return replace(plain, name=f"{name}-durations", options={**options, "law": "geometric"})
