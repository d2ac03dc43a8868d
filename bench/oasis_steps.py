"""OASIS's own step without a model: every agent refreshes its feed, then likes a post.

It pins other versions than Hubbub, so it runs in a venv of its own (``pip install camel-oasis
'mcp<2'``), as ``bench.peers --oasis PYTHON`` does: ``PYTHON -P bench/oasis_steps.py``.
Prints the processor seconds of both steps.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any


async def steps(agents: int, folder: Path) -> float:
    """Return the processor seconds of two steps of that many agents."""
    from camel.models import ModelFactory  # type: ignore[import-not-found]
    from camel.types import ModelPlatformType, ModelType  # type: ignore[import-not-found]
    from oasis import (  # type: ignore[import-not-found]
        ActionType,
        AgentGraph,
        ManualAction,
        SocialAgent,
        UserInfo,
        make,
    )
    from oasis.social_platform import Channel, Platform  # type: ignore[import-not-found]

    logging.disable(logging.CRITICAL)
    model = ModelFactory.create(model_platform=ModelPlatformType.OPENAI, model_type=ModelType.STUB)
    kinds = [ActionType.CREATE_POST, ActionType.LIKE_POST, ActionType.REFRESH]
    graph = AgentGraph()
    for number in range(agents):
        info = UserInfo(user_name=f"u{number}", name=f"u{number}", description="", profile=None,
                        recsys_type="reddit")  # fmt: skip
        graph.add_agent(SocialAgent(agent_id=number, user_info=info, agent_graph=graph,
                                    model=model, available_actions=kinds))  # fmt: skip
    platform = Platform(db_path=str(folder / "oasis.db"), channel=Channel(), recsys_type="random",
                        refresh_rec_post_count=10, max_rec_post_len=10)  # fmt: skip
    env = make(agent_graph=graph, platform=platform)
    await env.reset()
    members = [agent for _, agent in env.agent_graph.get_agents()]

    async def step(kind: Any, given: Any) -> None:
        await env.step({
            member: ManualAction(action_type=kind, action_args=given(place))
            for place, member in enumerate(members)
        })  # fmt: skip

    await step(ActionType.CREATE_POST, lambda _: {"content": "hello"})
    began = time.process_time()
    await step(ActionType.REFRESH, lambda _: {})
    await step(ActionType.LIKE_POST, lambda place: {"post_id": 1 + place})
    took = time.process_time() - began
    await env.close()
    return took


def main() -> None:
    """Print one line, or why there is none."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=300)
    told = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none")
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)  # it writes logs where it runs
        try:
            took = asyncio.run(steps(told.agents, Path(name)))
        except ImportError:
            print("OASIS is not installed: left out")
            return
    print(f"{told.agents} refreshes and likes in seconds: {took:.3f}")


if __name__ == "__main__":
    main()
