"""What decides for members."""

from sim import ArchetypeMind, ModelMind, RuleMind, SurrogateMind, register

__all__: list[str] = []

for name, mind in {
    "rule": RuleMind,
    "model": ModelMind,
    "archetype": ArchetypeMind,
    "surrogate": SurrogateMind,
}.items():
    register(name)(mind)
