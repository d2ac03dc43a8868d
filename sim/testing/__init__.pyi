from sim.testing.model_laws import LAWS as LAWS
from sim.testing.model_laws import Given as Given
from sim.testing.model_laws import check_plugin as check_plugin
from sim.testing.model_laws import tiny_arcs as tiny_arcs
from sim.testing.model_laws import tiny_world as tiny_world
