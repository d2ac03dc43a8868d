from sim.network import *
