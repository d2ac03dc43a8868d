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
    from sim.core.params import Field as Field
    from sim.core.params import Parameters as Parameters
    from sim.core.params import ParameterSpec as ParameterSpec
    from sim.core.params import check as check
    from sim.core.params import describe as describe
    from sim.core.plugin_files import user_folder as user_folder
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
    from sim.core.text import clean as clean
    from sim.core.text import clip as clip
    from sim.core.text import one_line as one_line
    from sim.core.text import width as width
    from sim.core.theory import Setting as Setting
    from sim.core.theory import Theory as Theory
    from sim.core.theory import as_if_mutual as as_if_mutual
    from sim.core.theory import as_if_unclustered as as_if_unclustered
    from sim.core.thread_priority import answers_first as answers_first
    from sim.errors import CapacityError as CapacityError
    from sim.errors import ParameterError as ParameterError
    from sim.io.importing.profiles import Profiles as Profiles
    from sim.io.importing.profiles import read_profiles as read_profiles
    from sim.lab.minds.comparison import Arm as Arm
    from sim.lab.minds.comparison import MindsComparison as MindsComparison
    from sim.lab.minds.comparison import compare_minds as compare_minds
    from sim.lab.recommenders.comparison import Comparison as Comparison
    from sim.lab.recommenders.comparison import compare as compare
    from sim.lab.recommenders.friend_suggestions import Suggestion as Suggestion
    from sim.lab.recommenders.friend_suggestions import suggested as suggested
    from sim.minds.archetype import ArchetypeMind as ArchetypeMind
    from sim.minds.archetype import Situation as Situation
    from sim.minds.archetype import situation_of as situation_of
    from sim.minds.camel import CamelMind as CamelMind
    from sim.minds.deciding.thinker import Thinker as Thinker
    from sim.minds.minds import Member as Member
    from sim.minds.minds import Mind as Mind
    from sim.minds.minds import ModelMind as ModelMind
    from sim.minds.minds import RuleMind as RuleMind
    from sim.minds.models.asks import Answer as Answer
    from sim.minds.models.asks import Ask as Ask
    from sim.minds.models.asks import Turn as Turn
    from sim.minds.models.batch import Case as Case
    from sim.minds.models.budget import Budget as Budget
    from sim.minds.models.faults import Fault as Fault
    from sim.minds.models.faults import ModelError as ModelError
    from sim.minds.models.pool import ModelPool as ModelPool
    from sim.minds.models.provider import Provider as Provider
    from sim.minds.prompts.counts import Decided as Decided
    from sim.minds.prompts.decisions import Decision as Decision
    from sim.minds.prompts.prompts import Post as Post
    from sim.minds.prompts.prompts import Prompt as Prompt
    from sim.minds.prompts.prompts import Scene as Scene
    from sim.minds.prompts.prompts import read_prompt as read_prompt
    from sim.minds.surrogate import Surrogate as Surrogate
    from sim.minds.surrogate import SurrogateMind as SurrogateMind
    from sim.minds.surrogate import read_surrogate as read_surrogate
    from sim.network.analysis.analysis import communities as communities
    from sim.network.analysis.analysis import pagerank as pagerank
    from sim.network.analysis.analysis import shortest_path as shortest_path
    from sim.network.analysis.caveats import with_caveats as with_caveats
    from sim.network.analysis.neighbourhood import Subgraph as Subgraph
    from sim.network.analysis.report import NetworkReport as NetworkReport
    from sim.network.analysis.report import network_report as network_report
    from sim.network.analysis.reputation import foretold as foretold
    from sim.network.analysis.reputation import reputation as reputation
    from sim.network.generate.networks import NETWORKS as NETWORKS
    from sim.network.generate.networks import generate as generate
    from sim.network.graph.changes import Changed as Changed
    from sim.network.graph.interactions import Interactions as Interactions
    from sim.network.graph.log import History as History
    from sim.network.graph.ties import Ties as Ties
    from sim.platform.acts.kinds import Act as Act
    from sim.platform.acts.policy import Policy as Policy
    from sim.platform.acts.policy import RulePolicy as RulePolicy
    from sim.platform.feed.candidates import Candidates as Candidates
    from sim.platform.feed.exposures import Exposures as Exposures
    from sim.platform.feed.factors import Factors as Factors
    from sim.platform.feed.factors import PlatformView as PlatformView
    from sim.platform.feed.factors import Tastes as Tastes
    from sim.platform.feed.factors import learn_tastes as learn_tastes
    from sim.platform.feed.factors import tastes_of as tastes_of
    from sim.platform.feed.friends import Acquainted as Acquainted
    from sim.platform.feed.friends import Prospects as Prospects
    from sim.platform.feed.friends import TwoHop as TwoHop
    from sim.platform.feed.friends import liked_alike as liked_alike
    from sim.platform.feed.friends import pairs_near as pairs_near
    from sim.platform.feed.friends import walked as walked
    from sim.platform.feed.recommender import Chronological as Chronological
    from sim.platform.feed.recommender import FriendRecommender as FriendRecommender
    from sim.platform.feed.recommender import Recommender as Recommender
    from sim.platform.feed.rerank import mixed as mixed
    from sim.platform.feed.rerank import varied as varied
    from sim.platform.feed.weighted import Weighted as Weighted
    from sim.platform.feed.weighted import Weights as Weights
    from sim.platform.feed.why import Why as Why
    from sim.platform.platform import Platform as Platform
    from sim.platform.posts.posts import Flag as Flag
    from sim.platform.posts.posts import Posts as Posts
    from sim.platform.settings import PlatformSettings as PlatformSettings
    from sim.runtime.blocking import run_blocking as run_blocking
    from sim.runtime.distilling import distil as distil
    from sim.runtime.engine.bookmarks import Reach as Reach
    from sim.runtime.engine.engine import EngineError as EngineError
    from sim.runtime.engine.engine_command import ReplacedError as ReplacedError
    from sim.runtime.frames.frames import Communities as Communities
    from sim.runtime.frames.frames import Focus as Focus
    from sim.runtime.frames.frames import Frame as Frame
    from sim.runtime.frames.frames import Kept as Kept
    from sim.runtime.frames.frames import SessionRow as SessionRow
    from sim.runtime.frames.sessions import Session as Session
    from sim.runtime.health.checks import Finding as Finding
    from sim.runtime.health.checks import Health as Health
    from sim.runtime.health.checks import Reading as Reading
    from sim.runtime.health.checks import Vitals as Vitals
    from sim.runtime.health.checks import health_check as health_check
    from sim.runtime.interactions import Batch as Batch
    from sim.runtime.jobs import Job as Job
    from sim.runtime.jobs import Progress as Progress
    from sim.runtime.jobs import start as start
    from sim.runtime.journal.history import recorded as recorded
    from sim.runtime.journal.persistence import Keeping as Keeping
    from sim.runtime.manifest import Repeated as Repeated
    from sim.runtime.manifest import manifest_of as manifest_of
    from sim.runtime.manifest import repeat as repeat
    from sim.runtime.minds_opening import run_with_minds as run_with_minds
    from sim.runtime.opening import Opened as Opened
    from sim.runtime.opening import open_live as open_live
    from sim.runtime.performance import Performance as Performance
    from sim.runtime.preview import Plan as Plan
    from sim.runtime.process.sessions import IsolatedSession as IsolatedSession
    from sim.runtime.process.simulation import IsolatedSimulation as IsolatedSimulation
    from sim.runtime.queries.pairs import Pair as Pair
    from sim.runtime.queries.pairs import pair_of as pair_of
    from sim.runtime.queries.why import explain as explain
    from sim.runtime.replay import Replay as Replay
    from sim.runtime.replay import replay as replay
    from sim.runtime.saves.erasing import erase_profiles as erase_profiles
    from sim.runtime.simulation import Simulation as Simulation
    from sim.runtime.undo.branching import Branch as Branch
    from sim.runtime.undo.branching import branch as branch
    from sim.runtime.undo.history import Past as Past
    from sim.runtime.undo.travel import Travelled as Travelled
    from sim.settings.logging import crash_report as crash_report
    from sim.settings.logging import redacted as redacted
    from sim.settings.settings import Settings as Settings
    from sim.settings.settings import SettingsWatch as SettingsWatch
    from sim.settings.settings import current as current
    from sim.settings.settings import load_settings as load_settings
    from sim.settings.settings_writer import keep_words as keep_words
    from sim.spread.cascade.cascade import Cascade as Cascade
    from sim.spread.cascade.contacts import Contacts as Contacts
    from sim.spread.cascade.contacts import DrawMode as DrawMode
    from sim.spread.cascade.contacts import Draws as Draws
    from sim.spread.cascade.contacts import Ids as Ids
    from sim.spread.cascade.faults import blame as blame
    from sim.spread.cascade.model import PropagationModel as PropagationModel
    from sim.spread.cascade.model import convince as convince
    from sim.spread.channels.channel import Channel as Channel
    from sim.spread.channels.channel import ChannelView as ChannelView
    from sim.spread.compartments.compartments import Compartments as Compartments
    from sim.spread.compartments.conditions import elapsed as elapsed
    from sim.spread.compartments.conditions import interest as interest
    from sim.spread.compartments.conditions import number as number
    from sim.spread.compartments.conditions import share as share
    from sim.spread.compartments.conditions import tie as tie
    from sim.spread.compartments.conditions import where as where
    from sim.spread.compartments.durations import Durations as Durations
    from sim.spread.compartments.durations import stay as stay
    from sim.spread.compartments.residence import StayLaw as StayLaw
    from sim.spread.compartments.rules import after as after
    from sim.spread.compartments.rules import contact as contact
    from sim.spread.continuous.arrivals import Arrivals as Arrivals
    from sim.spread.continuous.arrivals import Delay as Delay
    from sim.spread.continuous.arrivals import settle_rivals as settle_rivals
    from sim.spread.continuous.continuous import ContinuousTime as ContinuousTime
    from sim.spread.continuous.continuous import exact_times as exact_times
    from sim.spread.exposure.attempts import Border as Border
    from sim.spread.exposure.attempts import Embeddedness as Embeddedness
    from sim.spread.exposure.attempts import Levels as Levels
    from sim.spread.exposure.attempts import Novelty as Novelty
    from sim.spread.exposure.attempts import convince_by as convince_by
    from sim.spread.exposure.attention import Attention as Attention
    from sim.spread.exposure.exposures import Exposure as Exposure
    from sim.spread.exposure.exposures import Floats as Floats
    from sim.spread.exposure.exposures import PerExposure as PerExposure
    from sim.spread.exposure.novelty import fresh_minutes as fresh_minutes
    from sim.spread.exposure.triggering import Pairs as Pairs
    from sim.spread.exposure.triggering import Triggering as Triggering
    from sim.spread.influence.live_edges import LiveEdges as LiveEdges
    from sim.spread.neighbours.columns import Hearing as Hearing
    from sim.spread.neighbours.heard import Bools as Bools
    from sim.spread.neighbours.heard import Heard as Heard
    from sim.spread.neighbours.pressure import Pressure as Pressure
    from sim.spread.neighbours.pressure import pressure as pressure
    from sim.spread.neighbours.threshold import Threshold as Threshold
    from sim.spread.opinions.around import Around as Around
    from sim.spread.opinions.groups import Gatherings as Gatherings
    from sim.spread.opinions.groups import Outflow as Outflow
    from sim.spread.opinions.meetings import Meetings as Meetings
    from sim.spread.opinions.model import OpinionModel as OpinionModel
    from sim.spread.opinions.sway import Swaying as Swaying
    from sim.spread.opinions.voices import Voices as Voices
    from sim.spread.rivals.rivals import Contest as Contest
    from sim.spread.rivals.rivals import refuse_rivals_seeds as refuse_rivals_seeds
    from sim.spread.rivals.rivals import rivals_know_ties as rivals_know_ties
    from sim.spread.theory.edges import attack_rate as attack_rate
    from sim.spread.theory.trees import binomial as binomial
    from sim.spread.theory.trees import tree_curves as tree_curves
    from sim.store import Info as Info
    from sim.store import SaveReport as SaveReport
    from sim.store import SnapshotCapacityError as SnapshotCapacityError
    from sim.store import Verification as Verification
    from sim.store import info as info
    from sim.store import load as load
    from sim.store import save as save
    from sim.store import verify as verify
    from sim.store.history.acts import Record as Record
    from sim.store.history.acts import record_of as record_of
    from sim.store.history.reading import history_of as history_of
    from sim.store.history.reading import read_history as read_history
    from sim.store.journal.audit_reading import Audit as Audit
    from sim.store.journal.audit_reading import audit as audit
    from sim.store.journal.lease import LeaseError as LeaseError
    from sim.store.journal.lineage import Bookmark as Bookmark
    from sim.store.journal.lineage import Lineage as Lineage
    from sim.store.reading import read_audit as read_audit
    from sim.store.reading import read_info as read_info
    from sim.world.channels import BroadcastPlugin as BroadcastPlugin
    from sim.world.channels import FeedPlugin as FeedPlugin
    from sim.world.channels import StreamPlugin as StreamPlugin
    from sim.world.compatibility import Compatibility as Compatibility
    from sim.world.interventions.base import Intervention as Intervention
    from sim.world.interventions.plan import Interventions as Interventions
    from sim.world.interventions.plan import Planned as Planned
    from sim.world.log import LoggedAct as LoggedAct
    from sim.world.log import Trail as Trail
    from sim.world.metrics.alerts import Alert as Alert
    from sim.world.metrics.alerts import AlertRule as AlertRule
    from sim.world.metrics.kinds import Metric as Metric
    from sim.world.metrics.series import Metrics as Metrics
    from sim.world.metrics.series import MetricSettings as MetricSettings
    from sim.world.phase_guard import fenced as fenced
    from sim.world.phases import Phase as Phase
    from sim.world.seeding import choose_seeds as choose_seeds
    from sim.world.world import World as World

__version__ = "0.1.0"

_HOMES = {
    "Acquainted": "sim.platform.feed.friends",
    "Act": "sim.platform.acts.kinds",
    "AgentCreated": "sim.core.events",
    "AgentUpdated": "sim.core.events",
    "Agents": "sim.agents.columns",
    "Alert": "sim.world.metrics.alerts",
    "AlertRaised": "sim.core.events",
    "AlertRule": "sim.world.metrics.alerts",
    "Answer": "sim.minds.models.asks",
    "ArchetypeMind": "sim.minds.archetype",
    "Arm": "sim.lab.minds.comparison",
    "Around": "sim.spread.opinions.around",
    "Arrivals": "sim.spread.continuous.arrivals",
    "Ask": "sim.minds.models.asks",
    "Attention": "sim.spread.exposure.attention",
    "Audit": "sim.store.journal.audit_reading",
    "Batch": "sim.runtime.interactions",
    "Bookmark": "sim.store.journal.lineage",
    "Bools": "sim.spread.neighbours.heard",
    "Border": "sim.spread.exposure.attempts",
    "Bound": "sim.core.bounds",
    "Branch": "sim.runtime.undo.branching",
    "BroadcastPlugin": "sim.world.channels",
    "Budget": "sim.minds.models.budget",
    "CamelMind": "sim.minds.camel",
    "Candidates": "sim.platform.feed.candidates",
    "CapacityError": "sim.errors",
    "Card": "sim.core.cards",
    "Cascade": "sim.spread.cascade.cascade",
    "CascadeCancelled": "sim.core.events",
    "CascadeCompleted": "sim.core.events",
    "CascadeFailed": "sim.core.events",
    "CascadeGrew": "sim.core.events",
    "CascadeStarted": "sim.core.events",
    "Case": "sim.minds.models.batch",
    "Changed": "sim.network.graph.changes",
    "Channel": "sim.spread.channels.channel",
    "ChannelView": "sim.spread.channels.channel",
    "Chronological": "sim.platform.feed.recommender",
    "Clock": "sim.core.clock",
    "Communities": "sim.runtime.frames.frames",
    "CommunitiesChanged": "sim.core.events",
    "Comparison": "sim.lab.recommenders.comparison",
    "Compartments": "sim.spread.compartments.compartments",
    "Compatibility": "sim.world.compatibility",
    "Contacts": "sim.spread.cascade.contacts",
    "Contest": "sim.spread.rivals.rivals",
    "ContinuousTime": "sim.spread.continuous.continuous",
    "Decided": "sim.minds.prompts.counts",
    "Decision": "sim.minds.prompts.decisions",
    "Delay": "sim.spread.continuous.arrivals",
    "DrawMode": "sim.spread.cascade.contacts",
    "Draws": "sim.spread.cascade.contacts",
    "Durations": "sim.spread.compartments.durations",
    "Embeddedness": "sim.spread.exposure.attempts",
    "EngineError": "sim.runtime.engine.engine",
    "Event": "sim.core.events",
    "EventBus": "sim.core.events",
    "Exposure": "sim.spread.exposure.exposures",
    "Exposures": "sim.platform.feed.exposures",
    "Factors": "sim.platform.feed.factors",
    "Fault": "sim.minds.models.faults",
    "FeedPlugin": "sim.world.channels",
    "Field": "sim.core.params",
    "Finding": "sim.runtime.health.checks",
    "Flag": "sim.platform.posts.posts",
    "Floats": "sim.spread.exposure.exposures",
    "Focus": "sim.runtime.frames.frames",
    "Frame": "sim.runtime.frames.frames",
    "FriendRecommender": "sim.platform.feed.recommender",
    "Gatherings": "sim.spread.opinions.groups",
    "Health": "sim.runtime.health.checks",
    "Heard": "sim.spread.neighbours.heard",
    "Hearing": "sim.spread.neighbours.columns",
    "History": "sim.network.graph.log",
    "Ids": "sim.spread.cascade.contacts",
    "InfluenceCalculated": "sim.core.events",
    "Info": "sim.store",
    "Interactions": "sim.network.graph.interactions",
    "Intervention": "sim.world.interventions.base",
    "InterventionDone": "sim.core.events",
    "Interventions": "sim.world.interventions.plan",
    "IsolatedSession": "sim.runtime.process.sessions",
    "IsolatedSimulation": "sim.runtime.process.simulation",
    "Job": "sim.runtime.jobs",
    "Keeping": "sim.runtime.journal.persistence",
    "Kept": "sim.runtime.frames.frames",
    "LeaseError": "sim.store.journal.lease",
    "Levels": "sim.spread.exposure.attempts",
    "Lifecycle": "sim.agents.lifecycle",
    "Lineage": "sim.store.journal.lineage",
    "LiveEdges": "sim.spread.influence.live_edges",
    "LoggedAct": "sim.world.log",
    "Lots": "sim.core.rng",
    "Meetings": "sim.spread.opinions.meetings",
    "Member": "sim.minds.minds",
    "MessageReceived": "sim.core.events",
    "MessageSent": "sim.core.events",
    "Metric": "sim.world.metrics.kinds",
    "MetricSettings": "sim.world.metrics.series",
    "Metrics": "sim.world.metrics.series",
    "Mind": "sim.minds.minds",
    "MindsComparison": "sim.lab.minds.comparison",
    "ModelError": "sim.minds.models.faults",
    "ModelMind": "sim.minds.minds",
    "ModelPool": "sim.minds.models.pool",
    "Moves": "sim.agents.moves",
    "NETWORKS": "sim.network.generate.networks",
    "NetworkReport": "sim.network.analysis.report",
    "Novelty": "sim.spread.exposure.attempts",
    "Opened": "sim.runtime.opening",
    "OpinionModel": "sim.spread.opinions.model",
    "Outflow": "sim.spread.opinions.groups",
    "Pair": "sim.runtime.queries.pairs",
    "Pairs": "sim.spread.exposure.triggering",
    "ParameterChanged": "sim.core.events",
    "ParameterError": "sim.errors",
    "ParameterSpec": "sim.core.params",
    "Parameters": "sim.core.params",
    "Past": "sim.runtime.undo.history",
    "PerExposure": "sim.spread.exposure.exposures",
    "Performance": "sim.runtime.performance",
    "Phase": "sim.world.phases",
    "Plan": "sim.runtime.preview",
    "Planned": "sim.world.interventions.plan",
    "Platform": "sim.platform.platform",
    "PlatformSettings": "sim.platform.settings",
    "PlatformView": "sim.platform.feed.factors",
    "Policy": "sim.platform.acts.policy",
    "Post": "sim.minds.prompts.prompts",
    "Posts": "sim.platform.posts.posts",
    "Pressure": "sim.spread.neighbours.pressure",
    "Profile": "sim.agents.profiles",
    "Profiles": "sim.io.importing.profiles",
    "Progress": "sim.runtime.jobs",
    "Prompt": "sim.minds.prompts.prompts",
    "PropagationModel": "sim.spread.cascade.model",
    "Prospects": "sim.platform.feed.friends",
    "Provider": "sim.minds.models.provider",
    "Reach": "sim.runtime.engine.bookmarks",
    "Reading": "sim.runtime.health.checks",
    "Recommender": "sim.platform.feed.recommender",
    "Repeated": "sim.runtime.manifest",
    "ReplacedError": "sim.runtime.engine.engine_command",
    "Replay": "sim.runtime.replay",
    "Report": "sim.core.progress",
    "RuleMind": "sim.minds.minds",
    "RulePolicy": "sim.platform.acts.policy",
    "SaveReport": "sim.store",
    "Scene": "sim.minds.prompts.prompts",
    "Session": "sim.runtime.frames.sessions",
    "SessionRow": "sim.runtime.frames.frames",
    "Setting": "sim.core.theory",
    "Settings": "sim.settings.settings",
    "SettingsWatch": "sim.settings.settings",
    "Simulation": "sim.runtime.simulation",
    "Situation": "sim.minds.archetype",
    "SnapshotCapacityError": "sim.store",
    "Spec": "sim.core.registry",
    "StayLaw": "sim.spread.compartments.residence",
    "StreamPlugin": "sim.world.channels",
    "Subgraph": "sim.network.analysis.neighbourhood",
    "Suggestion": "sim.lab.recommenders.friend_suggestions",
    "Surrogate": "sim.minds.surrogate",
    "SurrogateMind": "sim.minds.surrogate",
    "Swaying": "sim.spread.opinions.sway",
    "TRAITS": "sim.agents.traits",
    "Tastes": "sim.platform.feed.factors",
    "Theory": "sim.core.theory",
    "Thinker": "sim.minds.deciding.thinker",
    "Threshold": "sim.spread.neighbours.threshold",
    "Ties": "sim.network.graph.ties",
    "TiesChanged": "sim.core.events",
    "Trail": "sim.world.log",
    "Travelled": "sim.runtime.undo.travel",
    "Triggering": "sim.spread.exposure.triggering",
    "Turn": "sim.minds.models.asks",
    "TwoHop": "sim.platform.feed.friends",
    "Verification": "sim.store",
    "Vitals": "sim.runtime.health.checks",
    "Vocabulary": "sim.agents.vocabulary",
    "Voices": "sim.spread.opinions.voices",
    "Weighted": "sim.platform.feed.weighted",
    "Weights": "sim.platform.feed.weighted",
    "WentTo": "sim.core.events",
    "Why": "sim.platform.feed.why",
    "World": "sim.world.world",
    "WorldSaved": "sim.core.events",
    "after": "sim.spread.compartments.rules",
    "answers_first": "sim.core.thread_priority",
    "as_if_mutual": "sim.core.theory",
    "as_if_unclustered": "sim.core.theory",
    "attack_rate": "sim.spread.theory.edges",
    "audit": "sim.store.journal.audit_reading",
    "binomial": "sim.spread.theory.trees",
    "blame": "sim.spread.cascade.faults",
    "branch": "sim.runtime.undo.branching",
    "card_of": "sim.core.cards",
    "check": "sim.core.params",
    "choose_seeds": "sim.world.seeding",
    "clean": "sim.core.text",
    "clip": "sim.core.text",
    "communities": "sim.network.analysis.analysis",
    "compare": "sim.lab.recommenders.comparison",
    "compare_minds": "sim.lab.minds.comparison",
    "contact": "sim.spread.compartments.rules",
    "convince": "sim.spread.cascade.model",
    "convince_by": "sim.spread.exposure.attempts",
    "crash_report": "sim.settings.logging",
    "current": "sim.settings.settings",
    "describe": "sim.core.params",
    "distil": "sim.runtime.distilling",
    "elapsed": "sim.spread.compartments.conditions",
    "exact_times": "sim.spread.continuous.continuous",
    "explain": "sim.runtime.queries.why",
    "failures": "sim.core.registry",
    "family_of": "sim.core.cards",
    "fenced": "sim.world.phase_guard",
    "foretold": "sim.network.analysis.reputation",
    "form_of": "sim.core.cards",
    "fresh_minutes": "sim.spread.exposure.novelty",
    "generate": "sim.network.generate.networks",
    "health_check": "sim.runtime.health.checks",
    "history_of": "sim.store.history.reading",
    "Record": "sim.store.history.acts",
    "record_of": "sim.store.history.acts",
    "erase_profiles": "sim.runtime.saves.erasing",
    "recorded": "sim.runtime.journal.history",
    "info": "sim.store",
    "interest": "sim.spread.compartments.conditions",
    "keep_words": "sim.settings.settings_writer",
    "learn_tastes": "sim.platform.feed.factors",
    "liked_alike": "sim.platform.feed.friends",
    "load": "sim.store",
    "load_file": "sim.core.registry",
    "load_plugins": "sim.core.registry",
    "load_settings": "sim.settings.settings",
    "make": "sim.core.registry",
    "manifest_of": "sim.runtime.manifest",
    "mixed": "sim.platform.feed.rerank",
    "named_plugins": "sim.core.registry",
    "names": "sim.core.registry",
    "network_report": "sim.network.analysis.report",
    "number": "sim.spread.compartments.conditions",
    "one_line": "sim.core.text",
    "open_live": "sim.runtime.opening",
    "pagerank": "sim.network.analysis.analysis",
    "pair_of": "sim.runtime.queries.pairs",
    "pairs_near": "sim.platform.feed.friends",
    "pressure": "sim.spread.neighbours.pressure",
    "quiet": "sim.core.progress",
    "read_audit": "sim.store.reading",
    "read_history": "sim.store.history.reading",
    "read_info": "sim.store.reading",
    "read_profiles": "sim.io.importing.profiles",
    "read_prompt": "sim.minds.prompts.prompts",
    "read_surrogate": "sim.minds.surrogate",
    "redacted": "sim.settings.logging",
    "refuse_rivals_seeds": "sim.spread.rivals.rivals",
    "register": "sim.core.registry",
    "repeat": "sim.runtime.manifest",
    "replay": "sim.runtime.replay",
    "reputation": "sim.network.analysis.reputation",
    "rivals_know_ties": "sim.spread.rivals.rivals",
    "run_blocking": "sim.runtime.blocking",
    "run_with_minds": "sim.runtime.minds_opening",
    "save": "sim.store",
    "select": "sim.agents.select",
    "settle_rivals": "sim.spread.continuous.arrivals",
    "share": "sim.spread.compartments.conditions",
    "shortest_path": "sim.network.analysis.analysis",
    "situation_of": "sim.minds.archetype",
    "spec": "sim.core.registry",
    "start": "sim.runtime.jobs",
    "stay": "sim.spread.compartments.durations",
    "suggested": "sim.lab.recommenders.friend_suggestions",
    "tastes_of": "sim.platform.feed.factors",
    "tie": "sim.spread.compartments.conditions",
    "tree_curves": "sim.spread.theory.trees",
    "user_folder": "sim.core.plugin_files",
    "varied": "sim.platform.feed.rerank",
    "verify": "sim.store",
    "walked": "sim.platform.feed.friends",
    "where": "sim.spread.compartments.conditions",
    "width": "sim.core.text",
    "with_caveats": "sim.network.analysis.caveats",
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
