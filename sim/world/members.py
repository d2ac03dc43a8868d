""":class:`MemberCommands`, a mixin of ``World``: create, change and query members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.agents.moves import Moves
from sim.agents.profiles import Profile
from sim.agents.traits import TRAITS
from sim.core.checks import short_text
from sim.errors import InputError
from sim.world.changes import change, chosen
from sim.world.compatibility import Compatibility, compatibility
from sim.world.log import noted, told
from sim.world.minds.giving import give, members_of, mind_of
from sim.world.minds.minds import PERSON
from sim.world.profile_assignment import Interests, Match, ProfilesTaken, people_of, take
from sim.world.ties import TieCommands

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["MemberCommands"]

Ids = npt.NDArray[np.uint32]

LONGEST_NOTE = 4096


class MemberCommands(TieCommands):
    """A world whose members are told apart: profiles, stages of life, likeness."""

    @noted("create_agents")
    def create_agents(self, count: int) -> range:
        """Add agents without ties, not reached by any cascade; returns their indices."""
        added = self.take_in(count)
        cast("World", self).wake()
        return added

    def take_in(self, count: int) -> range:
        """Add agents in the course of a tick, which does it again: nothing goes to the trail."""
        world = cast("World", self)
        added = world.agents.grow(count)
        world.ties.grow(count)
        world.opinions.grow(count)
        world.bonds.grow(count)
        world.cascades.grow(count)
        self._scratch = None
        return added

    def take_profiles(
        self,
        profiles: Iterable[Profile | Mapping[str, Any]],
        match: Match = "auto",
        interests: Interests = "known",
    ) -> ProfilesTaken:
        """Give profiles to agents: names, texts, interests, traits, activity, hours.

        Parameters
        ----------
        profiles
            Of :func:`sim.io.read_profiles`, or mappings of what a Profile has. What one does not
            say stays as it was.
        match
            ``"id"``: to the agent of that id; ``"order"``: to agent 0, 1, ...; ``"auto"``: by id
            where they have ids.
        interests
            ``"known"``: words count by the world's vocabulary; ``"own"``: the 64 words that most
            people give become the vocabulary, while nothing in the world refers to another.

        Returns
        -------
        ProfilesTaken
            Who got them, and remarks such as on interests that the vocabulary does not know.

        Raises
        ------
        InputError
            One sentence; nothing is changed.
        """
        world, people = cast("World", self), people_of(profiles)
        plain = [person.plain() for person in people]
        with self.trail.doing(world, "take_profiles", (plain, match, interests), {}) as note:
            taken = take(world, people, match, interests)
            note.result = str(taken)
        return taken

    def profile(self, agent: int) -> Profile:
        """Return who an agent is: what was told about it, and its columns as they are now.

        Texts are whole and as they came; clean them before a terminal sees them.
        """
        agents = self.agents
        name, foreign = agents.name(agent), agents.id(agent)
        said = {n: v for n, v in agents.lore.cold.get(int(agent)).items() if n != "history"}
        traits = dict(zip(TRAITS, (agents.personality[agent] / 255.0).tolist(), strict=True))
        own: dict[str, Any] = {"id": foreign, "name": name, "traits": traits}
        own["interests"] = agents.vocabulary.names(int(agents.interests[agent]))
        return Profile.of({**said, **own, "activity": float(agents.activity[agent])})

    def change_agents(self, agents: str | npt.ArrayLike, **values: Any) -> Ids:
        """Set properties of many agents at once; returns who they are.

        Parameters
        ----------
        agents
            Indices, or a condition: ``'activity > .5 and community == "x"'``.
        **values
            ``status``, ``activity``, ``interests`` (names), ``community``, or one of the Big Five.

        Raises
        ------
        InputError
            For what is not allowed, a move of life with those that are; nothing is changed.
        """
        world = cast("World", self)
        with self.trail.doing(world, "change_agents", (agents,), values) as note:
            who = change(world, agents, values)
            note.result = f"{who.size:,} agents"
        if "status" in values:
            world.wake()
        return who

    def agents_where(self, condition: str) -> Ids:
        """Return the agents for which a condition holds (:mod:`sim.agents.conditions`), rising."""
        return chosen(cast("World", self), condition)

    def give_minds(
        self,
        members: str | npt.ArrayLike,
        mind: str = "model",
        goal: str = "",
        *,
        language: str | Mapping[str, float] = "",
        **options: Any,
    ) -> int:
        """Give members a mind of their own; returns how many have one now.

        They decide once somebody lets them: :func:`sim.run_with_minds`, ``Simulation.think``.

        Parameters
        ----------
        members
            Indices; or ``"top:50:pagerank"`` (``degree``, ``core``), ``"community:NAME:20"``,
            ``"share:0.01"``, ``"random:20"``, or a query: ``"interest:music openness>0.7"``.
        mind
            A plugin of the kind ``mind``, with or without parameters: ``"model"``,
            ``"model,temperature=0.2,language=German"``.
        goal
            What they want: ``"persuade: ..."``, ``"debunk: ..."``, ``"inform: ..."`` or free words;
            empty: nothing in particular.
        language
            In which they write: ``"German"``, or shares, ``{"German": 0.3, "English": 0.7}``. What
            rules write is English.
        **options
            Parameters of the mind, such as ``model="gpt-4o-mini"``.

        Raises
        ------
        InputError
            One sentence, also where the world has no platform; nothing is changed.

        Examples
        --------
        >>> from sim import World
        >>> world = World.create(agents=200, seed=7, platform=True)
        >>> world.give_minds("top:5:degree", "rule", goal="inform: the bridge is closed")
        5
        """
        world, said = cast("World", self), {**options, "language": language or None}
        with self.trail.doing(world, "give_minds", (members, mind, goal), said) as note:
            many = give(world, members, mind, goal, language, options)
            note.result = told(many)
        if world.platform is not None and mind_of(mind)[0] not in {"rule", PERSON}:
            world.platform.minds.unheard = not world.platform.minds.awake
        return many

    def take_minds(self, members: str | npt.ArrayLike) -> int:
        """Let members go by the rules again, and forget; returns how many have a mind now."""
        world = cast("World", self)
        with self.trail.doing(world, "take_minds", (members,), {}) as note:
            if world.platform is None:
                raise InputError("This world has no platform, so nobody in it has a mind.")
            many = world.platform.minds.take(members_of(world, members))
            note.result = told(many)
        return many

    def moves(self, start: int = 0, stop: int | None = None, agent: int | None = None) -> Moves:
        """Return moves between stages of life at ticks ``start`` to ``stop``, of one agent or all.

        The newest million of the world are remembered.
        """
        if stop is not None and stop < start:
            raise InputError(f"Ticks go from the earlier to the later, got {start} to {stop}.")
        return self.agents.lore.moves.between(start, stop, agent)

    def note(self, agents: npt.ArrayLike, text: str) -> None:
        """Add a line to the personal history of agents, with the tick."""
        world, who = cast("World", self), np.atleast_1d(np.asarray(agents))
        self.agents.is_active(who)  # refuses what is no agent
        with self.trail.doing(world, "note", (who, text), {}):
            self.agents.lore.cold.note(
                who.tolist(), world.tick, short_text(text, LONGEST_NOTE, "A note")
            )

    def personal_history(self, agent: int) -> list[tuple[int, str]]:
        """Return (tick, line) of what was noted of an agent, and of its moves of life, in order."""
        self.agents.is_active(agent)  # refuses what is no agent
        told = self.agents.lore.cold.get(int(agent)).get("history", [])
        lines = [(int(tick), str(line)) for tick, line in told]
        moves = self.moves(agent=int(agent))
        for tick, before, after in zip(*(moves[k].tolist() for k in (0, 2, 3)), strict=True):
            was, became = Lifecycle(before).name.lower(), Lifecycle(after).name.lower()
            lines.append((tick, f"{was} -> {became}"))
        return sorted(lines, key=lambda line: line[0])

    def compatibility(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Compatibility:
        """Return how well pairs of agents would get on, with the parts of each score.

        See :mod:`sim.world.compatibility` for the formula; 100,000 pairs take about four seconds.
        """
        return compatibility(cast("World", self), agents, others)
