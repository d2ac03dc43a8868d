"""What draws: panes that take frames or plain arrays, and never touch the engine."""

from __future__ import annotations

from tui.draw.community_map import CommunityMap
from tui.draw.community_table import CommunityHeat, CommunityTable
from tui.draw.curves import Curves
from tui.draw.now import NowPane
from tui.draw.table import ColumnTable

__all__ = [
    "ColumnTable",
    "CommunityHeat",
    "CommunityMap",
    "CommunityTable",
    "Curves",
    "NowPane",
]
