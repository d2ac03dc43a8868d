from sim.store import *
