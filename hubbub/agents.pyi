from sim.agents import *
