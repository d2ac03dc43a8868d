from sim.settings import *
