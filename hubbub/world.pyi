from sim.world import *
