"""Real networks in (edge lists, GraphML, GML, GEXF, graphs of other libraries), worlds out."""

from sim.io.degrees import read_degrees
from sim.io.demo import demo
from sim.io.edges import EdgeOptions, Edges, read_arcs
from sim.io.exporting import EXPORTS, ExportReport, export
from sim.io.graphs import read_graph
from sim.io.importing import from_igraph, from_networkx, import_world, read_edges, read_world
from sim.io.labels import Labels, read_labels
from sim.io.profiles import Profiles, read_profiles
from sim.io.report import ImportReport
from sim.io.worlds import Imported, world_of

__all__ = [
    "EXPORTS",
    "EdgeOptions",
    "Edges",
    "ExportReport",
    "ImportReport",
    "Imported",
    "Labels",
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
]
