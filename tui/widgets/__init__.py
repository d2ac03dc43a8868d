"""What draws: panes that take frames or plain arrays, and never touch the engine."""

from __future__ import annotations

from tui.widgets.community_map import CommunityMap
from tui.widgets.community_table import CommunityTable
from tui.widgets.curves import Curves
from tui.widgets.heat import CommunityHeat
from tui.widgets.now import NowPane
from tui.widgets.table import ColumnTable

__all__ = [
    "ColumnTable",
    "CommunityHeat",
    "CommunityMap",
    "CommunityTable",
    "Curves",
    "NowPane",
]
