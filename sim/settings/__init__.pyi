from sim.settings.logging import crash_report as crash_report
from sim.settings.logging import redacted as redacted
from sim.settings.settings import Settings as Settings
from sim.settings.settings import SettingsWatch as SettingsWatch
from sim.settings.settings import current as current
from sim.settings.settings import keep_words as keep_words
from sim.settings.settings import load_settings as load_settings
