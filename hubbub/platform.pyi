from sim.platform import *
