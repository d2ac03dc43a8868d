"""Import and export: ``import_world``, ``from_networkx``, ``export`` and more."""

from sim.io.exporting.export import EXPORTS, ExportReport, export, write_text
from sim.io.importing.edges import EdgeOptions, ImportedArcs, read_arcs
from sim.io.importing.files import ImportReport
from sim.io.importing.graphs import read_graph
from sim.io.importing.labels import ImportedLabels, read_labels
from sim.io.importing.profiles import Profiles, read_profiles
from sim.io.importing.table import read_degrees
from sim.io.importing.worlds import (
    ImportOutcome,
    demo,
    from_igraph,
    from_networkx,
    import_world,
    read_edges,
    read_world,
    world_of,
)

__all__ = [
    "EXPORTS",
    "EdgeOptions",
    "ExportReport",
    "ImportOutcome",
    "ImportReport",
    "ImportedArcs",
    "ImportedLabels",
    "Profiles",
    "demo",
    "export",
    "from_igraph",
    "from_networkx",
    "import_world",
    "read_arcs",
    "read_degrees",
    "read_edges",
    "read_graph",
    "read_labels",
    "read_profiles",
    "read_world",
    "world_of",
    "write_text",
]
