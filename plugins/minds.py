"""What decides for members."""

from sim import ArchetypeMind, ModelMind, RuleMind, SurrogateMind, register

__all__: list[str] = []

register("rule")(RuleMind)
register("model")(ModelMind)
register("archetype")(ArchetypeMind)
register("surrogate")(SurrogateMind)
