"""Hubbub: a social network of a million members, simulated.

Public names are loaded when first used, so that ``import sim`` is immediate.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim import io as io
    from sim.agents.columns import Agents as Agents
    from sim.agents.lifecycle import Lifecycle as Lifecycle
    from sim.agents.moves import Moves as Moves
    from sim.agents.profiles import Profile as Profile
    from sim.agents.select import select as select
    from sim.agents.traits import TRAITS as TRAITS
    from sim.agents.vocabulary import Vocabulary as Vocabulary
    from sim.core.bounds import Bound as Bound
    from sim.core.cards import Card as Card
    from sim.core.cards import card_of as card_of
    from sim.core.cards import family_of as family_of
    from sim.core.cards import form_of as form_of
    from sim.core.clock import Clock as Clock
    from sim.core.events import AgentCreated as AgentCreated
    from sim.core.events import AgentUpdated as AgentUpdated
    from sim.core.events import AlertRaised as AlertRaised
    from sim.core.events import CascadeCancelled as CascadeCancelled
    from sim.core.events import CascadeCompleted as CascadeCompleted
    from sim.core.events import CascadeFailed as CascadeFailed
    from sim.core.events import CascadeGrew as CascadeGrew
    from sim.core.events import CascadeStarted as CascadeStarted
    from sim.core.events import CommunitiesChanged as CommunitiesChanged
    from sim.core.events import Event as Event
    from sim.core.events import EventBus as EventBus
    from sim.core.events import InfluenceCalculated as InfluenceCalculated
    from sim.core.events import InterventionDone as InterventionDone
    from sim.core.events import MessageReceived as MessageReceived
    from sim.core.events import MessageSent as MessageSent
    from sim.core.events import ParameterChanged as ParameterChanged
    from sim.core.events import TiesChanged as TiesChanged
    from sim.core.events import WentTo as WentTo
    from sim.core.events import WorldSaved as WorldSaved
    from sim.core.logbook import crash_report as crash_report
    from sim.core.logbook import redacted as redacted
    from sim.core.params import Field as Field
    from sim.core.params import Parameters as Parameters
    from sim.core.params import ParameterSpec as ParameterSpec
    from sim.core.params import check as check
    from sim.core.params import describe as describe
    from sim.core.plugin_files import user_folder as user_folder
    from sim.core.priority import answers_first as answers_first
    from sim.core.progress import Report as Report
    from sim.core.progress import quiet as quiet
    from sim.core.registry import Spec as Spec
    from sim.core.registry import failures as failures
    from sim.core.registry import load_file as load_file
    from sim.core.registry import load_plugins as load_plugins
    from sim.core.registry import make as make
    from sim.core.registry import named_plugins as named_plugins
    from sim.core.registry import names as names
    from sim.core.registry import register as register
    from sim.core.registry import spec as spec
    from sim.core.rng import Lots as Lots
    from sim.core.settings import Settings as Settings
    from sim.core.settings import SettingsWatch as SettingsWatch
    from sim.core.settings import current as current
    from sim.core.settings import load_settings as load_settings
    from sim.core.settings_keep import keep_words as keep_words
    from sim.core.text import clean as clean
    from sim.core.text import clip as clip
    from sim.core.text import one_line as one_line
    from sim.core.text import width as width
    from sim.core.theory import Setting as Setting
    from sim.core.theory import Theory as Theory
    from sim.core.theory import as_if_mutual as as_if_mutual
    from sim.core.theory import as_if_unclustered as as_if_unclustered
    from sim.errors import CapacityError as CapacityError
    from sim.errors import ParameterError as ParameterError
    from sim.feed.acts import Act as Act
    from sim.feed.candidates import Candidates as Candidates
    from sim.feed.exposures import Exposures as Exposures
    from sim.feed.factors import Factors as Factors
    from sim.feed.factors import PlatformView as PlatformView
    from sim.feed.factors import Tastes as Tastes
    from sim.feed.factors import learn_tastes as learn_tastes
    from sim.feed.factors import tastes_of as tastes_of
    from sim.feed.friends import Acquainted as Acquainted
    from sim.feed.friends import Prospects as Prospects
    from sim.feed.friends import TwoHop as TwoHop
    from sim.feed.friends import liked_alike as liked_alike
    from sim.feed.friends import pairs_near as pairs_near
    from sim.feed.friends import walked as walked
    from sim.feed.policy import Policy as Policy
    from sim.feed.policy import RulePolicy as RulePolicy
    from sim.feed.posts import Flag as Flag
    from sim.feed.posts import Posts as Posts
    from sim.feed.recommender import Chronological as Chronological
    from sim.feed.recommender import FriendRecommender as FriendRecommender
    from sim.feed.recommender import Recommender as Recommender
    from sim.feed.rerank import mixed as mixed
    from sim.feed.rerank import varied as varied
    from sim.feed.settings import PlatformSettings as PlatformSettings
    from sim.feed.weighted import Weighted as Weighted
    from sim.feed.weighted import Weights as Weights
    from sim.io.profiles import Profiles as Profiles
    from sim.io.profiles import read_profiles as read_profiles
    from sim.lab.compare import Comparison as Comparison
    from sim.lab.compare import compare as compare
    from sim.lab.minds import Arm as Arm
    from sim.lab.minds import MindsComparison as MindsComparison
    from sim.lab.minds import compare_minds as compare_minds
    from sim.lab.suggesting import Suggestion as Suggestion
    from sim.lab.suggesting import suggested as suggested
    from sim.llm.archetype import ArchetypeMind as ArchetypeMind
    from sim.llm.archetype import Situation as Situation
    from sim.llm.archetype import situation_of as situation_of
    from sim.llm.asks import Answer as Answer
    from sim.llm.asks import Ask as Ask
    from sim.llm.asks import Turn as Turn
    from sim.llm.batch import Case as Case
    from sim.llm.budget import Budget as Budget
    from sim.llm.camel import CamelMind as CamelMind
    from sim.llm.counts import Decided as Decided
    from sim.llm.decisions import Decision as Decision
    from sim.llm.faults import Fault as Fault
    from sim.llm.faults import ModelError as ModelError
    from sim.llm.minds import Member as Member
    from sim.llm.minds import Mind as Mind
    from sim.llm.minds import ModelMind as ModelMind
    from sim.llm.minds import RuleMind as RuleMind
    from sim.llm.pool import ModelPool as ModelPool
    from sim.llm.prompts import Post as Post
    from sim.llm.prompts import Prompt as Prompt
    from sim.llm.prompts import Scene as Scene
    from sim.llm.prompts import read_prompt as read_prompt
    from sim.llm.provider import Provider as Provider
    from sim.llm.surrogate import Surrogate as Surrogate
    from sim.llm.surrogate import SurrogateMind as SurrogateMind
    from sim.llm.surrogate import read_surrogate as read_surrogate
    from sim.network.analysis import communities as communities
    from sim.network.analysis import pagerank as pagerank
    from sim.network.analysis import shortest_path as shortest_path
    from sim.network.caveats import with_caveats as with_caveats
    from sim.network.changes import Changed as Changed
    from sim.network.generate import NETWORKS as NETWORKS
    from sim.network.generate import generate as generate
    from sim.network.interactions import Interactions as Interactions
    from sim.network.neighbourhood import Subgraph as Subgraph
    from sim.network.report import NetworkReport as NetworkReport
    from sim.network.report import network_report as network_report
    from sim.network.reputation import foretold as foretold
    from sim.network.reputation import reputation as reputation
    from sim.network.tie_log import History as History
    from sim.network.ties import Ties as Ties
    from sim.run.blocking import run_blocking as run_blocking
    from sim.run.branching import Branch as Branch
    from sim.run.branching import branch as branch
    from sim.run.commands import ReplacedError as ReplacedError
    from sim.run.custody import Keeping as Keeping
    from sim.run.distilling import distil as distil
    from sim.run.engine import EngineError as EngineError
    from sim.run.erasing import erase_profiles as erase_profiles
    from sim.run.explaining import explain as explain
    from sim.run.frames import Communities as Communities
    from sim.run.frames import Focus as Focus
    from sim.run.frames import Frame as Frame
    from sim.run.frames import Kept as Kept
    from sim.run.frames import SessionRow as SessionRow
    from sim.run.health import Finding as Finding
    from sim.run.health import Health as Health
    from sim.run.health import Reading as Reading
    from sim.run.health import Vitals as Vitals
    from sim.run.health import health_check as health_check
    from sim.run.interactions import Batch as Batch
    from sim.run.isolated import IsolatedSimulation as IsolatedSimulation
    from sim.run.isolated_works import IsolatedSession as IsolatedSession
    from sim.run.jobs import Job as Job
    from sim.run.jobs import Progress as Progress
    from sim.run.jobs import start as start
    from sim.run.manifest import Repeated as Repeated
    from sim.run.manifest import manifest_of as manifest_of
    from sim.run.manifest import repeat as repeat
    from sim.run.marking import Reach as Reach
    from sim.run.minds import Thinker as Thinker
    from sim.run.minds_opening import run_with_minds as run_with_minds
    from sim.run.opening import Opened as Opened
    from sim.run.opening import open_live as open_live
    from sim.run.pairs import Pair as Pair
    from sim.run.pairs import pair_of as pair_of
    from sim.run.past import Past as Past
    from sim.run.performance import Performance as Performance
    from sim.run.plans import Plan as Plan
    from sim.run.recording import recorded as recorded
    from sim.run.replay import Replay as Replay
    from sim.run.replay import replay as replay
    from sim.run.sessions import Session as Session
    from sim.run.simulation import Simulation as Simulation
    from sim.run.travel import Travelled as Travelled
    from sim.spread.arrivals import Arrivals as Arrivals
    from sim.spread.arrivals import Delay as Delay
    from sim.spread.arrivals import settle_rivals as settle_rivals
    from sim.spread.attempts import Border as Border
    from sim.spread.attempts import Embeddedness as Embeddedness
    from sim.spread.attempts import Levels as Levels
    from sim.spread.attempts import Novelty as Novelty
    from sim.spread.attempts import convince_by as convince_by
    from sim.spread.attention import Attention as Attention
    from sim.spread.cascade import Cascade as Cascade
    from sim.spread.compartments import Compartments as Compartments
    from sim.spread.conditions import elapsed as elapsed
    from sim.spread.conditions import interest as interest
    from sim.spread.conditions import number as number
    from sim.spread.conditions import share as share
    from sim.spread.conditions import tie as tie
    from sim.spread.conditions import where as where
    from sim.spread.contacts import Channel as Channel
    from sim.spread.contacts import Contacts as Contacts
    from sim.spread.contacts import DrawMode as DrawMode
    from sim.spread.contacts import Draws as Draws
    from sim.spread.contacts import Ids as Ids
    from sim.spread.continuous import ContinuousTime as ContinuousTime
    from sim.spread.continuous import exact_times as exact_times
    from sim.spread.durations import Durations as Durations
    from sim.spread.durations import stay as stay
    from sim.spread.exposures import Exposure as Exposure
    from sim.spread.exposures import Floats as Floats
    from sim.spread.exposures import PerExposure as PerExposure
    from sim.spread.faults import blame as blame
    from sim.spread.freshness import fresh_minutes as fresh_minutes
    from sim.spread.heard import Bools as Bools
    from sim.spread.heard import Heard as Heard
    from sim.spread.heard_columns import Hearing as Hearing
    from sim.spread.meanfield_edges import attack_rate as attack_rate
    from sim.spread.model import PropagationModel as PropagationModel
    from sim.spread.model import convince as convince
    from sim.spread.opinion import OpinionModel as OpinionModel
    from sim.spread.opinion_groups import Gatherings as Gatherings
    from sim.spread.opinion_groups import Outflow as Outflow
    from sim.spread.opinion_meetings import Meetings as Meetings
    from sim.spread.opinion_sway import Swaying as Swaying
    from sim.spread.opinion_voices import Voices as Voices
    from sim.spread.opinion_world import Around as Around
    from sim.spread.pressure import Pressure as Pressure
    from sim.spread.pressure import pressure as pressure
    from sim.spread.residence import StayLaw as StayLaw
    from sim.spread.rivals import Contest as Contest
    from sim.spread.rivals import refuse_rivals_seeds as refuse_rivals_seeds
    from sim.spread.rivals import rivals_know_ties as rivals_know_ties
    from sim.spread.rules import after as after
    from sim.spread.rules import contact as contact
    from sim.spread.threshold import Threshold as Threshold
    from sim.spread.tree_theory import binomial as binomial
    from sim.spread.tree_theory import tree_curves as tree_curves
    from sim.spread.triggering import Pairs as Pairs
    from sim.spread.triggering import Triggering as Triggering
    from sim.store import Info as Info
    from sim.store import SaveReport as SaveReport
    from sim.store import SnapshotCapacityError as SnapshotCapacityError
    from sim.store import Verification as Verification
    from sim.store import info as info
    from sim.store import load as load
    from sim.store import save as save
    from sim.store import verify as verify
    from sim.store.acts_reading import Record as Record
    from sim.store.acts_reading import record_of as record_of
    from sim.store.audit_reading import Audit as Audit
    from sim.store.audit_reading import audit as audit
    from sim.store.history_reading import history_of as history_of
    from sim.store.history_reading import read_history as read_history
    from sim.store.lease import LeaseError as LeaseError
    from sim.store.lineage import Bookmark as Bookmark
    from sim.store.lineage import Lineage as Lineage
    from sim.world.alerts import Alert as Alert
    from sim.world.alerts import AlertRule as AlertRule
    from sim.world.compatibility import Compatibility as Compatibility
    from sim.world.fenced import fenced as fenced
    from sim.world.interventions import Interventions as Interventions
    from sim.world.interventions import Planned as Planned
    from sim.world.interventions_base import Intervention as Intervention
    from sim.world.metrics import Metrics as Metrics
    from sim.world.metrics import MetricSettings as MetricSettings
    from sim.world.metrics_kind import Metric as Metric
    from sim.world.phases import Phase as Phase
    from sim.world.platform import Platform as Platform
    from sim.world.platform_why import Why as Why
    from sim.world.seeding import choose_seeds as choose_seeds
    from sim.world.trail import LoggedAct as LoggedAct
    from sim.world.trail import Trail as Trail
    from sim.world.world import World as World

__version__ = "0.1.0"

_HOMES = {
    "Acquainted": "sim.feed.friends",
    "Act": "sim.feed.acts",
    "AgentCreated": "sim.core.events",
    "AgentUpdated": "sim.core.events",
    "Agents": "sim.agents.columns",
    "Alert": "sim.world.alerts",
    "AlertRaised": "sim.core.events",
    "AlertRule": "sim.world.alerts",
    "Answer": "sim.llm.asks",
    "ArchetypeMind": "sim.llm.archetype",
    "Arm": "sim.lab.minds",
    "Around": "sim.spread.opinion_world",
    "Arrivals": "sim.spread.arrivals",
    "Ask": "sim.llm.asks",
    "Attention": "sim.spread.attention",
    "Audit": "sim.store.audit_reading",
    "Batch": "sim.run.interactions",
    "Bookmark": "sim.store.lineage",
    "Bools": "sim.spread.heard",
    "Border": "sim.spread.attempts",
    "Bound": "sim.core.bounds",
    "Branch": "sim.run.branching",
    "Budget": "sim.llm.budget",
    "CamelMind": "sim.llm.camel",
    "Candidates": "sim.feed.candidates",
    "CapacityError": "sim.errors",
    "Card": "sim.core.cards",
    "Cascade": "sim.spread.cascade",
    "CascadeCancelled": "sim.core.events",
    "CascadeCompleted": "sim.core.events",
    "CascadeFailed": "sim.core.events",
    "CascadeGrew": "sim.core.events",
    "CascadeStarted": "sim.core.events",
    "Case": "sim.llm.batch",
    "Changed": "sim.network.changes",
    "Channel": "sim.spread.contacts",
    "Chronological": "sim.feed.recommender",
    "Clock": "sim.core.clock",
    "Communities": "sim.run.frames",
    "CommunitiesChanged": "sim.core.events",
    "Comparison": "sim.lab.compare",
    "Compartments": "sim.spread.compartments",
    "Compatibility": "sim.world.compatibility",
    "Contacts": "sim.spread.contacts",
    "Contest": "sim.spread.rivals",
    "ContinuousTime": "sim.spread.continuous",
    "Decided": "sim.llm.counts",
    "Decision": "sim.llm.decisions",
    "Delay": "sim.spread.arrivals",
    "DrawMode": "sim.spread.contacts",
    "Draws": "sim.spread.contacts",
    "Durations": "sim.spread.durations",
    "Embeddedness": "sim.spread.attempts",
    "EngineError": "sim.run.engine",
    "Event": "sim.core.events",
    "EventBus": "sim.core.events",
    "Exposure": "sim.spread.exposures",
    "Exposures": "sim.feed.exposures",
    "Factors": "sim.feed.factors",
    "Fault": "sim.llm.faults",
    "Field": "sim.core.params",
    "Finding": "sim.run.health",
    "Flag": "sim.feed.posts",
    "Floats": "sim.spread.exposures",
    "Focus": "sim.run.frames",
    "Frame": "sim.run.frames",
    "FriendRecommender": "sim.feed.recommender",
    "Gatherings": "sim.spread.opinion_groups",
    "Health": "sim.run.health",
    "Heard": "sim.spread.heard",
    "Hearing": "sim.spread.heard_columns",
    "History": "sim.network.tie_log",
    "Ids": "sim.spread.contacts",
    "InfluenceCalculated": "sim.core.events",
    "Info": "sim.store",
    "Interactions": "sim.network.interactions",
    "Intervention": "sim.world.interventions_base",
    "InterventionDone": "sim.core.events",
    "Interventions": "sim.world.interventions",
    "IsolatedSession": "sim.run.isolated_works",
    "IsolatedSimulation": "sim.run.isolated",
    "Job": "sim.run.jobs",
    "Keeping": "sim.run.custody",
    "Kept": "sim.run.frames",
    "LeaseError": "sim.store.lease",
    "Levels": "sim.spread.attempts",
    "Lifecycle": "sim.agents.lifecycle",
    "Lineage": "sim.store.lineage",
    "LoggedAct": "sim.world.trail",
    "Lots": "sim.core.rng",
    "Meetings": "sim.spread.opinion_meetings",
    "Member": "sim.llm.minds",
    "MessageReceived": "sim.core.events",
    "MessageSent": "sim.core.events",
    "Metric": "sim.world.metrics_kind",
    "MetricSettings": "sim.world.metrics",
    "Metrics": "sim.world.metrics",
    "Mind": "sim.llm.minds",
    "MindsComparison": "sim.lab.minds",
    "ModelError": "sim.llm.faults",
    "ModelMind": "sim.llm.minds",
    "ModelPool": "sim.llm.pool",
    "Moves": "sim.agents.moves",
    "NETWORKS": "sim.network.generate",
    "NetworkReport": "sim.network.report",
    "Novelty": "sim.spread.attempts",
    "Opened": "sim.run.opening",
    "OpinionModel": "sim.spread.opinion",
    "Outflow": "sim.spread.opinion_groups",
    "Pair": "sim.run.pairs",
    "Pairs": "sim.spread.triggering",
    "ParameterChanged": "sim.core.events",
    "ParameterError": "sim.errors",
    "ParameterSpec": "sim.core.params",
    "Parameters": "sim.core.params",
    "Past": "sim.run.past",
    "PerExposure": "sim.spread.exposures",
    "Performance": "sim.run.performance",
    "Phase": "sim.world.phases",
    "Plan": "sim.run.plans",
    "Planned": "sim.world.interventions",
    "Platform": "sim.world.platform",
    "PlatformSettings": "sim.feed.settings",
    "PlatformView": "sim.feed.factors",
    "Policy": "sim.feed.policy",
    "Post": "sim.llm.prompts",
    "Posts": "sim.feed.posts",
    "Pressure": "sim.spread.pressure",
    "Profile": "sim.agents.profiles",
    "Profiles": "sim.io.profiles",
    "Progress": "sim.run.jobs",
    "Prompt": "sim.llm.prompts",
    "PropagationModel": "sim.spread.model",
    "Prospects": "sim.feed.friends",
    "Provider": "sim.llm.provider",
    "Reach": "sim.run.marking",
    "Reading": "sim.run.health",
    "Recommender": "sim.feed.recommender",
    "Repeated": "sim.run.manifest",
    "ReplacedError": "sim.run.commands",
    "Replay": "sim.run.replay",
    "Report": "sim.core.progress",
    "RuleMind": "sim.llm.minds",
    "RulePolicy": "sim.feed.policy",
    "SaveReport": "sim.store",
    "Scene": "sim.llm.prompts",
    "Session": "sim.run.sessions",
    "SessionRow": "sim.run.frames",
    "Setting": "sim.core.theory",
    "Settings": "sim.core.settings",
    "SettingsWatch": "sim.core.settings",
    "Simulation": "sim.run.simulation",
    "Situation": "sim.llm.archetype",
    "SnapshotCapacityError": "sim.store",
    "Spec": "sim.core.registry",
    "StayLaw": "sim.spread.residence",
    "Subgraph": "sim.network.neighbourhood",
    "Suggestion": "sim.lab.suggesting",
    "Surrogate": "sim.llm.surrogate",
    "SurrogateMind": "sim.llm.surrogate",
    "Swaying": "sim.spread.opinion_sway",
    "TRAITS": "sim.agents.traits",
    "Tastes": "sim.feed.factors",
    "Theory": "sim.core.theory",
    "Thinker": "sim.run.minds",
    "Threshold": "sim.spread.threshold",
    "Ties": "sim.network.ties",
    "TiesChanged": "sim.core.events",
    "Trail": "sim.world.trail",
    "Travelled": "sim.run.travel",
    "Triggering": "sim.spread.triggering",
    "Turn": "sim.llm.asks",
    "TwoHop": "sim.feed.friends",
    "Verification": "sim.store",
    "Vitals": "sim.run.health",
    "Vocabulary": "sim.agents.vocabulary",
    "Voices": "sim.spread.opinion_voices",
    "Weighted": "sim.feed.weighted",
    "Weights": "sim.feed.weighted",
    "WentTo": "sim.core.events",
    "Why": "sim.world.platform_why",
    "World": "sim.world.world",
    "WorldSaved": "sim.core.events",
    "after": "sim.spread.rules",
    "answers_first": "sim.core.priority",
    "as_if_mutual": "sim.core.theory",
    "as_if_unclustered": "sim.core.theory",
    "attack_rate": "sim.spread.meanfield_edges",
    "audit": "sim.store.audit_reading",
    "binomial": "sim.spread.tree_theory",
    "blame": "sim.spread.faults",
    "branch": "sim.run.branching",
    "card_of": "sim.core.cards",
    "check": "sim.core.params",
    "choose_seeds": "sim.world.seeding",
    "clean": "sim.core.text",
    "clip": "sim.core.text",
    "communities": "sim.network.analysis",
    "compare": "sim.lab.compare",
    "compare_minds": "sim.lab.minds",
    "contact": "sim.spread.rules",
    "convince": "sim.spread.model",
    "convince_by": "sim.spread.attempts",
    "crash_report": "sim.core.logbook",
    "current": "sim.core.settings",
    "describe": "sim.core.params",
    "distil": "sim.run.distilling",
    "elapsed": "sim.spread.conditions",
    "exact_times": "sim.spread.continuous",
    "explain": "sim.run.explaining",
    "failures": "sim.core.registry",
    "family_of": "sim.core.cards",
    "fenced": "sim.world.fenced",
    "foretold": "sim.network.reputation",
    "form_of": "sim.core.cards",
    "fresh_minutes": "sim.spread.freshness",
    "generate": "sim.network.generate",
    "health_check": "sim.run.health",
    "history_of": "sim.store.history_reading",
    "Record": "sim.store.acts_reading",
    "record_of": "sim.store.acts_reading",
    "erase_profiles": "sim.run.erasing",
    "recorded": "sim.run.recording",
    "info": "sim.store",
    "interest": "sim.spread.conditions",
    "keep_words": "sim.core.settings_keep",
    "learn_tastes": "sim.feed.factors",
    "liked_alike": "sim.feed.friends",
    "load": "sim.store",
    "load_file": "sim.core.registry",
    "load_plugins": "sim.core.registry",
    "load_settings": "sim.core.settings",
    "make": "sim.core.registry",
    "manifest_of": "sim.run.manifest",
    "mixed": "sim.feed.rerank",
    "named_plugins": "sim.core.registry",
    "names": "sim.core.registry",
    "network_report": "sim.network.report",
    "number": "sim.spread.conditions",
    "one_line": "sim.core.text",
    "open_live": "sim.run.opening",
    "pagerank": "sim.network.analysis",
    "pair_of": "sim.run.pairs",
    "pairs_near": "sim.feed.friends",
    "pressure": "sim.spread.pressure",
    "quiet": "sim.core.progress",
    "read_history": "sim.store.history_reading",
    "read_profiles": "sim.io.profiles",
    "read_prompt": "sim.llm.prompts",
    "read_surrogate": "sim.llm.surrogate",
    "redacted": "sim.core.logbook",
    "refuse_rivals_seeds": "sim.spread.rivals",
    "register": "sim.core.registry",
    "repeat": "sim.run.manifest",
    "replay": "sim.run.replay",
    "reputation": "sim.network.reputation",
    "rivals_know_ties": "sim.spread.rivals",
    "run_blocking": "sim.run.blocking",
    "run_with_minds": "sim.run.minds_opening",
    "save": "sim.store",
    "select": "sim.agents.select",
    "settle_rivals": "sim.spread.arrivals",
    "share": "sim.spread.conditions",
    "shortest_path": "sim.network.analysis",
    "situation_of": "sim.llm.archetype",
    "spec": "sim.core.registry",
    "start": "sim.run.jobs",
    "stay": "sim.spread.durations",
    "suggested": "sim.lab.suggesting",
    "tastes_of": "sim.feed.factors",
    "tie": "sim.spread.conditions",
    "tree_curves": "sim.spread.tree_theory",
    "user_folder": "sim.core.plugin_files",
    "varied": "sim.feed.rerank",
    "verify": "sim.store",
    "walked": "sim.feed.friends",
    "where": "sim.spread.conditions",
    "width": "sim.core.text",
    "with_caveats": "sim.network.caveats",
}

__all__ = ["__version__", "io", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name == "io":
        return importlib.import_module("sim.io")
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
