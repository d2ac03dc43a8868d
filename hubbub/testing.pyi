from sim.testing import *
