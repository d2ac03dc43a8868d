"""Checks of declared compartmental models: known states, parameters, conditions; valid trust."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.errors import InputError, UnknownNameError
from sim.spread.compartments.chances import factors_of_trust
from sim.spread.compartments.conditions import RuleCondition, Sources, TieColumn
from sim.spread.compartments.rules import After, Contact

if TYPE_CHECKING:
    from sim.spread.compartments.compartments import Compartments

__all__ = ["check_declaration", "properties"]

_MOST_STATES = 64


def check_declaration(cls: type[Compartments]) -> None:
    """Refuse rules that name unknown states, trust out of place, and conditions on what is not."""
    _check_trust(cls.__name__, cls.rules)
    known = [*cls.model_fields, *properties(cls)]
    for rule in cls.rules:
        if rule.when is not None:
            alone = isinstance(rule, After)
            _check_condition(rule.when, cls.__name__, cls.states, known, alone=alone)
    named = {cls.seeded, *cls.adopting}
    for rule in cls.rules:
        if isinstance(rule, After):
            named |= {rule.state, rule.becomes}
        else:
            named |= {rule.listener, *rule.speakers, rule.speaker_becomes or rule.listener}
            named |= {becomes or rule.listener for becomes, _ in rule.outcomes}
    for name in sorted(named - set(cls.states)):
        raise UnknownNameError(f"state of {cls.__name__}", name, cls.states)
    if len(cls.states) > _MOST_STATES:
        raise InputError(f"{cls.__name__} has {len(cls.states)} states; at most {_MOST_STATES}.")


def properties(cls: type[Compartments]) -> list[str]:
    """Return the names of computed parameters that rules may use."""
    return [name for name in dir(cls) if isinstance(getattr(cls, name, None), property)]


def _check_trust(owner: str, rules: Sequence[Contact | After]) -> None:
    """Refuse ``trust`` where it is no factor of a contact's whole chance, or not of all of a row.

    Raises
    ------
    InputError
        One sentence with the chance.
    """
    rows: dict[tuple[str, str], set[bool]] = {}
    for rule in rules:
        if isinstance(rule, After):
            if factors_of_trust(rule.chance) != 0:
                raise InputError(
                    f"{owner}: the chance {rule.chance!r} names trust, which only a contact has; "
                    "leave it out of after()."
                )
            continue
        for _, chance in rule.outcomes:
            found = factors_of_trust(chance)
            if found not in {0, 1}:
                raise InputError(
                    f"{owner}: in the chance {chance!r} trust is no plain factor of the whole; "
                    "write it as a product, such as 'beta * trust'."
                )
            for speaker in rule.speakers:
                rows.setdefault((speaker, rule.listener), set()).add(found == 1)
    for (speaker, listener), kinds in rows.items():
        if len(kinds) > 1:
            raise InputError(
                f"{owner}: trust is a factor of some chances of {listener!r} hearing {speaker!r} "
                "but not of all; let it multiply all of them or none."
            )


def _check_condition(
    condition: RuleCondition, owner: str, states: tuple[str, ...], known: list[str], *, alone: bool
) -> None:
    """Refuse a condition that names what the model does not have.

    Parameters
    ----------
    condition, owner
        And the model's name, for errors.
    states, known
        Names of its states, and of its parameters and properties.
    alone
        Whether nobody speaks: the rule is no contact.

    Raises
    ------
    InputError
        One sentence.
    """
    for one in condition.comparisons():
        if isinstance(one.right, str) and one.right not in known:
            raise UnknownNameError(f"parameter of {owner}", one.right, known)
        for side in one.quantities():
            if alone and (isinstance(side, TieColumn) or side.of == "speaker"):
                raise InputError(
                    f"{owner}: after() happens to an agent alone; its condition cannot ask for a "
                    f"tie or a speaker."
                )
            for name in side.states if isinstance(side, Sources) else ():
                if name not in states:
                    raise UnknownNameError(f"state of {owner}", name, states)
