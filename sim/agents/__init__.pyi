from sim.agents.languages import LANGUAGES as LANGUAGES
from sim.agents.lifecycle import Moves as Moves
from sim.agents.profiles import TRAITS as TRAITS
from sim.agents.profiles import Profile as Profile
from sim.agents.select import GRAMMAR as GRAMMAR
from sim.agents.vocabulary import Vocabulary as Vocabulary
