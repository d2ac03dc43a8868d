from sim.runtime import *
