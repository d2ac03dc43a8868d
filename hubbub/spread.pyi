from sim.spread import *
