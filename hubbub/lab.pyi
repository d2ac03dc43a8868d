from sim.lab import *
