from sim.minds import *
