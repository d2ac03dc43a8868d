from sim import *

__version__: str
